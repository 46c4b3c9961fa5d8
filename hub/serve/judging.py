"""One upload judged by a process of its own, which a hostile file can neither keep busy nor blow up for long.

The process gets one line of JSON (the job) and says one per step: {"step", "done", "total"}, and at the end what it
found {"conforms", "title"} or why it did not look {"refused", "remedy"}. It writes the report into the folder `out`.
It ends when its standard input does, so it never outlives the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any, cast

from hub.config import process_environment
from hub.serve.checks import Check, Problem, Report, minutes
from hub.serve.desk import Desk, Limits
from hub.serve.upload import Upload

#: Format -> file that the judge writes.
FORMS = {"html": "report.html", "json": "report.json", "csv": "report.csv", "junit": "report.xml"}
FRAGMENT = "fragment.html"
MAX_REPORT = 50 * 10**6  # bytes of one report in all formats
OUT_OF_MEMORY = 3  # exit code of the judge


async def judge(desk: Desk, check: Check, upload: Upload, folder: Path) -> None:
    """Judges what lies in `folder` and leaves the report or the problem in `check`."""
    out, scratch = folder / "out", folder / "scratch"
    out.mkdir()
    scratch.mkdir()
    job = {
        "paths": [str(sent.path) for sent in upload.files],
        "names": [sent.name for sent in upload.files],
        "previous": [str(sent.path) for sent in upload.previous],
        "previous_names": [sent.name for sent in upload.previous],
        "out": str(out),
        "memory": desk.limits.memory,
        "seconds": desk.limits.seconds,
        "unpacked": desk.limits.unpacked,
        **choices(desk, upload.fields),
    }
    try:
        said = await _run(desk, check, job, scratch)
        check.report = await asyncio.to_thread(_report, out, said)
    except Problem as problem:
        check.problem = problem


def choices(desk: Desk, fields: dict[str, str]) -> dict[str, Any]:
    """What the form chose. Raises Problem for what it does not offer."""
    profile = fields.get("profile") or next(iter(desk.profiles))
    standard, _, version = fields.get("standard", "").partition(" ")
    if profile not in desk.profiles:
        raise Problem(
            400, "Unknown profile", "The form asks for a profile that is not there.", "Choose one of the list."
        )
    if standard and (standard not in desk.standards or (version and version not in desk.standards[standard])):
        raise Problem(
            400, "Unknown standard", "The form asks for a standard that is not there.", "Choose one of the list."
        )
    return {
        "profile": profile,
        "standard": standard or None,
        "version": version or None,
        "kind": fields.get("kind", "").strip() or None,
        "show_values": fields.get("show_values") == "yes",
    }


async def _run(desk: Desk, check: Check, job: dict[str, Any], scratch: Path) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *desk.judge,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # it may quote a row
        env=process_environment(TMPDIR=str(scratch)),
        start_new_session=True,
    )
    said: dict[str, Any] = {}
    try:
        cast(asyncio.StreamWriter, process.stdin).write(json.dumps(job).encode() + b"\n")
        async with asyncio.timeout(desk.limits.seconds):
            async for line in cast(asyncio.StreamReader, process.stdout):
                said = json.loads(line)
                if "step" in said:
                    check.step, check.done, check.total = str(said["step"]), int(said["done"]), int(said["total"])
            code = await process.wait()
    except TimeoutError:
        raise late(desk.limits) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if "refused" in said:
        raise Problem(422, "This feed cannot be checked", str(said["refused"]), str(said["remedy"]))
    if code != 0 or "conforms" not in said:
        raise broken(code)
    return said


def late(limits: Limits) -> Problem:
    return Problem(
        504,
        "The time limit was reached",
        f"This page stops a check after {minutes(limits.seconds)}, and this one was not done. The files are deleted.",
        "Check fewer files, start hub serve with a larger --time-limit, or use hub validate on the command line.",
    )


def broken(code: int) -> Problem:
    remedy = "Check it with hub validate on the command line, which has no such limit."
    if code == OUT_OF_MEMORY or code < 0:
        return Problem(413, "The check needs too much memory", "This page gives a check a bounded memory.", remedy)
    return Problem(500, "The check failed", "That is a defect of the hub, not of the feed.", remedy)


def _report(out: Path, said: dict[str, Any]) -> Report:
    if sum(path.stat().st_size for path in out.iterdir()) > MAX_REPORT:
        raise Problem(
            413,
            "The report is too large to show here",
            "Too many places break a rule.",
            "Use hub validate on the command line with a smaller --max-per-rule.",
        )
    forms = {form: (out / name).read_bytes() for form, name in FORMS.items()}
    return Report(bool(said["conforms"]), str(said["title"]), (out / FRAGMENT).read_text(encoding="utf-8"), forms)
