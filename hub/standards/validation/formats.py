"""A validation as text for a terminal, JSON, CSV and JUnit XML for a build server."""

from __future__ import annotations

import csv
import io
import json
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import fields

from hub.standards.validation.findings import Finding, Validation
from hub.standards.validation.report import html

WIDTH = 80  # columns
SHOWN = 10  # rows named in a line of text


def text(found: Validation, width: int = WIDTH) -> str:
    """For people, `width` columns wide: the verdict, what was read, each fault with its rows, remedy and clause."""
    lines = [_verdict(found), ""]
    if found.files:
        longest = max(len(_plain(f.name)) for f in found.files)
        lines += [f"  {_plain(f.name):<{longest}}  {f.rows:>12,} row{'s' * (f.rows != 1)}" for f in found.files] + [""]
    stage = ""
    for first, same in found.groups():
        if first.stage != stage:
            stage = first.stage
            lines += [stage.upper(), ""]
        lines += [*_block(first, same, width), ""]
    for note in found.notes:
        lines += [*_wrapped("Note: ", _plain(note), width), ""]
    if found.findings:
        lines.append("What a rule asks for: hub validate --explain RULE")
    return "\n".join(lines).rstrip() + "\n"


def _verdict(found: Validation) -> str:
    said = "conforms" if found.conforms else "does not conform"
    counts = f"{counted(found.errors, 'error')}, {counted(found.warnings, 'warning')}"
    return f"{found.standard} {found.version}, profile {found.profile}: {said}.\n{counts}."


def counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _block(first: Finding, same: list[Finding], width: int = WIDTH) -> list[str]:
    place = ", ".join(_plain(p) for p in (first.file, first.column) if p)
    lines = _wrapped(f"  {first.severity}: ", f"{place + ': ' if place else ''}{first.message}", width)
    rows = [str(f.row) + (f" (line {f.line})" if f.line else "") for f in same if f.row is not None]
    if rows:
        more = first.count - len(rows[:SHOWN])
        label = "row" if first.count == 1 else "rows"
        lines += _wrapped(
            "    ", f"{label} {', '.join(rows[:SHOWN])}{f' and {more:,} more' if more > 0 else ''}", width
        )
    elif first.count > 1:
        lines.append(f"    {first.count:,} times")
    values = [_plain(f.value) for f in same if f.value is not None][:SHOWN]
    if values:
        lines += _wrapped("    value: ", " | ".join(values), width)
    lines += _wrapped("    fix:   ", first.remedy, width)
    lines += _wrapped("    rule:  ", f"{first.rule} ({first.clause})", width)
    return lines


def _wrapped(start: str, said: str, width: int) -> list[str]:
    return textwrap.wrap(said, width, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False)


def _plain(said: str) -> str:
    """Without control characters: a file's name must not steer the terminal."""
    return "".join(c if c.isprintable() else "�" for c in said)


def as_json(found: Validation) -> str:
    return json.dumps(found.to_json(), indent=2, ensure_ascii=False) + "\n"


def as_csv(found: Validation) -> str:
    """One line per place, in the columns of a finding."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [f.name for f in fields(Finding)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(vars(finding) for finding in found.findings)
    return out.getvalue()


def junit(found: Validation) -> str:
    """One test case per rule, file and column: an error fails it, a warning is its output."""
    suite = ET.Element(
        "testsuite",
        name=f"{found.standard} {found.version} ({found.profile})",
        tests=str(max(len(found.firsts()), 1)),
        failures=str(sum(f.severity == "error" for f in found.firsts())),
        errors="0",
    )
    for first, same in found.groups():
        place = "/".join(_xml(p) for p in (first.file, first.column) if p) or "package"
        case = ET.SubElement(suite, "testcase", classname=place, name=first.rule)
        body = _xml("\n".join(_block(first, same)))
        if first.severity == "error":
            message = _xml(f"{first.message} ({first.count:,} times)")
            ET.SubElement(case, "failure", message=message, type=first.stage).text = body
        else:
            ET.SubElement(case, "system-out").text = body
    if not found.findings:
        ET.SubElement(suite, "testcase", classname="package", name="conforms")
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _xml(said: str) -> str:
    """Only characters that XML 1.0 may hold."""
    return "".join(c if c in "\n\t" or c.isprintable() else "�" for c in said)


FORMATS: dict[str, Callable[[Validation], str]] = {
    "text": text,
    "json": as_json,
    "html": html,
    "csv": as_csv,
    "junit": junit,
}
