"""check and unify: the SourceStates of a slice become one record per natural key, and everything held has a reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis

from hub.engine import connect, keep, stacked
from hub.model import Count, Entity, HeldCount, RuleResult
from hub.standards.checks import (
    PLACE,
    Checked,
    count_by_source,
    drop_twins,
    hold,
    resolve_references,
    with_digests,
)
from hub.standards.specs import dependency_order
from hub.unify.identity import apply, id_columns, resolve
from hub.unify.merge import merge

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Published:
    """What the store knows that a check needs: keys ever published, known ids, and decisions of reviews."""

    known_keys: Callable[[str], Path | None]
    identifiers: Path | None = None
    decisions: Path | None = None
    snapshot: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordSummary:
    """`record.json`: totals of check and unify; `held.parquet` beside it has the places."""

    counts: tuple[Count, ...]
    rules: tuple[RuleResult, ...]
    held: tuple[HeldCount, ...]
    repairs: dict[str, int]


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
) -> RecordSummary:
    """Writes `record/<Entity>.parquet`, `held.parquet` and `reviews.parquet` under `out`.

    `states` maps each source to its SourceState directory. A pure function of states, specs and `published`.
    """
    (out / "record").mkdir(parents=True, exist_ok=True)
    con = connect(scratch)
    try:
        return _Building(con, states, authority, entities, published, out, identity or {}, judge, progress).run()
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
    ) -> None:
        self.con, self.states, self.authority, self.entities = con, states, authority, entities
        self.published, self.out, self.identity, self.judge = published, out, identity, judge
        self.progress = progress or (lambda *_: None)
        self.counts: list[Count] = []
        self.rules: list[RuleResult] = []
        self.held: list[Any] = []
        self.reviews: list[Any] = []
        self.mended: dict[str, int] = {}
        self.crosswalk: Any = None

    def run(self) -> RecordSummary:
        present = {p.stem for s in self.states.values() for p in (s / "rows").glob("*.parquet")}
        order = [n for n in dependency_order(self.entities.values()) if n in present]
        self.con.create_table("no_keys", schema=ibis.schema({"_key": "string"}))
        self._make_crosswalk()
        for done, name in enumerate(order):
            self.progress(f"check and unify {name}", done, len(order))
            self._one(self.entities[name])
        self._write_held()
        return RecordSummary(tuple(self.counts), tuple(self.rules), self._held_counts(), self.mended)

    def _one(self, entity: Entity) -> None:
        checked = Checked()
        table = f"rows_{entity.name}"
        self._load(table, entity, checked)
        drop_twins(self.con, table, entity, checked)
        resolve_references(self.con, table, entity, self._targets(entity), self.entities, checked)
        if self.judge is not None:
            self._judge(table, entity, checked)
        accepted = count_by_source(self.con, self.con.table(table))
        record, followers = merge(self.con, table, entity, self.authority, with_digests)
        path = self.out / "record" / f"{entity.name}.parquet"
        self.con.to_parquet(record, path)
        self._count(entity, checked, accepted, followers)
        for held in checked.held:
            self.held.append(held)
        self.con.drop_table(table, force=True)

    def _load(self, table: str, entity: Entity, checked: Checked) -> None:
        parts = []
        for source, state in sorted(self.states.items()):
            path = state / "rows" / f"{entity.name}.parquet"
            if not path.is_file():
                continue
            rows = self.con.read_parquet(path)
            checked.rows_in[source] = int(self.con.execute(rows.count()))
            if id_columns(rows):
                rows = self._identify(rows, source, entity, checked)
            parts.append(rows.select(*[f.name for f in entity.fields], *PLACE))
        whole = stacked(parts)
        keep(self.con, table, with_digests(whole, entity))

    def _identify(self, rows: Any, source: str, entity: Entity, checked: Checked) -> Any:
        name = f"{entity.name}_{source}".replace("-", "_")
        decisions = None
        if self.published.decisions is not None:
            decisions = self.con.read_parquet(self.published.decisions)
            decisions = decisions.filter(decisions["source"] == source)
        resolution = resolve(self.con, rows, self.crosswalk, decisions, name)
        keep(self.con, f"{name}_rows", apply(rows, resolution))
        found = self.con.table(f"{name}_rows")
        mended = int(self.con.execute(found["_mended"].fill_null(False).sum()) or 0)
        if mended:
            self.mended["identity.zero_restored"] = self.mended.get("identity.zero_restored", 0) + mended
        lost = found.filter(found["_rule"] != "")
        for rule in ("identity.blank", "identity.unknown", "identity.ambiguous", "identity.conflict"):
            hold(
                self.con,
                checked,
                lost.filter(lost["_rule"] == rule),
                entity,
                "studentUniqueId",
                rule,
                f"{name}_{rule[9:]}",
            )
        review = lost.filter(lost["_rule"].isin(["identity.ambiguous", "identity.conflict"]))
        self.reviews.append(
            review.select(
                "_source", "_file", "_row", ids_digest=review["_ids"].hexdigest("sha256"), rule=review["_rule"]
            )
        )
        return found.filter(found["_rule"] == "")

    def _make_crosswalk(self) -> None:
        """system, code, studentUniqueId: tonight's codes and students, and those the store already knows."""
        schema = ibis.schema({"system": "string", "code": "string", "studentUniqueId": "string"})
        self.con.create_table("crosswalk", schema=schema)
        parts = []
        for state in self.states.values():
            codes, students = state / "rows" / "StudentIdentificationCode.parquet", state / "rows" / "Student.parquet"
            if codes.is_file():
                rows = self.con.read_parquet(codes)
                system = rows["studentIdentificationSystemDescriptor"].split("#")[1]
                parts.append(
                    rows.select(system=system, code=rows["identificationCode"], studentUniqueId="studentUniqueId")
                )
            if students.is_file():
                rows = self.con.read_parquet(students)
                for system in ["studentUniqueId", *(s for s, v in self.identity.items() if v == "studentUniqueId")]:
                    uid = rows["studentUniqueId"]
                    parts.append(rows.select(system=ibis.literal(system), code=uid, studentUniqueId=uid))
        if self.published.identifiers is not None:
            rows = self.con.read_parquet(self.published.identifiers)
            parts.append(rows.select("system", "code", "studentUniqueId"))
        if parts:
            whole = stacked(parts)
            keep(self.con, "crosswalk", whole.distinct())
        self.crosswalk = self.con.table("crosswalk")

    def _targets(self, entity: Entity) -> dict[str, list[Any]]:
        """Tables of `_key` by referenced entity: this run's accepted rows, keys ever published, subclasses of a base."""
        targets: dict[str, list[Any]] = {}
        for reference in entity.references:
            names = [reference.entity, *(e.name for e in self.entities.values() if e.subclass_of == reference.entity)]
            tables = [t for name in names for t in self._keys(name, entity)]
            targets[reference.entity] = tables or [self.con.table("no_keys")]
        return targets

    def _keys(self, name: str, asking: Entity) -> list[Any]:
        tables = []
        record = self.out / "record" / f"{name}.parquet"
        if name == asking.name:
            tables.append(self.con.table(f"rows_{name}").select("_key"))
        elif record.is_file():
            tables.append(self.con.read_parquet(record).select("_key"))
        else:  # a circle of references: the rows as they came
            for state in self.states.values():
                path = state / "rows" / f"{name}.parquet"
                if path.is_file() and name in self.entities:
                    tables.append(with_digests(self.con.read_parquet(path), self.entities[name]).select("_key"))
        known = self.published.known_keys(name)
        if known is not None:
            tables.append(self.con.read_parquet(known).select("_key"))
        return tables

    def _judge(self, table: str, entity: Entity, checked: Checked) -> None:
        """Great Expectations sees the rows that are new or changed against what is published."""
        rows = self.con.table(table)
        snapshot = self.published.snapshot.get(entity.name)
        fresh = rows
        if snapshot is not None:
            fresh = rows.anti_join(self.con.read_parquet(snapshot).select("_key", "_hash"), ["_key", "_hash"])
        folder = self.out / "changed"
        folder.mkdir(exist_ok=True)
        for source in sorted(checked.rows_in):
            path, held = folder / f"{entity.name}.{source}.parquet", folder / f"{entity.name}.{source}.held.parquet"
            self.con.to_parquet(fresh.filter(fresh["_source"] == source), path)
            assert self.judge is not None  # noqa: S101
            self.rules.extend(self.judge(path, entity, source, held))
            if held.is_file():
                keep(self.con, f"judged_{entity.name}_{source}", self.con.read_parquet(held))
                lost = self.con.table(f"judged_{entity.name}_{source}")
                checked.held.append(lost.select(*PLACE, "entity", "field", "rule"))
                kept = rows.anti_join(lost, ["_source", "_file", "_row"])
                keep(self.con, f"{table}_kept", kept)
                keep(self.con, table, self.con.table(f"{table}_kept"))
            path.unlink()

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
        parts = [*(self.con.read_parquet(p) for p in early), *self.held]
        columns = [*PLACE, "entity", "field", "rule"]
        if parts:
            whole = [p.select(*columns) for p in parts]
            self.con.to_parquet(stacked(whole), self.out / "held.parquet")
        if self.reviews:
            whole = self.reviews
            self.con.to_parquet(stacked(whole), self.out / "reviews.parquet")

    def _held_counts(self) -> tuple[HeldCount, ...]:
        path = self.out / "held.parquet"
        if not path.is_file():
            return ()
        rows = self.con.read_parquet(path)
        totals = rows.group_by(source="_source", entity="entity", field="field", rule="rule").aggregate(
            rows=rows.count()
        )
        found = self.con.to_pyarrow(totals.order_by(["source", "entity", "field", "rule"])).to_pylist()
        return tuple(HeldCount(r["source"], r["entity"], r["field"], r["rule"], int(r["rows"])) for r in found)


def save_summary(summary: RecordSummary, path: Path) -> None:
    from dataclasses import asdict

    path.write_text(json.dumps(asdict(summary), indent=1), encoding="utf-8")
