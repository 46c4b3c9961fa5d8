"""The published record as a OneRoster CSV package, by the mapping of `schemas/oneroster/out.yaml`.

A row goes out whole or not at all: what lacks a required value, says what the version does not list, or refers to what
did not go out is counted in `lost`. So a package that was written always conforms.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.engine import connect, count, filled_columns, keep, view

_STAMP = (1980, 1, 1, 0, 0, 0)  # the same record gives the same bytes


@dataclass(frozen=True)
class Column:
    """A column of a file in one version. `to` is the file that it refers to, `values` all that may stand in it."""

    name: str
    required: bool = False
    many: bool = False
    to: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The mapping: `words` (functions), `crosswalks` (name -> code -> value), `tables` and `files` (SELECTs, in order),
    `carried` (entity -> its fields that come along), `filled` (column -> what stands in it instead) and `lost` (of,
    field, reason and the SELECT that finds what the others leave out)."""

    words: Mapping[str, str]
    crosswalks: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, str]
    files: Mapping[str, str]
    carried: Mapping[str, Sequence[str]]
    filled: Mapping[str, str]
    lost: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Lost:
    """What did not go out: `rows` of an entity or file, or values of its `field`; `reason` says why."""

    of: str
    field: str
    reason: str
    rows: int


@dataclass
class Package:
    """What was written: rows by file, and what could not be carried."""

    version: str
    year: int
    files: dict[str, int] = field(default_factory=dict)
    filled: dict[str, str] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)


def write_package(
    record: Mapping[str, Path],
    layouts: Mapping[str, Sequence[Column]],
    plan: Plan,
    version: str,
    year: int,
    out: Path,
    scratch: Path,
) -> Package:
    """Write the package to `out`, a zip. `record`: a parquet file with every field of each entity; `layouts`: the files
    of the version with their columns in order; `scratch` is a folder of the caller's."""
    scratch.mkdir(parents=True, exist_ok=True)
    con = connect(scratch / "spill")
    made = Package(version, year)
    try:
        made.lost += _entities(con, record, plan)
        _prepare(con, plan, version, year)
        for n, said in enumerate(plan.lost):
            left = count(con, view(con, f"lost_{n}", said["rows"]))
            made.lost += [Lost(said["of"], said["field"], said["reason"], left)] if left else []
        texts: dict[str, Path] = {}
        sent: dict[str, Any] = {}
        for name, select in plan.files.items():
            if name in layouts:
                _judge(con, name, view(con, f"said_{name}", select), layouts[name], sent, made)
                made.files[name] = count(con, sent[name])
        made.files = {name: rows for name, rows in made.files.items() if rows}
        for name in made.files:
            texts[name] = scratch / f"{name}.csv"
            con.to_csv(sent[name].order_by("sourcedId"), texts[name], header=True)
    finally:
        con.disconnect()
    needed = {f"{name}.{c.name}" for name in made.files for c in layouts[name] if c.required}
    made.filled = {column: said for column, said in plan.filled.items() if column in needed}
    _zip(out, texts, _manifest(version, layouts, made))
    return made


def _entities(con: Any, record: Mapping[str, Path], plan: Plan) -> Iterator[Lost]:
    """Makes a table of each entity that the mapping reads. Yields what of the record it does not."""
    for name, path in record.items():
        table = con.read_parquet(path, table_name=name)
        fields = [c for c in table.columns if not c.startswith("_")]
        rows, filled = filled_columns(con, name, fields)
        if rows and name not in plan.carried:
            yield Lost(name, "", "OneRoster has no place for it", rows)
        else:
            for column in sorted(filled - set(plan.carried.get(name, ()))):
                said = int(con.to_pyarrow(table[column].count()).as_py())
                yield Lost(name, column, "OneRoster has no place for it", said)


def _prepare(con: Any, plan: Plan, version: str, year: int) -> None:
    import ibis
    import sqlglot

    for head, body in plan.words.items():
        con.raw_sql(sqlglot.parse_one(f"CREATE MACRO {head} AS {body}", dialect="duckdb").sql("duckdb"))
    lines = [(name, code, value) for name, codes in plan.crosswalks.items() for code, value in codes.items()]
    columns = ("name", "code", "value")
    con.create_table("crosswalk", ibis.memtable(lines, columns=columns), temp=True)
    con.create_table("slice", ibis.memtable([(version, year)], columns=("version", "year")), temp=True)
    for name, select in plan.tables.items():
        keep(con, name, view(con, f"rows_of_{name}", select))


