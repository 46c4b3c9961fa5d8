"""What a vendor's sample file looks like, guessed once for a person to confirm. A night never guesses.

No value of the file is kept but the codes of columns that look like codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from hub.standards.vendors.sample_file import read_sample

Kind = Literal[
    "state_id", "local_id", "id", "person", "school", "grade", "date", "integer", "decimal", "subject", "code", "text"
]
MOST_CODES = 12
DATES = (
    "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%d",
    "%m-%d-%Y", "%d.%m.%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%y",
)  # fmt: skip
_DAY = r"\bdate\b|\bday\b|\btaken\b|\bcompleted\b|\badministered\b"
_LEVEL = r"\b(level|band|tier|category|proficiency|performance|achievement|stage|placement)\b"
_SUBJECT = r"\bsubject\b|\bcontent area\b|\bdiscipline\b"
_PERSON = r"name|surname|first|last|middle|initial|birth|\bdob\b|address|street|city|zip|phone|mail|parent|guardian"
_PERSON += r"|teacher|coach|proctor|examiner|counsel|advisor|\bclass\b|\bgroup\b|section|room|gender|\bsex\b|race"
_PERSON += r"|ethnic|hispanic|disab|lunch|migrant|homeless|language|comment|note"
_STATE = r"\b(state|ssid|sasid|unique)\b.*\b(id|no|num|number|code)\b|^(ssid|sasid)$|\bstate\b.*\bstudent"
_LOCAL = r"\b(student|local|sis|learner|pupil)\b.*\b(id|no|num|number|code)\b|^(id|student)$"
_GRADE = r"(?:[A-Za-z ]{1,20}|0?\d|1[0-2])(?:st|nd|rd|th)?(?: grade)?"
#: Who may stand by name under a heading that says no more than what somebody is.
_SOMEBODY = r"student|pupil|learner|child|sibling|brother|sister|friend|scholar|examinee|candidate|participant|contact"
_SOMEBODY += r"|manager|staff|driver|reader|rater|scorer|assess(?:o|e)r|tester|instructor|tutor|principal|nurse"
_SOMEBODY += (
    r"|specialist|administrator|user|owner|author|reviewer|interviewer|mother|father|\bby\b|\bnom\b|apellido|nombre"
)
#: Texts for "no score" that are known as such: any other text among numbers is held until a person declares it.
NONE = {"n/a", "na", "none", "null", "nan", "absent", "exempt", "not tested", "not rated", "not assessed", "no score"}
NONE |= {"-", "--", "---", "*", ".", "incomplete", "invalid", "did not finish", "dnf", "not provided"}
_ID = r"\b(id|ids|no|num|number|guid|uuid|key|barcode|username|login)\b"


@dataclass(frozen=True)
class Column:
    """`codes` are those of codes and grades; `none` the texts for "no score" among numbers; `formats` of dates."""

    name: str
    kind: Kind
    why: str
    codes: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    digits: int = 1


@dataclass(frozen=True)
class Guess:
    """`year` is the school year of most dates, None where no column holds one; `sheet` as of the sample."""

    encoding: str
    delimiter: str
    columns: tuple[Column, ...]
    year: int | None
    sheet: str | None = None

    def of(self, *kinds: Kind) -> list[Column]:
        return [c for c in self.columns if c.kind in kinds]


def guess(path: Path) -> Guess:
    """Raises AskVendor for a file that is neither delimited text nor a workbook, with a header and a row."""
    file = read_sample(path)
    cells = {c: [row[n] for row in file.rows if n < len(row) and row[n]] for n, c in enumerate(file.header)}
    columns = _nobody(tuple(_column(c, cells[c]) for c in file.header), cells)
    return Guess(file.encoding, file.delimiter, columns, _year(columns, cells), file.sheet)


def _nobody(columns: tuple[Column, ...], cells: dict[str, list[str]]) -> tuple[Column, ...]:
    """No code may be part of what names a person elsewhere in the file: a column of such is about a person too."""
    named = {w for c in columns if c.kind == "person" for cell in cells[c.name] for w in _words(cell) if len(cell) < 40}
    return tuple(
        replace(c, kind="person", why="its texts name people in other columns", codes=())
        if c.kind in ("code", "subject") and any(_words(code) & named for code in c.codes)
        else c
        for c in columns
    )


def _words(cell: str) -> set[str]:
    return {w for w in re.split(r"\W+", cell.lower()) if len(w) > 2}


def _column(name: str, cells: list[str]) -> Column:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.]+", " ", name).lower()
    distinct = set(cells)
    if formats := _formats(cells):
        kind: Kind = "person" if re.search(_PERSON, words) else "date"
        return Column(name, kind, "a date of birth" if kind == "person" else "all its cells are dates", formats=formats)
    if re.search(_STATE, words):
        return Column(name, "state_id", "its name says an id that the state gave")
    if re.search(_LOCAL, words):
        return Column(name, "local_id", "its name says an id that the district gave")
    if re.search(_PERSON, words):
        return Column(name, "person", "its name says who a person is")
    if re.search(r"school|campus|district|\bsite\b|building", words):
        return Column(name, "school", "its name says a school or district")
    if re.search(r"\bgrade\b|\bgrade level\b", words) and all(re.fullmatch(_GRADE, c) for c in distinct):
        return Column(name, "grade", "its name says a grade level", codes=tuple(sorted(distinct)))
    if re.search(_ID, words):
        return Column(name, "id", "its name says an id")
    numbers = [c for c in cells if re.fullmatch(r"[+-]?\d+(\.\d+)?", c)]
    if numbers and len(numbers) * 2 >= len(cells):
        if any(re.fullmatch(r"0\d+", c) for c in numbers):
            return Column(name, "id", "its numbers begin with a zero, so they are no amounts")
        whole = all(re.fullmatch(r"[+-]?\d+", c) for c in numbers)
        digits = max(len(re.sub(r"\D.*", "", c.lstrip("+-"))) for c in numbers)
        said = "most of its cells are " + ("whole numbers" if whole else "numbers")
        return Column(
            name,
            "integer" if whole else "decimal",
            said,
            none=tuple(sorted(c for c in distinct if c.lower() in NONE)),
            digits=digits,
        )
    if re.search(_SOMEBODY, words) and not re.search(f"{_LEVEL}|{_SUBJECT}", words):
        return Column(name, "person", "its name says who somebody is")
    again = len(distinct) * 2 <= len(cells) or (re.search(_LEVEL, words) and len(distinct) < len(cells))
    few = 0 < len(distinct) <= MOST_CODES and again
    if few and all(len(c) <= 40 and not re.search(r"\d{4}|[@/,]", c) for c in distinct):
        codes = tuple(sorted(distinct))
        if re.search(_SUBJECT, words):
            return Column(name, "subject", "its name says the subject, and each is a test of its own", codes=codes)
        return Column(name, "code", f"few different texts, {len(distinct)}, which come again", codes=codes)
    if cells and re.search(_DAY, words):
        return Column(name, "text", "its name says a day, of no known form: see `dates:` and `formats:` in the guide")
    return Column(name, "text", "free text")


def _formats(cells: list[str]) -> tuple[str, ...]:
    """Forms of dates that read every cell: one, or two where the vendor mixes them."""
    reads = {f: {i for i, c in enumerate(cells) if _parsed(c, f)} for f in DATES}
    whole = set(range(len(cells)))
    if not whole or all(re.fullmatch(r"\d{1,7}", c) for c in cells):
        return ()
    for form, read in reads.items():
        if read == whole:
            return (form,)
    pairs = [(a, b) for a in DATES for b in DATES if a < b and reads[a] and reads[b] and reads[a] | reads[b] == whole]
    return pairs[0] if pairs else ()


def _parsed(cell: str, form: str) -> date | None:
    try:
        found = datetime.strptime(cell, form).date()
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2100 else None


def _year(columns: Iterable[Column], cells: dict[str, list[str]]) -> int | None:
    for column in columns:
        if column.kind == "date":
            days = [d for c in cells[column.name] for f in column.formats if (d := _parsed(c, f))]
            years = [d.year + (d.month >= 7) for d in days]
            return max(set(years), key=years.count)
    return None
