"""A source's deliveries become a SourceState: typed rows, held rows and counts in one immutable directory.

A pure function of its input: the same deliveries, specs and options give the same rows, so a replay is free.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import ibis
from sqlglot import exp

from hub.engine import columns, connect, content, parsed, stacked
from hub.errors import AskVendor
from hub.model import Count, Entity, Mapping, OpenedDelivery, Source, Stream
from hub.standards.mapping.checks import PLACE
from hub.standards.mapping.lists import make_lists
from hub.standards.mapping.normalize import EntityRows, Vocabulary, normalize_entity
from hub.standards.mapping.tables import make_tables
from hub.standards.mapping.tables import reads as read_by
from hub.standards.mapping.values import Context, inputs
from hub.standards.reading.json_pages import each_of, pages_in_use, read_pages
from hub.standards.reading.oneroster import fold
from hub.standards.reading.oneroster_rows import fold_case
from hub.standards.reading.pulled import asked_for, read_pulled, rows_in_use
from hub.standards.reading.streams import (
    StreamRead,
    assign,
    empty_table,
    newest,
    read_file,
    refuse_wrong_year,
    repeated,
    stack,
)
from hub.standards.states.appended import append_state
from hub.standards.states.lineage import feeds
from hub.standards.states.other_year import refuse_other_year
from hub.standards.states.row_counts import row_counts
from hub.standards.states.summary import StateSummary

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Work:
    """Everything `build_state` needs beside the deliveries."""

    name: str
    source: Source
    entities: dict[str, Entity]
    vocabulary: Vocabulary
    options: dict[str, Any]
    facts: dict[str, Any]
    delivery: str = ""  # overrides the streams' own
    scratch: Path | None = None
    memory: str = "2GB"


def build_state(
    work: Work,
    deliveries: Sequence[OpenedDelivery],
    out: Path,
    previous: Path | None = None,
    progress: Progress | None = None,
) -> StateSummary:
    """Writes the SourceState directory `out` (whole or not at all) and returns its summary.

    `deliveries` are all that matter, oldest first: for `append` streams those not yet in `previous`, else those that an
    earlier state uses and the newer ones.
    Raises AskVendor when a file must be refused whole.
    """
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "rows").mkdir(parents=True)
    con = connect(work.scratch, work.memory)
    try:
        summary = _build(con, work, deliveries, partial, previous, progress or (lambda *_: None))
    finally:
        con.disconnect()
    (partial / "state.json").write_text(json.dumps(asdict(summary), indent=1), encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    return summary


def _build(
    con: Any, work: Work, deliveries: Sequence[OpenedDelivery], out: Path, previous: Path | None, progress: Progress
) -> StateSummary:
    used = used_columns(work.source)
    reads, ignored, repairs, unknown, mappings, missing = _read(con, work, deliveries, used, out)
    if not reads:
        raise AskVendor(
            f"{work.name}: no file of the delivery is one this vendor sends "
            f"(came: {', '.join(sorted(unknown)[:5]) or 'nothing'}).",
            "Check the path in hub.yaml and the file names in the vendor's folder.",
        )
    facts = {**work.facts, "source": work.name}
    base = Context(None, work.source.crosswalks, {**work.source.options, **work.options}, facts)
    make_lists(con, work.source)
    asked = _asked(work.source, mappings, {r.stream for r in reads})
    for rule, rows in make_tables(con, work.source, base, work.vocabulary.codes, asked).items():
        repairs[rule] = repairs.get(rule, 0) + rows
    full = not appends(work.source, work.delivery)
    made: list[EntityRows] = []
    for done, mapping in enumerate(mappings):
        progress(f"{work.name}: {mapping.entity}", done, len(mappings))
        target = out / "rows" / f"{mapping.entity}-{done:03d}"
        entity = work.entities[mapping.entity]
        made.append(normalize_entity(con, work.name, mapping, entity, base, work.vocabulary, target, prints=full))
    for name in dict.fromkeys(m.entity for m in made):
        _gather(con, out, work.entities[name], [m for m in made if m.entity == name])
    counts = row_counts(con, work.name, work.source, reads, made, ignored)
    refuse_other_year(con, work.name, work.source, work.entities, work.facts["schoolYear"], counts, reads, made)
    _write_held(con, work.name, reads, made, out)
    for result in made:
        result.path.unlink(missing_ok=True)
        if result.held:
            result.held.unlink()
        for rule, rows in result.repairs.items():
            repairs[rule] = repairs.get(rule, 0) + rows
    for read in reads:
        for rule, rows in read.repairs.items():
            repairs[rule] = repairs.get(rule, 0) + rows
    summary = StateSummary(
        counts=(*counts, *(m.count(work.name) for m in made)),
        repairs=dict(sorted(repairs.items())),
        files=tuple(_file(r) for r in reads),
        unknown_files=tuple(sorted(unknown)),
        through=max(d.seq for d in deliveries),
        missing_files=missing,
        uses=tuple(sorted({r.seq for r in reads})),
        full=full,
        unread=feeds(work.source, mappings, {r.stream for r in reads if r.rejects}),
    )
    if not full:
        summary = append_state(con, out, work.entities, summary, previous, load_summary(previous) if previous else None)
    return replace(summary, content=_content(con, out))


def _asked(source: Source, mappings: Sequence[Mapping], streams: set[str]) -> set[str]:
    """Names of tables and streams that the mappings read, and what says which rows of a stream are ignored."""
    options = [s.options for s in source.streams if s.name in streams]
    ignored = [rule["rows"] for said in options for rule in said.get("ignore_rows", ()) if "rows" in rule]
    selects = [*(m.rows for m in mappings if m.rows), *ignored]
    return {m.stream for m in mappings}.union(*(read_by(rows) for rows in selects))


def _content(con: Any, out: Path) -> dict[str, str]:
    """By entity what its rows say, in any order and out of whatever file: two states of equal digests say the same.

    Not of rows that wait for a person or a reference: what they say is only known when all sources are.
    """
    found = {}
    for path in sorted((out / "rows").glob("*.parquet")):
        said = [c for c in columns(path) if c not in PLACE]
        if not any(c.startswith("_") for c in said):
            found[path.stem] = content(con, path, said)
    return found


def _read(
    con: Any, work: Work, deliveries: Sequence[OpenedDelivery], used: dict[str, set[str]], out: Path
) -> tuple[list[StreamRead], dict[str, dict[str, int]], dict[str, int], list[str], list[Mapping], tuple[str, ...]]:
    source = work.source
    missing: tuple[str, ...] = ()
    mappings = list(source.mappings)
    if any(s.format == "oneroster-csv" for s in source.streams):
        folded = fold(con, source, deliveries, used, work.facts, work.delivery)
        reads, ignored, repairs, unknown = list(folded.reads), folded.ignored, folded.repairs, [*folded.unknown_files]
        missing = folded.missing_files
    elif any(s.format == "edfi-xml" for s in source.streams):
        from hub.standards.reading.edfi_source import read_documents

        full = work.delivery == "full"
        reads, unknown, repairs, mappings = read_documents(
            con, source, work.entities, deliveries, out / "xml", full=full
        )
        ignored = {}
    elif any(s.format == "edfi-json" for s in source.streams):
        from hub.standards.reading.edfi_json import read_bodies

        reads, ignored, mappings = read_bodies(con, source, work.entities, deliveries, out / "bodies")
        repairs, unknown = {}, []
    else:
        reads, ignored, repairs = [], {}, {}
        for stream in source.streams:
            mine, reasons, mended = _read_stream(con, work, stream, deliveries, used[stream.name])
            reads += mine
            ignored |= {stream.name: reasons} if reasons else {}
            for rule, rows in mended.items():
                repairs[rule] = repairs.get(rule, 0) + rows
        unknown = [f.name for f in assign(source, deliveries[-1].files)[1]]
    here = {r.stream for r in reads}
    for stream in source.streams:
        if stream.name not in here and not stream.format.startswith("edfi-"):
            empty_table(con, stream, used[stream.name])
    speaking = [m for m in mappings if {m.stream, *m.needs} <= here and not here & set(m.without)]
    return reads, ignored, repairs, unknown, speaking, missing


def _read_stream(
    con: Any, work: Work, stream: Stream, deliveries: Sequence[OpenedDelivery], used: set[str]
) -> tuple[list[StreamRead], dict[str, int], dict[str, int]]:
    """Makes the stream's table of what counts of it in the deliveries: the reads, rows ignored by reason, and repairs.

    Bytes that came twice in a delivery are read once; of pages, only where they were asked for the same.
    """
    source, asked = work.source, asked_for(deliveries, stream)
    full = (work.delivery or stream.delivery) == "full"
    if stream.format == "json":
        files = pages_in_use(deliveries, source, stream, full)
    elif asked:
        files = rows_in_use(deliveries, source, stream, full)
    elif full:
        files = newest(deliveries, source, stream)
    else:
        files = [(d.seq, f) for d in deliveries for f in assign(source, d.files)[0].get(stream.name, [])]
    if not files:
        return [], {}, {}
    once = {(seq, f.sha256, each_of(f.name)): f for seq, f in reversed(files)}
    first = [(seq, f) for seq, f in files if once[seq, f.sha256, each_of(f.name)] is f]
    ignored: dict[str, int] = {}
    repairs: dict[str, int] = {}
    if stream.format == "json":
        reads, ignored = read_pages(con, stream, first, used)
        refuse_wrong_year(con, stream.name, stream, first[0][1], work.facts)
        repairs = fold_case(con, stream)
    elif asked:
        reads, ignored = read_pulled(con, stream, first, deliveries, source, used, work.facts)
    else:
        reads = [read_file(con, stream, f, seq, used, work.facts) for seq, f in first]
        stack(con, stream, reads, used)
    again = repeated(reads, [(seq, f) for seq, f in files if once[seq, f.sha256, each_of(f.name)] is not f])
    if again:
        ignored = {**ignored, "file.repeated": sum(r.rows for r in again)}
    return [*reads, *again], ignored, repairs


def _file(read: StreamRead) -> dict[str, Any]:
    file = read.file
    where = {"name": file.name, "sha256": file.sha256, "size": file.path.stat().st_size}
    return {**where, "rows": read.rows, "stream": read.stream, "seq": read.seq}


def appends(source: Source, delivery: str) -> bool:
    """Whether a state of all earlier deliveries and the new delivery alone make the new state."""
    return all((delivery or s.delivery) == "append" and s.format != "oneroster-csv" for s in source.streams)


def used_columns(source: Source) -> dict[str, set[str]]:
    """Columns any mapping may read, by stream: what is not read is not made into text (143 columns cost 5x)."""
    words: set[str] = set()
    selects = [m.rows for m in source.mappings if m.rows] + [t.rows for t in source.tables]
    for mapping in source.mappings:
        words |= inputs(mapping.fields) | inputs(mapping.checks)
    for table in source.tables:
        words |= inputs(table.fields)
    for stream in source.streams:
        words |= {stream.options["dates"]["column"]} if stream.options.get("dates") else set()
        selects += [rule["rows"] for rule in stream.options.get("ignore_rows", ()) if "rows" in rule]
    for select in selects:
        words |= {c.name for c in parsed(select).find_all(exp.Column)}
    return {s.name: {c for c in s.columns if c in words} for s in source.streams}


def _gather(con: Any, out: Path, entity: Entity, made: list[EntityRows]) -> None:
    """All mappings of an entity in one file."""
    target = out / "rows" / f"{entity.name}.parquet"
    if len(made) == 1:
        target.hardlink_to(made[0].path)
        return
    tables = [con.read_parquet(m.path) for m in made]
    columns = list(dict.fromkeys(c for t in tables for c in t.columns))
    con.to_parquet(_stacked(tables, columns), target)


def _stacked(tables: list[Any], columns: list[str]) -> Any:
    parts = [t.select(**{c: (t[c] if c in t.columns else ibis.null("string")) for c in columns}) for t in tables]
    return stacked(parts)


def _write_held(con: Any, name: str, reads: list[StreamRead], made: list[EntityRows], out: Path) -> None:
    from hub.standards.states.held import rejected_rows

    parts = [con.read_parquet(m.held) for m in made if m.held]
    rejects = rejected_rows(name, reads)
    if rejects is not None:
        parts.append(rejects)
    if parts:
        con.to_parquet(stacked(parts), out / "held.parquet")


def load_summary(state: Path) -> StateSummary:
    """Reads `state.json` back."""
    raw = json.loads((state / "state.json").read_text(encoding="utf-8"))
    counts = tuple(Count(**c) for c in raw.pop("counts"))
    return replace(
        StateSummary((), {}, ()),
        counts=counts,
        **{
            **raw,
            "files": tuple(raw["files"]),
            "missing_files": tuple(raw.get("missing_files", ())),
            "uses": tuple(raw.get("uses", ())),
            "unread": {stream: tuple(entities) for stream, entities in raw.get("unread", {}).items()},
        },
    )
