"""A OneRoster CSV package, 1.1 or 1.2(.1), judged in one run: package, syntax, shape, keys, references, meaning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from hub.errors import AskVendor
from hub.standards.oneroster_layout import FileLayout, binding, layouts
from hub.standards.reading.wide_records import narrowed
from hub.standards.validation.archive import Feed, SentFile
from hub.standards.validation.connection import Connection
from hub.standards.validation.findings import FileRead, Known, Progress, Validation, silent
from hub.standards.validation.oneroster_bytes import judge_bytes, mended, scan_bytes
from hub.standards.validation.oneroster_cells import functions
from hub.standards.validation.oneroster_header import judge_header
from hub.standards.validation.oneroster_manifest import Manifest, judge_manifest
from hub.standards.validation.oneroster_read import Table, read_table
from hub.standards.validation.oneroster_references import judge_cycles, judge_keys, judge_references
from hub.standards.validation.oneroster_semantics import judge_checks, wanted
from hub.standards.validation.oneroster_source import Source
from hub.standards.validation.profiles import Judge
from hub.standards.validation.recognise import header_of

MEMORY = "1GB"  # past it DuckDB spills to the working folder


@dataclass
class Package:
    """The files of a feed as far as names and the manifest tell. `files` by name of the standard."""

    version: str  # as the manifest has it, else as the headers fit
    layout: dict[str, FileLayout]
    manifest: Manifest
    files: dict[str, SentFile]
    packaged: bool
    notes: list[str] = field(default_factory=list)

    def mode(self, name: str) -> str:
        said = self.manifest.modes.get(name, "absent")
        return "bulk" if said == "absent" else said


def validate_oneroster(
    feed: Feed,
    workdir: Path,
    judge: Judge,
    *,
    version: str | None = None,
    previous: Feed | None = None,
    store: Known | None = None,
    progress: Progress = silent,
) -> Validation:
    """All findings of a package. Nothing stops the run: what one stage finds does not hide what the next would.

    `previous` is an earlier package to compare with, `store` says what is published already. Temporary files go to
    `workdir`. Raises AskVendor when no file is one of the standard.
    """
    package = _package(feed, judge, version)
    if not package.files and not package.manifest.present:
        raise AskVendor(
            "No file here is one of OneRoster.",
            "Name a package (zip, folder) or its CSV files, or leave --standard out.",
        )
    con = Connection(workdir / "spill", MEMORY)
    try:
        con.run(functions())
        tables, reads = _read(con, judge, package, workdir, content=previous is not None, prefix="", progress=progress)
        known: dict[str, Table] = {}
        if previous is not None:
            from hub.standards.validation.difference import judge_difference

            progress("comparing with the earlier delivery", 0, 0)
            silent = Judge(judge.profile)
            earlier = _package(previous, silent, version)
            known, _ = _read(con, silent, earlier, workdir, content=True, prefix="before__")
            judge_difference(con, judge, tables, known, package.notes)
        progress("keys and references", 0, 0)
        for table in tables.values():
            judge_keys(con, judge, table)
            judge_cycles(con, judge, table)
        unjudged = judge_references(con, judge, tables, known, store, packaged=package.packaged)
        progress("what the rows mean", 0, 0)
        judge_checks(con, judge, tables, binding(package.version))
        if judge.show_values:
            from hub.standards.validation.oneroster_values import fill_values

            fill_values(con, judge, tables)
    finally:
        con.close()
    if unjudged:
        package.notes.append(f"{unjudged:,} references to records outside this feed were not judged.")
    return Validation(
        "OneRoster", package.version, judge.profile.name, tuple(reads), judge.sorted(), tuple(package.notes)
    )


def _package(feed: Feed, judge: Judge, version: str | None) -> Package:
    if version is not None:
        binding(version)
    sent = {f.base.casefold(): f for f in feed.files}
    file = sent.get("manifest.csv")
    notes: list[str] = []
    packaged = feed.packaged or file is not None
    fitting = version or _fitting(feed)
    manifest = judge_manifest(judge, file, sent, version or "", fitting) if packaged else Manifest(False, "", {})
    if not packaged:
        notes.append("Single files: what only a whole package shows was not judged.")
    chosen = version or manifest.version or fitting
    if manifest.present is False and packaged:
        notes.append(f"There is no manifest: the files were judged as bulk of OneRoster {chosen}.")
    layout = layouts(binding(chosen))
    names = {f.csv.casefold(): name for name, f in layout.items()}
    files: dict[str, SentFile] = {}
    for file in feed.files:
        if file.base.casefold() == "manifest.csv":
            continue
        name = names.get(file.base.casefold()) or ("" if feed.packaged else _by_header(file, layout))
        if name and name not in files:
            files[name] = file
        else:
            judge.find("oneroster.package.unknown_file", file.name)
    package = Package(chosen, layout, manifest, files, packaged, notes)
    _judge_names(judge, feed, package)
    return package


def _judge_names(judge: Judge, feed: Feed, package: Package) -> None:
    for name in feed.unsafe:
        judge.find("oneroster.package.unsafe", name)
    for name in feed.repeated:
        judge.find("oneroster.package.duplicate_file", name)
    for file in feed.files:
        if file.nested:
            judge.find("oneroster.package.nested_folder", file.name)
    exact = {"manifest.csv", *(f.csv for f in package.layout.values())}
    folded = {name.casefold() for name in exact}
    for file in feed.files:
        if file.base not in exact and file.base.casefold() in folded:
            judge.find("oneroster.package.file_name_case", file.name)
    if not package.manifest.present:
        return
    for name, layout in package.layout.items():
        promised = package.manifest.modes.get(name, "absent") != "absent"
        if promised and name not in package.files:
            judge.find("oneroster.manifest.file_missing", layout.csv)
        elif not promised and name in package.files:
            judge.find("oneroster.manifest.file_unexpected", package.files[name].name)


def _fitting(feed: Feed) -> str:
    """The version whose headers fit better; 1.2 where both do. A single file may have any name."""
    misfits = {"1.1": 0, "1.2": 0}
    standard = {f.csv.casefold() for f in layouts("1.2").values()}
    for file in feed.files:
        columns, base = set(header_of(file) or ()), file.base.casefold()
        for version in misfits:
            expected = {f.csv.casefold(): {c.name for c in f.columns if not c.spare} for f in layouts(version).values()}
            if base in expected or base in standard:
                misfits[version] += len(columns ^ expected.get(base, set()))
            elif not feed.packaged and base != "manifest.csv":
                misfits[version] += min(len(columns ^ known) for known in expected.values())
    return "1.1" if misfits["1.1"] < misfits["1.2"] else "1.2"


def _by_header(file: SentFile, layout: dict[str, FileLayout]) -> str:
    """A single file under another name: the file of the standard whose columns it has most of."""
    columns = {c.strip().casefold() for c in header_of(file) or ()}
    misfit = {name: len(columns ^ {c.name.casefold() for c in f.columns}) for name, f in layout.items()}
    best = min(misfit, key=lambda name: misfit[name])
    return best if misfit[best] < len(columns) else ""


def _read(
    con: Connection,
    judge: Judge,
    package: Package,
    workdir: Path,
    *,
    content: bool,
    prefix: str,
    progress: Progress = silent,
) -> tuple[dict[str, Table], list[FileRead]]:
    tables: dict[str, Table] = {}
    reads: list[FileRead] = []
    version = binding(package.version)
    columns = wanted(version)
    for done, (name, file) in enumerate(sorted(package.files.items())):
        progress(f"reading {file.name}", done, len(package.files))
        source = _source(judge, package, name, file, workdir / f"{prefix}{name}.csv")
        if source is None:
            reads.append(FileRead(file.name, 0))
            continue
        try:
            try:
                table = read_table(con, judge, source, columns[name], prefix, content)
            except duckdb.Error:  # torn quotes; blank fields before a carriage return, which it only takes without
                lines = mended(source.path, workdir / f"{prefix}{name}.lines.csv")
                source = replace(source, path=narrowed(lines, source.width, workdir / f"{prefix}{name}.narrow.csv"))
                table = read_table(con, judge, source, columns[name], prefix, content)
        except duckdb.Error:
            judge.find("oneroster.csv.unreadable", file.name)
            reads.append(FileRead(file.name, 0))
            continue
        reads.append(FileRead(file.name, table.records))
        if not table.records:
            judge.find(f"oneroster.csv.no_rows{'_in_delta' if source.mode == 'delta' else ''}", file.name)
        tables[name] = table
    return tables, reads


def _source(judge: Judge, package: Package, name: str, file: SentFile, spare: Path) -> Source | None:
    """The file as far as its bytes and header can be read; None where no row of it can be judged."""
    found = scan_bytes(file.path)
    with file.path.open("rb") as stream:
        start = stream.read(4)
    if found.blank:
        judge.find("oneroster.csv.empty", file.name)
        return None
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        judge.find("oneroster.csv.encoding", file.name, detail="It is UTF-16.")
        return None
    path = judge_bytes(judge, file.name, file.path, found, spare)
    header = header_of(SentFile(file.name, path))
    if not header:
        judge.find("oneroster.header.missing", file.name)
        return None
    places = judge_header(judge, file.name, package.layout[name], header)
    if not places:
        return None
    if found.crowded:
        try:
            path = narrowed(path, len(header), spare.with_suffix(".narrow"))
        except duckdb.InvalidInputException:
            judge.find("oneroster.csv.unreadable", file.name)
            return None
    return Source(
        file.name,
        binding(package.version),
        package.layout[name],
        package.mode(name),
        path,
        len(header),
        places,
        found,
        sum(c.count(",") for c in header),
    )
