"""Each measured line beside its goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: Marginal rows per second of earthmover 0.4.10 on MAP Growth files, as others measured them on another machine.
PEER_ROWS_PER_SECOND = 900
#: CPU seconds it takes before the first row, by the same study.
PEER_START = 5.4


@dataclass(frozen=True)
class Line:
    """`ratio` is what the goal speaks of; None where nothing was measured. `at_most`: smaller is better."""

    row: int  # of the table of goals
    size: str
    work: str
    seconds: float | None
    floor: str
    floor_seconds: float | None
    ratio: float | None
    goal: float | None
    at_most: bool = True
    peak_mb: float | None = None
    cpu: float | None = None  # seconds, of the whole process
    cpu_ratio: float | None = None  # of CPU seconds, where the floor has any
    said: str = ""

    @property
    def met(self) -> bool | None:
        if self.ratio is None or self.goal is None:
            return None
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal


HEADINGS = (
    "row",
    "size",
    "work",
    "seconds",
    "CPU s",
    "floor",
    "floor s",
    "ratio",
    "CPU ratio",
    "goal",
    "met",
    "peak MB",
    "",
)


def cells(line: Line) -> tuple[str, ...]:
    goal = "" if line.goal is None else f"{'≤' if line.at_most else '≥'} {line.goal:g}"
    met = {True: "yes", False: "NO", None: ""}[line.met]
    return (
        str(line.row),
        line.size,
        line.work,
        _number(line.seconds),
        _number(line.cpu),
        line.floor,
        _number(line.floor_seconds),
        _number(line.ratio),
        _number(line.cpu_ratio),
        goal,
        met,
        "" if line.peak_mb is None else f"{line.peak_mb:,.0f}",
        line.said,
    )


def as_json(line: Line) -> dict[str, Any]:
    return asdict(line) | {"met": line.met}


def markdown(lines: Sequence[Line]) -> str:
    """A table that reads in a terminal and in docs/performance.md."""
    table = [HEADINGS, *map(cells, lines)]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEADINGS))]
    text = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in table]
    return "\n".join([text[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *text[1:]])


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
