"""OneRoster CSV packages: the manifest, bulk and delta, and the state they fold to (OneRoster CSV binding 1.1 and 1.2)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hub.engine import keep
from hub.errors import AskVendor
from hub.model import OpenedDelivery, OpenedFile, Source
from hub.standards.streams import StreamRead, assign, read_csv_stream, stack

Mode = Literal["bulk", "delta", "absent"]
ALWAYS = {"sourcedId", "status", "dateLastModified"}


@dataclass(frozen=True)
class Manifest:
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


def read_manifest(files: Sequence[OpenedFile]) -> Manifest:
    """manifest.csv of a package (1.2 CSV binding, section 1.2 of the facts).

    Raises AskVendor when it is there and cannot be read.
    """
    file = next((f for f in files if Path(f.name).name.lower() == "manifest.csv"), None)
    if file is None:
        return Manifest("1.0", {}, present=False)
    try:
        with file.path.open(encoding="utf-8-sig", newline="") as text:
            rows = [[c.strip() for c in row] for row in csv.reader(text) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise AskVendor(
            f"{file.name}: the manifest cannot be read (rule oneroster.manifest.mismatch).",
            "It holds two columns, propertyName and value, in UTF-8.",
        ) from error
    found = {row[0]: row[1] if len(row) > 1 else "" for row in rows}
    modes: dict[str, Mode] = {}
    mended = 0
    for name, value in found.items():
        if name.startswith("file."):
            mode = value.lower()
            mended += value != mode
            if mode not in ("bulk", "delta", "absent"):
                raise AskVendor(
                    f"{file.name}: {name} has a mode that is none of bulk, delta, absent "
                    f"(rule oneroster.manifest.mismatch).",
                    "Correct the manifest.",
                )
            modes[name.removeprefix("file.")] = mode  # type: ignore[assignment]
    mended += found.get("manifest.version", "1.0") != "1.0"
    return Manifest(found.get("oneroster.version", "1.1"), modes, present=True, mended=mended)


def fold(
    con: Any, source: Source, deliveries: Sequence[OpenedDelivery], used: dict[str, set[str]], facts: dict[str, Any]
) -> Folded:
    """The current rows of every file: the newest bulk and the deltas after it (CSV binding, bulk and delta semantics)."""
    chains, repairs, unknown = _chains(source, deliveries)
    reads: list[StreamRead] = []
    ignored: dict[str, dict[str, int]] = {}
    for stream in source.streams:
        chain = chains.get(stream.name, [])
        if not chain:
            continue
        mine = [read_csv_stream(con, stream, file, seq, used[stream.name] | ALWAYS, facts) for _, seq, file in chain]
        reads += mine
        stack(con, stream, mine, used[stream.name] | ALWAYS)
        bulk = {seq for mode, seq, _ in chain if mode == "bulk"}
        ignored[stream.name] = _current(con, stream.name, chained=len(chain) > 1)
        filled = _status_filled(con, stream.name, bulk)
        if filled:
            repairs["oneroster.bulk.status_filled"] = repairs.get("oneroster.bulk.status_filled", 0) + filled
    return Folded(tuple(reads), ignored, {k: v for k, v in repairs.items() if v}, tuple(unknown))


def _chains(
    source: Source, deliveries: Sequence[OpenedDelivery]
) -> tuple[dict[str, list[tuple[Mode, int, OpenedFile]]], dict[str, int], list[str]]:
    chains: dict[str, list[tuple[Mode, int, OpenedFile]]] = {}
    repairs = {"oneroster.manifest.missing": 0, "oneroster.manifest.mismatch": 0}
    unknown: list[str] = []
    for delivery in deliveries:
        manifest = read_manifest(delivery.files)
        found, rest = assign(source, [f for f in delivery.files if Path(f.name).name.lower() != "manifest.csv"])
        newest = delivery is deliveries[-1]
        if newest:
            unknown = [f.name for f in rest]
            repairs["oneroster.manifest.missing"] += not manifest.present
            repairs["oneroster.manifest.mismatch"] += manifest.mended
        for name, files in found.items():
            if len(files) > 1:
                raise AskVendor(
                    f"{files[1].name}: {name}.csv occurs twice in one package (rule oneroster.manifest.mismatch).",
                    "A package holds each file once.",
                )
            mode = manifest.modes.get(name, "bulk")
            if mode == "absent":  # the data takes precedence over the manifest (1.2 CSV binding)
                mode = "bulk"
                repairs["oneroster.manifest.mismatch"] += newest
            entry = (mode, delivery.seq, files[0])
            chains[name] = [entry] if mode == "bulk" else [*chains.get(name, []), entry]
        missing = [n for n, m in manifest.modes.items() if m != "absent" and n not in found]
        if missing and newest:
            raise AskVendor(
                f"manifest.csv promises {missing[0]}.csv and the package does not hold it "
                f"(rule oneroster.manifest.mismatch).",
                "Send the whole package, or mark the file absent.",
            )
    return chains, repairs, unknown


def _current(con: Any, name: str, *, chained: bool) -> dict[str, int]:
    """Leaves only live rows in the stream's table; says how many went and why."""
    rows = con.table(name)
    before = con.execute(rows.count())
    live = rows
    if chained:
        live = rows.filter(rows["_seq"] == rows["_seq"].max().over(group_by=rows["sourcedId"]))
        keep(con, name, live)
        live = con.table(name)
    kept = con.execute(live.count())
    alive = live.filter(live["status"].lower().fill_null("active") != "tobedeleted")
    keep(con, name, alive)
    after = con.execute(con.table(name).count())
    counts = {"oneroster.superseded": int(before - kept), "oneroster.status.tobedeleted": int(kept - after)}
    return {k: v for k, v in counts.items() if v}


def _status_filled(con: Any, name: str, bulk: set[int]) -> int:
    rows = con.table(name)
    filled = rows.filter(
        rows["_seq"].isin(sorted(bulk)) & (rows["status"].notnull() | rows["dateLastModified"].notnull())
    )
    return int(con.execute(filled.count()))
