"""What a OneRoster CSV package is made by: the layout of a version and the mapping of `schemas/oneroster/out.yaml`."""

from __future__ import annotations

from typing import Any

import yaml

from hub.standards.oneroster_layout import Column, layouts
from hub.standards.specs import SCHEMAS


def mapping() -> dict[str, Any]:
    """The parsed mapping: words, crosswalks, tables, files, carried, filled."""
    said: dict[str, Any] = yaml.load((SCHEMAS / "oneroster" / "out.yaml").read_bytes(), yaml.CSafeLoader)
    return said


def columns(version: str) -> dict[str, tuple[Column, ...]]:
    """The files of a version with the columns of its newest release, in order."""
    return {name: tuple(c for c in f.columns if not c.spare) for name, f in layouts(version).items()}
