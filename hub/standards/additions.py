"""What the XSD does not know, read from `schemas/edfi/additions.yaml`: privacy classes, leniency, rules, merging."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hub.model import Entity, Expectation, Field


@dataclass(frozen=True)
class Additions:
    """`take`: (standard, entity names) beside the base standard. `pii`: (class, pattern over "Entity.field")."""

    take: tuple[tuple[str, tuple[str, ...]], ...]
    optional: Mapping[str, str]
    pii: tuple[tuple[str, re.Pattern[str]], ...]
    dates: Expectation | None
    pairs: tuple[tuple[str, str, str], ...]
    expectations: Mapping[str, tuple[Expectation, ...]]
    unify: Mapping[str, Mapping[str, str]]

    def apply(self, entity: Entity) -> Entity:
        """The entity with its privacy classes, expectations, merge rules, and what the hub does not insist on."""
        fields = tuple(self._field(entity.name, f, lenient=True) for f in entity.fields)
        return replace(
            entity,
            fields=fields,
            expectations=(*self._defaults(entity), *self.expectations.get(entity.name, ())),
            unify=self._unify(entity),
        )

    def _field(self, owner: str, field: Field, *, lenient: bool) -> Field:
        name = f"{owner}.{field.name}"
        said = next((word for word, pattern in self.pii if pattern.fullmatch(name)), "")
        return replace(
            field,
            required=field.required and not (lenient and name in self.optional),
            pii=said,
            items=tuple(self._field(owner, f, lenient=False) for f in field.items),
        )

    def _defaults(self, entity: Entity) -> list[Expectation]:
        found = []
        names = {f.name: f.type for f in entity.fields}
        if self.dates:
            for name in (n for n, kind in names.items() if kind == "date"):
                found.append(replace(self.dates, kwargs={"column": name, **self.dates.kwargs}))
        for rule, earlier, later in self.pairs:
            if earlier in names and later in names:
                said = {"column_A": later, "column_B": earlier, "or_equal": True}
                said |= {"ignore_row_if": "either_value_is_missing"}
                found.append(
                    Expectation(rule, "expect_column_pair_values_a_to_be_greater_than_b", said, severity="error")
                )
        return found

    def _unify(self, entity: Entity) -> tuple[tuple[str, str], ...]:
        names = [f.name for f in entity.fields]
        rules = {**self.unify.get("*", {}), **self.unify.get(entity.name, {})}
        return tuple((name, rules[name]) for name in names if name in rules)


def read_additions(said: Mapping[str, Any]) -> Additions:
    """Additions from the parsed YAML; anything left out adds nothing. Its shape is `grammar.json#/$defs/additions`."""
    dates = said.get("dates")
    return Additions(
        take=tuple((standard, tuple(names)) for standard, names in said.get("take", {}).items()),
        optional=said.get("optional", {}),
        pii=tuple(
            (word, re.compile(p if "." in p.replace(".*", "") else rf"\w+\.{p}"))
            for word, patterns in said.get("pii", {}).items()
            for p in patterns
        ),
        dates=_expectation(dates) if dates else None,
        pairs=tuple((p["rule"], p["earlier"], p["later"]) for p in said.get("pairs", ())),
        expectations={
            name: tuple(_expectation(e) for e in listed) for name, listed in said.get("expectations", {}).items()
        },
        unify=said.get("unify", {}),
    )


def _expectation(said: Mapping[str, Any]) -> Expectation:
    return Expectation(said["rule"], said["type"], dict(said.get("kwargs", {})), said.get("severity", "warning"))
