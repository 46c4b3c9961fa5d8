"""Facts of all files of a delivery, in Arrow and then on disk: keys, references and codes with file and record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from hub.standards.validation.edfi_extract import FIRST, PART, Slot

SCHEMA = pa.schema(
    [("kind", pa.string()), ("target", pa.string()), ("slot", pa.int32()), ("file", pa.int32()), ("row", pa.int64())]
).append(pa.field("value", pa.string()))
#: Kept for the checks over all files.
KEPT = ("key", "code", "reference", "descriptor", "id", "by_id")
_PART = PART.encode()
_LOOSE = (b"\t ", b" \n", b" " + _PART, _PART + b" ")
_BLANK = (b"\t\n", b"\t" + _PART, _PART + b"\n", _PART + _PART)


@dataclass
class Facts:
    """`slots` of all files, each numbered by its place here; `known` are the codes that need no further look.

    `kinds`: of the facts that were met.
    """

    folder: Path
    known: dict[str, str]  # URI -> descriptor
    slots: list[Slot] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._uris = pa.array(self.known, pa.string())
        self._types = pa.array(self.known.values(), pa.string())

    def sheet(self, slots: Sequence[Slot]) -> Sheet:
        offset = len(self.slots)
        self.slots += slots
        kinds = [s.kind for s in slots]
        return Sheet(
            offset,
            pa.array([int(k in FIRST) for k in kinds], pa.int64()),
            pa.array(kinds, pa.string()),
            pa.array([s.target for s in slots], pa.string()),
        )

    def good(self, lines: pa.Table) -> Any:
        """Which lines of descriptors are of the right type with a code of the standard."""
        met = pc.index_in(lines["value"], self._uris)
        return pc.fill_null(pc.equal(pc.take(self._types, met), lines["target"]), False)


@dataclass(frozen=True)
class Sheet:
    """What the slots of one stylesheet are, as columns to take from."""

    offset: int
    first: Any
    kinds: Any
    targets: Any

    def lines(self, text: bytes, file: int, before: int) -> pa.Table | None:
        """The lines of one batch as facts with their record; None where a value has broken a line."""
        try:
            read = pyarrow.csv.read_csv(
                pa.BufferReader(text),
                pyarrow.csv.ReadOptions(column_names=["slot", "value"], use_threads=False, block_size=len(text) + 1),
                pyarrow.csv.ParseOptions(
                    delimiter="\t", quote_char=False, double_quote=False, ignore_empty_lines=False
                ),
                pyarrow.csv.ConvertOptions(
                    column_types={"slot": pa.int32(), "value": pa.string()}, strings_can_be_null=False, null_values=[]
                ),
            )
            slot = read["slot"]
            row = pc.add(pc.cumulative_sum(pc.take(self.first, slot)), before)
        except pa.ArrowException:
            return None
        columns = [
            pc.take(self.kinds, slot),
            pc.take(self.targets, slot),
            pc.add(slot, self.offset).cast(pa.int32()),
            pa.repeat(pa.scalar(file, pa.int32()), read.num_rows),
            row,
            read["value"],
        ]
        return pa.Table.from_arrays(columns, schema=SCHEMA)


def loose(text: bytes) -> bool:
    """Whether a value begins or ends with a blank: it must be cleaned before it is compared."""
    return any(mark in text for mark in _LOOSE)


def parted(lines: pa.Table, text: bytes | None = None) -> tuple[pa.Table, pa.Table]:
    """(lines whose key is whole, lines with a key of which a part is blank); `text` is what they were read from."""
    if text is not None and not any(mark in text for mark in _BLANK):
        return lines, lines.slice(0, 0)
    keyed = pc.is_in(lines["kind"], pa.array(["key", "reference"]))
    empty = pc.match_substring_regex(lines["value"], f"^$|^{PART}|{PART}$|{PART}{PART}")
    bad = pc.and_(keyed, empty)
    return lines.filter(pc.invert(bad)), lines.filter(bad)


def of(lines: pa.Table, slots: Sequence[int]) -> pa.Table:
    """The lines of some slots."""
    return lines.filter(pc.is_in(lines["slot"], pa.array(slots, pa.int32())))


def each_slot(lines: pa.Table, limit: int, told: Callable[[int, int, list[int]], None]) -> None:
    """Calls `told(slot, count, first rows)` for every slot in the lines."""
    for said in pc.value_counts(lines["slot"]).to_pylist():
        mine = lines.filter(pc.equal(lines["slot"], said["values"]))
        told(said["values"], said["counts"], mine["row"].slice(0, limit).to_pylist())


class Writer:
    """One parquet file of facts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="lz4", use_dictionary=["kind", "target"])

    def write(self, lines: pa.Table) -> None:
        if lines.num_rows:
            self._writer.write_table(lines)

    def close(self) -> None:
        self._writer.close()
