"""Imports run one way, read from the code itself; and each wall, broken once on purpose, says what is wrong."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HUB = Path(__file__).parents[1] / "hub"

#: Rooms from the street to the cellar. A room may import what stands below it, and itself, and no sibling.
LAYERS = (
    ("cli", "definitions"),
    ("commands",),
    ("assets",),
    ("pipeline",),
    ("connectors", "landing", "standards", "unify", "store", "report", "serve"),
    ("config", "engine", "look"),
    ("model",),
    ("errors",),
)
DEPTH = {room: depth for depth, rooms in enumerate(LAYERS) for room in rooms}
#: The demo builds its data alone; what plays its nights is a root, as the command line is.
BESIDE = {"demo"}
ROOTS = {"demo/play.py"}

#: The only rooms that say a word: the library and where it may be imported.
HOMES = {
    "great_expectations": {
        "standards/suites/confirmation.py",
        "standards/suites/data_docs.py",
        "standards/suites/expectations.py",
        "standards/export/gx.py",
    },
    "dagster": {"assets/", "definitions.py"},
    # assets/home.py opens Dagster's own tables, which fail in the words of these two.
    "sqlalchemy": {"assets/home.py", "connectors/sql.py", "store/"},
    "alembic": {"assets/home.py", "store/"},
    "lxml": {"standards/", "demo/edfi.py"},
    "click": {"cli.py", "commands/"},
    "starlette": {"serve/"},
    "uvicorn": {"serve/"},
}


def modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(root.rglob("*.py")):
        yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything a module imports, inside functions and for types too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def room(name: str) -> str:
    return name.split("/")[0].removesuffix(".py")


def broken(root: Path) -> list[str]:
    """Every import that goes the wrong way, or says a word in a room that is not its home."""
    faults = []
    for name, tree in modules(root):
        for line, target in imported(tree):
            here, parts = room(name), target.split(".")
            where = f"hub/{name}:{line}"
            if parts[0] in HOMES and not any(name.startswith(home) for home in HOMES[parts[0]]):
                faults.append(f"{where}: {parts[0]} is at home in {', '.join(sorted(HOMES[parts[0]]))} only.")
            if parts[0] != "hub" or here == "__init__" or len(parts) < 2 or name in ROOTS:
                continue
            there = parts[1]
            if there not in DEPTH or here == there:
                continue
            if here in BESIDE:
                faults.append(f"{where}: the demo imports hub.{there}; it stands beside the house.")
            elif here not in DEPTH:
                faults.append(f"{where}: hub.{here} is no room of the house; give it a place in LAYERS.")
            elif DEPTH[there] == DEPTH[here]:
                faults.append(f"{where}: hub.{here} imports its sibling hub.{there}; what both need is a noun.")
            elif DEPTH[there] < DEPTH[here]:
                faults.append(f"{where}: hub.{here} imports hub.{there}, which stands above it.")
    return faults


def environment(root: Path) -> list[str]:
    """Where the environment is read, which only hub/config may."""
    found = []
    for name, tree in modules(root):
        for node in ast.walk(tree):
            reads = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            ours = room(name) == "config" or name in ROOTS
            if reads and isinstance(node.value, ast.Name) and node.value.id == "os" and not ours:
                found.append(f"hub/{name}:{node.lineno}: only hub/config reads the environment.")
    return found


def test_imports_run_one_way() -> None:
    assert broken(HUB) == []


def test_only_the_configuration_reads_the_environment() -> None:
    assert environment(HUB) == []


def test_no_vendor_and_no_district_is_named_in_python() -> None:
    """A vendor is data. The demo plays vendors, and `hub init` writes them into hub.yaml."""
    vendors = {p.name for p in (HUB.parent / "schemas" / "sources").iterdir() if p.is_dir()}
    standards = {"oneroster-csv", "edfi-xml", "edfi-json"}  # formats that are standards, not vendors
    found = [
        f"hub/{name}: {vendor}"
        for name, tree in modules(HUB)
        if room(name) != "demo" and name != "commands/init.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for vendor in vendors - standards
        if vendor in node.value
    ]
    assert found == []


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("store/diff.py", "import hub.landing", "imports its sibling hub.landing"),
        ("unify/merge.py", "from hub.standards.mapping import checks", "imports its sibling hub.standards"),
        ("standards/mapping/checks.py", "from hub.pipeline import sync", "hub.pipeline, which stands above it"),
        ("model.py", "from hub.config import load", "hub.config, which stands above it"),
        ("config/load.py", "from hub.store import publish", "hub.store, which stands above it"),
        ("pipeline/path.py", "import dagster", "dagster is at home in"),
        ("pipeline/record.py", "import great_expectations", "great_expectations is at home in"),
        (
            "unify/merge.py",
            "import sqlalchemy.orm",
            "sqlalchemy is at home in assets/home.py, connectors/sql.py, store/ only",
        ),
        ("store/diff.py", "def late():\n    from hub.report import page", "imports its sibling hub.report"),
        ("demo/plan.py", "from hub.store import publish", "it stands beside the house"),
        ("helpers.py", "from hub.model import Run", "hub.helpers is no room of the house"),
        ("store/diff.py", "import os\nos.environ['HOME']", "only hub/config reads the environment"),
    ],
)
def test_a_wall_that_is_broken_says_where(tmp_path: Path, file: str, line: str, said: str) -> None:
    house = tmp_path / "hub"
    shutil.copytree(HUB, house, ignore=shutil.ignore_patterns("__pycache__"))
    target = house / file
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(f"{before}\n{line}\n", encoding="utf-8")
    (fault,) = [*broken(house), *environment(house)]
    assert said in fault
    assert re.match(rf"hub/{re.escape(file)}:\d+: ", fault)


def test_import_linter_sees_the_same_wall(tmp_path: Path) -> None:
    """The second guard of the same walls, told apart from the first: it must fail where the first one does."""
    shutil.copytree(HUB, tmp_path / "hub", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HUB.parent / "pyproject.toml", tmp_path)
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def lint() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    whole = lint()
    assert whole.returncode == 0, whole.stdout
    with (tmp_path / "hub" / "unify" / "merge.py").open("a") as file:
        file.write("\nimport hub.landing\n")
    told = lint()
    assert told.returncode == 1
    assert "hub.unify is not allowed to import hub.landing" in told.stdout
