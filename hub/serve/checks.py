"""The checks that are under way, and the reports that are kept for a while: in memory, and nowhere else."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hub.serve.desk import Limits

MAX_KEPT = 200 * 10**6  # bytes of all reports; the oldest go first


@dataclass(eq=False)
class Problem(Exception):
    """Why there is no report, in words for the reader; `status` is that of HTTP."""

    status: int
    title: str
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Report:
    """What the judge wrote. `fragment` is HTML that it escaped; `forms` by format, to download."""

    conforms: bool
    title: str
    fragment: str
    forms: dict[str, bytes]

    @property
    def size(self) -> int:
        return len(self.fragment) + sum(map(len, self.forms.values()))


@dataclass
class Check:
    """One upload under an id that cannot be guessed. It ends with a `report` or a `problem`."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    began: float = field(default_factory=time.monotonic)
    step: str = "starting"
    done: int = 0
    total: int = 0
    report: Report | None = None
    problem: Problem | None = None
    task: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        return self.report is not None or self.problem is not None

    @property
    def seconds(self) -> int:
        return int(time.monotonic() - self.began)


class Checks:
    """All checks of one server."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._known: dict[str, Check] = {}
        self._busy = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the places for receiving and judging. Raises Problem when all are taken."""
        if self._busy >= self.limits.at_once:
            raise Problem(
                503,
                "All places are taken",
                f"{self.limits.at_once} feeds are checked at one time, and that many are being checked now.",
                "Try again in a minute, or use hub validate on the command line.",
            )
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    def add(self, check: Check) -> None:
        self._known[check.id] = check

    def find(self, id: str) -> Check:
        """Raises Problem for a check that never was, or is gone."""
        if id not in self._known:
            raise Problem(
                404,
                "This report is gone",
                f"A report is kept for {minutes(self.limits.keep)}, in memory, and never longer than the server runs.",
                "Check the feed again.",
            )
        return self._known[id]

    def drop(self, id: str) -> None:
        """Forgets the report; a check that is under way is stopped."""
        check = self._known.pop(id, None)
        if check is not None and check.task is not None:
            check.task.cancel()

    def keep(self, check: Check) -> None:
        """Keeps what has ended for a while, and the oldest no longer where there is too much."""
        asyncio.get_running_loop().call_later(self.limits.keep, self.drop, check.id)
        kept = [c for c in self._known.values() if c.report is not None]
        size = sum(c.report.size for c in kept if c.report is not None)
        for old in kept[:-1]:
            if size > MAX_KEPT and old.report is not None:
                size -= old.report.size
                self.drop(old.id)

    async def close(self) -> None:
        """Stops what is under way and waits until its files are gone."""
        tasks = [c.task for c in self._known.values() if c.task is not None and not c.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def minutes(seconds: float) -> str:
    """30 minutes, 1 minute, 20 seconds."""
    number, word = (seconds / 60, "minute") if seconds >= 60 else (seconds, "second")
    return f"{number:,.0f} {word}{'' if round(number) == 1 else 's'}"


def megabytes(size: float) -> str:
    return f"{size / 10**6:,.0f} MB" if size >= 10**6 else f"{size / 1000:,.0f} kB"
