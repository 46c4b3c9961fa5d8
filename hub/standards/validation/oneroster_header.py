"""The header line of a OneRoster file, held against the columns of the standard (CSV binding: names, order, case)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from hub.standards.oneroster_layout import FileLayout
from hub.standards.validation.profiles import Judge

_METADATA = re.compile(r"metadata\.[^\s.]\S*")


def judge_header(judge: Judge, file: str, layout: FileLayout, header: Sequence[str]) -> dict[str, int]:
    """The place of each column of the standard that is there, by its name. Empty when this is no header at all."""
    known = {c.name.casefold(): c.name for c in layout.columns}
    places: dict[str, int] = {}
    twice, wrong_case, strange = [], [], []
    for place, sent in enumerate(header):
        name = known.get(sent.strip().casefold(), "")
        if name and name in places:
            twice.append(name)
        elif name:
            places[name] = place
            if name != sent:
                wrong_case.append(name)
        else:
            strange.append(place)
    renamed: dict[str, int] = {}
    for place in strange:
        name = layout.renamed.get(header[place].strip().casefold(), "")
        if name and name not in places:
            renamed.setdefault(name, place)
    places |= renamed
    strange = [place for place in strange if place not in renamed.values()]
    if not places:
        judge.find("oneroster.header.missing", file)
        return {}
    for name in twice:
        judge.find("oneroster.header.duplicate_column", file, name)
    for name in wrong_case:
        judge.find("oneroster.header.case", file, name)
    for name, place in renamed.items():
        judge.find("oneroster.header.old_name", file, header[place].strip(), detail=f"It was read as {name}.")
    _judge_strange(judge, file, layout, header, strange, places)
    _judge_missing(judge, file, layout, places)
    order = [c.name for c in layout.columns if c.name in places]
    sent_order = sorted(places, key=lambda name: places[name])
    if order != sent_order:
        first = next(sent for wanted, sent in zip(order, sent_order, strict=True) if wanted != sent)
        judge.find("oneroster.header.order", file, first)
    return places


def _judge_missing(judge: Judge, file: str, layout: FileLayout, places: dict[str, int]) -> None:
    for column in layout.columns:
        if column.name not in places and not column.spare:
            rule = "oneroster.header.missing_required_column" if column.required else "oneroster.header.missing_column"
            judge.find(rule, file, column.name)


def _judge_strange(
    judge: Judge, file: str, layout: FileLayout, header: Sequence[str], strange: list[int], places: dict[str, int]
) -> None:
    """Columns that the standard does not know. Where most are strange the line may be a row: then no name is shown."""
    metadata = [p for p in strange if header[p].strip().casefold().startswith("metadata.")]
    shown = 2 * (len(places) + len(metadata)) >= len(header)
    seen: set[str] = set()
    for place in strange:
        name = _printable(header[place]) if shown else ""
        label = name or f"column {place + 1}"
        if place not in metadata:
            near = difflib.get_close_matches(name, [c.name for c in layout.columns if c.name not in places], n=1)
            judge.find(
                "oneroster.header.unknown_column", file, label, detail=f"It looks like {near[0]}." if near else ""
            )
            continue
        if header[place] in seen:
            judge.find("oneroster.header.duplicate_column", file, label)
        elif not _METADATA.fullmatch(header[place]):
            judge.find("oneroster.header.metadata_name", file, label)
        elif place < max(places.values()):
            judge.find("oneroster.header.metadata_position", file, label)
        seen.add(header[place])


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text)[:100]
