"""What the pages are handed: who judges, what may be chosen, the rules, and the limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RulePage:
    """A rule as its page says it. `severities` by profile; `columns` are those that its checks look at."""

    rule: str
    stage: str
    sentence: str
    remedy: str
    clause: str
    severities: Mapping[str, str]
    columns: Sequence[str]


@dataclass(frozen=True)
class Limits:
    """`upload` is bytes of one request, `seconds` those of judging, `memory` bytes of the process that judges.

    `at_once` checks are received or judged at one time; a report is kept for `keep` seconds.
    """

    upload: int = 500 * 10**6
    seconds: float = 300
    memory: int = 4 * 10**9
    at_once: int = 2
    keep: float = 1800

    @property
    def unpacked(self) -> int:
        return 10 * self.upload


@dataclass(frozen=True)
class RunLine:
    """One run in the list: what happened, in words and formatted numbers. `moved`: rows added, changed, removed."""

    district: str
    year: str
    id: str
    when: str
    status: str
    tone: str
    sources: int
    late: int
    moved: Sequence[str]
    held: str


@dataclass(frozen=True)
class Archive:
    """`runs` are all runs, the newest first; `report` is the page of one by district and id, None where it is not."""

    runs: Callable[[], Sequence[RunLine]]
    report: Callable[[str, str], str | None]


@dataclass(frozen=True)
class Desk:
    """`judge` is the command of the process that judges one upload (see `hub.serve.judging`).

    `profiles`: name -> title, the first is the default; `standards`: what may be chosen, such as "OneRoster" -> its
    versions; `families`: how the ids of its rules begin -> its name; `style` is the style sheet of the
    reports; `archive` is there where a hub has runs to show.
    """

    judge: Sequence[str]
    profiles: Mapping[str, str]
    standards: Mapping[str, Sequence[str]]
    rules: Mapping[str, RulePage]
    families: Mapping[str, str]
    style: str
    limits: Limits = Limits()
    archive: Archive | None = None
