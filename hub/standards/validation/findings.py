"""What a validation says. A finding names a place and a rule, and holds no student's value unless asked to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from hub.model import Severity

Stage = Literal["package", "syntax", "shape", "key", "reference", "vocabulary", "semantic", "difference"]
STAGES: tuple[Stage, ...] = (
    "package", "syntax", "shape", "key", "reference", "vocabulary", "semantic", "difference",
)  # fmt: skip

#: Told what begins now, how many of its kind are done, and of how many (0: not known).
Progress = Callable[[str, int, int], None]

#: What is published already. An Ed-Fi entity -> parquet file with a column `_key` (md5 hex of the natural key) of every
#: record; a OneRoster file, such as users -> one with a column `sourcedId`. None: nothing is known of it.
Known = Callable[[str], Path | None]


def silent(step: str, done: int, total: int) -> None:
    """The Progress of one who does not look."""


@dataclass(frozen=True)
class Finding:
    """One rule broken at one place.

    `rule` is its id in the rule library, `message` what it says, `clause` the authority that asks for it, `remedy` what
    to do. `severity` is that of the profile. `file` is the name inside the package, `row` the record number in it, 1
    for the first after the header; `column` is a column, or in XML and JSON the path in the record; `line` the source
    line (XML only). Rules about a file or a package have no row. `count` says how often the rule is broken in this file
    and column; the places shown may be fewer. `value` is filled only with `show_values`.
    """

    rule: str
    stage: Stage
    severity: Severity
    file: str = ""
    row: int | None = None
    column: str = ""
    message: str = ""
    clause: str = ""
    remedy: str = ""
    count: int = 1
    line: int | None = None
    value: str | None = None


@dataclass(frozen=True)
class FileRead:
    """A file that was read: its name inside the package, and its records, the header not among them."""

    name: str
    rows: int


@dataclass(frozen=True)
class Validation:
    """What a feed is, and all that was found in it.

    `conforms`: no finding of severity error in this profile; `errors` and `warnings` are exact counts, however few
    places are shown. `files` were read; `notes` say what was not judged, and why.
    """

    standard: Literal["OneRoster", "Ed-Fi"]
    version: str
    profile: str
    files: tuple[FileRead, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def errors(self) -> int:
        return sum(f.count for f in self.firsts() if f.severity == "error")

    @property
    def warnings(self) -> int:
        return sum(f.count for f in self.firsts() if f.severity == "warning")

    @property
    def conforms(self) -> bool:
        return self.errors == 0

    def firsts(self) -> list[Finding]:
        """One finding per rule, file and column: each of its places carries the same exact `count`."""
        return [first for first, _ in self.groups()]

    def groups(self) -> list[tuple[Finding, list[Finding]]]:
        """Per rule, file and column the first finding and all its places."""
        places: dict[tuple[str, str, str], list[Finding]] = {}
        for finding in self.findings:
            places.setdefault((finding.rule, finding.file, finding.column), []).append(finding)
        return [(found[0], found) for found in places.values()]

    def to_json(self) -> dict[str, Any]:
        """The contract of `hub validate --format json`."""
        return {
            "standard": self.standard,
            "version": self.version,
            "profile": self.profile,
            "conforms": self.conforms,
            "files": [asdict(f) for f in self.files],
            "summary": {"errors": self.errors, "warnings": self.warnings},
            "findings": [{k: v for k, v in asdict(f).items() if v is not None or k == "row"} for f in self.findings],
        }
