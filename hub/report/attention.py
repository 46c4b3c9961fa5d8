"""The verdict of a run in one sentence, and who must act: each cause once, under the name of its owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.model import Breach, HeldCount, Proposal, Rule, RuleResult, Run, SourceOutcome
from hub.report.reconcile import Reconciliation
from hub.report.sections import is_stale, limit_of
from hub.report.words import aware, counted, lasting, share

UNNAMED = "No owner named"
OPERATOR = "Whoever runs the hub"


@dataclass(frozen=True)
class Cause:
    """One thing to put right. `rule` is the id of the rule that found it, if one did; `amount` is text with its unit;
    `urgent` is False where it can wait."""

    owner: str
    source: str
    title: str
    rule: str
    sentence: str
    amount: str
    where: tuple[str, ...]
    remedy: str
    urgent: bool = True
    command: str = ""


@dataclass(frozen=True)
class Group:
    """All causes of one owner, the urgent ones first."""

    owner: str
    causes: tuple[Cause, ...]

    @property
    def urgent(self) -> int:
        return sum(cause.urgent for cause in self.causes)


@dataclass(frozen=True)
class Verdict:
    """`tone` is good, calm, warn or bad; `steps` are (what to do, command or "")."""

    tone: str
    headline: str
    sentence: str
    steps: tuple[tuple[str, str], ...]


def groups(
    run: Run, totals: Reconciliation, now: datetime, rules: Mapping[str, Rule], hours: Mapping[str, float]
) -> tuple[Group, ...]:
    """Who must act and on what, the owners with most urgent causes first."""
    found = [
        *_run_causes(run, totals),
        *_breaches(run),
        *(cause for outcome in run.sources for cause in _outcome(run, outcome, now, hours)),
        *_held(run, rules),
        *_failed_rules(run, rules),
    ]
    owners: dict[str, list[Cause]] = defaultdict(list)
    for cause in found:
        owners[cause.owner].append(cause)
    made = (Group(owner, tuple(sorted(causes, key=lambda cause: not cause.urgent))) for owner, causes in owners.items())
    return tuple(sorted(made, key=lambda group: (-group.urgent, group.owner)))


def verdict(run: Run, totals: Reconciliation, causes: tuple[Group, ...]) -> Verdict:
    """What happened and what to do next."""
    tone, headline, sentence = _outcome_in_words(run)
    steps: list[tuple[str, str]] = []
    if totals.broken:
        tone = "bad"
        sentence += f" But {counted(totals.broken, 'total')} below {'does' if totals.broken == 1 else 'do'} not add up."
        steps.append(("Do not rely on these numbers: send this page to whoever runs the hub.", ""))
    if run.status == "held":
        steps.append(("If the changes are meant, publish them:", f"hub publish approve {run.id}"))
        steps.append(("If not, drop them and keep what is published:", f"hub publish discard {run.id}"))
    if run.status == "failed":
        steps.append(("Put right the cause below, then run the night again:", "hub sync"))
    urgent = sum(group.urgent for group in causes)
    if urgent:
        owners = sum(bool(group.urgent) for group in causes)
        steps.append((f"{counted(urgent, 'cause')} to put right by {counted(owners, 'owner')}: see who must act.", ""))
    if urgent and run.status in ("published", "approved", "unchanged") and tone != "bad":
        tone = "warn" if any(o.status in ("failed", "refused") for o in run.sources) else tone
    return Verdict(tone, headline, sentence, tuple(steps) or (("Nothing to do.", ""),))


def _outcome_in_words(run: Run) -> tuple[str, str, str]:
    added, changed, removed = (sum(getattr(c, part) for c in run.changes) for part in ("added", "changed", "removed"))
    touched = sum(bool(c.added or c.changed or c.removed) for c in run.changes)
    moved = (
        f"{counted(added, 'row')} added, {counted(changed, 'row')} changed and {counted(removed, 'row')} removed "
        f"in {counted(touched, 'entity', 'entities')}."
    )
    stays = sum(kept.rows for kept in run.kept)
    if stays:
        moved += f" {counted(stays, 'published row')} {'stays' if stays == 1 else 'stay'} from an earlier night."
    if run.status == "published":
        return "good", "Published", moved
    if run.status == "approved":
        return "good", "Approved and published", moved
    if run.status == "unchanged":
        return "calm", "Nothing changed", "What came tonight is what was published already."
    if run.status == "discarded":
        return "calm", "Discarded", "A person dropped this publish: what was published before stays."
    if run.status == "held":
        worst = max(run.breaches, key=lambda breach: breach.share - breach.limit, default=None)
        why = _limit(worst) if worst else "a guard asks for a person"
        more = f", and {counted(len(run.breaches) - 1, 'more limit')} passed" if len(run.breaches) > 1 else ""
        return "warn", "Held for approval", f"Nothing is published yet: {why}{more}."
    return "bad", "Failed", "Nothing was published: what was published before stays."


def _limit(breach: Breach) -> str:
    whose = f" of {breach.source}" if breach.source else ""
    return (
        f"{share(breach.share)} of {breach.entity}{whose} would be {breach.kind} "
        f"({counted(breach.rows, 'row')}; the limit is {share(breach.limit)})"
    )


def _run_causes(run: Run, totals: Reconciliation) -> list[Cause]:
    causes = []
    if run.status == "failed":
        sentence = run.message or "The run stopped before publishing."
        causes.append(
            Cause(
                OPERATOR,
                "",
                "The run failed",
                "",
                sentence,
                "",
                (),
                "Put it right, then run the night again:",
                True,
                "hub sync",
            )
        )
    if totals.broken:
        remedy = "Send this page to whoever runs the hub: rows may have been lost or counted twice."
        title = "Totals do not add up"
        sentence = "What went in must equal what came out, was held or was ignored."
        causes.append(Cause(OPERATOR, "", title, "", sentence, counted(totals.broken, "line"), (), remedy))
    return causes


def _breaches(run: Run) -> list[Cause]:
    """What the guard waits for, as long as it waits: one decision, however many limits were passed."""
    if run.status != "held":
        return []
    sentence = "; ".join(_limit(breach) for breach in run.breaches) or run.message
    remedy = "See Changes below, then approve or discard:"
    command = f"hub publish approve {run.id}"
    title = "The guard waits for a decision"
    return [Cause(_owner("district", run, None), "", title, "", sentence, "", (), remedy, True, command)]


def _outcome(run: Run, outcome: SourceOutcome, now: datetime, hours: Mapping[str, float]) -> list[Cause]:
    owner = _owner(outcome.owner or "vendor", run, outcome)
    if outcome.status in ("failed", "refused"):
        title = "Source failed" if outcome.status == "failed" else "Delivery refused"
        remedy = outcome.remedy or "See the message, then run the night again."
        command = f"hub source adopt {outcome.source} {_of(run)}" if outcome.proposals else ""
        sentence = " ".join([outcome.message, *map(_looks, outcome.proposals)])
        return [Cause(owner, outcome.source, title, "", sentence, "", (), remedy, True, command)]
    if outcome.proposals:
        sentence = " ".join(map(_looks, outcome.proposals))
        remedy = "If that is right, confirm it once; what landed is then read again:"
        command = f"hub source adopt {outcome.source} {_of(run)}"
        return [Cause(owner, outcome.source, "A renamed file or column", "", sentence, "", (), remedy, False, command)]
    if not is_stale(outcome, now, hours):
        return []
    if outcome.received is None:
        sentence = outcome.message or "Nothing has ever come from this source."
    else:
        age = lasting(now - aware(outcome.received))
        sentence = f"The newest delivery is {age} old; the limit is {lasting(limit_of(outcome, hours))}."
    remedy = outcome.remedy or "Ask why no new delivery came."
    return [Cause(owner, outcome.source, "No new delivery", "", sentence, "", (), remedy)]


def _of(run: Run) -> str:
    return f"--district {run.district} --year {run.year}"


def _looks(proposal: Proposal) -> str:
    columns = ", ".join(f"{name!r} is {to!r}" for name, to in proposal.columns.items())
    lost = f"; nothing in it looks like {', '.join(proposal.lost)}" if proposal.lost else ""
    return f"{proposal.file} looks like {proposal.stream}{': ' if columns else ''}{columns}{lost}."


def _held(run: Run, rules: Mapping[str, Rule]) -> list[Cause]:
    by_cause: dict[tuple[str, str], list[HeldCount]] = defaultdict(list)
    for held in run.held:
        by_cause[held.source, held.rule].append(held)
    causes = []
    for (source, id_), parts in sorted(by_cause.items(), key=lambda item: -sum(part.rows for part in item[1])):
        amount = counted(sum(part.rows for part in parts), "fault")
        where = tuple(dict.fromkeys(".".join(filter(None, (part.entity, part.field))) for part in parts))
        causes.append(_of_rule(run, source, id_, amount, where, True, rules, f"hub held list --source {source}"))
    return causes


def _failed_rules(run: Run, rules: Mapping[str, Rule]) -> list[Cause]:
    """Rules that failed without holding a row: of a whole table, or warnings, which can wait."""
    told = {(held.source, held.rule) for held in run.held}
    by_cause: dict[tuple[str, str], list[RuleResult]] = defaultdict(list)
    for result in run.rules:
        if result.failed and (result.source, result.rule) not in told:
            by_cause[result.source, result.rule].append(result)
    causes = []
    for (source, id_), results in by_cause.items():
        urgent = any(result.severity == "error" for result in results)
        amount = f"{counted(sum(result.failed for result in results), 'row')} of "
        amount += f"{counted(sum(result.checked for result in results), 'row')}"
        where = tuple(dict.fromkeys(result.entity for result in results))
        causes.append(_of_rule(run, source, id_, amount, where, urgent, rules))
    return causes


def _of_rule(
    run: Run,
    source: str,
    id_: str,
    amount: str,
    where: tuple[str, ...],
    urgent: bool,
    rules: Mapping[str, Rule],
    command: str = "",
) -> Cause:
    outcome = next((o for o in run.sources if o.source == source), None)
    rule = rules.get(id_)
    if rule is None:
        remedy = "Ask whoever runs the hub what this rule means."
        return Cause(UNNAMED, source, id_, id_, "", amount, where, remedy, urgent, command)
    owner = _owner(rule.owner, run, outcome)
    return Cause(owner, source, rule.sentence, id_, "", amount, where, rule.remedy, urgent, command)


def _owner(owner: str, run: Run, outcome: SourceOutcome | None) -> str:
    if owner == "vendor":
        return f"Vendor of {outcome.source} ({outcome.vendor})" if outcome else UNNAMED
    return {"district": f"District {run.district}", "hub": OPERATOR}.get(owner, owner)
