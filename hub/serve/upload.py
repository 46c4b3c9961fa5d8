"""An upload becomes numbered files in a private folder: no name that a client says is ever a path."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import shutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from hub.serve.checks import Problem, megabytes

MAX_FILES = 200
IDLE = 30.0  # seconds in which a client must send something
LONGEST = 3600.0  # seconds for all of it
_FIELD = 10_000  # bytes of a field that is no file
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_quiet = logging.getLogger("python_multipart")  # it would quote headers
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


@dataclass(frozen=True)
class Sent:
    """One file on disk, and what the client called it."""

    name: str
    path: Path


@dataclass(frozen=True)
class Upload:
    fields: dict[str, str]
    files: tuple[Sent, ...]
    previous: tuple[Sent, ...]


async def receive(request: Request, folder: Path, limit: int) -> Upload:
    """The files and fields of a form. Raises Problem when it is too large, broken, slow or without a file, and
    ClientDisconnect when the client leaves."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Problem(415, "No form", "The upload is no multipart/form-data.", "Send it with the form of this page.")
    if _said(request) > limit:
        await _drain(request)
        raise too_large(limit)
    stream = _within(request, limit)
    parser = MultiPartParser(request.headers, stream, max_files=MAX_FILES, max_fields=20, max_part_size=_FIELD)
    try:
        async with asyncio.timeout(LONGEST):
            form = await parser.parse()
    except MultiPartException as error:
        many = "Too many files" in error.message
        message = f"At most {MAX_FILES} files are taken." if many else "The upload could not be read as a form."
        raise Problem(400, "The upload is broken", message, "Send a zip instead." if many else "Try again.") from None
    except TimeoutError:
        raise Problem(408, "The upload is too slow", "Nothing came for a while.", "Try again.") from None
    try:
        return await asyncio.to_thread(_store, form, folder)
    finally:
        await form.close()


def too_large(limit: int) -> Problem:
    return Problem(
        413,
        "The upload is too large",
        f"This page takes up to {megabytes(limit)} in one go.",
        "Send it as a zip, or check it with hub validate on the command line, which has no such limit.",
    )


def _said(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0


async def _within(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    got = 0
    stream = request.stream()
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), IDLE)
        except StopAsyncIteration:
            return
        got += len(chunk)
        if got > limit:
            await _drain(request)
            raise too_large(limit)
        yield chunk


async def _drain(request: Request) -> None:
    """Reads on for a moment: a browser shows an answer only after it has sent all it has."""
    with contextlib.suppress(TimeoutError, RuntimeError):
        async with asyncio.timeout(IDLE):
            while (await request.receive()).get("more_body"):
                pass


def _store(form: FormData, folder: Path) -> Upload:
    fields: dict[str, str] = {}
    sent: dict[str, list[Sent]] = {"files": [], "previous": []}
    for number, (key, value) in enumerate(form.multi_items()):
        if isinstance(value, UploadFile):
            if key in sent and value.filename:  # an input that was left empty sends a file without a name
                sent[key].append(Sent(plain_name(value.filename), _copy(value.file, folder / str(number))))
        else:
            fields[key] = value
    if not sent["files"]:
        raise Problem(400, "No file came", "The form holds no file to check.", "Choose a zip or the files of a feed.")
    return Upload(fields, tuple(sent["files"]), tuple(sent["previous"]))


def _copy(source: Any, path: Path) -> Path:
    with path.open("xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    return path


def plain_name(said: str) -> str:
    """The last part of what a client calls a file, without what could steer a terminal; for showing only."""
    return _CONTROL.sub("�", said.replace("\\", "/").rpartition("/")[2])[:200] or "file"
