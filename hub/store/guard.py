"""What holds a publish until a person has looked: too much of what was published would go or change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hub.model import Breach, Change


@dataclass(frozen=True)
class GuardLimits:
    """`removed` and `changed` are shares (0 to 1) of the rows published before; more than the limit is a breach.

    An entity with fewer than `min_rows` published before is judged only when nothing of it would remain: one row of
    three is not a pattern, three of three are.
    """

    removed: float = 0.1
    changed: float = 0.5
    min_rows: int = 20


def judge(changes: Iterable[Change], limits: GuardLimits) -> tuple[Breach, ...]:
    """The breaches of `limits` among `changes`, in their order; none on a first publish."""
    breaches = []
    for change in changes:
        if change.before < max(limits.min_rows, 1) and (change.after or not change.before):
            continue
        judged: tuple[tuple[Literal["removed", "changed"], int, float], ...] = (
            ("removed", change.removed, limits.removed),
            ("changed", change.changed, limits.changed),
        )
        for kind, rows, limit in judged:
            share = rows / change.before
            if share > limit:
                breaches.append(Breach(change.entity, kind, rows, share, limit))
    return tuple(breaches)
