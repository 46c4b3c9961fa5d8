"""The law of conservation, computed from the counts of a run: what went in came out, was held, or was ignored.

Nothing here trusts a total: every equation is worked out again, and the ones that fail say by how many rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hub.model import Change, Count, Run, SourceOutcome
from hub.report.words import counted, number

STEPS = ("normalize", "check", "unify", "publish")
#: Runs after which the store holds what their changes say.
PUBLISHING = ("published", "unchanged", "approved")


@dataclass(frozen=True)
class Line:
    """Rows on one way, from `rows_in` to `accepted`; `faults` says which equations fail, none when it adds up.

    `held` and `ignored` are by step and by (step, reason). `equations` is how many were worked out.
    """

    source: str
    stream: str
    entity: str
    rows_in: int
    accepted: int
    held: dict[str, int]
    ignored: dict[tuple[str, str], int]
    equations: int
    faults: tuple[str, ...] = ()

    @property
    def held_rows(self) -> int:
        return sum(self.held.values())

    @property
    def ignored_rows(self) -> int:
        return sum(self.ignored.values())


@dataclass(frozen=True)
class Claim:
    """One equation between two totals of the run, in words."""

    what: str
    left: str
    left_rows: int
    right: str
    right_rows: int
    at_least: bool = False  # left may exceed right

    @property
    def faults(self) -> tuple[str, ...]:
        gap = self.left_rows - self.right_rows
        if gap == 0 or (self.at_least and gap > 0):
            return ()
        return (f"{self.left} and {self.right} differ by {counted(abs(gap), 'row')}",)


@dataclass(frozen=True)
class StoreLine:
    """before + added - removed = after for one entity; `last` is what the last publishing run left, where known."""

    change: Change
    last: int | None
    faults: tuple[str, ...]

    @property
    def equations(self) -> int:
        return 1 if self.last is None else 2


@dataclass(frozen=True)
class Reconciliation:
    """All equations of a run: `streams` in the files, `entities` through the steps, `claims` from one count to the
    next, `store` at the end."""

    streams: tuple[Line, ...]
    entities: tuple[Line, ...]
    claims: tuple[Claim, ...]
    store: tuple[StoreLine, ...]

    @property
    def whole(self) -> tuple[Line, ...]:
        """Entities of which every row was accepted."""
        return tuple(line for line in self.entities if not (line.faults or line.held or line.ignored))

    @property
    def told(self) -> tuple[Line, ...]:
        """Entities of which something is to be told."""
        return tuple(line for line in self.entities if line.faults or line.held or line.ignored)

    @property
    def equations(self) -> int:
        counted_lines = sum(line.equations for line in (*self.streams, *self.entities))
        return counted_lines + len(self.claims) + sum(line.equations for line in self.store)

    @property
    def broken(self) -> int:
        """Lines with at least one equation that fails."""
        found = [line.faults for line in (*self.streams, *self.entities)]
        found += [claim.faults for claim in self.claims] + [line.faults for line in self.store]
        return sum(map(bool, found))


def reconcile(run: Run, history: Sequence[Run]) -> Reconciliation:
    """Work out every equation of `run`; `history` (newest first) tells what the store held before."""
    return Reconciliation(
        streams=tuple(_line([count]) for count in run.counts if not count.entity),
        entities=_journeys(run.counts),
        claims=(*_files(run), *_across(run.counts), *_stored(run), *_reasons(run)),
        store=tuple(_store_line(change, history) for change in run.changes),
    )


def adds_up(count: Count) -> bool:
    """rows_in == accepted + held + ignored, and no number is below zero."""
    parts = (count.accepted, count.held, *count.ignored.values())
    return count.rows_in == sum(parts) and min(parts) >= 0


def _fault(count: Count) -> str:
    ignored = sum(count.ignored.values())
    gap = count.rows_in - count.accepted - count.held - ignored
    equation = (
        f"{count.step}: {number(count.rows_in)} in, but {number(count.accepted)} accepted + "
        f"{number(count.held)} held + {number(ignored)} ignored"
    )
    if gap > 0:
        return f"{equation}: {counted(gap, 'row')} lost"
    return f"{equation}: {counted(-gap, 'row')} too many" if gap else f"{equation}: a count is below zero"


def _line(counts: Sequence[Count], handovers: Sequence[str] = (), equations: int = 0) -> Line:
    """One line out of the counts of consecutive steps."""
    held: dict[str, int] = defaultdict(int)
    ignored: dict[tuple[str, str], int] = defaultdict(int)
    for count in counts:
        held[count.step] += count.held
        for reason, rows in count.ignored.items():
            ignored[count.step, reason] += rows
    first, last = counts[0], counts[-1]
    return Line(
        source=first.source,
        stream=", ".join(dict.fromkeys(count.stream for count in counts if count.stream)),
        entity=first.entity,
        rows_in=sum(count.rows_in for count in counts if count.step == first.step),
        accepted=sum(count.accepted for count in counts if count.step == last.step),
        held={step: rows for step, rows in held.items() if rows},
        ignored={key: rows for key, rows in ignored.items() if rows},
        equations=len(counts) + equations,
        faults=(*(_fault(count) for count in counts if not adds_up(count)), *handovers),
    )


def _journeys(counts: Iterable[Count]) -> tuple[Line, ...]:
    """One line per entity and source, through all the steps that counted it, with the hand-overs between them."""
    found: dict[tuple[str, str], list[Count]] = defaultdict(list)
    for count in counts:
        if count.entity:
            found[count.entity, count.source].append(count)
    lines = []
    for key in sorted(found):
        steps = sorted(found[key], key=lambda count: STEPS.index(count.step))
        broken = [claim.faults[0] for claim in _handovers(steps) if claim.faults]
        lines.append(_line(steps, broken, len({count.step for count in steps}) - 1))
    return tuple(lines)


def _handovers(counts: Sequence[Count]) -> list[Claim]:
    """What one step accepted is what the next one that counts took in."""
    steps = [step for step in STEPS if any(count.step == step for count in counts)]
    return [
        Claim(
            counts[0].entity,
            f"accepted at {before}",
            sum(count.accepted for count in counts if count.step == before),
            f"rows in at {after}",
            sum(count.rows_in for count in counts if count.step == after),
        )
        for before, after in pairwise(steps)
    ]


def _across(counts: Sequence[Count]) -> list[Claim]:
    """Hand-overs of an entity as a whole, where a step counts all sources together and so a source's line ends."""
    found: dict[str, list[Count]] = defaultdict(list)
    for count in counts:
        if count.entity:
            found[count.entity].append(count)
    claims = []
    for entity in sorted(found):
        sources = {step: {c.source for c in found[entity] if c.step == step} for step in STEPS}
        for claim, (before, after) in zip(
            _handovers(found[entity]), pairwise([step for step in STEPS if sources[step]]), strict=True
        ):
            if sources[before] != sources[after]:
                claims.append(claim)
    return claims


