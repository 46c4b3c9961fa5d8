"""Resource bodies made of the standard's data, and ways to break them. Nothing in them is of a real person."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hub.standards.bodies import Property

Path = tuple[str | int, ...]
_PLAIN: dict[str, Any] = {
    "boolean": True,
    "date": "2029-09-03",
    "time": "08:00:00",
    "datetime": "2029-09-03T08:00:00Z",
}


def whole(properties: Sequence[Property]) -> dict[str, Any]:
    """A body with every property that the resource has, and one item in each list."""
    return {p.name: _made(p) for p in properties}


def _made(said: Property) -> Any:
    if said.form == "list":
        return [whole(said.within)]
    field = said.field
    if field is None:
        return whole(said.within)
    if field.values:
        return field.values[0]
    if field.type in _PLAIN:
        return _PLAIN[field.type]
    if field.type == "descriptor":
        return f"uri://example.org/{field.of}#Made up"
    if field.type in ("integer", "number"):
        return int(field.minimum or 1)
    low = field.min_length or 0
    return ("made up" + "x" * low)[: max(low, min(field.max_length or 99, 7 + low))]


def located(properties: Sequence[Property], path: Path = ()) -> Iterator[tuple[Path, Property]]:
    """Where each property stands in a whole body."""
    for said in properties:
        here = (*path, said.name)
        yield here, said
        yield from located(said.within, (*here, 0) if said.form == "list" else here)


@dataclass(frozen=True)
class Fault:
    """`change` is given the object that has the property. `valid`: what the verdict must be afterwards."""

    fits: Callable[[Property], bool]
    change: Callable[[dict[str, Any], Property], None]
    valid: bool = False


def _typed(*types: str) -> Callable[[Property], bool]:
    return lambda p: p.field is not None and p.field.type in types and not p.field.values


def _limited(name: str, least: float = -1) -> Callable[[Property], bool]:
    return lambda p: (
        p.field is not None and (getattr(p.field, name) or 0) > least and getattr(p.field, name) is not None
    )


def _to(value: Any) -> Callable[[dict[str, Any], Property], None]:
    return lambda inside, p: inside.update({p.name: value})


def _length(name: str, by: int, letter: str = "x") -> Callable[[dict[str, Any], Property], None]:
    return lambda inside, p: inside.update({p.name: letter * (getattr(p.field, name) + by)})


def _beyond(name: str, by: int) -> Callable[[dict[str, Any], Property], None]:
    return lambda inside, p: inside.update({p.name: int(getattr(p.field, name)) + by})


def _any(_: Property) -> bool:
    return True


def _list(said: Property) -> bool:
    return said.form == "list"


def _object(said: Property) -> bool:
    return said.form in ("object", "reference")


FAULTS: dict[str, Fault] = {
    "missing": Fault(lambda p: p.required, lambda inside, p: inside.pop(p.name)),
    "left out": Fault(lambda p: not p.required, lambda inside, p: inside.pop(p.name), True),
    "null": Fault(lambda p: p.required, _to(None)),
    "null for nothing": Fault(lambda p: not p.required, _to(None), True),
    "unknown property": Fault(_any, lambda inside, _: inside.update(gadget=1)),
    "name in capitals": Fault(_any, lambda inside, p: inside.update({p.name.upper(): inside.pop(p.name)})),
    "extension": Fault(_any, lambda inside, _: inside.update(_ext={"gadget": {"a": 1}}), True),
    "read only": Fault(_any, lambda inside, _: inside.update(_etag="1")),
    "object for list": Fault(_list, _to({})),
    "value for list": Fault(_list, _to("x")),
    "value for item": Fault(_list, _to(["x"])),
    "null for item": Fault(_list, _to([None])),
    "empty list": Fault(lambda p: _list(p) and p.required, _to([])),
    "empty list for nothing": Fault(lambda p: _list(p) and not p.required, _to([]), True),
    "list for object": Fault(_object, _to([{}])),
    "value for object": Fault(_object, _to(7)),
    "object for value": Fault(lambda p: p.field is not None and p.form == "value", _to({})),
    "list for value": Fault(lambda p: p.field is not None and p.form == "value", _to(["x"])),
    "number for text": Fault(_typed("string", "descriptor", "date", "time", "datetime"), _to(7)),
    "flag for text": Fault(_typed("string", "descriptor", "date", "time", "datetime"), _to(True)),
    "text for number": Fault(_typed("integer", "number"), _to("seven")),
    "number in quotes": Fault(_typed("integer", "number"), _to("7")),
    "flag for number": Fault(_typed("integer", "number"), _to(True)),
    "fraction": Fault(_typed("integer"), _to(7.5)),
    "text for flag": Fault(_typed("boolean"), _to("maybe")),
    "flag in quotes": Fault(_typed("boolean"), _to("true")),
    "number for flag": Fault(_typed("boolean"), _to(1)),
    "no such day": Fault(_typed("date"), _to("2029-02-30")),
    "day of another form": Fault(_typed("date"), _to("09/03/2029")),
    "moment": Fault(_typed("datetime"), _to("yesterday")),
    "time": Fault(_typed("time"), _to("8 am")),
    "malformed code": Fault(_typed("descriptor"), _to("Made up")),
    "too long": Fault(_limited("max_length"), _length("max_length", 1)),
    "as long as can be": Fault(
        lambda p: _limited("max_length")(p) and _typed("string")(p), _length("max_length", 0, "\u00e9"), True
    ),
    "too short": Fault(_limited("min_length", 1), _length("min_length", -1)),
    "below": Fault(_limited("minimum"), _beyond("minimum", -1)),
    "above": Fault(_limited("maximum"), _beyond("maximum", 1)),
    "not listed": Fault(lambda p: p.field is not None and bool(p.field.values), _to("gadget")),
}


def allowed(properties: Sequence[Property]) -> set[str]:
    """The kinds of fault that a resource has a place for."""
    found = [said for _, said in located(properties)]
    return {name for name, fault in FAULTS.items() if any(map(fault.fits, found))}


def mutants(properties: Sequence[Property], rng: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind of fault, whole body with one of that kind), each at a place drawn at random."""
    spots = list(located(properties))
    for name, fault in FAULTS.items():
        fitting = [(path, said) for path, said in spots if fault.fits(said)]
        if fitting:
            path, said = rng.choice(fitting)
            made = copy.deepcopy(whole(properties))
            inside: Any = made
            for step in path[:-1]:
                inside = inside[step]
            fault.change(inside, said)
            yield name, made
