"""land and normalize one source of one slice. What goes wrong with one source stays with it: the others go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.config import Settings, SourceSettings, secret
from hub.connectors import Pull, fetch
from hub.errors import AskVendor, FixConfiguration, HubError, RetryLater, of_disk, places_of
from hub.landing import Delivery, deliveries, journal, land
from hub.model import LandedFile, Piece, Proposal, Slice, Source, SourceOutcome, Status, StreamAgain, StreamEnd
from hub.pipeline.left import LeftFiles
from hub.pipeline.proposals import recorded
from hub.pipeline.states import Normalized, cursors, normalize, room, usable_deliveries
from hub.standards.states.summary import StateSummary
from hub.standards.vendors.sources import load_source

Progress = Callable[[str, int, int], None]
_REPORT = "Report it with the layout of the file that came, never with the file."


def pull(
    settings: Settings, slice: Slice, source: SourceSettings, last_state: str, progress: Progress, now: datetime
) -> SourceOutcome:
    """Lands what the source has now and normalizes it. Never raises for a fault of the source: it says so.

    `last_state` is the SourceState of the last publish, which stays in use when nothing that landed can be.
    """
    base = SourceOutcome(source.name, source.vendor, "nothing_landed", owner=source.owner, state=last_state)
    vendor = load_source(source.vendor, settings.specs, settings.vendors)
    if source.pause is not None and source.pause.holds(now.date()):
        said = f"Paused until {source.pause.until}: nothing is pulled, and its last rows stay."
        return _standing(replace(base, status="unchanged", message=said), settings, slice, source, vendor, progress)
    try:
        with room(settings.state):
            delivery, left = land_source(settings, slice, source, vendor, progress, now)
            if delivery is None:
                said = " ".join(["Nothing has come yet.", *left])
                return replace(base, message=said, remedy="Ask the owner for the first files.")
            found = _normalize(settings, slice, source, vendor, progress)
    except (RetryLater, AskVendor, FixConfiguration) as error:  # credentials of one source stop no other
        status: Status = "refused" if isinstance(error, AskVendor) else "failed"
        looked = recorded(settings, slice, source, vendor) if status == "refused" else ()
        failed = replace(base, status=status, message=error.message, remedy=error.remedy, proposals=looked)
        return _standing(failed, settings, slice, source, vendor, progress)
    except (HubError, BrokenPipeError):
        raise
    except Exception as error:  # a defect of the hub or of a mapping: its text may quote a value
        failed = replace(base, status="failed", message=_defect(source.name, error), remedy=_REPORT)
        return _standing(failed, settings, slice, source, vendor, progress)
    told = replace(base, proposals=_proposed(settings, slice, source, vendor, found))
    return _read(told, delivery, found, last_state, left)


def again(
    settings: Settings, slice: Slice, source: SourceSettings, last: SourceOutcome, last_state: str, progress: Progress
) -> SourceOutcome:
    """Normalizes what landed once more. Nothing is pulled, so a pull that failed (`last`) stays told."""
    vendor = load_source(source.vendor, settings.specs, settings.vendors)
    landed = deliveries(settings.state, slice, source.name)
    try:
        with room(settings.state):
            found = normalize(settings, slice, source, vendor, progress, afresh=True)
    except AskVendor:
        return last  # nothing that landed can be read: the outcome of its night says so
    proposed = _proposed(settings, slice, source, vendor, found)
    base = SourceOutcome(source.name, source.vendor, "unchanged", owner=source.owner, proposals=proposed)
    read = _read(base, landed[-1], found, last_state, [])
    return replace(read, status="failed", message=last.message, remedy=last.remedy) if last.status == "failed" else read


def _proposed(
    settings: Settings, slice: Slice, source: SourceSettings, vendor: Source, found: Normalized
) -> tuple[Proposal, ...]:
    strange = found.refused or found.summary.unknown_files or "csv.header.unknown_column" in found.summary.repairs
    return recorded(settings, slice, source, vendor) if strange else ()


def _read(base: SourceOutcome, newest: Delivery, found: Normalized, last_state: str, left: list[str]) -> SourceOutcome:
    """What came of the deliveries up to the `newest`: it is refused where only earlier ones could be read."""
    refused = [r for r in found.refused if r.seq == newest.seq]
    return replace(
        base,
        status="refused" if refused else "unchanged" if found.state == last_state else "fresh",
        state=found.state,
        message=" ".join([*_notes(found), *left]),
        remedy=" ".join(dict.fromkeys(r.remedy for r in refused)),
        received=found.received,
        files=files_in_use(newest, found.summary),
        repairs=found.summary.repairs,
    )


def land_source(
    settings: Settings, slice: Slice, source: SourceSettings, vendor: Source, progress: Progress, now: datetime
) -> tuple[Delivery | None, list[str]]:
    """Keeps the bytes the source has now; a source that has nothing new keeps its last delivery. Also what was left
    for another night, in sentences.
    """
    progress(f"{source.name}: land", 0, 1)
    appends = all((source.delivery or s.delivery) == "append" for s in vendor.streams)
    earlier = deliveries(settings.state, slice, source.name)
    since = cursors(usable_deliveries(settings, slice, source, earlier))
    pull = replace(pull_of(settings, slice, source, vendor), since=since)
    left = LeftFiles(source.name, appends)
    asked = hashlib.sha256(json.dumps([pull.transport, since, len(earlier)], sort_keys=True).encode()).hexdigest()
    with journal(settings.state, slice, source.name, asked, now) as kept:
        pieces = fetch(replace(pull, resume=kept.positions, ended=frozenset(kept.ends)))
        told = _told(left.out_of(pieces), source.name, progress)
        landed = land(
            settings.state,
            slice,
            source.name,
            told,
            now,
            only_new=appends,
            origin=origin_of(source),
            journal=kept,
            leave=left.unsettled if appends else None,
        )
        kept.forget()
    if landed is None and earlier:
        landed = replace(earlier[-1], repeated=True)
    return landed, left.sentences()


def origin_of(source: SourceSettings) -> str:
    """The folder, pattern or address that hub.yaml gives for the source; "" where it gives none."""
    return str(source.transport.get("path") or source.transport.get("url", ""))


def pull_of(settings: Settings, slice: Slice, source: SourceSettings, vendor: Source) -> Pull:
    """Everything of a source, never pulled before: the vendor's words, those of hub.yaml's own `transport:` on top,
    then where it is and who asks."""
    said = dict(source.transport)
    words = _over(_over(vendor.transport, said.pop("transport", {})), said)
    if "concurrency" in words:  # what its vendor allows may be lowered for one connection
        words["concurrency"] = min(words["concurrency"], vendor.transport.get("concurrency", words["concurrency"]))
    slices = {Slice(d.id, y): d.local_education_agency_id for d in settings.districts for y in d.years}
    return Pull(source.name, slice, words, vendor.streams, secret, slices=slices)


def _over(words: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    both = {k: _over(words[k], v) for k, v in changes.items() if isinstance(v, dict) and isinstance(words.get(k), dict)}
    return {**words, **changes, **both}


def _told(
    pieces: Iterator[Piece | StreamEnd | StreamAgain], name: str, progress: Progress
) -> Iterator[Piece | StreamEnd | StreamAgain]:
    """The pieces, each told as it comes: a long pull shows that it goes on."""
    for number, piece in enumerate(pieces, start=1):
        if not isinstance(piece, StreamEnd | StreamAgain):
            progress(f"{name}: {piece.stream or 'file'} {number}", number, 0)
        yield piece


def files_in_use(delivery: Delivery, summary: StateSummary) -> tuple[LandedFile, ...]:
    """The files whose rows are in the state, with how many, and what else came with the newest delivery."""
    sizes = {(f.name, f.sha256): f.size for f in delivery.files}
    used: dict[tuple[str, str], LandedFile] = {}
    for file in summary.files:
        key = (file["name"], file["sha256"])
        rows = file["rows"] + (used[key].rows or 0 if key in used else 0)
        used[key] = LandedFile(*key, sizes.get(key, file.get("size", 0)), rows)
    return (*used.values(), *(f for f in delivery.files if (f.name, f.sha256) not in used))


def _normalize(
    settings: Settings, slice: Slice, source: SourceSettings, vendor: Source, progress: Progress
) -> Normalized:
    import duckdb

    try:
        return normalize(settings, slice, source, vendor, progress)
    except duckdb.IOException:
        raise
    except duckdb.Error as error:  # its text may quote a value
        known = of_disk(error, settings.state)
        if known is not None:
            raise known from None
        raise RetryLater(
            f"{source.name}: the rows could not be worked out ({type(error).__name__}); its last good rows stay.",
            "The mapping of this vendor does not fit what came: report the file's layout to who keeps the mapping.",
        ) from None


def _standing(
    said: SourceOutcome,
    settings: Settings,
    slice: Slice,
    source: SourceSettings,
    vendor: Source,
    progress: Progress,
) -> SourceOutcome:
    """The rows of a source that failed tonight: those that landed before, made again where work/ was cleared."""
    try:
        with room(settings.state):
            found = _normalize(settings, slice, source, vendor, progress)
    except BrokenPipeError:
        raise
    except Exception:  # what was published last night stays in use
        return said
    return replace(said, state=found.state, received=found.received)


def _defect(name: str, error: Exception) -> str:
    return f"{name}: the hub stumbled ({type(error).__name__} at {places_of(error)}); its last good rows stay."


def _notes(found: Normalized) -> list[str]:
    unknown, notes = found.summary.unknown_files, [r.message for r in found.refused]
    if unknown:
        notes.append(f"Files that are no stream of this vendor: {', '.join(unknown)}.")
    return notes


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
    files = tuple(LandedFile(**f) for f in raw["files"])
    proposals = tuple(
        Proposal(**{**p, "lost": tuple(p["lost"]), "unknown": tuple(p["unknown"])}) for p in raw.get("proposals", ())
    )
    return SourceOutcome(**{**raw, "received": received, "files": files, "proposals": proposals})
