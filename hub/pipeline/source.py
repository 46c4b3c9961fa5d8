"""land and normalize one source of one slice. What goes wrong with one source stays with it: the others go on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from hub.config import District, Settings, SourceSettings
from hub.connectors.files import fetch
from hub.errors import AskVendor, RetryLater
from hub.landing import Delivery, deliveries, land, open_files
from hub.model import LandedFile, OpenedDelivery, OpenedFile, Slice, Source, SourceOutcome, Status
from hub.standards.normalize import Vocabulary
from hub.standards.source_state import StateSummary, Work, build_state, load_summary
from hub.standards.sources import load_source
from hub.standards.specs import descriptor_codes, load_entities, spec_hash

Progress = Callable[[str, int, int], None]


def pull(
    settings: Settings, slice: Slice, source: SourceSettings, last_state: str, progress: Progress, now: datetime
) -> SourceOutcome:
    """Lands what the source has now and normalizes it. Never raises for a fault of the source: it says so.

    `last_state` is the SourceState of the last publish, which stays in use when tonight's delivery cannot be.
    """
    base = SourceOutcome(source.name, source.vendor, "nothing_landed", owner=source.owner, state=last_state)
    try:
        vendor = load_source(source.vendor, settings.specs)
        delivery = land_source(settings, slice, source, vendor, progress, now)
        if delivery is None:
            return _said(
                base, settings, slice, "nothing_landed", "Nothing has come yet.", "Ask the owner for the first files."
            )
        state, summary = normalize(settings, slice, source, vendor, progress)
    except RetryLater as error:
        return _said(base, settings, slice, "failed", error.message, error.remedy)
    except AskVendor as error:
        return _said(base, settings, slice, "refused", error.message, error.remedy)
    status: Status = "unchanged" if state == last_state else "fresh"
    message = (
        f"Files that are no stream of this vendor: {', '.join(summary.unknown_files)}." if summary.unknown_files else ""
    )
    return replace(
        base,
        status=status,
        state=state,
        message=message,
        received=delivery.received,
        files=landed_files(delivery, summary),
        repairs=summary.repairs,
    )


def land_source(
    settings: Settings, slice: Slice, source: SourceSettings, vendor: Source, progress: Progress, now: datetime
) -> Delivery | None:
    """Keeps the bytes the source has now; a source that has nothing new keeps its last delivery."""
    progress(f"{source.name}: land", 0, 1)
    appends = all((source.delivery or s.delivery) == "append" for s in vendor.streams)
    files = fetch(source.transport, slice)
    landed = land(
        settings.state, slice, source.name, files, now, only_new=appends, origin=str(source.transport.get("path", ""))
    )
    if landed is None:
        earlier = deliveries(settings.state, slice, source.name)
        return replace(earlier[-1], repeated=True) if earlier else None
    return landed


def normalize(
    settings: Settings,
    slice: Slice,
    source: SourceSettings,
    vendor: Source,
    progress: Progress,
    *,
    afresh: bool = False,
) -> tuple[str, StateSummary]:
    """The SourceState of everything landed so far; built only where it is not there yet.

    For sources that append, the state of the deliveries before is the base, so a night costs what the night brought.
    """
    chain = deliveries(settings.state, slice, source.name)
    folder = settings.state / "work" / slice.district / str(slice.year) / source.name
    district = settings.district(slice.district)
    seed = _seed(settings, slice, source, district)
    wanted = state_id(seed, chain)
    if (folder / wanted / "state.json").is_file() and not afresh:
        return wanted, load_summary(folder / wanted)
    appends = any((source.delivery or s.delivery) == "append" for s in vendor.streams)
    done, previous = _longest_built(folder, seed, chain) if appends and not afresh else (0, None)
    work = _work(settings, slice, source, vendor, district, folder)
    opened_in = folder / "opened"
    try:
        opened = [_open(settings.state, d, opened_in / str(d.seq)) for d in chain[done:]]
        summary = build_state(work, opened, folder / wanted, previous, progress)
    finally:
        shutil.rmtree(opened_in, ignore_errors=True)
    return wanted, summary


def state_id(seed: str, chain: Sequence[Delivery]) -> str:
    """Names a SourceState by everything it is made of."""
    return hashlib.sha256(json.dumps([seed, *(d.hash for d in chain)]).encode()).hexdigest()[:32]


def landed_files(delivery: Delivery, summary: StateSummary) -> tuple[LandedFile, ...]:
    rows: dict[str, int] = {}
    for file in summary.files:
        rows[file["sha256"]] = rows.get(file["sha256"], 0) + file["rows"]
    return tuple(replace(f, rows=rows.get(f.sha256)) for f in delivery.files)


def _longest_built(folder: Path, seed: str, chain: Sequence[Delivery]) -> tuple[int, Path | None]:
    for done in range(len(chain) - 1, 0, -1):
        built = folder / state_id(seed, chain[:done])
        if (built / "state.json").is_file():
            return done, built
    return 0, None


def _seed(settings: Settings, slice: Slice, source: SourceSettings, district: District) -> str:
    facts = [spec_hash(settings.specs), source.vendor, source.options, source.delivery, slice.year]
    return json.dumps([*facts, district.local_education_agency_id, list(district.accept_descriptors)], sort_keys=True)


def _work(
    settings: Settings, slice: Slice, source: SourceSettings, vendor: Source, district: District, folder: Path
) -> Work:
    namespaces = (*getattr(vendor, "namespaces", ()), *district.accept_descriptors)
    return Work(
        name=source.name,
        source=vendor,
        entities=load_entities(settings.specs),
        vocabulary=Vocabulary(descriptor_codes(settings.specs), namespaces),
        options=source.options,
        facts={"schoolYear": slice.year, "localEducationAgencyId": district.local_education_agency_id},
        delivery=source.delivery or "",
        scratch=folder / "spill",
    )


def _open(state: Path, delivery: Delivery, folder: Path) -> OpenedDelivery:
    files = open_files(state, delivery, folder)
    return OpenedDelivery(delivery.seq, delivery.received, tuple(OpenedFile(f.name, f.path, f.sha256) for f in files))


def _said(
    base: SourceOutcome, settings: Settings, slice: Slice, status: Status, message: str, remedy: str
) -> SourceOutcome:
    """The outcome of a night without new rows; `received` is the age of what stays in use."""
    earlier = deliveries(settings.state, slice, base.source)
    return replace(
        base, status=status, message=message, remedy=remedy, received=earlier[-1].received if earlier else None
    )


def save_outcome(settings: Settings, slice: Slice, outcome: SourceOutcome) -> Path:
    """`work/<district>/<year>/<source>/outcome.json`: how the steps of Dagster hand over."""
    path = settings.state / "work" / slice.district / str(slice.year) / outcome.source / "outcome.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".partial")
    part.write_text(json.dumps(asdict(outcome), default=datetime.isoformat, indent=1), encoding="utf-8")
    part.replace(path)
    return path


def load_outcome(settings: Settings, slice: Slice, source: str) -> SourceOutcome | None:
    path = settings.state / "work" / slice.district / str(slice.year) / source / "outcome.json"
    if not path.is_file():
        return None
    raw = json.loads(path.read_text(encoding="utf-8"))
    received = datetime.fromisoformat(raw["received"]) if raw["received"] else None
    return SourceOutcome(**{**raw, "received": received, "files": tuple(LandedFile(**f) for f in raw["files"])})
