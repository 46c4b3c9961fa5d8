"""What to do next, not what broke. A bad row is data (a Fault), never one of these.

Every message names where, what and the remedy, and carries no student's value.
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb


class HubError(Exception):
    """Base of all. `remedy` is a full sentence that tells the reader the next step."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class RetryLater(HubError):
    """The other side is away or busy: the same call may go through later. The other sources go on."""


class Unsettled(RetryLater):
    """A file that was still being written, or gone again, when it was read."""


class AskVendor(HubError):
    """The delivery cannot be taken as it is: the vendor must fix it. The last good slice stays."""

    exit_code = 2


class FixConfiguration(HubError):
    """`hub.yaml`, a spec or the command line is wrong: nothing was read."""

    exit_code = 3


class Stop(HubError):
    """Going on could damage what is published: a person must look first."""


def places_of(error: BaseException, most: int = 1) -> str:
    """Where a defect was raised, innermost place first: `file.py:42 name`. Never its text, which may quote a row."""
    frames = extract_tb(error.__traceback__)[-most:]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames)) or "an unknown place"
