"""OneRoster CSV packages: the manifest, bulk and delta, and what they fold to (OneRoster CSV binding 1.1 and 1.2)."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from hub.errors import AskVendor
from hub.model import OpenedDelivery, OpenedFile, Source, Stream
from hub.standards.oneroster_layout import layouts
from hub.standards.reading.csv_files import read_header
from hub.standards.reading.oneroster_rows import settle
from hub.standards.reading.streams import StreamRead, assign, named, read_file, stack

Mode = Literal["bulk", "delta", "absent"]
ALWAYS = {"sourcedId", "status", "dateLastModified"}
MANIFEST_LIMIT = 1_000_000  # bytes; the largest legal one has some thirty lines


@dataclass(frozen=True)
class Manifest:
    """`mended` counts what was read although it is not written as the standard asks."""

    version: str  # "1.0" where a package has no manifest
    modes: dict[str, Mode]
    present: bool
    mended: int = 0


@dataclass(frozen=True)
class Folded:
    """Streams are tables in the connection; `ignored` counts rows by stream and reason."""

    reads: tuple[StreamRead, ...]
    ignored: dict[str, dict[str, int]]
    repairs: dict[str, int]
    unknown_files: tuple[str, ...]
    missing_files: tuple[str, ...] = ()  # never sent, and others refer to them


def read_manifest(files: Sequence[OpenedFile]) -> Manifest:
    """manifest.csv of a package (OneRoster 1.1 and 1.2 CSV binding): one mode per file, `bulk`, `delta` or `absent`.

    Raises AskVendor when it is there and cannot be read.
    """
    file = next((f for f in files if _is_manifest(f)), None)
    if file is None:
        return Manifest("1.0", {}, present=False)
    try:
        with file.path.open("rb") as raw:
            text = raw.read(MANIFEST_LIMIT).decode("utf-8-sig")
        rows = [[c.strip() for c in row] for row in csv.reader(text.splitlines()) if any(row)]
    except (UnicodeDecodeError, csv.Error):
        text, rows = "", []
    if not any(map(any, rows)) or "\x00" in text:  # without its modes a delta would be taken for all there is
        raise AskVendor(
            f"{file.name}: the manifest cannot be read (rule oneroster.manifest.mismatch).",
            "It holds two columns, propertyName and value, in UTF-8.",
        )
    sent = {PurePosixPath(f.name).name.lower() for f in files}
    found: dict[str, str] = {}
    for row in rows:  # the first of several rows of one name counts
        found.setdefault(row[0].lower(), row[1] if len(row) > 1 else "")
    modes: dict[str, Mode] = {}
    known = {file.lower() for version in ("1.1", "1.2") for file in layouts(version)}
    mended = sum(len(row) != 2 for row in rows) + len(rows) - len(found)
    for name, value in found.items():
        if name.startswith("file."):
            mode = value.lower()
            mended += value != mode
            if name.removeprefix("file.") not in known:
                mended += 1
                continue
            if mode not in ("bulk", "delta", "absent"):
                if f"{name.removeprefix('file.')}.csv" not in sent:
                    mended += 1
                    continue
                raise AskVendor(
                    f"{file.name}: the mode of {name} is none of bulk, delta, absent "
                    f"(rule oneroster.manifest.mismatch).",
                    "Correct the manifest.",
                )
            modes[name.removeprefix("file.")] = mode  # type: ignore[assignment]
    mended += found.get("manifest.version") != "1.0"  # a spreadsheet writes 1
    mended += "oneroster.version" not in found
    return Manifest(found.get("oneroster.version", "1.1"), modes, present=True, mended=mended)


def fold(
    con: Any,
    source: Source,
    deliveries: Sequence[OpenedDelivery],
    used: dict[str, set[str]],
    facts: dict[str, Any],
    delivery: str = "",
) -> Folded:
    """The current rows of every file: the newest bulk and the deltas after it (CSV binding, bulk and delta semantics).

    `delivery` "delta" takes deltas whose bulk never came. Raises AskVendor for a package that is refused whole.
    """
    chains, repairs, unknown = _chains(source, deliveries)
    for earlier in deliveries[:-1]:
        used_still = any(seq == earlier.seq for chain in chains.values() for _, seq, _ in chain)
        if used_still and not _sound(source, earlier):
            return fold(con, source, [d for d in deliveries if d is not earlier], used, facts, delivery)
    reads: list[StreamRead] = []
    ignored: dict[str, dict[str, int]] = {}
    for stream in source.streams:
        chain = chains.get(stream.name, [])
        if not chain:
            continue
        if chain[0][0] != "bulk" and delivery != "delta":
            raise AskVendor(
                f"{chain[0][2].name}: the manifest says delta, and no bulk {stream.name}.csv has ever come "
                f"(rule oneroster.delta.no_bulk).",
                "Send one bulk package first. A source that only ever sends deltas says `delivery: delta` in hub.yaml.",
            )
        columns = used[stream.name] | ALWAYS
        mine = []
        for mode, seq, file in chain:
            try:
                mine.append(read_file(con, _as_sent(stream, mode), file, seq, columns, facts))
            except AskVendor:
                if seq == deliveries[-1].seq:
                    raise
                # it was refused whole when it came: nothing of it counts
                return fold(con, source, [d for d in deliveries if d.seq != seq], used, facts, delivery)
        stack(con, stream, mine, columns)
        bulk = {seq for mode, seq, _ in chain if mode == "bulk"}
        rows = settle(con, stream, bulk, chained=len(chain) > 1)
        ignored[stream.name] = rows.ignored
        for rule, count in rows.repairs.items():
            repairs[rule] = repairs.get(rule, 0) + count
        reads += [replace(r, rejects=(*r.rejects, *rows.rejects.get((r.file.sha256, r.seq), ()))) for r in mine]
    here = {r.stream for r in reads}
    repairs = {k: v for k, v in repairs.items() if v}
    return Folded(tuple(reads), ignored, repairs, tuple(unknown), _missing(con, source, here))


def _sound(source: Source, delivery: OpenedDelivery) -> bool:
    """Whether no file of it refuses the whole package by its header or for having no rows."""
    streams = {s.name: s for s in source.streams}
    for name, (mode, file) in _package(source, delivery).files.items():
        try:
            read_header(file.path, file.name, streams[name])
        except AskVendor:
            return False
        with file.path.open("rb") as lines:
            next(lines, None)
            if mode == "bulk" and not any(line.strip() for line in itertools.islice(lines, 1000)):
                return False
    return True


def _is_manifest(file: OpenedFile) -> bool:
    return Path(file.name).name.lower() == "manifest.csv"


def _as_sent(stream: Stream, mode: Mode) -> Stream:
    """A delta may have no rows: nothing changed. A bulk file without rows never deletes: it is refused."""
    return replace(stream, options={**stream.options, "may_be_empty": True}) if mode == "delta" else stream


def _missing(con: Any, source: Source, here: set[str]) -> tuple[str, ...]:
    """Files that never came although filled columns refer to them."""
    found: set[str] = set()
    for stream in source.streams:
        if stream.name not in here:
            continue
        rows = con.table(stream.name)
        for column, target in stream.options.get("refers", {}).items():
            wanted = target not in here | found and column in rows.columns
            if wanted and con.execute(rows.filter(rows[column].notnull()).limit(1).count()):
                found.add(target)
    return tuple(sorted(f"{name}.csv" for name in found))


def _chains(
    source: Source, deliveries: Sequence[OpenedDelivery]
) -> tuple[dict[str, list[tuple[Mode, int, OpenedFile]]], dict[str, int], list[str]]:
    """By stream the newest bulk and the deltas after it; repairs and unknown files of the newest delivery."""
    chains: dict[str, list[tuple[Mode, int, OpenedFile]]] = {}
    package = _Package({}, (), False, 0)
    for delivery in deliveries:
        try:
            package = _package(source, delivery)
        except AskVendor:
            if delivery is deliveries[-1]:
                raise
            continue  # refused whole when it came
        for name, (mode, file) in package.files.items():
            entry = (mode, delivery.seq, file)
            chains[name] = [entry] if mode == "bulk" else [*chains.get(name, []), entry]
    repairs = {"oneroster.manifest.missing": int(not package.manifest), "oneroster.manifest.mismatch": package.mismatch}
    return chains, repairs, list(package.unknown)


@dataclass(frozen=True)
class _Package:
    files: dict[str, tuple[Mode, OpenedFile]]
    unknown: tuple[str, ...]
    manifest: bool
    mismatch: int


def _package(source: Source, delivery: OpenedDelivery) -> _Package:
    """Which file is sent how. The data takes precedence over the manifest (1.2 CSV binding, manifest.csv)."""
    manifest = read_manifest(delivery.files)
    found, rest = assign(source, [f for f in delivery.files if not _is_manifest(f)])
    mismatch = manifest.mended
    files: dict[str, tuple[Mode, OpenedFile]] = {}
    for name, sent in found.items():
        called = [file for file in sent if named(source, file)]
        if called:  # then a file of another name with the same header is a copy that somebody left in the package
            rest += [file for file in sent if file not in called]
            sent = called
        if len(sent) > 1:
            raise AskVendor(
                f"{sent[1].name}: {name}.csv occurs twice in one package (rule oneroster.manifest.mismatch).",
                "A package holds each file once.",
            )
        said = manifest.modes.get(name.lower(), "absent" if manifest.present else "bulk")
        mismatch += said == "absent"
        files[name] = ("bulk" if said == "absent" else said, sent[0])
    for stream in source.streams:
        if stream.name not in found and manifest.modes.get(stream.name.lower(), "absent") != "absent":
            raise AskVendor(
                f"manifest.csv promises {stream.name}.csv and the package does not hold it "
                f"(rule oneroster.manifest.mismatch).",
                "Send the whole package, or mark the file absent.",
            )
    return _Package(files, tuple(f.name for f in rest), manifest.present, mismatch)
