"""The sheet of any item of the catalog, Ed-Fi or OneRoster."""

from __future__ import annotations

from hub.standards.export.catalog import Item
from hub.standards.export.sheet import Sheet
from hub.standards.export.sheets_edfi import edfi_sheet
from hub.standards.export.sheets_oneroster import oneroster_sheet


def sheet(item: Item) -> Sheet:
    """The sheet of one item of the catalog."""
    return edfi_sheet(item) if item.standard == "Ed-Fi" else oneroster_sheet(item)
