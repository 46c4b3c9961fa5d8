"""How severely a validation judges (`schemas/profiles/*.yaml`), and the collecting of what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from hub.errors import FixConfiguration
from hub.model import Rule, Severity
from hub.standards.rules import load_rules
from hub.standards.validation.findings import STAGES, Finding, Stage, Validation

PROFILES = Path(__file__).resolve().parents[3] / "schemas" / "profiles"


@dataclass(frozen=True)
class Profile:
    """`judges` names the severity of the rule library that counts; `rules` override it; `limits` are shares, 0 to 1."""

    name: str
    title: str
    judges: Literal["strict", "severity"]
    rules: dict[str, str]
    limits: dict[str, float]

    def severity(self, rule: Rule) -> Severity | Literal["off"]:
        said = self.rules.get(rule.id) or (self.judges == "strict" and rule.strict) or rule.severity
        return cast("Severity", said)


def profiles(folder: Path = PROFILES) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


@lru_cache(maxsize=32)
def load_profile(name: str, folder: Path = PROFILES) -> Profile:
    """The profile of that name. Raises FixConfiguration when there is none, or it names a rule that is not there."""
    if name not in profiles(folder):
        raise FixConfiguration(f"There is no profile {name!r}.", f"Choose one of {', '.join(profiles(folder))}.")
    with (folder / f"{name}.yaml").open("rb") as file:
        said: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)  # a safe loader, in C
    unknown = sorted(said.get("rules", {}).keys() - load_rules().keys())
    if unknown:
        raise FixConfiguration(f"profile {name}: there is no rule {unknown[0]}.", "See schemas/rules.")
    return Profile(name, said["title"], said["judges"], said.get("rules", {}), said.get("limits", {}))


@dataclass
class Judge:
    """Turns faults into findings by the rule library and a profile. Counts are exact, places at most `max_per_rule`."""

    profile: Profile
    max_per_rule: int = 100
    show_values: bool = False
    findings: list[Finding] = field(default_factory=list)

    def judged(self, rule: str) -> bool:
        """Whether the profile reports this rule at all."""
        return self.profile.severity(load_rules()[rule]) != "off"

    def find(
        self,
        rule: str,
        file: str = "",
        column: str = "",
        rows: Sequence[int | None] = (None,),
        count: int | None = None,
        detail: str = "",
        values: Iterable[str | None] = (),
        lines: Iterable[int | None] = (),
    ) -> None:
        """Records that `rule` is broken `count` times (default: at each of `rows`) in this file and column.

        `detail` is added to the rule's sentence and must hold no value of a row; `values` go along with `rows` and
        are kept only with `show_values`; `lines` are source lines.
        """
        entry = load_rules()[rule]
        severity = self.profile.severity(entry)
        total = len(rows) if count is None else count
        if severity == "off" or not total:
            return
        shown = rows[: self.max_per_rule] or (None,)
        said, sources = list(values)[: len(shown)], list(lines)[: len(shown)]
        for i, row in enumerate(shown):
            self.findings.append(
                Finding(
                    rule=rule,
                    stage=cast("Stage", entry.stage),
                    severity=severity,
                    file=file,
                    row=row,
                    column=column,
                    message=f"{entry.sentence} {detail}".strip(),
                    clause=entry.authority,
                    remedy=entry.remedy,
                    count=total,
                    line=sources[i] if i < len(sources) else None,
                    value=said[i] if self.show_values and i < len(said) else None,
                )
            )

    def sorted(self) -> tuple[Finding, ...]:
        """By stage, then errors first, then place."""
        return tuple(
            sorted(
                self.findings,
                key=lambda f: (STAGES.index(f.stage), f.severity, f.file, f.rule, f.column, f.row or 0, f.line or 0),
            )
        )


def under(found: Validation, profile: str) -> Validation:
    """The same findings as another profile judges them, without reading the feed again.

    What the first profile does not report at all is not there, and the limits of a difference stay those of the first.
    """
    judged = load_profile(profile)
    kept = []
    for finding in found.findings:
        severity = judged.severity(load_rules()[finding.rule])
        if severity != "off":
            kept.append(replace(finding, severity=severity))
    return replace(found, profile=profile, findings=tuple(kept))
