"""What to do next, not what broke. A bad row is data (a Fault), never one of these.

Every message names where, what and the remedy, and carries no student's value.
"""

from __future__ import annotations

import errno
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


#: The system's words, DuckDB's where what it moves out of memory takes all of the disk that was free, and SQLite's.
_FULL = ("No space left on device", "max_temp_directory_size", "database or disk is full")


def full_disk(place: Path | str) -> HubError:
    """That there is no room for the file or folder `place`."""
    return RetryLater(
        f"The disk of {place} is full; nothing is published in part.",
        "Free space there or set state: in hub.yaml to a larger disk, then run the command again.",
    )


def of_disk(error: Exception, place: Path | str) -> HubError | None:
    """What an error of the hub's own files asks of a person: room, or the right to write there. `place` is told where
    the error names no file.

    None for any other error. Those of DuckDB and of the Arrow driver of SQLite have no number, only words.
    """
    number, said = getattr(error, "errno", None), str(error)
    place = getattr(error, "filename", None) or place
    if number in (errno.ENOSPC, errno.EDQUOT) or any(words in said for words in _FULL):
        return full_disk(place)
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return FixConfiguration(
            f"{place} may not be read or written by this account; nothing is published in part.",
            "Give the account that runs the hub write access there, or set state: in hub.yaml to another folder.",
        )
    return None


def known(error: Exception, place: Path | str) -> HubError | None:
    """An error as one that says who must act, None for a defect of the hub; `place` as `of_disk` takes it."""
    return error if isinstance(error, HubError) else of_disk(error, place)


def in_words(error: Exception, place: Path | str) -> str:
    """What ended a run, for a person; never the text of another library's error, which may quote a row."""
    told = known(error, place)
    if told is not None:
        return str(told)
    return f"A defect of the hub, not of the data: {type(error).__name__} at {places_of(error, 4)}. Please report it."


def places_of(error: BaseException, most: int = 1) -> str:
    """Where a defect was raised, innermost place first: `file.py:42 name`. Never its text, which may quote a row."""
    frames = extract_tb(error.__traceback__)[-most:]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames)) or "an unknown place"
