"""`hub validate` for Ed-Fi: interchange documents and resource bodies, all stages in one run.

Authority: Ed-Fi Data Standard 5.2 and 6.1 (interchange schemas, identities, descriptors), Ed-Fi API guidelines.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from hub.engine import connect
from hub.errors import AskVendor, FixConfiguration
from hub.standards.shapes import ENTITY_GROUPS, load_shapes, versions
from hub.standards.specs import descriptor_codes
from hub.standards.validation.edfi_facts import Facts
from hub.standards.validation.edfi_sets import Delivery, Known
from hub.standards.validation.edfi_tally import Tally
from hub.standards.validation.edfi_xml import Document, DocumentReader, kinds_of, open_document
from hub.standards.validation.findings import FileRead, Validation
from hub.standards.validation.profiles import Judge, load_profile


def validate_edfi(
    paths: Sequence[Path],
    *,
    version: str | None = None,
    profile: str = "strict",
    max_per_rule: int = 100,
    show_values: bool = False,
    store: Known | None = None,
    previous: Sequence[Path] | None = None,
    kind: str | None = None,
) -> Validation:
    """Check the files of one delivery together: `.xml`, `.json` and `.jsonl` files, and folders of them.

    `version` ("5.2", "6.1") is that of the documents' namespace unless it is given; bodies say none: default 5.2.
    `store`: entity -> parquet file with the md5 keys (`_key`) of what is known already, or None. `previous`: the files
    of an earlier delivery. `kind`: the resource of bodies whose file is not named after one. A record's place is its
    number in its file and, in XML, its line. Raises AskVendor when no file is there, FixConfiguration for an unknown
    version or profile.
    """
    if version is not None and version not in versions():
        raise FixConfiguration(f"There is no Ed-Fi Data Standard {version}.", f"Choose one of {', '.join(versions())}.")
    files = list(_files(paths))
    if not files:
        raise AskVendor("There is no file to check.", "Name .xml, .json or .jsonl files, or a folder of them.")
    tally = Tally(Judge(load_profile(profile), max_per_rule, show_values))
    with tempfile.TemporaryDirectory(prefix="hub-validate-") as scratch:
        return _Run(files, version, tally, Path(scratch), store).result()


def _files(paths: Iterable[Path]) -> Iterable[tuple[Path, str]]:
    """Every file with the name it is told by: inside a folder, the way from that folder."""
    for path in paths:
        if path.is_dir():
            yield from ((p, p.relative_to(path).as_posix()) for p in sorted(path.rglob("*")) if p.is_file())
        elif path.exists():
            yield path, path.name
        else:
            raise AskVendor(f"{path} does not exist.", "Check the path.")


class _Run:
    def __init__(
        self, files: list[tuple[Path, str]], version: str | None, tally: Tally, scratch: Path, store: Known | None
    ) -> None:
        self.files, self.version, self.tally, self.scratch, self.store = files, version, tally, scratch, store
        self.notes: list[str] = []

    def result(self) -> Validation:
        opened = [
            found
            for p, n in self.files
            if p.suffix.lower() == ".xml"
            if (found := open_document(p, n, self.version, self.tally))
        ]
        for path, name in self.files:
            if path.suffix.lower() != ".xml":
                self.tally.add("edfi.package.unknown_file", name)
        version = self.version or (opened[0].version if opened else "5.2")
        self.shapes = load_shapes(version)
        self.vocabulary = _vocabulary()
        facts = Facts(self.scratch, self.vocabulary)
        targets = frozenset(k for o in opened for k in kinds_of(o))
        if self.store is not None:
            targets = frozenset(n for n, t in self.shapes.complex.items() if t.group in ENTITY_GROUPS)
        readers = [DocumentReader(o, i, targets, facts, self.tally) for i, o in enumerate(opened)]
        documents = [reader.read() for reader in readers]
        unknown = {t for reader in readers for t in reader.unchecked()}
        if documents:
            unknown |= self.sets(documents, facts)
        if unknown:
            self.notes.append(f"References to {', '.join(sorted(unknown))} were not checked: the delivery holds none.")
        self.tally.close()
        judge = self.tally.judge
        read = tuple(FileRead(d.name, d.rows) for d in documents)
        return Validation("Ed-Fi", version, judge.profile.name, read, tuple(judge.findings), tuple(self.notes))

    def sets(self, documents: list[Document], facts: Facts) -> set[str]:
        con = connect(self.scratch)
        try:
            table = con.read_parquet([str(p) for p in sorted(self.scratch.glob("*.parquet"))])
            bases = {
                n: t.base
                for n, t in self.shapes.complex.items()
                if t.group in ENTITY_GROUPS and t.base in self.shapes.complex
            }
            bases = {n: b for n, b in bases.items() if self.shapes.complex[b].group in ENTITY_GROUPS}

            def line(file: int, row: int) -> int | None:
                return documents[file].lines[row - 1]

            delivery = Delivery(con, table, [d.name for d in documents], facts.slots, bases, line, self.tally)
            return delivery.all(facts.kinds, self.shapes.version == "5.2", self.store)
        finally:
            con.disconnect()


def _vocabulary() -> dict[str, str]:
    return {uri: name for name, uris in descriptor_codes().items() for uri in uris}
