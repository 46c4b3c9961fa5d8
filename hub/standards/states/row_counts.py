"""Law of conservation, per stream: every row that was read is accepted, held, or ignored with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.engine import keep, stacked, view
from hub.model import Count, Source
from hub.standards.mapping.normalize import EntityRows
from hub.standards.reading.streams import StreamRead


def row_counts(
    con: Any,
    name: str,
    source: Source,
    reads: Sequence[StreamRead],
    made: Sequence[EntityRows],
    ignored: dict[str, dict[str, int]],
) -> list[Count]:
    """Held if any entity of the row is, else accepted if any was made of it, else ignored.

    `ignored` counts what is no longer in the tables. For the rest the stream's `ignore_rows` give the reasons, the
    first that fits; what none fits is `row.not_mapped`.
    """
    counts = []
    options = {s.name: s.options for s in source.streams}
    for stream in dict.fromkeys(r.stream for r in reads):
        mine = [m for m in made if m.stream == stream]
        here = [r for r in reads if r.stream == stream]
        place = ("_seq", "_row") if len({r.seq for r in here}) == len(here) else ("_file", "_row")
        rejected = sum(len(r.rejects) for r in here)
        total = sum(r.rows for r in here)
        held_in = [m.held for m in mine if m.held]
        held = _places(con, held_in, place) if held_in else None
        touched = _places(con, [p for m in mine for p in (m.path, m.held) if p], place) if mine else None
        held_rows = int(con.execute(held.count())) if held is not None else 0
        touched_rows = int(con.execute(touched.count())) if touched is not None else 0
        reasons = dict(ignored.get(stream, {}))
        rest = total - rejected - touched_rows - sum(reasons.values())
        judged = [touched] if touched is not None else []
        for number, entry in enumerate(options.get(stream, {}).get("ignore_rows", ()) if rest else ()):
            rows = view(con, f"ignored_{stream}_{number}", entry["rows"]) if "rows" in entry else con.table(stream)
            fit = rows.select(*place).distinct()
            for before in judged:
                fit = fit.anti_join(before, place)
            judged.append(keep(con, f"reason_{stream}_{number}", fit))
            found = int(con.execute(judged[-1].count()))
            if found:
                reasons[entry["reason"]] = reasons.get(entry["reason"], 0) + found
                rest -= found
        if rest:
            reasons["row.not_mapped"] = rest
        counts.append(
            Count("normalize", name, stream, "", total, touched_rows - held_rows, held_rows + rejected, reasons)
        )
    return counts


def _places(con: Any, paths: list[Any], place: tuple[str, ...]) -> Any:
    return stacked([con.read_parquet(p).select(*place) for p in paths]).distinct()
