"""A validation as one HTML page without server or script, and as the part of it that another page holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.standards.validation.findings import Finding, Validation


@dataclass(frozen=True)
class Spot:
    """One column of one file where a rule is broken `first.count` times; `rows` are the places to show."""

    first: Finding
    rows: tuple[Finding, ...]

    @property
    def more(self) -> int:
        return self.first.count - len(self.rows)


@dataclass(frozen=True)
class Broken:
    """A rule that is broken, said once for all its places."""

    first: Finding
    spots: tuple[Spot, ...]

    @property
    def count(self) -> int:
        return sum(spot.first.count for spot in self.spots)

    @property
    def placed(self) -> bool:
        return any(spot.first.file or spot.first.column or spot.rows for spot in self.spots)


def html(found: Validation) -> str:
    """The whole page."""
    return str(_render("validation.html.j2", found, ""))


def fragment(found: Validation, rules: str) -> str:
    """What the page holds between its head and its foot. `rules` is where the pages of the rules are, with a slash."""
    return str(_render("findings.html.j2", found, rules))


def _render(template: str, found: Validation, rules: str) -> Any:
    from hub.look import pages

    stages = {stage: _broken(found, stage) for stage in dict.fromkeys(f.stage for f in found.findings)}
    return pages("hub.standards.validation").get_template(template).render(found=found, stages=stages, rules=rules)


def _broken(found: Validation, stage: str) -> list[Broken]:
    heaps: dict[tuple[str, str, str], list[Spot]] = {}
    for first, same in found.groups():
        if first.stage == stage:
            spot = Spot(first, tuple(f for f in same if f.row is not None))
            heaps.setdefault((first.severity, first.rule, first.message), []).append(spot)
    return [Broken(spots[0].first, tuple(spots)) for _, spots in sorted(heaps.items(), key=lambda heap: heap[0][0])]
