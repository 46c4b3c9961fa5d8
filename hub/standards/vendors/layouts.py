"""Column names in a vendor's folder, written short: `Goal{1..8}{Name,Range}`, and `FILLER_*` where they are picked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_GROUP = re.compile(r"\{([^{}]+)\}")


def expand(name: str) -> list[str]:
    """`A{1..3}` is A1, A2, A3 and `{A,B}_X` is A_X, B_X; several groups are all combinations, the first slowest."""
    group = _GROUP.search(name)
    if group is None:
        return [name]
    first, _, last = group[1].partition("..")
    parts = [str(n) for n in range(int(first), int(last) + 1)] if last else group[1].split(",")
    return [found for part in parts for found in expand(name[: group.start()] + part + name[group.end() :])]


def expanded(names: Iterable[str]) -> list[str]:
    """All the names, in order."""
    return [found for name in names for found in expand(name)]


def reasons(ignored: dict[str, str], columns: Iterable[str]) -> dict[str, str]:
    """Column -> why no field uses it. A key may be short or have wildcards; one that fits nothing stays as it is."""
    known = list(columns)
    found: dict[str, str] = {}
    for written, reason in ignored.items():
        for key in expand(written):
            found |= dict.fromkeys([c for c in known if fnmatchcase(c, key)] or [key], reason)
    return found
