"""A rule of the library as a page: what it asks for, how severely each profile judges it, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from hub.errors import FixConfiguration
from hub.model import Rule
from hub.standards.rules import load_rules
from hub.standards.validation.findings import STAGES
from hub.standards.validation.profiles import load_profile, profiles


@dataclass(frozen=True)
class Explained:
    """`severities` by profile; `columns` are those that the rule's checks look at, as file and column."""

    rule: str
    stage: str
    sentence: str
    remedy: str
    clause: str
    owner: str
    severities: dict[str, str]
    columns: tuple[str, ...]


def explain(name: str) -> Explained:
    """Raises FixConfiguration for a rule that is not in the library, with those that are spelled alike."""
    rules = load_rules()
    if name not in rules:
        near = difflib.get_close_matches(name, rules, n=3, cutoff=0.4)
        raise FixConfiguration(f"There is no rule {name}.", f"Did you mean {', '.join(near)}?" if near else "")
    return _explained(rules[name])


def _explained(rule: Rule) -> Explained:
    severities = {p: str(load_profile(p).severity(rule)) for p in profiles()} if rule.stage else {}
    columns = tuple(f"{c['file']}.csv, {c['column']}" for c in rule.check)
    return Explained(rule.id, rule.stage, rule.sentence, rule.remedy, rule.authority, rule.owner, severities, columns)


def page(found: Explained) -> str:
    """As text for a terminal."""
    lines = [found.rule, "", found.sentence, found.remedy, "", f"Asked for by: {found.clause}"]
    if found.stage:
        lines += [f"Stage:        {found.stage}", ""]
        lines += [f"  {profile:<16}{severity}" for profile, severity in found.severities.items()]
    if found.columns:
        lines += ["", "Looks at:", *(f"  {column}" for column in found.columns)]
    return "\n".join(lines) + "\n"


def judged() -> list[str]:
    """The ids of all rules of the validator, in the order of the stages."""
    rules = [r for r in load_rules().values() if r.stage]
    return [r.id for r in sorted(rules, key=lambda r: STAGES.index(r.stage))]


def markdown(family: str, title: str) -> str:
    """The page of a standard's rules for the documentation, one section per stage."""
    rules = [load_rules()[name] for name in judged() if name.startswith(f"{family}.")]
    lines = [f"# {title}", "", "Written from `schemas/rules` by `python -m hub.standards.validation.explain`.", ""]
    for stage, group in groupby(rules, key=lambda r: r.stage):
        lines += [f"## {stage}", "", *_sections(group)]
    return "\n".join(lines)


def _sections(rules: Iterable[Rule]) -> Iterable[str]:
    for rule in rules:
        found = _explained(rule)
        judged = ", ".join(f"{profile} {severity}" for profile, severity in found.severities.items())
        yield from (f"### `{rule.id}`", "", f"{rule.sentence} {rule.remedy}", "")
        yield from (f"*{rule.authority}.* Judged: {judged}.", "")


if __name__ == "__main__":
    from pathlib import Path

    pages = Path(__file__).resolve().parents[3] / "docs" / "rules"
    pages.mkdir(parents=True, exist_ok=True)
    for name, words in (("oneroster", "OneRoster rules"), ("edfi", "Ed-Fi rules")):
        if any(r.stage and r.id.startswith(f"{name}.") for r in load_rules().values()):
            (pages / f"{name}.md").write_text(markdown(name, words).rstrip() + "\n", encoding="utf-8")
