"""The validator's verdict on resource bodies is that of the `jsonschema` package on the exported JSON Schema."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from edfi_bodies import FAULTS, allowed, mutants, whole

from hub.standards.bodies import body, resources
from hub.standards.export.json_schema import json_schema
from hub.standards.validation.edfi import validate_edfi

FORMATS = jsonschema.FormatChecker([])
for _form, _read in (("date", date.fromisoformat), ("date-time", datetime.fromisoformat), ("time", time.fromisoformat)):
    # The library checks these only where other packages are installed.
    FORMATS.checks(_form, raises=ValueError)(lambda v, read=_read: not isinstance(v, str) or bool(read(v) or True))


def some(version: str) -> dict[str, str]:
    """Every resource, and of the descriptors, which all have one shape, a few."""
    known = resources(version)
    plain = {r: e for r, e in known.items() if not e.endswith("Descriptor")}
    return plain | dict(sorted(known.items() - plain.items())[::40])


@pytest.mark.parametrize("version", ["5.2", "6.1"])
def test_mutations_of_every_resource_have_the_same_verdict(version: str, tmp_path: Path) -> None:
    """Of each resource a whole body, and one broken in each way that it has a place for; JSON and JSONL in turn."""
    rng, counts = random.Random(version), {}
    places: dict[tuple[str, int], tuple[str, bool, Any]] = {}
    for number, (resource, entity) in enumerate(some(version).items()):
        said = body(entity, version)
        schema = jsonschema.Draft202012Validator(json_schema(said, version), format_checker=FORMATS)
        bodies = [("", whole(said.properties)), *mutants(said.properties, rng)]
        name = f"{resource}.{'json' if number % 2 else 'jsonl'}"
        lines = [json.dumps(made, ensure_ascii=bool(number % 4)) for _, made in bodies]
        (tmp_path / name).write_text(f"[{','.join(lines)}]" if number % 2 else "\n".join(lines), "utf-8")
        for row, (kind, made) in enumerate(bodies, 1):
            valid = schema.is_valid(made)
            assert valid == (FAULTS[kind].valid if kind else True), (entity, kind, made)
            places[name, row] = (kind, valid, made)
        counts[resource] = Counter(kind for kind, _ in bodies[1:])
        assert set(counts[resource]) == allowed(said.properties), entity
    findings = validate_edfi([tmp_path], version=version, max_per_rule=1000).findings
    # What JSON Schema has as the pattern of a descriptor is a fault of vocabulary here.
    told = {
        (f.file, f.row) for f in findings if f.stage in ("shape", "syntax") or f.rule == "edfi.vocabulary.malformed"
    }
    wrong = [(place, *said) for place, said in places.items() if (place in told) == said[1]]
    total = sum(map(Counter.total, counts.values()))
    assert wrong == [], f"{len(wrong)} of {total:,} mutations: {Counter(kind for _, kind, _, _ in wrong)}"
    assert min(map(Counter.total, counts.values())) >= 12, counts
    assert total >= {"5.2": 3000, "6.1": 4000}[version], f"{total:,} mutations: {counts}"
