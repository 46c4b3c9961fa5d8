"""Reads the tables of Appendix A (what the REST API calls its keys and fields) out of the shared fact sheet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

SHEET = Path(__file__).parents[2] / "../shared/facts/edfi.md"
TYPES = {"int": "integer", "num": "number", "bool": "boolean", "date": "date", "time": "time", "date-time": "datetime"}


@dataclass
class Facts:
    """`key` holds (reference or "", field); `fields` name -> (required, type, length, names of items)."""

    key: set[tuple[str, str]] = field(default_factory=set)
    fields: dict[str, tuple[bool, str, int | None, frozenset[str]]] = field(default_factory=dict)
    references: dict[str, tuple[bool, tuple[str, ...]]] = field(default_factory=dict)


def read_facts() -> dict[str, Facts]:
    text = SHEET.read_text("utf-8")
    appendix = text[text.index("## Appendix A") :]
    blocks = re.split(r"^#### `(\w+)`.*$", appendix, flags=re.M)[1:]
    return {name: _facts(body) for name, body in zip(blocks[::2], blocks[1::2], strict=True)}


def _facts(body: str) -> Facts:
    facts = Facts()
    cells = dict(re.findall(r"^\| \**(Key|Required|Optional)\** \| (.*) \|$", body, re.M))
    for entry in re.findall(r"`([^`]+)`", cells["Key"]):
        path, _, kind = entry.partition(":")
        reference, _, name = path.rpartition(".")
        facts.key.add((reference.removesuffix("Reference").removesuffix("Type"), name))
        if not reference:
            _scalar(facts, f"{name}:{kind}" if kind else name, True)
    for cell, required in ((cells["Required"], True), (cells["Optional"], False)):
        for entry in _split(cell, "; "):
            if entry in ("—", ""):
                continue
            if entry.startswith("**→"):
                name, parts = re.fullmatch(r"\*\*→(\w+)\*\*\(([^)]*)\)", entry).groups()
                facts.references[name.removesuffix("Type")] = (required, tuple(parts.split(", ")))
            elif listed := re.fullmatch(r"`(\w+)\[\]`(?:\{(.*)\}|‹\w+›)", entry):
                items = [e.strip("*") for e in _split(listed[2] or "", ", ") if e]
                names = {re.split(r"[:\[→]", i)[0] for i in items}
                facts.fields[listed[1]] = (required, "list", None, frozenset(names))
            elif inner := re.match(r"`?(\w+)`?(\{|‹)", entry):
                facts.fields[inner[1]] = (required, "object", None, frozenset())
            else:
                _scalar(facts, entry, required)
    return facts


def _scalar(facts: Facts, entry: str, required: bool) -> None:
    name, _, kind = entry.partition(":")
    kind = kind.partition("[")[0]
    length = int(kind[1:]) if re.fullmatch(r"s\d+", kind) else None
    said = "descriptor" if not kind else "string" if length else TYPES[kind]
    facts.fields[name] = (required, said, length, frozenset())


def _split(text: str, mark: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "{(") - (letter in "})")
        if depth == 0 and text.startswith(mark, at):
            parts.append(text[start:at])
            start = at + len(mark)
    return [*parts, text[start:]]
