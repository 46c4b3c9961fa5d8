"""Faults met on the way through a file, counted by rule and place, until the judge makes findings of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hub.standards.validation.profiles import Judge

_COLUMNS = 5000


@dataclass
class _Heap:
    count: int = 0
    rows: list[int | None] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    values: list[str | None] = field(default_factory=list)


@dataclass
class Tally:
    """Counts are exact; places are kept up to the judge's `max_per_rule` per rule, file and column."""

    judge: Judge
    heaps: dict[tuple[str, str, str, str, str], _Heap] = field(default_factory=dict)

    def add(
        self,
        rule: str,
        file: str,
        column: str = "",
        row: int | None = None,
        line: int | None = None,
        value: str | None = None,
        detail: str = "",
        clause: str = "",
    ) -> None:
        """One fault. `detail` and `clause` are of the column: the first given for it stays."""
        heap = self._heap(rule, file, column, detail, clause)
        heap.count += 1
        if len(heap.rows) < self.judge.max_per_rule:
            heap.rows.append(row)
            heap.lines.append(line)
            heap.values.append(value)

    def many(
        self,
        rule: str,
        file: str,
        column: str,
        count: int,
        rows: Sequence[int],
        lines: Sequence[int | None] = (),
        detail: str = "",
    ) -> None:
        """`count` faults of which only some places are at hand."""
        heap = self._heap(rule, file, column, detail, "")
        heap.count += count
        room = max(0, self.judge.max_per_rule - len(heap.rows))
        heap.rows += rows[:room]
        heap.lines += (lines or [None] * len(rows))[:room]
        heap.values += [None] * len(rows[:room])

    def _heap(self, rule: str, file: str, column: str, detail: str, clause: str) -> _Heap:
        key = (rule, file, column, detail, clause)
        if key not in self.heaps and len(self.heaps) >= _COLUMNS:  # names can be invented without end
            key = (rule, file, "...", "", "")
        return self.heaps.setdefault(key, _Heap())

    def close(self) -> None:
        """Hands everything to the judge, in the order of files, rules and places."""
        for (rule, file, column, detail, clause), heap in self.heaps.items():
            before = len(self.judge.findings)
            self.judge.find(rule, file, column, heap.rows or (None,), heap.count, detail, heap.values, heap.lines)
            if clause:
                made = self.judge.findings[before:]
                self.judge.findings[before:] = [replace(f, clause=clause) for f in made]
        self.heaps.clear()
