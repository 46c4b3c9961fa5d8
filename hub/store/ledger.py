"""The run ledger: what every run of a slice did, and which states of the sources are published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from hub.model import (
    Breach,
    Change,
    Count,
    HeldCount,
    Kept,
    LandedFile,
    Proposal,
    RuleResult,
    Run,
    Slice,
    SourceOutcome,
)
from hub.store.connect import Store, reading, writing
from hub.store.ledger_tables import RUN, RUN_SOURCE


def run_to_json(run: Run) -> dict[str, Any]:
    """A Run as JSON values; instants as ISO 8601. `run_from_json` is its inverse."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(run), default=_iso))
    return plain


def run_from_json(plain: Mapping[str, Any]) -> Run:
    """A Run out of `run_to_json`. Keys that a newer hub added are passed over."""
    return _build(
        Run,
        plain,
        started=_instant(plain["started"]),
        finished=_instant(plain["finished"]),
        sources=tuple(
            _build(
                SourceOutcome,
                source,
                received=_instant(source["received"]),
                files=tuple(_build(LandedFile, file) for file in source["files"]),
                proposals=tuple(_proposal(each) for each in source.get("proposals", ())),
            )
            for source in plain["sources"]
        ),
        counts=tuple(_build(Count, each) for each in plain["counts"]),
        rules=tuple(_build(RuleResult, each) for each in plain["rules"]),
        changes=tuple(_build(Change, each) for each in plain["changes"]),
        held=tuple(_build(HeldCount, each) for each in plain["held"]),
        kept=tuple(_build(Kept, each) for each in plain.get("kept", ())),
        breaches=tuple(_build(Breach, each) for each in plain["breaches"]),
    )


def _proposal(plain: Mapping[str, Any]) -> Proposal:
    proposal: Proposal = _build(Proposal, plain, lost=tuple(plain["lost"]), unknown=tuple(plain["unknown"]))
    return proposal


def _build(noun: Any, plain: Mapping[str, Any], **read: Any) -> Any:
    known = {field.name for field in fields(noun)}
    return noun(**{name: value for name, value in plain.items() if name in known} | read)


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a run's summary")


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def record_run(store: Store, run: Run) -> None:
    """Keep a run that published nothing (failed, unchanged, held, discarded); a later call with its id replaces it.

    A published run keeps the instant it was published at and its states.
    """
    with writing(store) as connection:
        write_run(connection, run, None, None, {})


def find_run(store: Store, run_id: str) -> Run | None:
    """The run of that id, however old it is; None where there is none."""
    with reading(store) as connection:
        summary = connection.execute(select(RUN.c.summary).where(RUN.c.id == run_id)).scalar()
    return None if summary is None else run_from_json(json.loads(summary))


def runs(
    store: Store,
    year: int | None = None,
    limit: int = 50,
    *,
    before: str | None = None,
    since: str | None = None,
    starting: str = "",
) -> list[Run]:
    """The newest runs first, of one school year or all: those `before` a run's id, from it on (`since`), or whose
    ids start so."""
    query = select(RUN.c.summary).order_by(RUN.c.id.desc()).limit(limit)
    if year is not None:
        query = query.where(RUN.c.year == year)
    if before is not None:
        query = query.where(RUN.c.id < before)
    if since is not None:
        query = query.where(RUN.c.id >= since)
    if starting:
        query = query.where(RUN.c.id.startswith(starting, autoescape=True))
    with reading(store) as connection:
        return [run_from_json(json.loads(summary)) for summary in connection.execute(query).scalars()]


def last_published(store: Store, slice_: Slice) -> str | None:
    """Id of the run that last published this slice."""
    with reading(store) as connection:
        return last_published_on(connection, slice_.year)


def published_states(store: Store, slice_: Slice) -> dict[str, str]:
    """{source: id of the SourceState} that the published record of this slice was built from."""
    with reading(store) as connection:
        run = last_published_on(connection, slice_.year)
        query = select(RUN_SOURCE.c.source, RUN_SOURCE.c.state).where(RUN_SOURCE.c.run == run, RUN_SOURCE.c.state != "")
        return dict(connection.execute(query).tuples().all())


def last_published_on(connection: Connection, year: int) -> str | None:
    """`last_published` inside a transaction that is already open."""
    query = select(RUN.c.id).where(RUN.c.year == year, RUN.c.published_at.is_not(None))
    return connection.execute(query.order_by(RUN.c.published_at.desc()).limit(1)).scalar()


def published_at(connection: Connection, run_id: str) -> datetime | None:
    """When a run was published; None where it was not, or is unknown."""
    return connection.execute(select(RUN.c.published_at).where(RUN.c.id == run_id)).scalar()


def write_run(
    connection: Connection, run: Run, at: datetime | None, base: str | None, states: Mapping[str, str]
) -> None:
    """Write or replace the run's rows. `at`: when it was published; `base`: the run it was compared with."""
    before = connection.execute(select(RUN.c.published_at, RUN.c.base).where(RUN.c.id == run.id)).first()
    if at is None and before is not None:
        at, base = before.published_at, before.base
    if before is not None and before.published_at is not None:
        known = select(RUN_SOURCE.c.source, RUN_SOURCE.c.state).where(RUN_SOURCE.c.run == run.id)
        states = dict(connection.execute(known).tuples().all())
    connection.execute(RUN_SOURCE.delete().where(RUN_SOURCE.c.run == run.id))
    connection.execute(RUN.delete().where(RUN.c.id == run.id))
    connection.execute(
        RUN.insert().values(
            id=run.id,
            year=run.year,
            started=run.started,
            finished=run.finished,
            status=run.status,
            published_at=at,
            base=base,
            added=sum(change.added for change in run.changes),
            changed=sum(change.changed for change in run.changes),
            removed=sum(change.removed for change in run.changes),
            held=sum(held.rows for held in run.held),
            message=run.message,
            summary=json.dumps(run_to_json(run)),
        )
    )
    rows = [
        {
            "run": run.id,
            "source": source.source,
            "vendor": source.vendor,
            "status": source.status,
            "received": source.received,
            "state": states.get(source.source, "" if at else source.state),
        }
        for source in run.sources
    ]
    told = {row["source"] for row in rows}
    rows += [
        {"run": run.id, "source": name, "vendor": "", "status": "", "received": None, "state": state}
        for name, state in states.items()
        if name not in told
    ]
    if rows:
        connection.execute(RUN_SOURCE.insert(), rows)
