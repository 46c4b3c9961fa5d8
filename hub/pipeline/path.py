"""The night of one slice, from what the sources sent to what is published."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from hub import __version__, store
from hub.config import Settings
from hub.errors import RetryLater, Stop
from hub.model import Breach, Change, Count, Entity, RuleResult, Run, Slice, SourceOutcome
from hub.pipeline.carried import carried
from hub.pipeline.departed import departures
from hub.pipeline.record import RecordSummary, build_record
from hub.pipeline.renamed import refuse_renamed
from hub.pipeline.reviews import open_reviews
from hub.pipeline.rollover import CLOSED, additions_only, standing_sources, told_of, unsent_rows
from hub.pipeline.runs import new_run_id, open_store, report, run_folder
from hub.pipeline.source import again, load_outcome, pull, save_outcome
from hub.pipeline.standing import Published
from hub.pipeline.states import require, room, state_folder
from hub.pipeline.sweep import sweep
from hub.standards.rules import rules_hash
from hub.standards.specs import load_entities, spec_hash
from hub.standards.states.source_state import load_summary
from hub.standards.vendors.sources import load_source

Progress = Callable[[str, int, int], None]


def _quiet(_label: str, _done: int, _total: int) -> None:
    """Progress for nobody."""


def sync(
    settings: Settings,
    slice: Slice,
    *,
    only: set[str] | None = None,
    progress: Progress = _quiet,
    now: datetime | None = None,
) -> Run:
    """The whole night of one slice; `only` pulls these sources and leaves the others as they were published.

    Raises what the store's absence asks of a person, after the sources were pulled: what they have tonight may be gone
    tomorrow.
    """
    now = now or datetime.now(UTC)
    settings = settings.on(now.date())
    opened, published, away = before_the_night(settings, slice)
    landed = []
    for source in settings.district(slice.district).sources_of(slice.year):
        if only is None or source.name in only:
            outcome = pull(settings, slice, source, published.get(source.name, ""), progress, now)
            with room(settings.state):
                save_outcome(settings, slice, outcome)
            landed.append(outcome.status in ("fresh", "unchanged"))
    if away is not None:
        kept = f"What {sum(landed)} of {len(landed)} sources have is kept, and the next sync publishes it."
        raise type(away)(f"{away.message} {kept}", away.remedy)
    return publish_record(settings, slice, new_run_id(now), progress=progress, now=now, only=only, opened=opened)


def before_the_night(
    settings: Settings, slice: Slice
) -> tuple[store.Store | None, dict[str, str], RetryLater | Stop | None]:
    """The district's store and the SourceStates it was last published from, by source; else why it is away.

    Raises FixConfiguration for a store or a district that hub.yaml names wrongly: then nothing is read.
    """
    refuse_renamed(settings, slice)
    try:
        opened = open_store(settings, slice.district)
        return opened, store.published_states(opened, slice), None
    except (RetryLater, Stop) as away:
        return None, {}, away


def publish_record(
    settings: Settings,
    slice: Slice,
    run_id: str,
    *,
    progress: Progress = _quiet,
    now: datetime | None = None,
    only: set[str] | None = None,
    opened: store.Store | None = None,
    then: bool = False,
) -> Run:
    """check, unify and publish what the sources' outcomes say, through the guard; then the ledger and the report.

    `opened` is the district's store where the caller has it: 150 tables take a second to describe. `then`: what is
    published holds from `now` on, which is past, and not from the moment of writing.
    """
    now = now or datetime.now(UTC)
    settings = settings.on(now.date())
    opened = opened or open_store(settings, slice.district)
    published = store.published_states(opened, slice)
    last = _last_run(opened, slice)
    outcomes = _outcomes(settings, slice, published, only)
    states = {o.source: o.state for o in outcomes if o.state}
    run = Run(
        run_id,
        slice.district,
        slice.year,
        now,
        None,
        "failed",
        sources=outcomes,
        versions=_versions(settings, slice, opened, now),
    )
    folder = run_folder(settings, run)
    if not states:
        run = replace(run, message="No source has delivered anything that can be used.")
    elif states == published and last is not None and run.versions == last.versions:
        run = replace(run, status="unchanged", changes=_as_they_were(opened, slice, last), kept=last.kept)
    else:
        with room(settings.state):
            run = _build_and_publish(
                settings, slice, opened, run, last, states, folder, progress, now if then else None
            )
    run = replace(run, finished=_after(now))
    if run.status != "published":
        store.record_run(opened, run)
    report(settings, slice, run.id, opened)
    if run.status in ("published", "unchanged") and not then:
        sweep(settings, slice, opened, now)
    return run


def _build_and_publish(
    settings: Settings,
    slice: Slice,
    opened: store.Store,
    run: Run,
    last: Run | None,
    states: dict[str, str],
    folder: Path,
    progress: Progress,
    at: datetime | None = None,
) -> Run:
    entities = load_entities(settings.specs)
    paths = require(settings, slice, states)
    baselines = {o.source: o.baseline for o in last.sources if o.baseline} if last else {}
    known = Published(
        lambda name: store.known_keys(opened, name),
        store.identifiers(opened),
        store.ids_key(opened),
        store.decisions(opened),
        current=store.snapshot(opened, slice),
        judged=last is not None and _same_rules(run, last),
        rows=lambda name, keys, path: store.current_rows(opened, slice, name, keys, path),
        latest=lambda name, path: store.latest_rows(opened, slice, name, path),
        kept=run_folder(settings, last) / "kept.parquet" if last else None,
        last=last.id if last else "",
        baselines={name: state_folder(settings, slice, name) / state for name, state in baselines.items()},
    )
    summary = build_record(
        paths,
        _authority(settings, slice),
        entities,
        known,
        folder,
        identity=settings.district(slice.district).identity,
        judge=_judge(slice, run.started.date(), folder),
        scratch=folder / "spill",
        progress=progress,
        carried=carried(last, run_folder(settings, last) / "record", paths) if last and known.judged else {},
    )
    open_reviews(opened, slice, folder)
    early = [load_summary(p) for p in paths.values()]
    run = replace(
        run,
        counts=(*(c for s in early for c in s.counts), *summary.counts),
        rules=(*_engine_rules(summary), *summary.rules),
        held=summary.held,
        kept=summary.kept,
        sources=_told(run.sources, summary, baselines),
    )
    progress("compare with what is published", 0, 1)
    adding = additions_only(settings, slice, run.started)
    changes = store.compare(opened, slice, folder / "record", folder / "changes", full=not adding)
    unsent = unsent_rows(changes, folder / "record", last) if adding else ()
    stays = Counter({k.entity: 0 for k in summary.kept})
    for each in (*summary.kept, *unsent):
        stays[each.entity] += each.rows
    changes = tuple(replace(c, kept=stays[c.entity]) for c in changes)
    run = replace(
        run,
        changes=changes,
        counts=(*run.counts, *_publish_counts(changes, summary)),
        kept=(*run.kept, *unsent),
        message=told_of(unsent, adding) if adding else "",
    )
    guard = settings.district(slice.district).guard
    leaving = departures(
        opened, slice, changes, folder / "changes", _departed(settings, slice, opened), summary.doubted
    )
    told = {(b.entity, b.kind) for b in leaving}
    limits = store.GuardLimits(guard.removed, guard.changed, guard.min_rows)
    breaches = (*leaving, *(b for b in store.judge(changes, limits) if (b.entity, b.kind) not in told))
    if breaches:
        return replace(run, status="held", breaches=breaches, message=_held_message(run, breaches))
    progress("publish", 0, 1)
    run = replace(run, status="published", finished=_after(run.started))
    held = folder / "held.parquet"
    store.publish(opened, slice, run, folder / "changes", held if held.is_file() else None, states, at)
    return run


def replay(settings: Settings, slice: Slice, *, source: str | None = None, progress: Progress = _quiet) -> Run:
    """Normalizes what landed once more, by today's specs, crosswalks and decisions, and publishes the difference."""
    opened = open_store(settings, slice.district)
    published = store.published_states(opened, slice)
    for each in standing_sources(settings, slice):
        if source is None or each.name == source:
            state = published.get(each.name, "")
            none = SourceOutcome(each.name, each.vendor, "nothing_landed", owner=each.owner, state=state)
            last = load_outcome(settings, slice, each.name) or none
            save_outcome(settings, slice, again(settings, slice, each, last, state, progress))
    return publish_record(settings, slice, new_run_id(datetime.now(UTC)), progress=progress, opened=opened)


