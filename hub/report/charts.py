"""Where the marks of a chart go. Geometry only: the templates draw it, so all text is escaped in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.model import Run
from hub.report.reconcile import Reconciliation
from hub.report.words import number

SPARK_WIDTH, SPARK_HEIGHT, SPARK_PAD = 112, 22, 3


@dataclass(frozen=True)
class Spark:
    """A trend over nights, oldest first: a path, the place of the last point and the values in words."""

    path: str
    x: float
    y: float
    words: str


def spark(values: Sequence[int | None]) -> Spark | None:
    """The trend of `values` (None for a night without one); None where there are not two nights to compare."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    step = (SPARK_WIDTH - 2 * SPARK_PAD) / max(len(values) - 1, 1)
    path, pen, x, y = [], "M", 0.0, 0.0
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        x = SPARK_PAD + index * step
        flat = 0.0 if high == 0 else 0.5
        y = (
            SPARK_HEIGHT
            - SPARK_PAD
            - ((value - low) / (high - low) if high > low else flat) * (SPARK_HEIGHT - 2 * SPARK_PAD)
        )
        path.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    words = (
        f"{len(values)} nights: lowest {number(low)}, highest {number(high)}, "
        f"first {number(known[0])}, last {number(known[-1])}"
    )
    return Spark(" ".join(path), round(x, 1), round(y, 1), words)


@dataclass(frozen=True)
class Ribbon:
    """A band from a source to where its rows went; `kind` is accepted, held or ignored."""

    kind: str
    rows: int
    path: str


@dataclass(frozen=True)
class FlowSource:
    """One source of the flow: where its bar stands and what went where."""

    source: str
    y: float
    height: float
    rows: int
    files: int
    accepted: int
    held: int
    ignored: int
    ribbons: tuple[Ribbon, ...]


@dataclass(frozen=True)
class FlowEnd:
    """One of the three places where rows end."""

    kind: str
    label: str
    y: float
    height: float
    rows: int


@dataclass(frozen=True)
class Flow:
    """Rows of every source on the left, where they ended on the right. Measures are in the view box's units."""

    width: int
    height: float
    left: int
    right: int
    sources: tuple[FlowSource, ...]
    ends: tuple[FlowEnd, ...]


_KINDS = ("accepted", "held", "ignored")
_WIDTH, _LEFT, _RIGHT, _BAR = 960, 250, 740, 12
_TALL, _GAP, _LEAST = 200.0, 22.0, 2.0
_LABEL = 40.0


def flow(run: Run, totals: Reconciliation) -> Flow | None:
    """The way of all rows, one bar per source; None where no source had rows. Sources without entities show files.

    A band is never thinner than 2 units, so a few held rows beside a million can be seen.
    """
    order = [outcome.source for outcome in run.sources]
    found = sorted(_parts(totals).items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))
    parts = {source: values for source, values in found if sum(values) > 0}
    if not parts:
        return None
    scale = _TALL / sum(sum(values) for values in parts.values())
    thick = {s: [max(v * scale, _LEAST) if v > 0 else 0.0 for v in values] for s, values in parts.items()}
    ends_thick = [sum(values[kind] for values in thick.values()) for kind in range(3)]
    names = {"discarded": "Discarded", "held": "Waiting for approval", "failed": "Accepted"}
    labels = (names.get(run.status, "In the record"), "Held back, with a reason", "Ignored, with a reason")

    ends, y = [], 20.0
    for kind, label, height in zip(_KINDS, labels, ends_thick, strict=True):
        rows = sum(values[_KINDS.index(kind)] for values in parts.values())
        ends.append(FlowEnd(kind, label, round(y, 1), round(height, 1), rows))
        y += max(height, _LABEL) + _GAP
    bottom = y
    arrivals = [end.y for end in ends]

    files = {outcome.source: len(outcome.files) for outcome in run.sources}
    sources, y = [], 20.0
    for source, values in parts.items():
        ribbons, leave = [], y
        for index, kind in enumerate(_KINDS):
            height = thick[source][index]
            if height:
                ribbons.append(Ribbon(kind, values[index], _band(leave, arrivals[index], height)))
                leave += height
                arrivals[index] += height
        height = sum(thick[source])
        accepted, held, ignored = values
        bar = FlowSource(
            source,
            round(y, 1),
            round(height, 1),
            sum(values),
            files.get(source, 0),
            accepted,
            held,
            ignored,
            tuple(ribbons),
        )
        sources.append(bar)
        y += max(height, _LABEL) + _GAP
    return Flow(_WIDTH, round(max(bottom, y)), _LEFT, _RIGHT, tuple(sources), tuple(ends))


def _parts(totals: Reconciliation) -> dict[str, list[int]]:
    """Accepted, held and ignored rows per source: of its entities, or of its files where it made none."""
    found: dict[str, list[int]] = {}
    named = {line.source for line in totals.entities}
    for line in (*(line for line in totals.streams if line.source not in named), *totals.entities):
        values = found.setdefault(line.source, [0, 0, 0])
        for index, rows in enumerate((line.accepted, line.held_rows, line.ignored_rows)):
            values[index] += max(rows, 0)
    return found


def _band(left: float, right: float, height: float) -> str:
    """A band of even height that leaves and arrives level."""
    x0, x1 = _LEFT + _BAR, _RIGHT
    middle = (x0 + x1) / 2
    return (
        f"M{x0} {left:.1f} C{middle:.0f} {left:.1f} {middle:.0f} {right:.1f} {x1} {right:.1f} "
        f"V{right + height:.1f} C{middle:.0f} {right + height:.1f} {middle:.0f} {left + height:.1f} "
        f"{x0} {left + height:.1f} Z"
    )
