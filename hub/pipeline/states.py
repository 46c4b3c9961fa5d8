"""What landed becomes a SourceState. What cannot be read is remembered and left out, so that what comes after it can
be: one bad file costs the night it came, never the source."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hub import __version__
from hub.config import District, Settings, SourceSettings
from hub.errors import AskVendor, RetryLater, Stop, of_disk
from hub.landing import Delivery, deliveries, open_files
from hub.model import OpenedDelivery, OpenedFile, Slice, Source
from hub.standards.mapping.normalize import Vocabulary
from hub.standards.reading.streams import assign
from hub.standards.specs import descriptor_codes, load_entities, spec_hash
from hub.standards.states.source_state import Work, appends, build_state, load_summary
from hub.standards.states.summary import StateSummary

Progress = Callable[[str, int, int], None]
LAYOUT = 3  # of a SourceState directory: one that an earlier hub wrote is made again


@dataclass(frozen=True)
class Refusal:
    """A delivery that cannot be read, or one `file` (name and SHA-256) of it where the source appends."""

    seq: int
    file: tuple[str, str]  # ("", ""): the delivery as a whole
    message: str
    remedy: str


@dataclass(frozen=True)
class Normalized:
    """The SourceState of what landed and can be read; `received` is when the newest of it came.

    `refused` is what stands for nothing newer: after the newest readable delivery, or a file that did not come again.
    """

    state: str
    summary: StateSummary
    received: datetime
    refused: tuple[Refusal, ...] = ()


def state_folder(settings: Settings, slice: Slice, source: str) -> Path:
    """Where the SourceStates of a source lie, each under its id."""
    return settings.state / "work" / slice.district / str(slice.year) / source


def normalize(
    settings: Settings,
    slice: Slice,
    source: SourceSettings,
    vendor: Source,
    progress: Progress,
    *,
    afresh: bool = False,
    until: datetime | None = None,
) -> Normalized:
    """The SourceState of everything landed so far (or `until` then); built only where it is not there yet, or `afresh`.

    For sources that append, the state of the deliveries before is the base, so a night costs what the night brought; of
    others it says which earlier deliveries are still in use.
    Raises AskVendor when no delivery can be read.
    """
    folder = state_folder(settings, slice, source.name)
    district = settings.district(slice.district)
    seed = _seed(settings, slice, source, district)
    work = _work(settings, slice, source, vendor, district, folder)
    chain = [d for d in deliveries(settings.state, slice, source.name) if until is None or d.received <= until]
    appending = appends(vendor, work.delivery)
    seqs = {d.seq for d in chain}
    refused = () if afresh else tuple(r for r in _remembered(folder, seed) if r.seq in seqs)
    while usable := _usable(chain, refused):
        wanted = folder / state_id(seed, usable)
        standing = _standing(usable, refused, appending)
        if (wanted / "state.json").is_file() and not afresh:
            return Normalized(wanted.name, load_summary(wanted), usable[-1].received, standing)
        done, previous = (0, None) if afresh else _longest(folder, seed, usable)
        in_use = () if previous is None or appending else load_summary(previous).uses
        read = [d for i, d in enumerate(usable) if i >= done or d.seq in in_use]
        try:
            with _opened(settings.state, read, folder) as opened:
                summary = build_state(work, opened, wanted, previous if appending else None, progress)
            return Normalized(wanted.name, summary, usable[-1].received, standing)
        except AskVendor as error:
            refused = (*refused, *_refusals(settings.state, work, usable[done:], folder, error, appending))
            _remember(folder, seed, refused)
    if not chain:
        raise AskVendor(f"{source.name}: nothing has landed yet.", "Ask the owner for the first files.")
    last = next(r for r in reversed(refused) if r.seq == chain[-1].seq)
    raise AskVendor(last.message, last.remedy)


def usable_deliveries(
    settings: Settings, slice: Slice, source: SourceSettings, chain: Sequence[Delivery]
) -> list[Delivery]:
    """What landed so far (`chain`) without what was refused: only from here may a pull of changes go on."""
    seed = _seed(settings, slice, source, settings.district(slice.district))
    return _usable(chain, _remembered(state_folder(settings, slice, source.name), seed))


def cursors(chain: Sequence[Delivery]) -> dict[str, Any]:
    """By stream the cursor that the newest delivery of it left."""
    return {name: end.cursor for d in chain for name, end in d.streams.items() if end.cursor is not None}


def _usable(chain: Sequence[Delivery], refused: Sequence[Refusal]) -> list[Delivery]:
    out = {(r.seq, r.file) for r in refused}
    left = [
        replace(d, files=tuple(f for f in d.files if (d.seq, (f.name, f.sha256)) not in out))
        for d in chain
        if (d.seq, ("", "")) not in out
    ]
    return [d for d in left if d.files]


def _standing(usable: Sequence[Delivery], refused: Sequence[Refusal], appending: bool) -> tuple[Refusal, ...]:
    names = {(d.seq, f.name) for d in usable for f in d.files}
    return tuple(
        r
        for r in refused
        if r.seq > usable[-1].seq or (appending and not any(s > r.seq and n == r.file[0] for s, n in names))
    )


def _refusals(
    state: Path, work: Work, unread: Sequence[Delivery], folder: Path, error: AskVendor, appending: bool
) -> list[Refusal]:
    """Which of these deliveries cannot be read even alone (of sources that append: which files), else the newest.

    Alone a delivery of changes has nothing to change: that is no fault of it.
    """
    if not appending:
        work = replace(work, delivery="delta")
    suspects = [replace(d, files=(f,)) for d in unread for f in d.files] if appending else list(unread)
    found = []
    for suspect in suspects if len(suspects) > 1 else ():
        try:
            with _opened(state, [suspect], folder) as opened:
                if assign(work.source, opened[0].files)[0]:  # what is no stream of the vendor is told, not refused
                    build_state(work, opened, folder / "alone")
        except AskVendor as own:
            file = (suspect.files[0].name, suspect.files[0].sha256) if appending else ("", "")
            found.append(Refusal(suspect.seq, file, own.message, own.remedy))
        finally:
            shutil.rmtree(folder / "alone", ignore_errors=True)
    return found or [Refusal(unread[-1].seq, ("", ""), error.message, error.remedy)]


def state_id(seed: str, chain: Sequence[Delivery]) -> str:
    """Names a SourceState by everything it is made of."""
    return hashlib.sha256(json.dumps([seed, *(d.hash for d in chain)]).encode()).hexdigest()[:32]


def require(settings: Settings, slice: Slice, states: dict[str, str]) -> dict[str, Path]:
    """The directories of these SourceStates. Raises Stop where one is gone: its rows would count as deleted."""
    paths = {name: state_folder(settings, slice, name) / state for name, state in states.items()}
    for name, path in paths.items():
        if not (path / "state.json").is_file():
            raise Stop(
                f"The rows of source {name} are gone from {path}.",
                f"Run `hub held replay --district {slice.district} --year {slice.year}`: it makes them from landing.",
            )
    return paths


@contextmanager
def _opened(state: Path, chain: Sequence[Delivery], folder: Path) -> Iterator[list[OpenedDelivery]]:
    unpacked = folder / "opened"
    try:
        yield [
            OpenedDelivery(
                d.seq,
                d.received,
                tuple(
                    OpenedFile(f.name, f.path, f.sha256, f.stream) for f in open_files(state, d, unpacked / str(d.seq))
                ),
                {name: end.scope for name, end in d.streams.items()},
            )
            for d in chain
        ]
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _longest(folder: Path, seed: str, chain: Sequence[Delivery]) -> tuple[int, Path | None]:
    for done in range(len(chain) - 1, 0, -1):
        built = folder / state_id(seed, chain[:done])
        if (built / "state.json").is_file():
            return done, built
    return 0, None


def _remembered(folder: Path, seed: str) -> tuple[Refusal, ...]:
    path = folder / "refused.json"
    if not path.is_file():
        return ()
    said = json.loads(path.read_text(encoding="utf-8"))
    if said["seed"] != state_id(seed, ()):  # other specs or options may be able to read it
        return ()
    return tuple(Refusal(**{**r, "file": tuple(r["file"])}) for r in said["refused"])


def _remember(folder: Path, seed: str, refused: Sequence[Refusal]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    said = {"seed": state_id(seed, ()), "refused": [asdict(r) for r in refused]}
    part = folder / "refused.partial"
    part.write_text(json.dumps(said, indent=1), encoding="utf-8")
    part.replace(folder / "refused.json")


def _seed(settings: Settings, slice: Slice, source: SourceSettings, district: District) -> str:
    facts = [
        LAYOUT, __version__, spec_hash(settings.specs, settings.vendors), source.vendor, source.options,
        source.delivery, slice.year,
    ]  # fmt: skip
    facts += [_facts(district, slice)] if district.calendar else []
    return json.dumps([*facts, district.local_education_agency_id, list(district.accept_descriptors)], sort_keys=True)


def _facts(district: District, slice: Slice) -> dict[str, Any]:
    first, last = district.days_of(slice.year)
    return {
        "schoolYear": slice.year,
        "localEducationAgencyId": district.local_education_agency_id,
        "yearBegins": first.isoformat(),
        "yearEnds": last.isoformat(),
    }


def _work(
    settings: Settings, slice: Slice, source: SourceSettings, vendor: Source, district: District, folder: Path
) -> Work:
    return Work(
        name=source.name,
        source=vendor,
        entities=load_entities(settings.specs),
        vocabulary=Vocabulary(descriptor_codes(settings.specs), (*vendor.namespaces, *district.accept_descriptors)),
        options=source.options,
        facts=_facts(district, slice),
        delivery=source.delivery or "",
        scratch=folder / "spill",
    )


@contextmanager
def room(state: Path) -> Iterator[None]:
    """A disk that is full, fails or may not be written is told as such. Raises RetryLater or FixConfiguration."""
    import duckdb

    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        known = of_disk(error, state)
        if known is not None:
            raise known from None
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise RetryLater(
            f"A file under {state} could not be read or written ({reason}); what is published is as it was.",
            "Check free space and write access of the state folder, then sync again.",
        ) from None
