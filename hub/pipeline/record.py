"""check and unify: the SourceStates of a slice become one record per natural key, and everything held has a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis

from hub.engine import connect, count, keep, parquet, row_count, stacked, write_parquet
from hub.model import Count, Entity, HeldCount, Kept, RuleResult
from hub.pipeline.carried import Carried
from hub.pipeline.standing import Published, held_keys, kept, stand, unread
from hub.standards.mapping.checks import (
    PLACE,
    Checked,
    count_by_source,
    digest,
    drop_twins,
    resolve_references,
    with_digests,
)
from hub.standards.mapping.completion import complete_references, completed_tables, completions
from hub.standards.mapping.values import all_of
from hub.standards.specs import dependency_order
from hub.standards.states.source_state import load_summary
from hub.standards.suites.expectations import fields_read
from hub.unify.identity import apply, candidates, id_columns, ids_digest, resolve
from hub.unify.merge import merge

Progress = Callable[[str, int, int], None]
_PLACED = ("_source", "_file", "_row")


@dataclass(frozen=True)
class RecordSummary:
    """Totals of check and unify; `held.parquet` beside the record has the places.

    `joined` are rows of tonight in whose place a published one stays, `doubted` those that a person must let go, and
    `waiting` the sources of which a row could not be read that may be a published one.
    """

    counts: tuple[Count, ...]
    rules: tuple[RuleResult, ...]
    held: tuple[HeldCount, ...]
    repairs: dict[str, dict[str, int]]  # source -> rule -> rows
    kept: tuple[Kept, ...] = ()
    joined: Mapping[str, int] = field(default_factory=dict)  # by entity
    doubted: Mapping[str, int] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()


def build_record(
    states: Mapping[str, Path],
    authority: dict[str, int],
    entities: dict[str, Entity],
    published: Published,
    out: Path,
    *,
    identity: Mapping[str, str] | None = None,
    judge: Callable[..., tuple[RuleResult, ...]] | None = None,
    scratch: Path | None = None,
    progress: Progress | None = None,
    carried: Mapping[str, Carried] | None = None,
) -> RecordSummary:
    """Writes `record/<Entity>.parquet`, `held.parquet`, `kept.parquet` and `reviews.parquet` under `out`.

    `states` maps each source to its SourceState directory. A pure function of states, specs and `published`;
    `carried` (entity -> what the same input gave before) saves work and changes nothing.
    """
    (out / "record").mkdir(parents=True, exist_ok=True)
    con = connect(scratch)
    try:
        return _Building(
            con, states, authority, entities, published, out, identity or {}, judge, progress, carried or {}
        ).run()
    finally:
        con.disconnect()


class _Building:
    """Guards the state of one build: which keys are in the record so far, and what was held on the way."""

    def __init__(
        self,
        con: Any,
        states: Mapping[str, Path],
        authority: dict[str, int],
        entities: dict[str, Entity],
        published: Published,
        out: Path,
        identity: Mapping[str, str],
        judge: Callable[..., tuple[RuleResult, ...]] | None,
        progress: Progress | None,
        carried: Mapping[str, Carried],
    ) -> None:
        self.con, self.states, self.authority, self.entities = con, states, authority, entities
        self.published, self.out, self.identity, self.judge = published, out, identity, judge
        self.carried = carried
        self.progress = progress or (lambda *_: None)
        self.counts: list[Count] = []
        self.rules: list[RuleResult] = []
        self.held: list[Any] = []
        self.reviews: list[Any] = []
        self.candidates: list[Any] = []
        self.mended: dict[str, dict[str, int]] = {}
        self.crosswalk: Any = None
        self.no_keys: Any = None
        self.completed: list[str] = []  # tables as wide as the entity, to be dropped when it is done
        self.ever: dict[str, list[Any]] = {}  # entity -> every key ever published; the store proves its file each time
        self.summaries = {source: load_summary(state) for source, state in states.items()}
        self.unread: dict[str, set[str]] = {}
        self.earlier: dict[str, Path] = {}  # entity -> file of the rows that were ever published
        self.stays: dict[str, str] = {}  # entity -> table of the published rows that stay
        self.joined: dict[str, int] = {}
        self.doubted: dict[str, int] = {}
        self.waiting: set[str] = set()

    def run(self) -> RecordSummary:
        present = {p.stem for s in self.states.values() for p in (s / "rows").glob("*.parquet")}
        order = [n for n in dependency_order(self.entities.values()) if n in present]
        self.no_keys = self.con.create_table("no_keys", schema=ibis.schema({"_key": "string"}))
        self._make_crosswalk()
        self.unread = unread(self.con, self.states, self.summaries, self.published.baselines)
        for done, name in enumerate(order):
            self.progress(f"check and unify {name}", done, len(order))
            self._one(self.entities[name])
        self._write_held()
        for path in self.earlier.values():
            path.unlink()
        return RecordSummary(
            tuple(self.counts),
            tuple(self.rules),
            self._held_counts(),
            self.mended,
            kept(self.con, self.published, self.stays, self.out / "kept.parquet"),
            self.joined,
            self.doubted,
            frozenset(self.waiting),
        )

    def _one(self, entity: Entity) -> None:
        before = self.carried.get(entity.name)
        if before is not None:
            (self.out / "record" / f"{entity.name}.parquet").hardlink_to(before.record)
            self.counts += before.counts
            return
        checked = Checked(entity.name)
        rows = self._load(entity, checked)
        rows = drop_twins(self.con, rows, entity, checked)
        rows = resolve_references(self.con, rows, entity, self._targets(entity, rows), self.entities, checked)
        if self.judge is not None:
            rows = self._judge(rows, entity, checked)
        sources = list(checked.rows_in)
        record, followers = merge(self.con, rows, entity, {s: self.authority[s] for s in sources}, with_digests)
        path = self.out / "record" / f"{entity.name}.parquet"
        stayed = self._stand(entity, rows, record, checked, path)
        alone = len(sources) == 1
        accepted = {sources[0]: row_count(path) - stayed} if alone else count_by_source(self.con, rows)
        self._count(entity, checked, accepted, followers)
        self.held += checked.held
        for name in (rows.get_name(), *self.completed):
            self.con.drop_table(name, force=True)
        self.completed = []

    def _stand(self, entity: Entity, rows: Any, record: Any, checked: Checked, path: Path) -> int:
        """Writes the record with the published rows that stay; returns how many more rows that makes."""
        held = [*checked.keys, *held_keys(self.con, self.states, entity.name)]
        lost = self.unread.get(entity.name, set())
        stood = stand(self.con, entity, rows, record, held, lost, self.published, self.authority, self.out)
        write_parquet(self.con, stood.record, path)
        if stood.rows:
            self.stays[entity.name], self.joined[entity.name] = stood.table, stood.joined
            self.waiting.update(stood.waiting)
        if stood.doubted:
            self.doubted[entity.name] = stood.doubted
        return stood.rows - stood.joined

    def _load(self, entity: Entity, checked: Checked) -> Any:
        parts = []
        for source, state in sorted(self.states.items()):
            path = state / "rows" / f"{entity.name}.parquet"
            if not path.is_file():
                continue
            rows = parquet(self.con, path)
            checked.rows_in[source] = row_count(path)
            if id_columns(rows):
                rows = self._identify(rows, source, entity, checked)
            if completions(rows):
                name = f"{entity.name}_{source}"
                self.completed += completed_tables(rows, name)
                held, rows = complete_references(self.con, rows, entity, self._record, self._before, name)
                if checked.hold(self.con, held):
                    checked.keys.append(checked.held[-1].select(*PLACE, _key=ibis.null("string")))
            parts.append(rows.select(*[f.name for f in entity.fields], *PLACE))
        return keep(self.con, f"rows_{entity.name}", with_digests(stacked(parts), entity))

    def _identify(self, rows: Any, source: str, entity: Entity, checked: Checked) -> Any:
        decisions = None
        if self.published.decisions is not None:
            decisions = parquet(self.con, self.published.decisions)
            decisions = decisions.filter(decisions["source"] == source)
        people = resolve(self.con, rows, self.crosswalk, decisions, f"{entity.name}_{source}", self.published.ids_key)
        found = apply(rows, people)  # not kept: what is asked of it here reads a few narrow columns
        mended = count(self.con, found.filter(found["_mended"]))
        if mended:
            mine = self.mended.setdefault(source, {})
            mine["identity.zero_restored"] = mine.get("identity.zero_restored", 0) + mended
        lost = found.filter(found["_rule"] != "")
        places = lost.select(
            *PLACE, entity=ibis.literal(entity.name), field=ibis.literal("studentUniqueId"), rule=lost["_rule"]
        )
        if checked.hold(self.con, places):
            self._possible(rows, lost, source, entity, checked)
            review = lost.filter(lost["_rule"].isin(["identity.ambiguous", "identity.conflict"]))
            self._ask(review.mutate(ids_digest=ids_digest(review["_ids"], self.published.ids_key)), entity, source)
        return found.filter(found["_rule"] == "")

    def _ask(self, review: Any, entity: Entity, source: str) -> None:
        """What a person must decide: the rows, and the students their ids point at, by place and key."""
        self.reviews.append(review.select(*PLACE, "ids_digest", rule=review["_rule"]))
        asked = review.select("_ids", "ids_digest").distinct()
        who = asked.inner_join(candidates(self.con, f"{entity.name}_{source}"), "_ids")
        paths = [s / "rows" / "Student.parquet" for s in self.states.values()]
        sent = [parquet(self.con, p).select("studentUniqueId", *_PLACED) for p in paths if p.is_file()]
        if not sent:
            return
        every = stacked(sent)
        first = every.mutate(_at=ibis.row_number().over(group_by="studentUniqueId", order_by=list(_PLACED)))
        one = first.filter(first["_at"] == 0).select("studentUniqueId", *_PLACED)
        known = who.left_join(one, "studentUniqueId")
        self.candidates.append(
            known.select("ids_digest", *_PLACED, asks=ibis.literal(source), key=digest(known, ["studentUniqueId"]))
        )

    def _possible(self, rows: Any, lost: Any, source: str, entity: Entity, checked: Checked) -> None:
        """The keys that rows of a person who was not found could have: one for each student their ids point at."""
        name = f"{entity.name}_{source}"
        open_ = lost.filter(lost["_rule"] != "identity.reviewed")
        keys = [open_.select(*PLACE, _key=ibis.null("string"))]
        if not completions(rows):
            several = open_.drop("studentUniqueId").inner_join(candidates(self.con, name), "_ids")
            keys.append(several.select(*PLACE, _key=digest(several, entity.key)))
        checked.keys.append(keep(self.con, f"{name}_possible", stacked(keys)))
        blank = rows.filter(all_of([rows[c].isnull() for c in id_columns(rows)]))
        whole = sorted(c for c in rows.columns if c not in PLACE)
        before = self.published.baselines.get(source, Path()) / "rows" / f"{entity.name}.parquet"
        if self.summaries[source].full and before.is_file():
            known = parquet(self.con, before)
            known = known.select(_print=digest(known, [c for c in whole if c in known.columns]))
            blank = blank.mutate(_print=digest(blank, whole)).anti_join(known, "_print")
        if self.summaries[source].full and count(self.con, blank):
            self.unread.setdefault(entity.name, set()).add(source)

    def _make_crosswalk(self) -> None:
        """system, code, studentUniqueId: tonight's codes and students, and what the store knows of codes that did not
        come tonight: a student who has left keeps the results that were sent before."""
        own = ["studentUniqueId", *(s for s, v in self.identity.items() if v == "studentUniqueId")]
        schema = ibis.schema({"system": "string", "code": "string", "studentUniqueId": "string"})
        self.con.create_table("crosswalk", schema=schema)
        parts = []
        for state in self.states.values():
            codes, students = state / "rows" / "StudentIdentificationCode.parquet", state / "rows" / "Student.parquet"
            if codes.is_file():
                rows = parquet(self.con, codes)
                system = rows["studentIdentificationSystemDescriptor"].split("#")[1]
                parts.append(
                    rows.select(system=system, code=rows["identificationCode"], studentUniqueId="studentUniqueId")
                )
            if students.is_file():
                rows = parquet(self.con, students)
                parts += [_by_unique_id(rows, system) for system in own]
        if self.published.identifiers is not None:
            rows = parquet(self.con, self.published.identifiers)
            codes = rows.select(
                system=rows["system"].split("#")[1], code=rows["code"], studentUniqueId="studentUniqueId"
            )
            known = stacked([codes, *(_by_unique_id(rows, system) for system in own)])
            parts.append(known.anti_join(stacked(parts), ["system", "code"]) if parts else known)
        if parts:
            keep(self.con, "crosswalk", stacked(parts).distinct())
        self.crosswalk = self.con.table("crosswalk")

    def _targets(self, entity: Entity, rows: Any) -> dict[str, list[Any]]:
        """Tables of `_key` by referenced entity: tonight's and all ever published; a base takes its subclasses'."""
        targets: dict[str, list[Any]] = {}
        for reference in entity.references:
            names = [reference.entity, *(e.name for e in self.entities.values() if e.subclass_of == reference.entity)]
            own = [rows.select("_key")] if entity.name in names else []
            tables = [*own, *(t for name in names for t in self._keys(name, tonight=name != entity.name))]
            targets[reference.entity] = tables or [self.no_keys]
        return targets

    def _keys(self, name: str, *, tonight: bool) -> list[Any]:
        if name not in self.entities:
            return []
        if name not in self.ever:
            known = self.published.known_keys(name)
            self.ever[name] = [] if known is None else [parquet(self.con, known).select("_key")]
        return [*(self._tonight(name) if tonight else []), *self.ever[name]]

    def _record(self, name: str) -> Any | None:
        path = self.out / "record" / f"{name}.parquet"
        return parquet(self.con, path) if path.is_file() else None

    def _before(self, name: str) -> Any | None:
        """The rows of an entity that were published in this year, as they last were: also those that have ended."""
        if name not in self.entities or self.published.latest is None or name not in self.published.current:
            return None
        if name not in self.earlier:
            self.earlier[name] = self.published.latest(name, self.out / f"{name}_before.parquet")
        return parquet(self.con, self.earlier[name])

    def _tonight(self, name: str) -> list[Any]:
        record = self.out / "record" / f"{name}.parquet"
        if record.is_file():
            return [parquet(self.con, record).select("_key")]
        # A circle of references: the rows as they came.
        paths = [s / "rows" / f"{name}.parquet" for s in self.states.values()]
        found = [parquet(self.con, p) for p in paths if p.is_file() and name in self.entities]
        return [with_digests(t, self.entities[name]).select("_key") for t in found]

    def _judge(self, rows: Any, entity: Entity, checked: Checked) -> Any:
        """Great Expectations sees the rows that are new or changed against what is published."""
        assert self.judge is not None  # noqa: S101
        snapshot = self.published.current.get(entity.name) if self.published.judged else None
        fresh = rows
        if snapshot is not None:
            fresh = rows.anti_join(parquet(self.con, snapshot).select("_key", "_hash"), ["_key", "_hash"])
        folder = self.out / "changed"
        folder.mkdir(exist_ok=True)
        before = len(checked.held)
        fresh = fresh.select(*fields_read(entity), *PLACE)
        for source in sorted(checked.rows_in):
            path, held = folder / f"{entity.name}.{source}.parquet", folder / f"{entity.name}.{source}.held.parquet"
            write_parquet(self.con, fresh.filter(fresh["_source"] == source), path)
            if row_count(path):
                self.rules += self.judge(path, entity, source, held)
            if held.is_file():
                checked.hold(self.con, parquet(self.con, held).select(*PLACE, "entity", "field", "rule"), rows)
            path.unlink()
        lost = checked.held[before:]
        if not lost:
            return rows
        return keep(self.con, rows.get_name(), rows.anti_join(stacked(lost), ["_source", "_file", "_row", "_seq"]))

    def _count(self, entity: Entity, checked: Checked, accepted: dict[str, int], followers: dict[str, int]) -> None:
        for source, rows_in in checked.rows_in.items():
            ok = accepted.get(source, 0)
            ignored = checked.ignored.get(source, {})
            held = rows_in - ok - sum(ignored.values())
            self.counts.append(Count("check", source, "", entity.name, rows_in, ok, held, ignored))
            joined = followers.get(source, 0)
            reasons = {"unify.joined_another_source": joined} if joined else {}
            self.counts.append(Count("unify", source, "", entity.name, ok, ok - joined, 0, reasons))

    def _write_held(self) -> None:
        early = [s / "held.parquet" for s in self.states.values() if (s / "held.parquet").is_file()]
        parts = [*(parquet(self.con, p) for p in early), *self.held]
        columns = [*PLACE, "entity", "field", "rule"]
        if parts:
            whole = [p.select(*columns) for p in parts]
            write_parquet(self.con, stacked(whole), self.out / "held.parquet")
        if self.reviews:
            whole = self.reviews
            write_parquet(self.con, stacked(whole), self.out / "reviews.parquet")
        if self.candidates:
            write_parquet(self.con, stacked(self.candidates), self.out / "candidates.parquet")

    def _held_counts(self) -> tuple[HeldCount, ...]:
        path = self.out / "held.parquet"
        if not path.is_file():
            return ()
        rows = parquet(self.con, path)
        totals = rows.group_by(source="_source", entity="entity", field="field", rule="rule").aggregate(
            rows=rows.count()
        )
        found = self.con.to_pyarrow(totals.order_by(["source", "entity", "field", "rule"])).to_pylist()
        return tuple(HeldCount(r["source"], r["entity"], r["field"], r["rule"], int(r["rows"])) for r in found)


def _by_unique_id(rows: Any, system: str) -> Any:
    uid = rows["studentUniqueId"]
    return rows.select(system=ibis.literal(system), code=uid, studentUniqueId=uid)