def _files(run: Run) -> list[Claim]:
    """Rows in the files of a source are the rows read from its streams, where every file's rows are known."""
    claims = []
    for outcome in run.sources:
        read = [count.rows_in for count in run.counts if count.source == outcome.source and not count.entity]
        if read and _in_use(outcome) and all(file.rows is not None for file in outcome.files):
            rows = sum(file.rows or 0 for file in outcome.files)
            claims.append(Claim(outcome.source, "rows in the landed files", rows, "rows read from them", sum(read)))
    return claims


def _in_use(outcome: SourceOutcome) -> bool:
    """A refused delivery names its files, while the counts speak of the last good one."""
    return bool(outcome.files) and outcome.status in ("fresh", "unchanged")


def _stored(run: Run) -> list[Claim]:
    """Every row of the record is in the store afterwards, and beside them what stays from an earlier night."""
    record: dict[str, int] = defaultdict(int)
    for count in run.counts:
        if count.step == "publish" and count.entity:
            record[count.entity] += count.accepted
    return [
        Claim(
            change.entity,
            "rows in the store after, without those that stay",
            change.after - change.kept,
            "rows of the record",
            record[change.entity],
        )
        for change in run.changes
        if change.entity in record
    ]


def _reasons(run: Run) -> list[Claim]:
    """Every held row has at least one reason, and may have several. A row held in its file may be counted again in an
    entity, so each of the two totals is compared alone."""
    held = max(sum(c.held for c in run.counts if bool(c.entity) is entity) for entity in (True, False))
    reasons = sum(held.rows for held in run.held)
    return [Claim("all sources", "reasons for holding", reasons, "rows held", held, True)] if held or reasons else []


def _store_line(change: Change, history: Sequence[Run]) -> StoreLine:
    last = next(
        (
            past.after
            for earlier in history
            if earlier.status in PUBLISHING
            for past in earlier.changes
            if past.entity == change.entity
        ),
        None,
    )
    faults = []
    if min(change.before, change.added, change.changed, change.removed) < 0:
        faults.append("a count is below zero")
    if change.unchanged < 0:
        faults.append(f"{counted(-change.unchanged, 'row')} more changed or removed than were published")
    if last is not None and last != change.before:
        faults.append(f"the last published run left {counted(last, 'row')}, not {number(change.before)}")
    return StoreLine(change, last, tuple(faults))
