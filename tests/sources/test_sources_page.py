"""docs/sources.md says of each vendor's folder what the folder says."""

from __future__ import annotations

from pathlib import Path

from hub.standards.specs import SCHEMAS
from hub.standards.vendors.folders import vendors
from hub.standards.vendors.sources import load_source

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"
FEW = 6  # streams or entities that are named; more are counted


def row(vendor: str) -> list[str]:
    """The row of a vendor but for its last cell, the gaps, which no folder says."""
    source = load_source(vendor)
    entities = sorted({m.entity for m in source.mappings})
    layouts = sorted({version for s in source.streams for version in s.options.get("layouts", {})})
    return [
        f"`{vendor}`",
        source.transport.get("kind", "file"),
        _named([s.name for s in source.streams], "lists"),
        _named(entities, "entities"),
        ", ".join(sorted({s.delivery for s in source.streams})),
        ", ".join(layouts) or "-",
    ]


def _named(names: list[str], what: str) -> str:
    return ", ".join(names) if len(names) <= FEW else f"{len(names)} {what}"


def test_the_page_has_a_true_row_for_every_vendor() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    said = [[cell.strip() for cell in line.strip("|").split("|")][:-1] for line in lines]
    wanted = [row(vendor) for vendor in vendors(SCHEMAS)]
    assert said == wanted, [f"| {' | '.join(one)} |  |" for one in wanted if one not in said]
