"""What a benchmark measures, each run by `measured.run` in a process of its own. Imports are part of the time."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from hub.heap import seldom_collected


def write(plan: dict[str, Any], folder: str, night: int, what: str) -> dict[str, Any]:
    """The fictional district's files of a night: what is `standing` or `nightly`.

    The LMS's package of the first night is a bulk one: a delta needs something to change.
    """
    from hub.demo import gradebook
    from hub.demo.district import LMS, write_nightly, write_standing
    from hub.demo.package import manifest, write_folder
    from hub.demo.plan import Plan
    from hub.demo.roster import roster

    {"standing": write_standing, "nightly": write_nightly}[what](Plan(**plan), Path(folder), night)
    if what == "nightly" and night == 1:
        now = roster(Plan(**plan), night)
        tables = {"lineItems": gradebook.assignments(now, night), "results": gradebook.submissions(now, night)}
        write_folder({"manifest": manifest("1.2", dict.fromkeys(tables, "bulk"), LMS), **tables}, Path(folder) / "lms")
    return {}


def write_map(rows: int, folder: str) -> dict[str, Any]:
    """A MAP Growth file of so many rows, and the roster its students are in."""
    from hub.demo.district import DEMO, copies, write_nightly

    write_nightly(DEMO, Path(folder) / "seed", 1)
    (seed,) = sorted((Path(folder) / "seed" / "map").glob("*.csv"))
    out = copies(seed, rows, Path(folder) / "map" / seed.name)
    return {"path": str(out), "bytes": out.stat().st_size}


def shuffle(folder: str) -> dict[str, Any]:
    """The same rows of every CSV file below `folder` in another order; manifests stay."""
    import duckdb

    for path in sorted(Path(folder).rglob("*.csv")):
        if path.name != "manifest.csv":
            rows = duckdb.read_csv(str(path), all_varchar=True, header=True, null_padding=False, delimiter=",")
            rows.query("file", "SELECT * FROM file ORDER BY hash(file)").write_csv(f"{path}.part", header=True)
            Path(f"{path}.part").replace(path)
    return {}


def normalize(vendor: str, path: str, out: str, warm: bool = False, year: int = 2027) -> dict[str, Any]:
    """One file of a vendor, or a package in a folder, to a SourceState, as `hub sync` does it.

    `warm`: the time of a second run in the process.
    """
    if warm:
        _normalize(vendor, Path(path), Path(out) / "first", year)
    begun = time.perf_counter()
    said = _normalize(vendor, Path(path), Path(out) / "state", year)
    return said | ({"seconds": time.perf_counter() - begun} if warm else {})


def _normalize(vendor: str, path: Path, out: Path, year: int) -> dict[str, Any]:
    from datetime import UTC, datetime

    from hub.engine import row_count
    from hub.model import OpenedDelivery, OpenedFile
    from hub.standards.mapping.normalize import Vocabulary
    from hub.standards.specs import descriptor_codes, load_entities
    from hub.standards.states.source_state import Work, build_state
    from hub.standards.vendors.sources import load_source

    source = load_source(vendor)
    facts = {"schoolYear": year, "localEducationAgencyId": 255901}
    vocabulary = Vocabulary(descriptor_codes(), source.namespaces)
    work = Work("measured", source, load_entities(), vocabulary, {}, facts, scratch=out.parent / "spill")
    out.parent.mkdir(parents=True, exist_ok=True)
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    delivery = OpenedDelivery(
        1, datetime.now(UTC), tuple(OpenedFile(p.name, p, f"{n:064}") for n, p in enumerate(files))
    )
    build_state(work, [delivery], out)
    return {"made": {p.stem: row_count(p) for p in sorted((out / "rows").glob("*.parquet"))}}


def start(judging: bool = True) -> dict[str, Any]:
    """What a night imports before and while it works; `judging`: with what is only needed for rows that are new."""
    from importlib import import_module

    for name in ("adbc_driver_sqlite.dbapi", "ibis.backends.duckdb", "psycopg2", "pyarrow.parquet", "hub.pipeline",
                 "hub.report.page", *(("pandas", "great_expectations.core") if judging else ())):  # fmt: skip
        import_module(name)
    return {}


def sync(config: str) -> dict[str, Any]:
    """One night of the first district, landed to committed; what it changed, held and which phases it spent time in."""
    from hub import pipeline
    from hub.config import load

    settings = load(Path(config))
    phases: dict[str, float] = {}
    mark = [time.perf_counter(), "start"]

    def progress(label: str, _done: int, _total: int) -> None:
        now = time.perf_counter()
        phases[mark[1]] = phases.get(mark[1], 0.0) + now - mark[0]
        mark[:] = [now, label]

    run = pipeline.sync(settings, settings.slice(settings.districts[0].id), progress=progress)
    progress("", 0, 0)
    if run.status == "failed":
        raise RuntimeError(f"{run.message} {[s.message for s in run.sources]}")
    return {
        "status": run.status,
        "run": run.id,
        "landed": sum(f.rows or 0 for s in run.sources for f in s.files),
        "written": sum(c.added + c.changed + c.removed for c in run.changes),
        "published": sum(c.after for c in run.changes),
        "held": sum(h.rows for h in run.held),
        "phases": {k: round(v, 2) for k, v in sorted(phases.items(), key=lambda kv: -kv[1])},
    }


def read(paths: list[str]) -> dict[str, Any]:
    """Floor: DuckDB parses the files once, columns declared and all text, and keeps nothing."""
    import csv

    import duckdb

    rows = 0
    connection = duckdb.connect(config={"memory_limit": "2GB"})
    for path in paths:
        with open(path, encoding="utf-8-sig", newline="") as lines:
            columns = next(csv.reader(lines))
        relation = connection.read_csv(
            path, columns=dict.fromkeys(columns, "VARCHAR"), auto_detect=False, header=True, delimiter=",",
            quotechar='"', escapechar='"', strict_mode=False,
        )  # fmt: skip
        quoted = ['"' + c.replace('"', '""') + '"' for c in columns]
        counts = relation.aggregate(", ".join(["count(*)", *(f"count({c})" for c in quoted)])).fetchall()
        rows += counts[0][0]
    return {"rows": rows, "bytes": sum(Path(p).stat().st_size for p in paths)}


def write_edfi(folder: str, students: int) -> dict[str, Any]:
    """Clean Ed-Fi documents of so many students."""
    from benchmarks.edfi_documents import write

    return {"bytes": sum(p.stat().st_size for p in write(Path(folder), students))}


def xsd(paths: list[str]) -> dict[str, Any]:
    """Floor: lxml parses the documents and validates them against the XSD of the standard, and keeps nothing."""
    from lxml import etree

    from hub.standards.export.xsd import xsd as exported
    from hub.standards.shapes import load_shapes

    schema = etree.XMLSchema(etree.fromstring(exported(load_shapes("5.2"))))
    for path in paths:
        if not schema.validate(etree.parse(path)):
            raise RuntimeError(f"{path} is not valid")
    return {"bytes": sum(Path(p).stat().st_size for p in paths)}


def validate(path: str) -> dict[str, Any]:
    """`hub validate` of a clean feed, every rule."""
    from hub.standards import validate as judge

    found = judge([path])
    if found.findings:
        raise RuntimeError(f"{len(found.findings)} findings in {path}, first {found.findings[0].rule}")
    return {"rows": sum(f.rows for f in found.files)}


def digest(paths: list[str]) -> dict[str, Any]:
    """Floor: SHA-256 of the files."""
    import hashlib

    for path in paths:
        with open(path, "rb") as stream:
            hashlib.file_digest(stream, "sha256")
    return {"bytes": sum(Path(p).stat().st_size for p in paths)}


def insert(changes: str, store: str, scratch: str) -> dict[str, Any]:
    """Floor: the changed rows of a run, bulk loaded into empty tables without an index, committed."""
    files = sorted(Path(changes).glob("*.parquet"))
    loader = _into_sqlite if store == "sqlite" else _into_postgresql
    return {"rows": loader(files, store, Path(scratch))}


def _into_sqlite(files: list[Path], _store: str, scratch: Path) -> int:
    import pyarrow.parquet as pq
    from adbc_driver_sqlite import dbapi

    scratch.mkdir(parents=True, exist_ok=True)
    rows = 0
    with dbapi.connect(str(scratch / "floor.db"), autocommit=False) as connection, connection.cursor() as cursor:
        for path in files:
            table = pq.read_table(path)
            rows += cursor.adbc_ingest(path.stem, _plain(table).to_reader(100_000), mode="create")
        connection.commit()
    return rows


def _plain(table: Any) -> Any:
    """Dates and booleans as SQLite keeps them."""
    import pyarrow as pa

    kept = {pa.date32(): pa.string(), pa.bool_(): pa.int64()}
    return table.cast(pa.schema([(f.name, kept.get(f.type, f.type)) for f in table.schema]))


def _into_postgresql(files: list[Path], store: str, scratch: Path) -> int:
    import duckdb
    import psycopg2
    from psycopg2 import sql
    from sqlalchemy import make_url

    scratch.mkdir(parents=True, exist_ok=True)
    url = make_url(store)
    rows = 0
    connection = psycopg2.connect(host=url.query["host"], user=url.username, dbname=url.database)
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor")
        for path in files:
            relation = duckdb.read_parquet(str(path))
            kinds = {"BIGINT": "bigint", "DOUBLE": "double precision", "BOOLEAN": "boolean", "DATE": "date"}
            columns = sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(kinds.get(str(t), "text")))
                for c, t in zip(relation.columns, relation.types, strict=True)
            )
            table = sql.Identifier("floor", path.stem)
            cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(table, columns))
            relation.write_csv(str(scratch / "floor.csv"), header=False)
            with (scratch / "floor.csv").open("rb") as stream:
                cursor.copy_expert(sql.SQL("COPY {} FROM STDIN WITH (FORMAT csv)").format(table), stream, 1 << 20)
            rows += cursor.rowcount
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA floor CASCADE")
    connection.close()
    return rows


STEPS = {
    f.__name__: f
    for f in (write, write_map, write_edfi, shuffle, normalize, start, sync, read, xsd, validate, digest, insert)
}


def main(name: str, given: str) -> None:
    begun = time.perf_counter()
    with seldom_collected():  # as the command line does
        said = STEPS[name](**json.loads(given))
    print(json.dumps({"seconds": time.perf_counter() - begun} | said))


if __name__ == "__main__":
    main(*sys.argv[1:])
