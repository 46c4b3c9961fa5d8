"""A OneRoster file that is ready to be parsed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.standards.oneroster_layout import Column, FileLayout
from hub.standards.validation.oneroster_bytes import Bytes


@dataclass(frozen=True)
class Source:
    """A file ready to be read. `places`: where in the file each known column stands."""

    name: str  # inside the package
    version: str  # of the layout, "1.1" or "1.2"
    layout: FileLayout
    mode: str
    path: Path
    width: int
    places: dict[str, int]
    found: Bytes
    commas: int = 0  # inside the header's names

    @property
    def columns(self) -> list[Column]:
        return [c for c in self.layout.columns if c.name in self.places]
