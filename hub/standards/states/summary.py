"""What a SourceState says of itself, without a row of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hub.model import Count


@dataclass(frozen=True)
class StateSummary:
    """`state.json`: what the report and the ledger need of a SourceState."""

    counts: tuple[Count, ...]
    repairs: dict[str, int]
    files: tuple[dict[str, Any], ...]  # name, sha256, size, rows, stream, seq
    unknown_files: tuple[str, ...] = ()
    through: int = 0  # seq of the newest delivery in it
    missing_files: tuple[str, ...] = ()  # referred to by others and never sent
    uses: tuple[int, ...] = ()  # seqs of the deliveries whose files are in it
    full: bool = False  # a row that is not in it has gone, if every row could be read
    unread: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # stream with rejected records -> entities it feeds
    content: dict[str, str] = field(default_factory=dict)  # entity -> digest of its rows, of those known without others
