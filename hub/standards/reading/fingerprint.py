"""Which layout a header comes closest to, and which of its columns look like one of the layout's under another name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product

from hub.model import Stream

NEAR = 0.6  # of the letters of both names stand in words that they share
SPELLED_ALIKE = 0.85
_MOST_PAIRS = 50_000  # 1 s; past that only names of the same letters are the same
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_NUMBER = re.compile(r"\d+")
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Likeness:
    """`columns` is the file's name -> the layout's; `lost` must be there and looks like none of `unknown`.

    `share`, 0 to 1, is how much of the header and of what the layout needs is the same by then, order aside.
    """

    version: str
    columns: dict[str, str]
    lost: tuple[str, ...]
    unknown: tuple[str, ...]
    share: float


def likeness(columns: Sequence[str], stream: Stream) -> Likeness | None:
    """The nearest of the stream's layouts. None where less than half of what it needs is there by name: such a first
    line may be a student's row, of which nothing may be told."""
    optional = set(stream.options.get("optional", ()))
    declared: dict[str, str] = stream.options.get("renamed", {})
    names = {declared.get(c, c): c for c in columns if c}
    layouts: dict[str, list[str]] = stream.options.get("layouts", {})
    found = [_like(names, version, layout, optional, stream.columns) for version, layout in layouts.items()]
    return max((like for like in found if like), key=lambda like: (like.share, len(like.columns)), default=None)


def _like(
    names: Mapping[str, str], version: str, layout: Sequence[str], optional: Collection[str], anywhere: Collection[str]
) -> Likeness | None:
    """`names` is the layout's name or the file's own -> the file's; `anywhere` are the columns of all versions."""
    needed = [c for c in layout if c not in optional] or layout
    known = len({folded(c) for c in layout} & {folded(c) for c in names})
    if known * 2 < len(needed) or not known:
        return None
    others = [c for c in names if c not in layout]
    found = near([c for c in layout if c not in names], [c for c in others if c not in anywhere])
    lost = tuple(c for c in layout if c not in optional and c not in names and c not in found.values())
    left = [c for c in others if c not in found]
    same = len(names) - len(left)
    return Likeness(
        version,
        {names[c]: to for c, to in found.items()},
        lost,
        tuple(names[c] for c in left if c not in anywhere),
        same / (same + len(lost) + len(left)),
    )


def near(missing: Sequence[str], strange: Sequence[str]) -> dict[str, str]:
    """The file's name -> the layout's, the surest pair first; of two that are equally near neither is taken."""
    same = _unambiguous(missing, strange)
    left = [c for c in missing if c not in same.values()], [c for c in strange if c not in same]
    if len(left[0]) * len(left[1]) > _MOST_PAIRS:
        return same
    scored = [(alike(to, name), to, name) for to, name in product(*left)]
    pairs = sorted((p for p in scored if p[0] >= NEAR), key=lambda p: (-p[0], p[1:]))
    found = dict(same)
    while pairs:
        score, to, name = pairs[0]
        rivals = [p for p in pairs[1:] if p[0] == score and (p[1] == to) != (p[2] == name)]
        if not rivals:
            found[name] = to
        gone = [pairs[0], *rivals]
        pairs = [p for p in pairs if not any(p[1] == g[1] or p[2] == g[2] for g in gone)]
    return found


def alike(one: str, other: str) -> float:
    """How much two column names have in common, 0 to 1. Names with different numbers in them have nothing: Goal1 is
    never Goal2; a year is no such number."""
    if folded(one) == folded(other):
        return 1.0
    if _numbers(one) != _numbers(other):
        return 0.0
    spelled = SequenceMatcher(None, folded(one), folded(other), autojunk=False).ratio()
    return max(_shared(_words(one), _words(other)), spelled if spelled >= SPELLED_ALIKE else 0.0)


def folded(name: str) -> str:
    """A name without letter case, blanks and signs."""
    return "".join(c for c in name.casefold() if c.isalnum())


def _unambiguous(missing: Iterable[str], strange: Iterable[str]) -> dict[str, str]:
    sides: list[dict[str, list[str]]] = [{}, {}]
    for side, names in zip(sides, (missing, strange), strict=True):
        for name in names:
            side.setdefault(folded(name), []).append(name)
    to, came = sides
    return {came[k][0]: to[k][0] for k in to if k and len(to[k]) == len(came.get(k, ())) == 1}


def _words(name: str) -> list[str]:
    return [w.casefold() for w in _WORD.findall(name)]


def _numbers(name: str) -> list[str]:
    return [str(int(n)) for n in _NUMBER.findall(name) if not _YEAR.fullmatch(n)]


def _shared(one: list[str], other: list[str]) -> float:
    """Twice the letters in words that both have, of all letters; a word cut short is the same word."""
    left, common = list(other), 0
    for word in one:
        same = next((w for w in left if _same(word, w)), None)
        if same is not None:
            left.remove(same)
            common += 2 * min(len(word), len(same))
    return common / max(1, sum(map(len, one)) + sum(map(len, other)))


def _same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    begins = len(short) >= 3 and long.startswith(short)
    return one == other or begins or SequenceMatcher(None, one, other, autojunk=False).ratio() >= SPELLED_ALIKE
