"""The rows that a suite judges: read in bounded chunks, joined to what they refer to, and held by place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.engine import connect
from hub.model import PROVENANCE, Entity

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def chunks(rows: Path, columns: Sequence[str], size: int | None) -> Iterator[pa.Table]:
    """PROVENANCE and the columns, at most `size` rows at a time (None: all at once, even when there are none)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = list(dict.fromkeys((*PROVENANCE, *columns)))
    if size is None:
        yield pq.read_table(rows, columns=wanted)
        return
    with pq.ParquetFile(rows) as file:
        for batch in file.iter_batches(batch_size=size, columns=wanted):
            yield pa.Table.from_batches([batch])


def joined(rows: Path, entity: Entity, columns: Sequence[str], tables: Mapping[str, Path], folder: Path) -> Path:
    """`rows` itself, or a copy of it in `folder` with the columns looked up through references."""
    looked_up = [c for c in columns if "." in c]
    if not looked_up:
        return rows
    con = connect(folder / "spill")
    try:
        base = con.read_parquet(str(rows))
        table = base
        for name in dict.fromkeys(c.partition(".")[0] for c in looked_up):
            reference = next(r for r in entity.references if r.name == name)
            values = [c for c in looked_up if c.startswith(f"{name}.")]
            # One row per key, or a row here would be checked as often as its key is there.
            target = con.read_parquet(str(tables[reference.entity])).distinct(
                on=[theirs for _, theirs in reference.fields]
            )
            one = target.select(
                **{value: target[value.partition(".")[2]] for value in values},
                **{f"{name}/{theirs}": target[theirs] for _, theirs in reference.fields},
            )
            table = table.left_join(one, [table[ours] == one[f"{name}/{theirs}"] for ours, theirs in reference.fields])
        wanted = dict.fromkeys((*PROVENANCE, *columns))
        table.select(*wanted).to_parquet(folder / "joined.parquet")
    finally:
        con.disconnect()
    return folder / "joined.parquet"


def frame_of(chunk: pa.Table, columns: Sequence[str], moments: Collection[str] = ()) -> pd.DataFrame:
    """The columns as Great Expectations checks them fastest: numbers and dates as NumPy's, all else as Arrow's.

    Its range check compares row by row in Python unless the type is int64, float64 or datetime64[ns] (10 times slower).
    Dates beyond what nanoseconds hold are moved to the nearest day that they do: they stay out of any sensible range.
    `moments` names the columns that hold a datetime as text: the day written in it is what is compared.
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    def series(name: str) -> Any:
        column = chunk.column(name)
        if name in moments:
            column = pc.strptime(pc.utf8_slice_codeunits(column, 0, 10), "%Y-%m-%d", "s", error_is_null=True)
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            days = column.cast(pa.date32()).to_numpy()
            return np.clip(days, np.datetime64("1678-01-01"), np.datetime64("2261-12-31")).astype("datetime64[ns]")
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            return column.to_numpy()
        return pd.array(column, dtype=pd.ArrowDtype(column.type))

    return pd.DataFrame({name: series(name) for name in columns}, index=pd.RangeIndex(chunk.num_rows))


class Held:
    """The parquet of held rows: opened with the first one, moved into place when all are in it."""

    def __init__(self, path: Path, entity: str) -> None:
        self._path, self._part, self._entity = path, path.with_name(path.name + ".part"), entity
        self._writer: Any = None

    def __enter__(self) -> Held:
        return self

    def add(self, chunk: pa.Table, positions: Sequence[int], field: str, rule: str) -> None:
        """Hold the chunk's rows at these positions for one field and rule."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = chunk.select(list(PROVENANCE)).take(pa.array(positions, pa.int64()))
        for name, value in (("entity", self._entity), ("field", field), ("rule", rule)):
            table = table.append_column(name, pa.repeat(pa.scalar(value, pa.string()), table.num_rows))
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._part, table.schema)
        self._writer.write_table(table)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()
            if kind is None:
                self._part.replace(self._path)
            else:
                self._part.unlink()
