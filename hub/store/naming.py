"""Names in the database: snake_case, at most 63 bytes (PostgreSQL's limit), and never two things under one name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from hub.errors import FixConfiguration

#: PostgreSQL cuts longer identifiers silently; SQLite follows so that both stores look alike.
LONGEST = 63

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+|[0-9]+")
_DISTRICT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def snake(name: str) -> str:
    """`StudentCTEProgramAssociation` -> `student_cte_program_association`, cut to `LONGEST` with a digest."""
    return shortened("_".join(word.lower() for word in _WORD.findall(name)))


def shortened(name: str) -> str:
    """`name`, or its start and eight hex digits of its SHA-256 where it is longer than `LONGEST`."""
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def schema_name(district: str) -> str:
    """The PostgreSQL schema of a district: lower case, every other character an underscore.

    Two districts can sanitize alike; `migrate` finds that out from the id kept inside the schema.
    Raises FixConfiguration where the id cannot name a file or a schema.
    """
    if not _DISTRICT.fullmatch(district):
        raise FixConfiguration(
            f"District id of {len(district)} characters cannot name a store.",
            "Use letters, digits, dot, dash and underscore, starting with a letter or digit, at most 100.",
        )
    name = re.sub(r"[^a-z0-9]+", "_", district.lower()).strip("_")
    reserved = name.startswith(("pg_", "hub_")) or name in ("public", "information_schema")
    return shortened(f"district_{name}" if reserved else name)


def refuse_twins(names: Iterable[tuple[str, str]], what: str) -> None:
    """Raise FixConfiguration where two different originals got one database name. `names`: (original, name)."""
    seen: dict[str, str] = {}
    for original, name in names:
        if not name or name in seen:
            raise FixConfiguration(
                f"{what} {original} and {seen.get(name, 'nothing')} would both be stored as '{name}'.",
                "Rename one of them in its spec.",
            )
        seen[name] = original
