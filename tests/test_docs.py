"""The documents are true: paths exist, commands and options exist, make targets exist, and the README's paths run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hub.cli import main

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "schemas" / "README.md"])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
HUB = re.compile(r"(?:^|[`\s/])hub ([a-z][^`\n;|&#]*)", re.MULTILINE)
MAKE = re.compile(r"`?\bmake ([a-z]+)\b")


def _ids(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=_ids)
def test_links_lead_somewhere(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    dead = [link for link in links if not (document.parent / link).exists()]
    assert not dead


def _code(text: str) -> str:
    fences = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return "\n".join([*fences, *inline])


@pytest.mark.parametrize("document", DOCUMENTS, ids=_ids)
def test_commands_exist_with_their_options(document: Path) -> None:
    for line in HUB.findall(_code(document.read_text(encoding="utf-8"))):
        words = shlex.split(line.split("   ")[0], comments=True)
        command: click.Command = main
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert command is not main, f"{document.name}: no such command: hub {line}"
        known = {option for parameter in command.params for option in parameter.opts}
        asked = {word for word in words if word.startswith("--")}
        assert asked <= known | {"--help"}, f"{document.name}: hub {line}"


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        asked = set(MAKE.findall(_code(document.read_text(encoding="utf-8"))))
        assert asked <= targets, document


def test_the_readme_opens_with_the_two_commands() -> None:
    first = (ROOT / "README.md").read_text(encoding="utf-8").split("```")[1]
    assert "make demo" in first
    assert "make test" in first


def _hub(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "HUB_CONFIG"}
    command = [sys.executable, "-m", "hub.cli", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_vendor_follows_the_readme(tmp_path: Path) -> None:
    """init, a file, three words of YAML, sync, held list: each fault has a place."""
    made = _hub(tmp_path, "init", "try", "--name", "Try", "--local-education-agency-id", "1")
    assert made.returncode == 0, made.stderr
    sample = next((ROOT / "schemas" / "sources" / "nwea-map-growth" / "sample").glob("*.csv"))
    (tmp_path / "try" / "incoming" / "export.csv").write_bytes(sample.read_bytes())
    config = tmp_path / "try" / "hub.yaml"
    text = config.read_text(encoding="utf-8")
    text = re.sub(r"    sources:\n.*?(?=\n    # A publish)", _SOURCES, text, flags=re.DOTALL)
    year = json.loads((sample.parent / "expected.json").read_text(encoding="utf-8"))["schoolYear"]
    config.write_text(re.sub(r"years: \[\d+\]", f"years: [{year}]", text), encoding="utf-8")
    synced = _hub(tmp_path / "try", "sync")
    assert synced.returncode in (0, 1), synced.stderr
    held = _hub(tmp_path / "try", "held", "list")
    assert "identity.unknown" in held.stdout
    assert held.returncode == 0


_SOURCES = """    sources:
      map: {vendor: nwea-map-growth, path: ./incoming}
"""
