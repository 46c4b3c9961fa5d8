"""Files that a vendor or an export job leaves in a folder the hub can read."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hub.connectors.choosing import Listed, chosen, split
from hub.connectors.pulling import Left, Pull
from hub.errors import RetryLater, Unsettled


@dataclass(frozen=True)
class FetchedFile:
    """One file as the other side has it now. `name` is its path below the folder; `size` in bytes when listed."""

    name: str
    path: Path
    size: int
    stream: str = ""
    position: None = None

    def open(self) -> BinaryIO:
        """The bytes from the start; may be called again. Raises RetryLater when the file has gone or is locked."""
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            raise Unsettled(
                f"The file {self.path} was listed and has gone.", "Let the upload finish before the sync starts."
            ) from None
        except OSError as error:
            raise RetryLater(
                f"The file {self.path} cannot be opened ({error.strerror}).",
                "Check that the account which runs the hub may read it and that nothing holds it, then sync again.",
            ) from None


def fetch(pull: Pull) -> Iterator[FetchedFile | Left]:
    """The files at `path`, sorted by name: those of a folder (also below it when `recursive`), one file, or those
    that match a glob. `{year}` becomes the slice's year.

    Hidden files and what is not a regular file are passed over; what must wait or belongs to nobody comes as `Left`.
    An empty folder gives nothing.
    Raises RetryLater when the folder or file is not there.
    """
    path = Path(pull.address("path"))
    try:
        found = dict(_named(path, bool(pull.transport.get("recursive", False))))
        for file in chosen([Listed(name, found[name].stat().st_size) for name in found], pull):
            if isinstance(file, Left):
                yield file
            elif _leads_out(path, found[file.name]):
                yield Left(file.name, "is a link that leads out of the folder")
            else:
                yield FetchedFile(file.name, found[file.name], file.size)
    except OSError as error:
        raise RetryLater(
            f"{error.filename or path} cannot be read ({error.strerror}).",
            "Check that the share is mounted, that the path in hub.yaml is right and that the account which runs "
            "the hub may read it; then sync again.",
        ) from None


def _leads_out(path: Path, file: Path) -> bool:
    # Who may write to a drop folder may not choose what else the hub reads; a link that hub.yaml names is meant.
    root = Path(split(str(path))[0] or ".")
    return file != path and file.is_symlink() and not file.resolve().is_relative_to(root.resolve())


def _named(path: Path, recursive: bool) -> Iterator[tuple[str, Path]]:
    if path.is_dir():
        yield from _below(path, recursive)
    elif path.exists() or (not glob.has_magic(path.name) and not glob.has_magic(str(path.parent))):
        path.stat()  # raises what is wrong with it
        if path.is_file():
            yield path.name, path
    else:
        root = path.parent
        while not root.exists() and glob.has_magic(str(root)):
            root = root.parent
        root.stat()
        for file in root.glob(str(path.relative_to(root))):
            name = file.relative_to(root)
            if file.is_file() and not any(part.startswith(".") for part in name.parts):
                yield name.as_posix(), file


def _below(folder: Path, recursive: bool) -> Iterator[tuple[str, Path]]:
    def refuse(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        for name in names:
            file = Path(parent, name)
            if not name.startswith(".") and file.is_file():
                yield file.relative_to(folder).as_posix(), file
