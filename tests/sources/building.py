"""A vendor's files become a SourceState in a test: `built` reads back what came of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from hub.model import Entity, OpenedDelivery, OpenedFile, Source, StreamEnd
from hub.standards.mapping.normalize import Vocabulary
from hub.standards.specs import SCHEMAS, descriptor_codes, load_entities
from hub.standards.states.source_state import Work, build_state
from hub.standards.states.summary import StateSummary
from hub.standards.vendors.contract import opened
from hub.standards.vendors.sources import load_source

SHARED = Path(__file__).parents[3] / "shared" / "data" / "assessments"


@cache
def entities() -> dict[str, Entity]:
    return load_entities()


@cache
def codes() -> dict[str, frozenset[str]]:
    return descriptor_codes()


@dataclass(frozen=True)
class Built:
    """`rows` by entity, lists and objects parsed; `held` as (stream, row, entity, field, rule), in order."""

    summary: StateSummary
    rows: dict[str, list[dict[str, Any]]]
    held: list[tuple[str, int, str, str, str]]

    def counts(self, entity: str) -> tuple[int, int]:
        mine = [c for c in self.summary.counts if c.entity == entity]
        return sum(c.accepted for c in mine), sum(c.held for c in mine)


def built(vendor: str | Source, year: int, files: Iterable[Path], out: Path) -> Built:
    """Builds a state from one delivery of `files` for the school year `year`."""
    source = load_source(vendor) if isinstance(vendor, str) else vendor
    facts = {"schoolYear": year, "localEducationAgencyId": 4410, "today": None}
    work = Work("assessments", source, entities(), Vocabulary(codes(), source.namespaces), {}, facts)
    delivery = OpenedDelivery(1, datetime(2026, 1, 1, tzinfo=UTC), opened(sorted(files)))
    return read_state(build_state(work, [delivery], out), out)


def pulled(vendor: str, year: int, pieces: Iterable[Any], out: Path) -> Built:
    """Builds a state from what a connector gave for the school year `year`."""
    files = []
    out.mkdir(exist_ok=True)
    for piece in (p for p in pieces if not isinstance(p, StreamEnd)):
        content = piece.open().read()
        path = out / sha256(piece.name.encode()).hexdigest()
        path.write_bytes(content)
        files.append(OpenedFile(piece.name, path, sha256(content).hexdigest(), piece.stream))
    source = load_source(vendor)
    facts = {"schoolYear": year, "localEducationAgencyId": 4410, "today": None}
    work = Work("lms", source, entities(), Vocabulary(codes(), source.namespaces), {}, facts)
    scopes: dict[str, Any] = {s.name: "full" for s in source.streams}
    delivery = OpenedDelivery(1, datetime(2026, 11, 25, tzinfo=UTC), tuple(files), scopes)
    return read_state(build_state(work, [delivery], out / "state"), out / "state")


def read_state(summary: StateSummary, out: Path) -> Built:
    rows = {p.stem: [_parsed(r, p.stem) for r in pq.read_table(p).to_pylist()] for p in sorted(out.glob("rows/*"))}
    held: list[dict[str, Any]] = pq.read_table(out / "held.parquet").to_pylist() if _has(out) else []
    return Built(summary, rows, sorted((h["_stream"], h["_row"], h["entity"], h["field"], h["rule"]) for h in held))


def _has(out: Path) -> bool:
    return (out / "held.parquet").is_file()


def _parsed(row: dict[str, Any], entity: str) -> dict[str, Any]:
    nested = {f.name for f in entities()[entity].fields if f.type in ("list", "object")}
    return {k: json.loads(v) if k in nested and v is not None else v for k, v in row.items() if v is not None}


def sample(vendor: str) -> list[Path]:
    """The fictional files of a vendor's folder."""
    folder = SCHEMAS / "sources" / vendor / "sample"
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "expected.json"]
