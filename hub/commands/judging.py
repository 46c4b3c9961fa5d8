"""The process that judges one upload of the validator's page: bounded, silent, and gone when the server is.

Its words are those of `hub.serve.judging`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from pathlib import Path
from typing import Any

from hub.errors import HubError
from hub.serve.judging import FORMS, FRAGMENT, OUT_OF_MEMORY


def main() -> int:
    """Exit code 0 when there is an answer, OUT_OF_MEMORY, or 70 for a defect."""
    voice = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a library prints is no answer
    job = json.loads(sys.stdin.buffer.readline())
    bound(job["memory"], job["seconds"])
    threading.Thread(target=_end_with_the_server, daemon=True).start()

    def say(**said: Any) -> None:
        voice.write(json.dumps(said) + "\n")

    try:
        say(**_judge(job, say))
    except HubError as error:
        say(refused=error.message, remedy=error.remedy)
    except MemoryError:
        return OUT_OF_MEMORY
    except Exception as error:
        # DuckDB, Arrow and lxml each have their own word for it.
        return OUT_OF_MEMORY if "memory" in f"{type(error).__name__} {error}".lower() else 70
    return 0


def bound(memory: int, seconds: float) -> None:
    """No more than `memory` bytes of its own, no more CPU time than all cores have in `seconds`, no core file.

    Own memory (RLIMIT_DATA), not address space: of that, allocators reserve 64 MB per thread and core and use little.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    cpu = int(seconds * (os.cpu_count() or 1)) + 60
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_the_server() -> None:
    while os.read(0, 1024):  # not sys.stdin: its lock would be held while the interpreter ends
        pass
    os._exit(1)


def _judge(job: dict[str, Any], say: Any) -> dict[str, Any]:
    from hub.standards.validation import validate
    from hub.standards.validation.formats import FORMATS
    from hub.standards.validation.report import fragment

    found = validate(
        job["paths"],
        names=job["names"],
        previous=job["previous"] or None,
        previous_names=job["previous_names"],
        standard=job["standard"],
        version=job["version"],
        profile=job["profile"],
        kind=job["kind"],
        show_values=job["show_values"],
        max_unpacked=job["unpacked"],
        progress=lambda step, done, total: say(step=step, done=done, total=total),
    )
    say(step="writing the report", done=0, total=0)
    out = Path(job["out"])
    for form, name in FORMS.items():
        (out / name).write_text(FORMATS[form](found), encoding="utf-8")
    (out / FRAGMENT).write_text(fragment(found, "/rules/"), encoding="utf-8")
    verdict = "Conforms" if found.conforms else "Does not conform"
    return {"conforms": found.conforms, "title": f"{verdict}: {found.standard} {found.version}, {found.profile}"}


if __name__ == "__main__":
    sys.exit(main())
