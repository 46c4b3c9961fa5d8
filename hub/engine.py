"""The set engine: one in-process DuckDB behind Ibis. What an expression means is built by Ibis; this keeps results."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any


def connect(scratch: Path | None = None, memory: str = "2GB") -> Any:
    """An Ibis connection to a fresh DuckDB that spills to the folder `scratch` past `memory`."""
    import ibis

    # Ibis merges nested SELECTs before it writes them, which takes a third of its time; DuckDB does it in no time.
    ibis.options.sql.fuse_selects = False
    con = ibis.duckdb.connect(**settings(scratch, memory))
    con.get_schema = partial(_schema, con)
    return con


def settings(scratch: Path | None, memory: str) -> dict[str, str]:
    """What every DuckDB of the hub is opened with; makes the folder."""
    # sqlglot 29, which ibis 12 needs, still writes lambdas with an arrow.
    said = {"memory_limit": memory, "lambda_syntax": "ENABLE_SINGLE_ARROW"}
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
        said["temp_directory"] = str(scratch)
    return said


def _schema(con: Any, name: str, **_: Any) -> Any:
    """The schema of a table or view; Ibis' own way reads each type's name again with sqlglot, 4 ms a table."""
    import ibis
    import sqlglot.expressions as sge

    nothing = sge.select("*").from_(sge.table_(name, quoted=True)).limit(0).sql("duckdb")
    return ibis.schema({column: _type(str(kind)) for column, kind, *_ in con.raw_sql(nothing).description})


@lru_cache(maxsize=256)
def _type(kind: str) -> Any:
    from ibis.backends.sql.datatypes import DuckDBType

    return DuckDBType.from_string(kind, nullable=True)


@contextmanager
def scratch(con: Any) -> Iterator[Path]:
    """A folder for files of the moment, beside those that the engine spills."""
    ((spill,),) = con.raw_sql("SELECT current_setting('temp_directory')").fetchall()
    beside = Path(spill).parent if spill and Path(spill).is_absolute() else None
    with tempfile.TemporaryDirectory(dir=beside) as folder:
        yield Path(folder)


def keep(con: Any, name: str, rows: Any) -> Any:
    """Table `name` holds the rows of an Ibis expression, in place of what it held; `rows` may read `name` itself."""
    return keep_counted(con, name, rows)[0]


def keep_counted(con: Any, name: str, rows: Any) -> tuple[Any, int]:
    """`keep`, and how many rows it kept.

    One CREATE OR REPLACE ... AS: Ibis' own create_table fills a typed copy by INSERT, which takes twice the time.
    """
    import sqlglot.expressions as sge

    create = sge.Create(
        this=sge.table_(name, quoted=True), kind="TABLE", replace=True, expression=con.compiler.to_sqlglot(rows)
    )
    ((count,),) = con.raw_sql(create.sql("duckdb", copy=False)).fetchall()
    return _known(con, name, rows.schema()), int(count)


def keep_cells(
    con: Any, name: str, of: str, cell: Any, columns: dict[str, str], constants: dict[str, str | int | None]
) -> int:
    """Table `name`: the columns (new name -> column of table `of`, all text), each put through `cell`, an Ibis function
    of one text; `_row`, its position from 1; and the constants. Returns how many rows it has.

    `cell` becomes a macro and the SELECT is made by sqlglot: Ibis takes 2 ms a column, and files have 860.
    """
    import ibis
    import sqlglot.expressions as sge

    one = ibis.table({"cell": "string"}, name="one")
    body = con.compiler.to_sqlglot(one.select(made=cell(one["cell"]))).expressions[0].unalias()
    for column in body.find_all(sge.Column):
        column.set("table", None)
    con.raw_sql(f"CREATE OR REPLACE TEMP MACRO cell_of_{name}(cell) AS {body.sql('duckdb')}")
    made = [
        sge.alias_(sge.func(f"cell_of_{name}", sge.column(old, quoted=True)), new, quoted=True)
        for new, old in columns.items()
    ]
    kinds = {None: "TEXT", str: "TEXT", int: "BIGINT"}
    fixed = [
        sge.alias_(sge.cast(sge.convert(value), kinds[None if value is None else type(value)]), new, quoted=True)
        for new, value in constants.items()
    ]
    position = sge.alias_(sge.Window(this=sge.RowNumber()), "_row", quoted=True)
    select = sge.select(*made, position, *fixed).from_(sge.table_(of, quoted=True))
    create = sge.Create(this=sge.table_(name, quoted=True), kind="TABLE", replace=True, expression=select)
    ((made_rows,),) = con.raw_sql(create.sql("duckdb", copy=False)).fetchall()
    return int(made_rows)


def parquet(con: Any, path: Path) -> Any:
    """The rows of a parquet file: DuckDB reads a table that is named like a file from it."""
    import ibis
    import pyarrow.parquet as pq

    return _known(con, str(path), ibis.Schema.from_pyarrow(pq.read_schema(path)))


def write_parquet(con: Any, rows: Any, path: Path) -> None:
    """Writes the rows, in any order, to a parquet file.

    A writer holds a row group in memory for each thread, more of them when it must keep the order, and DuckDB's own
    122,880 rows take 1 GB where they carry lists: so groups have 64 MB at most. Past the memory limit that is 4 times
    faster, and without it a large district's assessments did not fit at all.
    """
    con.raw_sql("SET preserve_insertion_order = false")
    try:
        con.to_parquet(rows, path, row_group_size_bytes="64MB")
    finally:
        con.raw_sql("SET preserve_insertion_order = true")


def _known(con: Any, name: str, schema: Any) -> Any:
    # The schema is known: asking the database for it again costs 6 ms a table, and a night has hundreds.
    import ibis
    import ibis.expr.operations as ops

    loose = ibis.schema({column: kind.copy(nullable=True) for column, kind in schema.items()})
    return ops.DatabaseTable(name, schema=loose, source=con).to_expr()


def count(con: Any, rows: Any) -> int:
    """How many rows; `con.execute` takes three times as long, as it answers with a data frame."""
    ((found,),) = con.raw_sql(con.compile(rows.count())).fetchall()
    return int(found)


def filled_columns(con: Any, name: str, columns: list[str]) -> tuple[int, set[str]]:
    """How many rows table or view `name` has, and which of the columns have a value in any of them."""
    import sqlglot.expressions as sge

    counts = [sge.Count(this=sge.column(c, quoted=True)) for c in columns]
    asked = sge.select(sge.Count(this=sge.Star()), *counts).from_(sge.table_(name, quoted=True))
    ((rows, *found),) = con.raw_sql(asked.sql("duckdb")).fetchall()
    return int(rows), {c for c, n in zip(columns, found, strict=True) if n}


def rename(con: Any, old: str, new: str) -> None:
    """Table `old` becomes `new`, in place of what `new` held. (Ibis 12 cannot rename on DuckDB.)"""
    import sqlglot.expressions as sge

    con.drop_table(new, force=True)
    name = sge.AlterRename(this=sge.table_(new, quoted=True))
    con.raw_sql(sge.Alter(this=sge.table_(old, quoted=True), kind="TABLE", actions=[name]).sql("duckdb"))


def columns(path: Path) -> list[str]:
    """Names of the columns of a parquet file, from its footer."""
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def content(con: Any, path: Path, columns: list[str]) -> str:
    """Digest of the columns of a parquet file's rows, in whatever order they are: equal for equal rows.

    A row's columns are hashed again as one: DuckDB combines them so that values swapped between rows could cancel out.
    """
    import sqlglot.expressions as sge

    row = sge.func("hash", sge.func("hash", *(sge.column(c, quoted=True) for c in columns)))
    asked = sge.select(sge.Count(this=sge.Star()), sge.Sum(this=row)).from_(sge.table_(str(path), quoted=True))
    ((rows, total),) = con.raw_sql(asked.sql("duckdb", copy=False)).fetchall()
    return f"{rows}:{total or 0:x}"


def row_count(path: Path) -> int:
    """Rows of a parquet file, from its footer."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def stacked(tables: list[Any]) -> Any:
    """UNION ALL of tables with the same columns and types; that one side can be null and the other not is no matter."""
    import ibis

    if len({t.schema() for t in tables}) > 1:
        tables = [t.cast({n: k.copy(nullable=True) for n, k in t.schema().items()}) for t in tables]
    return tables[0] if len(tables) == 1 else ibis.union(*tables)


