"""One step in a process of its own: how long it took and how much memory it held at most."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Measured:
    """`seconds` of the step with its imports, without the start of Python; `cpu` seconds and `peak_mb` of the whole
    process. On a machine that others use, the ratio of CPU seconds is the steadier one."""

    seconds: float
    peak_mb: float
    cpu: float
    said: dict[str, Any] = field(default_factory=dict)


def run(step: str, times: int = 1, **given: Any) -> Measured:
    """`benchmarks.steps.<step>(**given)` in a fresh process, `times` times: the median run by seconds.

    Raises RuntimeError with what the step wrote when it fails.
    """
    runs = sorted((_once(step, given) for _ in range(times)), key=lambda each: each.seconds)
    return runs[(len(runs) - 1) // 2]


def _once(step: str, given: dict[str, Any]) -> Measured:
    command = [sys.executable, "-m", "benchmarks.steps", step, json.dumps(given, default=str)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        answer = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)  # the usage of this child alone
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"step {step} ended with {child.returncode}")
    said = json.loads(answer.splitlines()[-1])
    return Measured(said.pop("seconds"), usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, said)
