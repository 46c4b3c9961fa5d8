"""What holds for every command: help with an example, JSON, exit codes, no traceback, no heavy import."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from played import Hub, a_run

from hub import pipeline
from hub.cli import main
from hub.errors import AskVendor, FixConfiguration, RetryLater, Stop

HEAVY = ("duckdb", "ibis", "dagster", "great_expectations", "pandas", "pyarrow", "sqlalchemy", "rich", "jsonschema")


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(leaves(main))


def test_the_commands_are_these() -> None:
    assert {" ".join(path) for path in COMMANDS} == {
        "init",
        "sync",
        "up",
        "runs",
        "held list",
        "held show",
        "held replay",
        "student show",
        "review list",
        "review decide",
        "publish approve",
        "publish discard",
        "report",
        "demo",
        "store migrate",
        "store rebuild",
        "review show",
        "schema list",
        "schema show",
        "schema export",
        "serve",
        "export oneroster",
        "source adopt",
        "source new",
        "source probe",
        "source test",
        "validate",
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_and_json(path: tuple[str, ...], hub: Hub) -> None:
    told = hub(*path, "--help")
    assert told.exit_code == 0
    assert "Example" in told.output
    assert f"hub {' '.join(path)}" in told.output.split("Example", 1)[1]
    assert "--json" in told.output or path == ("schema", "export")  # what it prints is the file itself
    assert max(map(len, told.output.splitlines())) <= 80


def imported(*commands: tuple[str, ...]) -> set[str]:
    """The packages that a new process has imported after these commands."""
    code = (
        "import contextlib, sys\nfrom hub.cli import main\n"
        f"for command in {commands!r}:\n    with contextlib.suppress(SystemExit):\n        main(list(command))\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    return {name.split(".")[0] for name in done.stderr.splitlines()[-1].split()}


@pytest.mark.parametrize("arguments", [("--help",), ("sync", "--help"), ("up", "--help"), ("nonsense",)], ids=" ".join)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert imported(arguments) & set(HEAVY) == set()


def test_small_commands_import_no_engine(tmp_path: Path) -> None:
    init = ("init", str(tmp_path / "new"), "--local-education-agency-id", "255901")
    config = ("--config", str(tmp_path / "new" / "hub.yaml"))
    assert "ibis" in imported(init, ("store", "migrate", *config))  # so the names below are the right ones
    small = (("runs",), ("held", "list"), ("review", "list"), ("student", "show", "1"))
    assert imported(*((*command, *config) for command in small)) & set(HEAVY[:6]) == set()


def test_a_wrong_configuration_imports_no_engine(tmp_path: Path) -> None:
    assert imported(("sync", "--config", str(tmp_path / "gone.yaml"))) & set(HEAVY[:6]) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("sync", "--nonsense"),
        ("sync", "--year", "soon"),
        ("sync", "--district", "maple-hollo"),
        ("sync", "--year", "2020"),
        ("sync", "--source", "siss"),
        ("sync", "--config", "gone.yaml"),
        ("student", "show", "1", "--as-of", "yesterday"),
        ("student", "show", "1"),
        ("review", "decide", "1"),
        ("report",),
    ],
    ids=" ".join,
)
def test_wrong_usage_and_configuration_end_with_3(arguments: tuple[str, ...], hub: Hub) -> None:
    told = hub(*arguments)
    assert told.exit_code == 3
    assert told.stderr
    assert "Traceback" not in told.output


def raising(error: Exception) -> Any:
    def fake(*_: object, **__: object) -> None:
        raise error

    return fake


@pytest.mark.parametrize(
    ("error", "code"), [(RetryLater, 1), (Stop, 1), (AskVendor, 2), (FixConfiguration, 3)], ids=lambda e: str(e)
)
def test_an_error_is_its_message_its_remedy_and_its_code(
    error: type[AskVendor], code: int, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "sync", raising(error("It is so.", "Do this.")), raising=False)
    told = hub("sync", "--district", "maple-hollow")
    assert (told.exit_code, told.stderr, told.stdout) == (code, "It is so.\nDo this.\n", "")
    told = hub("sync", "--district", "maple-hollow", "--json")
    assert json.loads(told.stdout) == {"error": "It is so.", "remedy": "Do this.", "exit_code": code}
    assert "Traceback" in hub("sync", "--district", "maple-hollow", "--debug").stderr


def test_a_defect_is_one_line_and_never_quotes_a_value(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        try:
            raise KeyError("Canary Lastname")
        except KeyError:
            raise ValueError("Canary Lastname 2010-01-01") from None

    monkeypatch.setattr(pipeline, "sync", broken, raising=False)
    told = hub("sync", "--district", "maple-hollow")
    assert told.exit_code == 70
    assert told.stderr.count("\n") == 1
    assert "defect of the hub" in told.stderr
    assert "ValueError at test_contract.py:" in told.stderr
    log = folder / "state" / "hub-defects.log"
    assert str(log) in told.stderr
    assert "test_contract.py" in log.read_text()
    assert "Canary" not in told.output + log.read_text()
    assert "Canary" in hub("sync", "--district", "maple-hollow", "--debug").stderr


def test_the_configuration_may_be_named_by_the_environment(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "hub.yaml").rename(folder / "other.yaml")
    monkeypatch.setattr(pipeline, "sync", lambda settings, slice, **_: a_run(slice, status="unchanged"), raising=False)
    assert hub("sync").exit_code == 3
    monkeypatch.setenv("HUB_CONFIG", str(folder / "other.yaml"))
    assert hub("sync").exit_code == 0
