"""A vendor's folder as one set of documents and tables; a dialect (`extends:`) says what it changes in another's."""

from __future__ import annotations

import csv
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from hub.errors import FixConfiguration

_DEPTH = 3  # document, part, name: below them (a field's verb, a column's path) what the dialect says replaces


def vendors(root: Path, own: Path | None = None) -> list[str]:
    """Names of the vendors under `root/sources`, and of the district's in `own`."""
    places = [root / "sources", *([own] if own else [])]
    return sorted({p.parent.name for place in places for p in place.glob("*/source.yaml")})


def place_of(vendor: str, root: Path, own: Path | None = None) -> Path:
    """The folder of a vendor: the district's own before the built-in one. It need not be there."""
    mine = own / vendor if own else None
    return mine if mine and (mine / "source.yaml").is_file() else root / "sources" / vendor


def chain(vendor: str, root: Path, own: Path | None = None) -> tuple[Path, ...]:
    """The folder of a vendor after those that it extends. Raises FixConfiguration when there is no such folder.

    A folder of the district's own may extend the built-in one of the same name.
    """
    folders: list[Path] = []
    name: str | None = vendor
    while name:
        folder = place_of(name, root, None if name == vendor and folders else own)
        if folder in folders or not (folder / "source.yaml").is_file():
            raise FixConfiguration(
                f"no vendor folder {name!r} under schemas/sources or beside hub.yaml under sources.",
                f"Known vendors: {', '.join(vendors(root, own))}.",
            )
        folders.insert(0, folder)
        name = read(folder / "source.yaml").get("extends")
    return tuple(folders)


def documents(folders: tuple[Path, ...]) -> dict[str, dict[str, Any]]:
    """The YAML documents by file name, in order; what a later folder says of a name goes over what an earlier says."""
    names = sorted({path.name for folder in folders for path in folder.glob("*.yaml")})
    found = {name: [read(f / name) for f in folders if (f / name).is_file()] for name in names}
    return {name: reduce(_over, parts) for name, parts in found.items()}


def tables(folders: tuple[Path, ...], kind: str) -> dict[str, tuple[dict[str, str], ...]]:
    """`<kind>/<name>.csv` of the folders as rows; a dialect's rows go before those of the same `code`."""
    found: dict[str, tuple[dict[str, str], ...]] = {}
    for folder in folders:
        for path in sorted((folder / kind).glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                rows = tuple(csv.DictReader(file))
            own = {row["code"] for row in rows} if rows and "code" in rows[0] else set()
            kept = found.get(path.stem, ()) if own else ()
            found[path.stem] = (*rows, *(row for row in kept if row.get("code") not in own))
    return found


def table_path(folders: tuple[Path, ...], kind: str, name: str) -> Path:
    """The last of the folders that has the table, else where it should lie."""
    there = [path for folder in folders if (path := folder / kind / f"{name}.csv").is_file()]
    return there[-1] if there else folders[-1] / kind / f"{name}.csv"


def read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        document: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)
    return document


def _over(base: dict[str, Any], own: dict[str, Any], depth: int = _DEPTH) -> dict[str, Any]:
    """A null takes a key away."""
    both = {
        k: _over(base[k], v, depth - 1)
        for k, v in own.items()
        if depth and isinstance(v, dict) and isinstance(base.get(k), dict)
    }
    return {k: v for k, v in {**base, **own, **both}.items() if v is not None}
