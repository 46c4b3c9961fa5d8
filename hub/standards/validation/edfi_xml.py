"""One interchange document: syntax, shape, and the facts that the checks over all files need."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hub.errors import AskVendor
from hub.standards.reading.edfi_xml import read_interchange
from hub.standards.reading.xml_document import local_name, namespace_of, version_of
from hub.standards.shapes import ENTITY_GROUPS, load_shapes
from hub.standards.validation.edfi_document import Batch, Unreadable, batches, opening
from hub.standards.validation.edfi_extract import PART, Stylesheet, specs, stylesheet
from hub.standards.validation.edfi_facts import KEPT, SCHEMA, Facts, Sheet, Writer, each_slot, loose, of, parted
from hub.standards.validation.edfi_shape import ShapeReader
from hub.standards.validation.edfi_tally import Tally

_DIRECT = {
    "blank": "edfi.shape.empty",
    "conflict": "edfi.semantic.key_unification",
    "order": "edfi.semantic.order",
}


@dataclass(frozen=True)
class Opened:
    """A document whose root can be read: `version` of the hub's specs that it is checked by."""

    path: Path
    name: str
    tag: str
    version: str
    namespace: str
    interchange: str


@dataclass
class Document:
    """What is kept of a document read: its lines, to give a record's place, and whether it refers by id."""

    name: str
    number: int
    rows: int = 0
    lines: list[int] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    by_id: bool = False


def open_document(path: Path, name: str, version: str | None, tally: Tally) -> Opened | None:
    """The root of a document; what is wrong with it goes to the tally. None where nothing more can be read."""
    try:
        root = opening(path)
    except Unreadable as fault:
        tally.add(fault.rule, name, line=fault.line)
        return None
    namespace, local = namespace_of(root.tag), local_name(root)
    chosen = version_of(namespace)
    if not local.startswith("Interchange") or chosen is None:
        tally.add("edfi.syntax.not_interchange", name, line=root.sourceline)
        return None
    if load_shapes(version or chosen).namespace != namespace:
        tally.add("edfi.shape.namespace", name, line=root.sourceline)
    if local not in load_shapes(chosen).interchanges:
        tally.add("edfi.shape.unknown_interchange", name, local[:80], line=root.sourceline)
    return Opened(path, name, str(root.tag), chosen, namespace, local)


def kinds_of(opened: Opened) -> set[str]:
    """The entities of which this document may hold records, and those that they extend."""
    shapes = load_shapes(opened.version)
    found = {kind for _, kind in shapes.records(opened.interchange) if not kind.endswith("ReferenceType")}
    bases = {shapes.complex[kind].base for kind in found}
    return found | {b for b in bases if b in shapes.complex and shapes.complex[b].group in ENTITY_GROUPS}


