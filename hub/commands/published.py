"""What is published in a district's store, as the validator asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hub.config import SCHEMAS

if TYPE_CHECKING:
    from hub.model import Slice
    from hub.standards.validation import Known
    from hub.store import Store


def known(opened: Store, slice_: Slice, folder: Path) -> Known:
    """Looks an Ed-Fi entity or a OneRoster file up in what is published; files for it are written to `folder`."""
    from hub import store

    places = yaml.safe_load((SCHEMAS / "oneroster" / "published.yaml").read_text(encoding="utf-8"))
    snapshots = store.snapshot(opened, slice_)

    def find(name: str) -> Path | None:
        if name in places:
            return _ids(opened, slice_, name, places[name], folder)
        return snapshots.get(name)

    return find


def _ids(opened: Store, slice_: Slice, name: str, places: list[dict[str, str]], folder: Path) -> Path:
    """A parquet file with the column `sourcedId`."""
    import ibis

    from hub import store
    from hub.engine import connect, stacked, write_parquet

    con = connect(folder / "spill")
    found: list[Any] = []
    try:
        for place in places:
            entity, field = place["entity"], place["field"]
            path = store.published_values(opened, slice_, entity, field, folder / f"{name}-{entity}.parquet")
            values = con.read_parquet(path)["value"]
            item = place.get("item")
            ids = _json_items(values, ibis.literal(f"$[*].{item}")).unnest() if item else values
            found.append(ids.name("sourcedId").as_table())
        target = folder / f"{name}.parquet"
        write_parquet(con, stacked(found).distinct(), target)
    finally:
        con.disconnect()
    return target


def _json_items(value: Any, path: Any) -> Any:
    import ibis

    @ibis.udf.scalar.builtin(name="json_extract_string")
    def json_extract_string(value: str, path: str) -> list[str]:  # type: ignore[empty-body]
        """DuckDB's own: every item that the path finds."""

    return json_extract_string(value, path)
