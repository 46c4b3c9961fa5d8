"""The data dictionary: a page per spec and an index per version, in Markdown, with links between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from hub.standards.export.catalog import KINDS, Item
from hub.standards.export.sheet import Line, Sheet

_HEADINGS = ("Field", "Type", "Length or range", "Required", "Key", "Reference", "Vocabulary", "Privacy", "Comes from")


def page(found: Sheet, pages: Mapping[str, str]) -> str:
    """The page of one spec; `pages` are the names that may be linked to, each with its file."""
    item = found.item
    lines = [f"# {item.name}", "", f"{KINDS[item.kind]}, {item.standard} {item.version}. [All of it](index.md).", ""]
    lines += [f"- {name}: {_linked(said, pages)}" for name, said in found.facts.items()]
    if found.fields:
        rows = [_cells(line, pages) for line in found.fields]
        kept = [i for i in range(len(_HEADINGS)) if i == 0 or any(row[i] for row in rows)]
        lines += ["", *_table([_HEADINGS[i] for i in kept], [[row[i] for i in kept] for row in rows])]
    if found.rules:
        told = [[f"`{r.rule}`", r.severity, r.columns, r.sentence] for r in found.rules]
        lines += ["", "## Rules", "", *_table(["Rule", "Severity", "Looks at", "What it says"], told)]
    if found.codes:
        lines += ["", "## Default codes", "", *(f"- `{code}`" for code in found.codes)]
    return "\n".join(lines) + "\n"


def index(title: str, items: Sequence[Item]) -> str:
    """The index of one version, by kind."""
    lines = [f"# {title}", ""]
    for kind, group in groupby(items, key=lambda i: i.kind):
        entries = [f"- [{i.name}]({file_name(i)})" for i in group]
        lines += [f"## {KINDS[kind]}: {len(entries)}", "", *entries, ""]
    return "\n".join(lines)


def file_name(item: Item) -> str:
    return f"{item.name}.md"


def _cells(line: Line, pages: Mapping[str, str]) -> list[str]:
    required, key = ("yes" if said else "" for said in (line.required, line.key))
    said = (line.type, line.limits, required, key, line.references, line.vocabulary, line.pii, line.source)
    return [f"`{line.name}`", *(_linked(cell, pages) for cell in said)]


def _linked(text: str, pages: Mapping[str, str]) -> str:
    """The text with every word that is the name of a page as a link to it."""
    return re.sub(r"\w+", lambda m: f"[{m[0]}]({pages[m[0]]})" if m[0] in pages else m[0], text).replace("|", "\\|")


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
