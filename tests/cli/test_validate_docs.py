"""What docs/validate.md tells a vendor to run does what it says: the steps of the build, the lines of Python."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "validation"))
from oneroster_package import clean

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "validate.md").read_text(encoding="utf-8")


def snippet(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def steps() -> list[dict[str, Any]]:
    return list(yaml.safe_load(snippet("yaml"))["jobs"]["feed"]["steps"])


def test_the_build_installs_what_is_there() -> None:
    installs = [shlex.split(step["run"]) for step in steps() if step.get("run", "").startswith("pip")]
    requirements, editable = (words[-1] for words in installs)
    checked_out = next(step["with"]["path"] for step in steps() if "repository" in step.get("with", {}))
    assert editable == checked_out
    assert (ROOT / requirements.removeprefix(f"{checked_out}/")).is_file()
    assert "--require-hashes" in installs[0]


@pytest.mark.parametrize("conforms", [True, False])
def test_the_build_fails_with_the_feed_and_keeps_its_result(tmp_path: Path, conforms: bool) -> None:
    package = clean("1.2")
    if not conforms:
        package.set("orgs", 1, sourcedId="")
    package.write(tmp_path / "export")
    [run] = [step["run"] for step in steps() if step.get("run", "").startswith("hub")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(run, shell=True, cwd=tmp_path, env={**os.environ, "PATH": path}, check=False)
    assert done.returncode == (0 if conforms else 1)
    kept = next(step for step in steps() if "upload-artifact" in step.get("uses", ""))
    assert kept["if"] == "always()"
    assert (tmp_path / kept["with"]["path"]).read_text().startswith("<?xml")


def test_the_lines_of_python_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean("1.1").zip(tmp_path / "last-night.zip")
    broken = clean("1.1")
    broken.set("orgs", 2, type="kindergarten")
    broken.zip(tmp_path / "package.zip")
    code = compile(snippet("python").replace('"package.zip"', f'"{tmp_path}/package.zip"'), "validate.md", "exec")
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        exec(code, {})
    finally:
        os.chdir(here)
    said = capsys.readouterr().out
    assert said.startswith("OneRoster 1.1 does not conform\nacademicSessions.csv 3\n")
    assert "oneroster.vocabulary.unknown orgs.csv type 1 [2]" in said