@lru_cache(maxsize=1024)
def parsed(select: str) -> Any:
    """The tree of a SELECT that a spec holds; it is read and never changed. Parsing costs more than running it.

    Raises FixConfiguration for anything but a query over tables: no file, no function that reads one.
    """
    import sqlglot
    import sqlglot.expressions as sge

    from hub.errors import FixConfiguration

    try:
        query = sqlglot.parse_one(select, dialect="duckdb")
    except sqlglot.ParseError as error:
        raise FixConfiguration(f"{error}.".splitlines()[0], "Correct the SELECT.") from error
    tables = list(query.find_all(sge.Table))
    if not isinstance(query, sge.Query) or not all(isinstance(t.this, sge.Identifier) and not t.db for t in tables):
        raise FixConfiguration("Only a SELECT over the source's own streams is allowed.")
    return query


def view(con: Any, name: str, select: str) -> Any:
    """View `name` of a SELECT that a spec holds. (Ibis 12's own `con.sql` does not run on DuckDB 2.)

    Raises FixConfiguration for anything but a query over tables: no file, no function that reads one.
    """
    import sqlglot.expressions as sge

    from hub.errors import FixConfiguration

    try:
        query = parsed(select)
    except FixConfiguration as error:
        raise FixConfiguration(f"rows of {name}: {error.message}", error.remedy) from error
    create = sge.Create(this=sge.table_(name, quoted=True), kind="VIEW", replace=True, expression=query.copy())
    con.raw_sql(create.sql("duckdb", copy=False))
    return con.table(name)
