"""Keys, references and codes of resource bodies, of every resource of both versions."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from edfi_bodies import located, whole

from hub.standards.bodies import Property, body, resources
from hub.standards.validation.edfi import validate_edfi

VERSIONS = pytest.mark.parametrize("version", ["5.2", "6.1"])


def delivered(folder: Path, bodies: dict[str, list[dict[str, Any]]]) -> list[Path]:
    for name, made in bodies.items():
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, made)), "utf-8")
    return [folder]


def everything(version: str) -> dict[str, list[dict[str, Any]]]:
    """A whole body of every resource: they are all of one key, so every reference leads somewhere."""
    return {r: [whole(body(e, version).properties)] for r, e in resources(version).items()}


def changed(whole_body: dict[str, Any], path: tuple[str | int, ...], **to: Any) -> dict[str, Any]:
    """A copy in which the object at `path` has other values."""
    made = copy.deepcopy(whole_body)
    inside: Any = made
    for step in path:
        inside = inside[step]
    inside.update(to)
    return made


def elsewhere(said: Property, number: int) -> dict[str, Any]:
    """What makes a reference name something that no other body is, by a part of its key that can be anything."""
    part = next(p for p in said.within if p.field is not None and p.field.type in ("string", "integer"))
    assert part.field is not None
    return {part.name: 100 + number if part.field.type == "integer" else f"made up {number}"}


def column(entity: str, path: tuple[str | int, ...]) -> str:
    return "/".join([entity, *(step for step in path if isinstance(step, str))])


@VERSIONS
def test_keys_references_and_codes_are_told_where_they_stand(version: str, tmp_path: Path) -> None:
    """Of every resource a whole body twice, and one more for each reference and each code that it has a place for."""
    sound = everything(version)
    assert {f.rule for f in validate_edfi(delivered(tmp_path, sound), version=version).findings} == {
        "edfi.vocabulary.open"  # codes of an organisation's own
    }
    expected, bodies = set(), {name: made * 2 for name, made in sound.items()}
    links: set[tuple[str, str]] = set()  # a code inside a reference is part of the key that it names
    for resource, entity in resources(version).items():
        file, own = f"{resource}.jsonl", bodies[resource]
        expected |= {("edfi.key.duplicate", file, row, entity) for row in (1, 2)}
        for path, said in located(body(entity, version).properties):
            place = column(entity, path)
            if said.target:
                links.add((file, place))
                own.append(changed(sound[resource][0], path, **elsewhere(said, len(expected))))
                expected.add(("edfi.reference.unresolved", file, len(own), place))
            elif said.field is not None and said.field.type == "descriptor":
                code = f"uri://example.org/GadgetDescriptor#Made up {len(expected)}"
                own.append(changed(sound[resource][0], path[:-1], **{said.name: code}))
                expected.add(("edfi.vocabulary.type", file, len(own), place))
                around = column(entity, path[:-1])
                if (file, around) in links:
                    expected.add(("edfi.reference.unresolved", file, len(own), around))
    findings = validate_edfi(delivered(tmp_path, bodies), version=version, max_per_rule=1000).findings
    rules = {rule for rule, *_ in expected}
    told = {(f.rule, f.file, f.row, f.column) for f in findings if f.rule in rules}
    again = {t for t in told if t[0] == "edfi.key.duplicate" and (t[2] or 0) > 2}  # a change outside of the key
    assert told - again == expected
    counted = Counter(rule for rule, *_ in expected)
    assert counted["edfi.key.duplicate"] == 2 * len(bodies)
    assert counted["edfi.reference.unresolved"] >= {"5.2": 350, "6.1": 550}[version], counted
    assert counted["edfi.vocabulary.type"] >= {"5.2": 600, "6.1": 850}[version], counted