def _judge(con: Any, name: str, said: Any, columns: Sequence[Column], sent: dict[str, Any], made: Package) -> None:
    """Puts the rows of a file that may go out into `sent`, as a table of that name in the columns of the version."""
    import ibis

    blank = ibis.null("string")
    texts = {c.name: _text(said[c.name]) if c.name in said.columns else blank for c in columns}
    rows = keep(con, name, said.select(**texts))
    for column in columns:
        if column.values and not column.many:
            bad = rows[column.name].notin(column.values).fill_null(False)
            rows = _blanked(con, name, rows, column, bad, "OneRoster lists no such value", made)
    sent[name] = rows = _complete(con, name, rows, columns, made)
    before = -1
    while count(con, rows) != before:  # what goes may be what another row of the file refers to
        before = count(con, rows)
        for column in columns:
            if column.to:
                rows = _resolved(con, name, rows, column, sent.get(column.to), made)
        sent[name] = rows = _complete(con, name, rows, columns, made)


def _text(value: Any) -> Any:
    """As the CSV binding writes it: no line breaks, no blanks around, nothing for what is blank."""
    return value.cast("string").re_replace(r"[\r\n]+", " ").strip().nullif("")


def _resolved(con: Any, name: str, rows: Any, column: Column, target: Any, made: Package) -> Any:
    """The rows without references to what did not go out."""
    reason = f"{column.to}.csv has no such id"
    if target is None:
        return _blanked(con, name, rows, column, rows[column.name].notnull(), reason, made)
    ids = target.select(_id="sourcedId").distinct()
    if not column.many:
        whole = rows.left_join(ids, rows[column.name] == ids["_id"])
        bad = whole[column.name].notnull() & whole["_id"].isnull()
        return _blanked(con, name, whole, column, bad, reason, made)
    items = rows.select("sourcedId", _item=rows[column.name].split(",").unnest())
    found = items.semi_join(ids, items["_item"] == ids["_id"])
    lost = count(con, items) - count(con, found)
    if not lost:
        return rows
    _lose(made, name, column.name, reason, lost)
    kept = found.group_by("sourcedId").aggregate(_kept=lambda t: t["_item"].group_concat(",", order_by=t["_item"]))
    whole = rows.left_join(kept, "sourcedId")
    return keep(con, name, whole.select(**{c: whole["_kept" if c == column.name else c] for c in rows.columns}))


def _blanked(con: Any, name: str, rows: Any, column: Column, bad: Any, reason: str, made: Package) -> Any:
    lost = int(con.to_pyarrow(bad.sum()).as_py() or 0)
    _lose(made, name, column.name, reason, lost)
    if not lost:
        return con.table(name)
    mended = rows.mutate(**{column.name: bad.ifelse(None, rows[column.name])})
    return keep(con, name, mended.drop([c for c in ("_id",) if c in mended.columns]))


def _complete(con: Any, name: str, rows: Any, columns: Sequence[Column], made: Package) -> Any:
    """Rows with every required value, and the first of those that share a sourcedId."""
    import ibis

    for column in columns:
        if column.required:
            lost = count(con, rows.filter(rows[column.name].isnull()))
            if lost:
                _lose(made, name, column.name, "required, and not in the record: the row did not go out", lost)
                rows = keep(con, name, rows.filter(rows[column.name].notnull()))
    twins = count(con, rows) - count(con, rows.select("sourcedId").distinct())
    if twins:
        _lose(made, name, "sourcedId", "another row has this id: the row did not go out", twins)
        order = ibis.row_number().over(group_by="sourcedId", order_by=list(rows.columns))
        rows = keep(con, name, rows.mutate(_nth=order).filter(lambda t: t["_nth"] == 0).drop("_nth"))
    return rows


def _lose(made: Package, of: str, column: str, reason: str, rows: int) -> None:
    if rows:
        made.lost.append(Lost(f"{of}.csv", column, reason, rows))


def _manifest(version: str, layouts: Mapping[str, Sequence[Column]], made: Package) -> bytes:
    said = {"manifest.version": "1.0", "oneroster.version": version}
    said |= {f"file.{name}": "bulk" if name in made.files else "absent" for name in layouts}
    lines = [("propertyName", "value"), *said.items()]
    return "".join(f"{name},{value}\n" for name, value in lines).encode()


def _zip(out: Path, texts: Mapping[str, Path], manifest: bytes) -> None:
    """All files at the root, in the order of their names; written whole or not at all."""
    part = out.with_name(f"{out.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("manifest.csv", _STAMP), manifest, zipfile.ZIP_DEFLATED)
        for path in sorted(texts.values()):
            info = zipfile.ZipInfo(path.name, _STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as said, archive.open(info, "w", force_zip64=True) as file:
                shutil.copyfileobj(said, file)
    part.replace(out)
