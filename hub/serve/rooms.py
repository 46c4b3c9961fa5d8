"""Where uploads lie while they are judged: a folder nobody else may enter, emptied even after a kill."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "hub-serve-"
_LOCK = "lock"


@contextmanager
def house(parent: Path | None = None) -> Iterator[Path]:
    """A new folder for one server; those that killed servers left behind are removed first.

    A server holds the lock of its folder as long as it lives, so whoever gets the lock knows that its owner is gone.
    """
    parent = parent or Path(tempfile.gettempdir())
    sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # mode 0700
    with (folder / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Removes the folders of servers that are gone. Those of other accounts cannot be entered and stay."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # held by a server that lives, or not ours
            continue


@contextmanager
def room(house: Path) -> Iterator[Path]:
    """A folder for one upload, gone with everything in it at the end."""
    folder = Path(tempfile.mkdtemp(dir=house))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