def _outcomes(
    settings: Settings, slice: Slice, published: dict[str, str], only: set[str] | None
) -> tuple[SourceOutcome, ...]:
    outcomes = []
    for source in standing_sources(settings, slice):
        outcome = load_outcome(settings, slice, source.name)
        if outcome is None:
            state = published.get(source.name, "")
            outcome = SourceOutcome(source.name, source.vendor, "nothing_landed", owner=source.owner, state=state)
        if only is not None and source.name not in only:
            state = published.get(source.name, "")
            outcome = replace(outcome, status="unchanged" if state else "nothing_landed", state=state)
        if slice.year not in settings.district(slice.district).years_of(source):
            outcome = replace(outcome, status="unchanged", message=CLOSED, remedy="", proposals=())
        outcomes.append(outcome)
    return tuple(outcomes)


def _authority(settings: Settings, slice: Slice) -> dict[str, int]:
    found = {}
    for source in standing_sources(settings, slice):
        own = source.authority
        vendor = load_source(source.vendor, settings.specs, settings.vendors)
        found[source.name] = vendor.authority if own is None else own
    return found


def _judge(slice: Slice, today: date, folder: Path) -> Callable[..., tuple[RuleResult, ...]]:
    from hub.standards.suites.expectations import judge, parameters

    given = parameters(slice.year, today)

    def judged(rows: Path, entity: Entity, source: str, held: Path) -> tuple[RuleResult, ...]:
        lookups = {r.entity: folder / "record" / f"{r.entity}.parquet" for r in entity.references}
        return judge(rows, entity, source, held, parameters=given, lookups=lookups)

    return judged


