"""What the XSD does not know, read from `schemas/edfi/additions.yaml`: privacy classes, leniency, rules, merging."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hub.errors import FixConfiguration
from hub.model import Entity, Expectation, Field, Severity

_PAIR = {"or_equal": True, "ignore_row_if": "either_value_is_missing"}


@dataclass(frozen=True)
class Additions:
    """`take`: (standard, entity names) beside the base standard. `optional`: "Entity.field" -> reason.

    `pii`: (class, pattern over "Entity.field"), first match wins. `dates`: laid on every date field. `expectations`
    and `unify` are by entity name; those of a base entity hold for what extends it.
    """

    take: tuple[tuple[str, tuple[str, ...]], ...] = ()
    optional: Mapping[str, str] = field(default_factory=dict)
    pii: tuple[tuple[str, re.Pattern[str]], ...] = ()
    dates: Expectation | None = None
    expectations: Mapping[str, tuple[Expectation, ...]] = field(default_factory=dict)
    unify: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def apply(self, entity: Entity) -> Entity:
        """The entity with privacy classes, expectations and merge rules, and less strict where `optional` says so."""
        return replace(
            entity,
            fields=tuple(self._field(entity.name, f) for f in entity.fields),
            expectations=(*self._dates(entity), *self._expectations(entity)),
            unify=tuple(self.unify.get(entity.name, {}).items()),
        )

    def _field(self, owner: str, said: Field) -> Field:
        name = f"{owner}.{said.name}"
        items = tuple(self._field(owner, f) for f in said.items)
        own = next((word for word, pattern in self.pii if pattern.fullmatch(name)), "")
        return replace(
            said,
            required=said.required and name not in self.optional,
            pii=own or next((f.pii for f in items if f.pii), ""),
            items=items,
        )

    def _dates(self, entity: Entity) -> list[Expectation]:
        every = self.dates
        if every is None:
            return []
        return [replace(every, kwargs={"column": f.name, **every.kwargs}) for f in entity.fields if f.type == "date"]

    def _expectations(self, entity: Entity) -> tuple[Expectation, ...]:
        inherited = self.expectations.get(entity.subclass_of, ()) if entity.subclass_of else ()
        return (*inherited, *self.expectations.get(entity.name, ()))


def read_additions(said: Mapping[str, Any]) -> Additions:
    """Additions from the parsed YAML; anything left out adds nothing. Its shape is `grammar.json#/$defs/additions`."""
    for name, rules in said.get("unify", {}).items():
        for field_name, rule in rules.items():
            if rule != "authority":
                raise FixConfiguration(
                    f"unify of {name}.{field_name} says {rule!r}, and the hub merges by authority alone.",
                    "Leave the entry out: of several sources the one with the lowest authority number counts.",
                )
    errors = frozenset(said.get("errors", ()))
    every = said.get("dates")
    found: dict[str, list[Expectation]] = {}
    for rule, entities in said.get("pairs", {}).items():
        for name, (smaller, larger) in entities.items():
            pair = {
                "rule": rule,
                "type": "expect_column_pair_values_a_to_be_greater_than_b",
                "kwargs": {"column_A": larger, "column_B": smaller, **_PAIR},
            }
            found.setdefault(name, []).append(_expectation(pair, errors))
    for name, listed in said.get("expectations", {}).items():
        found.setdefault(name, []).extend(_expectation(e, errors) for e in listed)
    return Additions(
        take=tuple((standard, tuple(names)) for standard, names in said.get("take", {}).items()),
        optional=said.get("optional", {}),
        pii=tuple((word, _pattern(p)) for word, patterns in said.get("pii", {}).items() for p in patterns),
        dates=_expectation(every, errors) if every else None,
        expectations={name: tuple(listed) for name, listed in found.items()},
        unify=said.get("unify", {}),
    )


def _pattern(said: str) -> re.Pattern[str]:
    return re.compile(said if r"\." in said else rf"\w+\.(?:{said})")


def _expectation(said: Mapping[str, Any], errors: frozenset[str]) -> Expectation:
    severity: Severity = "error" if said["rule"] in errors else "warning"
    return Expectation(said["rule"], said["type"], dict(said["kwargs"]), severity)
