"""The rule library, `schemas/rules/*.yaml`: what each rule id in a report means and what to do about it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from hub.errors import FixConfiguration
from hub.model import Rule

RULES = Path(__file__).resolve().parents[2] / "schemas" / "rules"


@lru_cache(maxsize=8)
def load_rules(folder: Path = RULES) -> dict[str, Rule]:
    """All rules by id, in the order of the files' names. One dict for every caller: do not change it.

    Raises FixConfiguration when an id is written twice or is one of a retired rule.
    """
    rules: dict[str, Rule] = {}
    retired: set[str] = set()
    for path in sorted(folder.glob("*.yaml")):
        with path.open("rb") as file:
            document: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)  # a safe loader, in C
        retired.update(document.get("retired", ()))
        for entry in document.get("rules", ()):
            rule = Rule(**entry)
            if rule.id in rules:
                raise FixConfiguration(f"{path.name}: the rule {rule.id!r} is written twice.", "Remove one of the two.")
            rules[rule.id] = rule
    for name in sorted(retired & rules.keys()):
        raise FixConfiguration(f"the rule {name!r} was retired.", "Give the new rule an id of its own.")
    return rules


def rules_hash(folder: Path = RULES) -> str:
    """SHA-256 hex of the whole library: a run keeps it, so that a report says by which rules it judged."""
    content = sorted(json.dumps(asdict(rule), sort_keys=True) for rule in load_rules(folder).values())
    return hashlib.sha256("\n".join(content).encode()).hexdigest()