def _versions(settings: Settings, slice: Slice, opened: store.Store, now: datetime) -> dict[str, str]:
    decided = store.reviews(opened, open_only=False)
    answers = sorted(f"{r.id}={r.student_unique_id}" for r in decided if r.decided_at)
    said = [settings.district(slice.district).identity, _authority(settings, slice)]
    adding = additions_only(settings, slice, now)
    return {
        "hub": __version__,
        "specs": spec_hash(settings.specs, settings.vendors),
        "rules": rules_hash(settings.specs / "rules"),
        "standards": "Ed-Fi 5.2 (demographics as 6.1), OneRoster 1.1 and 1.2",
        "decisions": hashlib.sha256("\n".join(answers).encode()).hexdigest(),
        "identity and authority": hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest(),
        **({"additions only": adding} if adding else {}),
    }


def _last_run(opened: store.Store, slice: Slice) -> Run | None:
    last = store.last_published(opened, slice)
    return store.find_run(opened, last) if last else None


def _same_rules(run: Run, last: Run) -> bool:
    """Whether what is published was judged by today's rules: else every row is judged again."""
    return all(last.versions.get(k) == run.versions[k] for k in ("hub", "specs", "rules"))


def _as_they_were(opened: store.Store, slice: Slice, last: Run) -> tuple[Change, ...]:
    from hub.engine import row_count

    kept = {c.entity: c.kept for c in last.changes}
    published = sorted(store.snapshot(opened, slice).items())
    return tuple(Change(n, row_count(p), 0, 0, 0, kept.get(n, 0)) for n, p in published)


def _departed(settings: Settings, slice: Slice, opened: store.Store) -> set[str]:
    """Sources of the last publish that hub.yaml no longer names."""
    named = {source.name for source in settings.district(slice.district).sources}
    return store.published_states(opened, slice).keys() - named


def _told(
    outcomes: Sequence[SourceOutcome], summary: RecordSummary, baselines: dict[str, str]
) -> tuple[SourceOutcome, ...]:
    """The outcomes with what unify mended, and where each source was last confirmed whole."""
    return tuple(
        replace(
            o,
            repairs={**o.repairs, **summary.repairs.get(o.source, {})},
            baseline=baselines.get(o.source, "") if o.source in summary.waiting else o.state,
        )
        for o in outcomes
    )


def _engine_rules(summary: RecordSummary) -> list[RuleResult]:
    """What the engine held, as results beside those of Great Expectations."""
    rows = {(c.source, c.entity): c.rows_in for c in summary.counts if c.step == "check"}
    return [
        RuleResult(h.rule, "error", h.source, h.entity, max(rows.get((h.source, h.entity), 0), h.rows), h.rows)
        for h in summary.held
    ]


def _publish_counts(changes: Sequence[Change], summary: RecordSummary) -> list[Count]:
    """Rows of the record = rows that are current in the store after the publish, but for those that stay there."""
    merged: dict[str, int] = {}
    for count in summary.counts:
        if count.step == "unify":
            merged[count.entity] = merged.get(count.entity, 0) + count.accepted
    new = {c.entity: c.after - c.kept for c in changes}
    waits = {e: {"publish.earlier_stays": n} for e, n in summary.joined.items() if n}
    return [Count("publish", "", "", e, n, new.get(e, 0), 0, waits.get(e, {})) for e, n in sorted(merged.items())]


def _held_message(run: Run, breaches: Sequence[Breach]) -> str:
    worst = max(breaches, key=lambda b: b.share)
    whose = f" of source {worst.source}, which hub.yaml no longer names," if worst.source else ""
    return (
        f"{worst.rows} of {worst.entity}{whose} would be {worst.kind} ({worst.share:.0%}, limit {worst.limit:.0%}). "
        f"Look at the report, then `hub publish approve {run.id}` or `hub publish discard {run.id}`."
    )


def _after(started: datetime) -> datetime:
    return max(started, datetime.now(UTC))
