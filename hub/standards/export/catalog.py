"""What the standards hold, by standard, version, kind and name: the table of contents of every export."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from hub.errors import FixConfiguration
from hub.standards.naming import lower_camel, plural
from hub.standards.oneroster_layout import layouts
from hub.standards.oneroster_objects import kinds
from hub.standards.shapes import load_shapes
from hub.standards.shapes import versions as edfi_versions
from hub.standards.specs import BASE

Standard = Literal["Ed-Fi", "OneRoster"]
Kind = Literal["entity", "association", "descriptor", "common", "interchange", "file", "object"]
#: Kinds in the order in which they are told, each with the word of its standard.
KINDS: dict[Kind, str] = {
    "entity": "Ed-Fi domain entity",
    "association": "Ed-Fi association",
    "descriptor": "Ed-Fi descriptor",
    "common": "Ed-Fi common type",
    "interchange": "Ed-Fi XML interchange",
    "file": "OneRoster CSV file",
    "object": "OneRoster REST object",
}
_GROUPS: dict[str, Kind] = {
    "Domain Entity": "entity",
    "Association": "association",
    "Descriptor": "descriptor",
    "Common": "common",
}
#: The versions that a name means where none is given.
DEFAULTS: dict[Standard, str] = {"Ed-Fi": BASE, "OneRoster": "1.2"}
_STANDARDS: dict[str, Standard] = {"ed-fi": "Ed-Fi", "edfi": "Ed-Fi", "oneroster": "OneRoster"}


@dataclass(frozen=True, order=True)
class Item:
    """One spec. `also` is another name that it goes by: the resource of an entity."""

    standard: Standard
    version: str
    kind: Kind
    name: str
    also: str = ""
    abstract: bool = False

    @property
    def folder(self) -> str:
        """Of its own for objects: one may be named as a file is."""
        return f"{self.standard.lower()}{'-rest' * (self.kind == 'object')}-{self.version}"


def items(standard: str | None = None, version: str | None = None, kind: str | None = None) -> list[Item]:
    """What there is, in the order of standard, version, kind and name; `standard` is ed-fi or oneroster.

    Raises FixConfiguration for a standard, version or kind that is not known.
    """
    if standard is not None and standard.lower() not in _STANDARDS:
        raise FixConfiguration(f"The standard {standard!r} is not known.", "Choose ed-fi or oneroster.")
    if kind is not None and kind not in KINDS:
        raise FixConfiguration(f"There is no kind {kind!r}.", f"Choose one of {', '.join(KINDS)}.")
    wanted = standard and _STANDARDS[standard.lower()]
    of_standard = [i for i in _all() if wanted in (None, i.standard)]
    known = sorted({i.version for i in of_standard})
    if version is not None and version not in known:
        raise FixConfiguration(f"There is no version {version} here.", f"Choose one of {', '.join(known)}.")
    return [i for i in of_standard if version in (None, i.version) and kind in (None, i.kind)]


def named(names: Sequence[str], among: Sequence[Item], *, latest: bool) -> list[Item]:
    """The items of these names, exactly as written, else in any letter case, else by the name of the resource.

    `latest`: where a name stands in several versions of a standard, only that of DEFAULTS. Raises FixConfiguration
    for a name that nothing has.
    """
    return [item for name in names for item in _named(name, among, latest)]


def one(name: str, among: Sequence[Item]) -> Item:
    """The one item of that name. Raises FixConfiguration where there is none, or several standards have it."""
    found = _named(name, among, latest=True)
    if len(found) > 1:
        several = " or ".join(f"--standard {i.standard.lower()} --kind {i.kind}" for i in found)
        raise FixConfiguration(f"More than one spec is named {name}.", f"Add {several}.")
    return found[0]


def _named(name: str, among: Sequence[Item], latest: bool) -> list[Item]:
    folded = name.casefold()
    exact = [i for i in among if i.name == name]
    alike = exact or [i for i in among if i.name.casefold() == folded]
    found = alike or [i for i in among if i.also.casefold() == folded]
    preferred = [i for i in found if DEFAULTS[i.standard] == i.version]
    if found:
        return preferred if latest and preferred else found
    near = difflib.get_close_matches(name, {i.name for i in among}, n=3)
    raise FixConfiguration(
        f"There is no spec {name}.", f"Did you mean {', '.join(near)}?" if near else "`hub schema list` has all names."
    )


def _all() -> Iterator[Item]:
    for version in edfi_versions():
        shapes = load_shapes(version)
        for kind in KINDS:
            types = sorted((t for t in shapes.complex.values() if _GROUPS.get(t.group) == kind), key=lambda t: t.name)
            for made in types:
                resource = "" if kind == "common" else plural(lower_camel(made.name))
                yield Item("Ed-Fi", version, kind, made.name, resource, made.abstract)
        for name in shapes.interchanges:
            yield Item("Ed-Fi", version, "interchange", name)
    for version in ("1.1", "1.2"):
        for layout in layouts(version).values():
            yield Item("OneRoster", version, "file", layout.name, layout.csv)
        for made_of in kinds(version).values():
            yield Item("OneRoster", version, "object", made_of.name, made_of.collection)
