"""`hub validate` for Ed-Fi: interchange documents and resource bodies, all stages in one run.

Authority: Ed-Fi Data Standard 5.2 and 6.1 (interchange schemas, identities, descriptors), Ed-Fi API guidelines.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.engine import connect
from hub.errors import AskVendor, FixConfiguration
from hub.standards.reading.xml_document import form
from hub.standards.shapes import ENTITY_GROUPS, load_shapes, versions
from hub.standards.specs import descriptor_codes
from hub.standards.validation.edfi_facts import Facts
from hub.standards.validation.edfi_json import BodyReader, resource_of
from hub.standards.validation.edfi_sets import Delivery, removed
from hub.standards.validation.edfi_tally import Tally
from hub.standards.validation.edfi_xml import Document, DocumentReader, Opened, kinds_of, open_document
from hub.standards.validation.findings import FileRead, Known, Progress, Validation, silent
from hub.standards.validation.profiles import Judge, load_profile

#: The version of bodies, which do not say one.
DEFAULT = "5.2"


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
    names: Sequence[str] | None = None,
    unsafe: Sequence[str] = (),
    repeated: Sequence[str] = (),
    progress: Progress = silent,
) -> Validation:
    """Check the files of one delivery together: interchange documents (XML), bodies (JSON, JSONL), and folders of them.

    `version` ("5.2", "6.1") is that of the documents' namespace unless it is given; bodies say none: default 5.2.
    `store`: the keys of what is published already. `previous`: the files of an earlier delivery. `kind`: the resource
    of bodies whose file is not named after one. `names`: what to call each path; `unsafe` and `repeated` name what
    of the package was left out. A record's place is its number in its file and, in XML, its line. Raises AskVendor when
    no file is there or none is of Ed-Fi, FixConfiguration for an unknown version or profile.
    """
    if version is not None and version not in versions():
        raise FixConfiguration(f"There is no Ed-Fi Data Standard {version}.", f"Choose one of {', '.join(versions())}.")
    if kind is not None and resource_of("", version or DEFAULT, kind) is None:
        raise FixConfiguration(
            f"Ed-Fi {version or DEFAULT} has no resource {kind!r}.", "Name one of `hub schema list`, such as students."
        )
    files = list(_files(paths, names))
    judge = Judge(load_profile(profile), max_per_rule, show_values)
    tally = Tally(judge)
    for name in unsafe:
        tally.add("edfi.package.unsafe", name)
    for name in repeated:
        tally.add("edfi.package.duplicate_file", name)
    with tempfile.TemporaryDirectory(prefix="hub-validate-") as scratch:
        now = _read(files, version, tally, Path(scratch) / "now", kind, store is not None, progress)
        if not now.documents and {rule for rule, *_ in tally.heaps} <= {
            "edfi.package.unknown_file",
            "edfi.package.unsafe",
        }:
            raise AskVendor(
                "No file here is an Ed-Fi document.", "Name .xml, .json or .jsonl files, or a folder of them."
            )
        progress("keys, references and codes", 0, 0)
        unknown = now.unchecked | (_checked(now, tally, store) if now.documents else set())
        if previous:
            progress("comparing with the earlier delivery", 0, 0)
            quiet = Tally(Judge(load_profile(profile), 1))
            before = _read(list(_files(previous, None)), now.version, quiet, Path(scratch) / "before", kind, False)
            _compare(before, now, tally)
        tally.close()
    notes = (
        [f"References to {', '.join(sorted(unknown))} were not checked: the delivery holds none."] if unknown else []
    )
    if now.version != DEFAULT and now.documents:
        notes.append(
            f"The default codes of {now.version} are not known here: of its descriptors only form and type count."
        )
    read = tuple(FileRead(d.name, d.rows) for d in now.documents)
    return Validation("Ed-Fi", now.version, judge.profile.name, read, judge.sorted(), tuple(notes))


def _files(paths: Sequence[Path], names: Sequence[str] | None) -> Iterator[tuple[Path, str]]:
    """Every file with the name it is told by: inside a folder, the way from that folder."""
    for i, path in enumerate(paths):
        if path.is_dir():
            yield from ((p, p.relative_to(path).as_posix()) for p in sorted(path.rglob("*")) if p.is_file())
        elif path.exists():
            yield path, names[i] if names else path.name
        else:
            raise AskVendor(f"{path} does not exist.", "Check the path.")


@dataclass
class _Reading:
    """A delivery as far as each file says by itself."""

    version: str
    scratch: Path
    facts: Facts
    documents: list[Document]
    unchecked: set[str]


def _read(
    files: Iterable[tuple[Path, str]],
    version: str | None,
    tally: Tally,
    scratch: Path,
    kind: str | None,
    all_targets: bool,
    progress: Progress = silent,
) -> _Reading:
    scratch.mkdir()
    opened: list[Opened] = []
    bodies: list[tuple[Path, str]] = []
    for path, name in files:
        kind_of_file = form(path, name)
        if kind_of_file == "xml":
            found = open_document(path, name, version, tally)
            opened += [found] if found else []
        elif kind_of_file == "json":
            bodies.append((path, name))
        else:
            tally.add("edfi.package.unknown_file", name)
    for other in opened if version is None else ():
        if other.version != opened[0].version:
            tally.add("edfi.package.versions", other.name, line=1)
    version = version or (opened[0].version if opened else DEFAULT)
    entities = [(p, n, resource_of(n, version, kind)) for p, n in bodies]
    targets = frozenset({k for o in opened for k in kinds_of(o)} | _with_bases(version, {e for *_, e in entities if e}))
    if all_targets:
        targets = frozenset(n for n, t in load_shapes(version).complex.items() if t.group in ENTITY_GROUPS)
    facts = Facts(scratch, {uri: name for name, uris in descriptor_codes().items() for uri in uris})
    readers: list[DocumentReader | BodyReader] = [
        DocumentReader(o, i, targets, facts, tally) for i, o in enumerate(opened)
    ]
    for path, name, entity in entities:
        if entity is None:
            tally.add("edfi.package.unknown_resource", name)
        else:
            readers.append(BodyReader(path, name, entity, version, len(readers), targets, facts, tally))
    documents = []
    for done, reader in enumerate(readers):
        progress(f"reading {reader.document.name}", done, len(readers))
        documents.append(reader.read())
    return _Reading(version, scratch, facts, documents, {t for reader in readers for t in reader.unchecked()})


def _with_bases(version: str, names: set[str]) -> set[str]:
    return names | {base for name, base in _bases(version).items() if name in names}


def _bases(version: str) -> dict[str, str]:
    """Entity -> the entity it extends, as School extends EducationOrganization."""
    types = load_shapes(version).complex
    entities = {n: t.base for n, t in types.items() if t.group in ENTITY_GROUPS}
    return {n: base for n, base in entities.items() if base in entities}


def _checked(reading: _Reading, tally: Tally, store: Known | None) -> set[str]:
    """The checks over all files. Returns the entities referred to of which nothing is known."""
    documents = reading.documents

    def line(file: int, row: int) -> int | None:
        return documents[file].lines[row - 1] or None

    con = connect(reading.scratch)
    try:
        facts = con.read_parquet([str(p) for p in sorted(reading.scratch.glob("*.parquet"))])
        names = [d.name for d in documents]
        delivery = Delivery(con, facts, names, reading.facts.slots, _bases(reading.version), line, tally)
        return delivery.all(reading.facts.kinds, reading.version == DEFAULT, store)
    finally:
        con.disconnect()


def _compare(before: _Reading, now: _Reading, tally: Tally) -> None:
    """What an earlier delivery had and this one lacks."""
    if not before.documents or not now.documents:
        return
    con = connect(now.scratch)
    try:
        earlier = con.read_parquet([str(p) for p in sorted(before.scratch.glob("*.parquet"))])
        later = con.read_parquet([str(p) for p in sorted(now.scratch.glob("*.parquet"))])
        limit = tally.judge.profile.limits.get("removed", 1.0)
        for entity, had, gone in removed(con, earlier, later):
            tally.many("edfi.difference.removed", "", entity, gone, [])
            if gone > limit * had:
                detail = f"{gone:,} of {had:,}; the limit is {limit:.0%}."
                tally.many("edfi.difference.mass_removal", "", entity, gone, [], (), detail)
    finally:
        con.disconnect()