class DocumentReader:
    """Reads one document, batch by batch, once."""

    def __init__(
        self,
        opened: Opened,
        number: int,
        targets: frozenset[str],
        facts: Facts,
        tally: Tally,
    ) -> None:
        self.opened, self.facts, self.tally = opened, facts, tally
        self.document = Document(opened.name, number)
        self.entities, self.targets = specs(opened.version), targets
        self.shape = ShapeReader(opened.version, opened.namespace, opened.interchange)
        self.sheets: dict[tuple[bool, bool], tuple[Stylesheet, Sheet]] = {}
        self.blank: list[pa.Table] = []

    def read(self) -> Document:
        """Everything that the document says by itself goes to the tally, the rest to the facts."""
        writer = Writer(self.facts.folder / f"{self.document.number}.parquet")
        name, document = self.opened.name, self.document
        self.beside = ThreadPoolExecutor(1)
        try:
            for batch in batches(self.opened.path, self.opened.tag):
                document.lines += batch.lines
                document.rows += len(batch.lines)
                if not batch.lines:
                    self.tally.add("edfi.shape.no_record", name, line=1)
                    continue
                # Both only read the batch, in C and without Python's lock.
                facts = self.beside.submit(self.extract, batch)
                valid = self.shape.valid(batch)
                self.take(*facts.result(), writer)
                for f in () if valid else self.shape.faults(batch):
                    clause = f"Ed-Fi Data Standard {self.opened.version} XSD, type {f.type}" if f.type else ""
                    self.tally.add(f.rule, name, f.column, f.row, f.line, f.value, f.detail, clause)
        except Unreadable as fault:
            self.tally.add(fault.rule, name, line=fault.line)
        finally:
            writer.close()
            self.beside.shutdown()
        if document.by_id:
            self.resolve()
        else:
            for lines in self.blank:
                self.tell("edfi.key.blank", lines)
        return document

    def resolve(self) -> None:
        """The keys of a document whose records refer by id, from the reader that resolves them."""
        numbers = {self.facts.slots[s].record: s for t in self.blank for s in pc.unique(t["slot"]).to_pylist()}
        if not numbers:
            return
        shapes, out = load_shapes(self.opened.version), self.facts.folder / f"by-id-{self.document.number}"
        entities = {n: self.entities[n] for n, t in shapes.complex.items() if t.group in ENTITY_GROUPS}
        try:
            read = read_interchange(self.opened.path, entities, out)
        except AskVendor:
            return  # what stopped it is in the tally already
        rows = pc.unique(pa.concat_tables(self.blank)["row"])
        writer = Writer(self.facts.folder / f"{self.document.number}-by-id.parquet")
        for name in sorted(read.rows.keys() & numbers.keys()):
            columns = pq.read_table(out / f"{name}.parquet", columns=[*entities[name].key, "_row"])
            whole, blank = self.keys(numbers[name], columns.filter(pc.is_in(columns["_row"], rows)))
            writer.write(whole)
            self.tell("edfi.key.blank", blank)
        writer.close()

    def keys(self, slot: int, columns: pa.Table) -> tuple[pa.Table, pa.Table]:
        """(facts of the whole keys, of those with a blank part) of the rows of one entity, its key and `_row`."""
        parts = [pc.fill_null(columns[c], "") for c in columns.column_names if c != "_row"]
        said = self.facts.slots[slot]
        facts = [
            pa.repeat("key", len(columns)),
            pa.repeat(said.target, len(columns)),
            pa.repeat(pa.scalar(slot, pa.int32()), len(columns)),
            pa.repeat(pa.scalar(self.document.number, pa.int32()), len(columns)),
            columns["_row"],
            pc.binary_join_element_wise(*parts, PART) if len(parts) > 1 else parts[0],
        ]
        return parted(pa.Table.from_arrays(facts, schema=SCHEMA))

    def sheet(self, exact: bool, attributes: bool) -> tuple[Stylesheet, Sheet]:
        found = self.sheets.get((exact, attributes))
        if found is None:
            said = self.opened
            made = stylesheet(said.version, said.namespace, said.interchange, self.targets, exact, attributes)
            found = self.sheets[exact, attributes] = (made, self.facts.sheet(made.slots))
        return found

    def extract(self, batch: Batch) -> tuple[pa.Table, bytes]:
        """The facts of a batch, and the text that they were read from."""
        for exact in (False, True):
            made, sheet = self.sheet(exact, batch.attributes)
            text = bytes(made.transform(batch.root))
            lines = sheet.lines(text, self.document.number, batch.before) if exact or not loose(text) else None
            if lines is not None and pc.max(lines["row"]).as_py() == batch.before + len(batch.lines):
                return lines, text
        raise AssertionError("nothing that XML can hold breaks the lines of the exact stylesheet")

    def take(self, lines: pa.Table, text: bytes, writer: Writer) -> None:
        lines, blank = parted(lines, text)
        slots: dict[str, list[int]] = {}  # numbers are compared in a fraction of the time of words
        for slot in pc.unique(lines["slot"]).to_pylist():
            slots.setdefault(self.facts.slots[slot].kind, []).append(slot)
        self.document.by_id = self.document.by_id or "by_id" in slots
        self.document.kinds |= {self.facts.slots[s].record for kind in ("key", "code") for s in slots.get(kind, ())}
        for kind in _DIRECT.keys() & slots.keys():
            self.tell(_DIRECT[kind], of(lines, slots[kind]))
        blank_keys = blank.filter(pc.equal(blank["kind"], "key"))
        if blank_keys.num_rows:
            self.blank.append(blank_keys)
        codes = of(lines, slots.pop("descriptor", []))
        codes = codes.filter(pc.invert(self.facts.good(codes)))
        self.facts.kinds.update(slots, ("descriptor",) if codes.num_rows else ())
        writer.write(of(lines, [s for kind in KEPT for s in slots.get(kind, ())]))
        writer.write(codes)

    def tell(self, rule: str, lines: pa.Table) -> None:
        def told(slot: int, count: int, rows: list[int]) -> None:
            said = self.facts.slots[slot]
            column = f"{said.record}/{said.path}" if said.path else said.record
            detail = f"Compare {said.record}/{said.detail}." if said.detail else ""
            places = [self.document.lines[r - 1] for r in rows]
            self.tally.many(rule, self.opened.name, column, count, rows, places, detail)

        each_slot(lines, self.tally.judge.max_per_rule, told)

    def unchecked(self) -> set[str]:
        """Entities that records of this document refer to and of which no key can be known."""
        found: set[str] = set()
        for made, _ in self.sheets.values():
            found.update(*(targets for record, targets in made.unchecked.items() if record in self.document.kinds))
        return found
