"""The specs of `schemas/` as values: entities, descriptor codes, their hash and the order they depend on each other."""

from __future__ import annotations

import csv
import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from hub.errors import FixConfiguration
from hub.model import Entity, Field, Reference
from hub.standards.additions import Additions, read_additions
from hub.standards.naming import snake

SCHEMAS = Path(__file__).parents[2] / "schemas"
#: The standard whose entities are all canonical; `additions.yaml` names what is taken from a later one.
BASE = "5.2"


def load_entities(root: Path | None = None) -> dict[str, Entity]:
    """The hub's canonical entities by name: all of Ed-Fi 5.2, the 6.1 ones that `additions.yaml` takes, and Descriptor.

    `root` is a schemas directory (default: the hub's own). Raises FixConfiguration naming the file that is wrong.
    """
    return dict(_entities(root or SCHEMAS))


def load_entity(name: str, standard: str = BASE, root: Path | None = None) -> Entity:
    """One entity of one standard, from its own file. Raises FixConfiguration if there is none."""
    base = root or SCHEMAS
    return _entity(base / "edfi" / standard / f"{snake(name)}.yaml", _additions(base))


def descriptor_codes(root: Path | None = None) -> dict[str, frozenset[str]]:
    """Descriptor -> the full URIs (`namespace#code`) of the standard's default codes."""
    return dict(_codes(root or SCHEMAS))


def descriptor_types(standard: str = BASE, root: Path | None = None) -> tuple[str, ...]:
    """Names of all descriptors of a standard, as in `GradeLevelDescriptor`."""
    return tuple(_read((root or SCHEMAS) / "edfi" / standard / "descriptors.yaml")["descriptors"])


def spec_hash(root: Path | None = None, own: Path | None = None) -> str:
    """SHA-256 over the names and bytes of all files of a schemas directory: the same specs give the same hash.

    `own` is a district's folder of vendors; of it, what lies beside a source.yaml and below counts.
    """
    total = hashlib.sha256()
    folders = [root or SCHEMAS, *(p.parent for p in sorted(own.glob("*/source.yaml")))] if own else [root or SCHEMAS]
    for base in folders:
        for name, path in sorted(_files(str(base))):
            said = os.stat(path)
            total.update(f"{name}\0{_content(path, said.st_mtime_ns, said.st_size, said.st_ino)}\n".encode())
    return total.hexdigest()


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Every file below a folder: its name there with slashes, and its path."""
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                yield os.path.relpath(path, folder).replace(os.sep, "/"), path


@functools.lru_cache(maxsize=4096)
def _content(path: str, _changed: int, _size: int, _inode: int) -> str:
    """A night asks nine times: a file is read again when it has changed."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def dependency_order(entities: Iterable[Entity]) -> list[str]:
    """Names of the entities, referenced ones first; a reference to a base type waits for its subclasses given.

    Where references run in a circle, optional ones give way first, then the name that sorts first goes ahead.
    """
    given = {e.name: e for e in entities}
    below: dict[str, set[str]] = {}
    for entity in given.values():
        below.setdefault(entity.subclass_of, set()).add(entity.name)
    needs: dict[str, dict[str, bool]] = {}
    for name, entity in given.items():
        needs[name] = {}
        for reference in entity.references:
            for target in {reference.entity, *below.get(reference.entity, ())} & given.keys() - {name}:
                needs[name][target] = needs[name].get(target, False) or reference.required
    order: list[str] = []
    waiting = sorted(given)
    while waiting:
        left = set(waiting)
        free = [n for n in waiting if not needs[n].keys() & left]
        soft = [n for n in waiting if not {t for t, required in needs[n].items() if required} & left]
        done = free or soft[:1] or waiting[:1]
        order += done
        waiting = [n for n in waiting if n not in set(done)]
    return order


@functools.cache
def _entities(root: Path) -> Mapping[str, Entity]:
    additions = _additions(root)
    paths = sorted((root / "edfi" / BASE).glob("*.yaml"))
    if not paths:
        raise FixConfiguration(f"{root / 'edfi' / BASE} holds no entity specs.", "Install the hub with its schemas.")
    paths += [root / "edfi" / standard / f"{snake(n)}.yaml" for standard, names in additions.take for n in names]
    found = [_entity(path, additions) for path in paths if path.name != "descriptors.yaml"]
    return {entity.name: entity for entity in [*found, _DESCRIPTOR]}


@functools.cache
def _codes(root: Path) -> Mapping[str, frozenset[str]]:
    codes: dict[str, set[str]] = {}
    with (root / "vocabularies" / f"edfi-{BASE}.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            codes.setdefault(row["descriptor"], set()).add(f"{row['namespace']}#{row['code']}")
    return {name: frozenset(uris) for name, uris in codes.items()}


@functools.cache
def _additions(root: Path) -> Additions:
    path = root / "edfi" / "additions.yaml"
    return read_additions(_read(path) if path.exists() else {})


def _read(path: Path) -> Any:
    try:
        return yaml.load(path.read_bytes(), yaml.CSafeLoader)
    except FileNotFoundError:
        raise FixConfiguration(f"There is no spec {path}.", "Check the entity's name and standard.") from None
    except yaml.YAMLError as fault:
        raise FixConfiguration(f"{path} is not YAML: {fault}.", "Mend the file or derive it again.") from None


def _entity(path: Path, additions: Additions) -> Entity:
    said = _read(path)
    try:
        name: str = said["entity"]
        fields = tuple(_field(n, f) for n, f in said["fields"].items())
        references = tuple(
            Reference(n, r["entity"], tuple(r["fields"].items()), r.get("required", False))
            for n, r in said["references"].items()
        )
        entity = Entity(
            name=name,
            resource=said["resource"],
            kind=said["kind"],
            standard=said["standard"],
            key=tuple(said["key"]),
            fields=fields,
            references=references,
            subclass_of=said["subclass_of"],
        )
    except (KeyError, TypeError, AttributeError) as fault:
        raise FixConfiguration(f"{path} does not follow schemas/grammar.json ({fault}).", "Derive it again.") from None
    return additions.apply(entity)


def _field(name: str, said: dict[str, Any]) -> Field:
    xml = said.get("xml", "")
    return Field(
        name=name,
        type=said["type"],
        required=said.get("required", False),
        max_length=said.get("max"),
        min_length=said.get("min_length"),
        minimum=said.get("minimum"),
        maximum=said.get("maximum"),
        pattern=said.get("pattern"),
        of=said.get("of"),
        values=tuple(said.get("values", ())),
        items=tuple(_field(n, f) for n, f in said.get("items", {}).items()),
        xml=xml if isinstance(xml, str) else " | ".join(xml),
    )


#: All descriptors share one shape, so they are one entity, as in the relational model of Ed-Fi.
_DESCRIPTOR = Entity(
    name="Descriptor",
    resource="descriptors",
    kind="descriptor",
    standard=BASE,
    key=("codeValue", "namespace"),
    fields=(
        Field("namespace", "string", required=True, max_length=255, min_length=5, xml="Namespace"),
        Field("codeValue", "string", required=True, max_length=50, xml="CodeValue"),
        Field("shortDescription", "string", required=True, max_length=75, xml="ShortDescription"),
        Field("description", "string", max_length=1024, xml="Description"),
        Field("effectiveBeginDate", "date", xml="EffectiveBeginDate"),
        Field("effectiveEndDate", "date", xml="EffectiveEndDate"),
        Field("priorDescriptor", "string", max_length=255, xml="PriorDescriptor"),
    ),
)
__all__ = ["load_entities", "load_entity", "descriptor_codes", "descriptor_types", "spec_hash", "dependency_order"]
