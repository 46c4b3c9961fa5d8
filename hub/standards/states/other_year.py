"""What came under this year's name and is another year's, where no date of a file tells it but what was made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.engine import parquet, stacked
from hub.errors import AskVendor
from hub.model import Count, Entity, Source
from hub.standards.mapping.normalize import EntityRows
from hub.standards.reading.streams import StreamRead


def refuse_other_year(
    con: Any,
    name: str,
    source: Source,
    entities: Mapping[str, Entity],
    year: int,
    counts: Sequence[Count],
    reads: Sequence[StreamRead],
    made: Sequence[EntityRows],
) -> None:
    """Raises AskVendor where every row of a stream that says so (`other_year:`) is ignored as another year's, or all
    rows of an Ed-Fi file that belong to a session do."""
    asked = f"the school year {year - 1}-{year}"
    remedy = f"Send what belongs to {year - 1}-{year}; until a system has it, say `pause:` of the source in hub.yaml."
    telling = {s.name: s.options["other_year"] for s in source.streams if "other_year" in s.options}
    for each in counts:
        if each.rows_in and each.ignored.get(telling.get(each.stream, "")) == each.rows_in:
            raise AskVendor(
                f"{name}: none of the {each.rows_in} rows of {each.stream} is of {asked}; what came is another "
                f"year's (rule file.wrong_year).",
                remedy,
            )
    if not any(s.format.startswith("edfi-") for s in source.streams):
        return
    bound = [m for m in made if m.accepted and {"schoolYear", "sessionName"} <= set(entities[m.entity].key)]
    if not bound:
        return
    rows = stacked([parquet(con, m.path).select("_file", "schoolYear") for m in bound])
    years = rows.group_by("_file").aggregate(rows=rows.count(), inside=(rows["schoolYear"] == year).sum())
    files = {r.file.sha256: r.file.name for r in reads}
    for found in con.to_pyarrow(years.filter(years["inside"] == 0).order_by("_file")).to_pylist():
        raise AskVendor(
            f"{files.get(found['_file'], name)}: none of the {found['rows']} rows with a session is of {asked} "
            f"(rule file.wrong_year).",
            remedy,
        )
