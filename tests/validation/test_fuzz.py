"""Hostile input neither crashes the validator nor fills the memory: some feeds of `make fuzz`, and each by name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from edfi_delivery import CLEAN
from oneroster_package import clean

from hub.errors import AskVendor
from hub.standards.validation import validate
from tests.fuzz import KINDS, failures


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_feeds_are_judged_or_refused(kind: str) -> None:
    assert list(failures(kind, range(12))) == []


def roster() -> dict[str, bytes]:
    return clean("1.1").only("orgs", "academicSessions").files()


def orgs(body: bytes) -> dict[str, bytes]:
    return roster() | {"orgs.csv": body}


HEADER, ROWS = roster()["orgs.csv"].split(b"\n", 1)
WIDE = b",".join([HEADER, *(b"metadata.c%d" % n for n in range(1990))])
#: The hostile input of the design, section 6: the files, and the rule that says what is wrong.
HOSTILE: dict[str, tuple[dict[str, bytes], str]] = {
    "ragged": (orgs(HEADER + b"\n" + ROWS + b"a,b\na,b,c,d,e,f,g,h,i\n"), "oneroster.csv.row_width"),
    "2,000 columns": (orgs(WIDE + b"\n" + ROWS), "oneroster.csv.row_width"),
    "60,000 fields too many": (orgs(HEADER + b"\n" + ROWS + b"x," * 60_000 + b"x\n"), "oneroster.csv.row_width"),
    "byte order mark": (orgs(b"\xef\xbb\xbf" + HEADER + b"\n" + ROWS), "oneroster.csv.byte_order_mark"),
    "Latin-1": (orgs(HEADER + b"\n" + ROWS + b"o,,,\xe9cole,school,,\n"), "oneroster.csv.encoding"),
    "UTF-16": (orgs((HEADER + b"\n" + ROWS).decode().encode("utf-16")), "oneroster.csv.encoding"),
    "NUL": (orgs(HEADER + b"\n" + ROWS + b"o,,,a\x00b,school,,\n"), "oneroster.csv.encoding"),
    "empty file": (orgs(b""), "oneroster.csv.empty"),
    "header only": (orgs(HEADER + b"\n"), "oneroster.csv.no_rows"),
    "renamed header": (orgs(HEADER.replace(b"name", b"title") + b"\n" + ROWS),
                       "oneroster.header.missing_required_column"),
    "open quote": (orgs(HEADER + b"\n" + ROWS + b'o,,,"open,school,,\n' + ROWS * 3), "oneroster.csv.quote"),
    "XML entities": ({"a.xml": b"<!DOCTYPE a [<!ENTITY b 'cc'>]>" + CLEAN["students.xml"].partition("?>")[2].encode()},
                     "edfi.syntax.doctype"),
    "outside entity": ({"a.xml": b"<!DOCTYPE a SYSTEM 'file:///etc/hostname'><a/>"}, "edfi.syntax.doctype"),
    "XML cut off": ({"a.xml": CLEAN["students.xml"][:400].encode()}, "edfi.syntax.malformed"),
    "deep XML": ({"a.xml": b"<InterchangeStudent xmlns='http://ed-fi.org/5.2.0'>" + b"<a>" * 50_000},
                 "edfi.syntax.malformed"),
    "deep JSON": ({"students.json": b"[" * 200_000}, "edfi.syntax.json"),
    "no JSON": ({"students.jsonl": b'{"a": NaN}\n'}, "edfi.syntax.json"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_has_its_message(name: str, tmp_path: Path) -> None:
    files, rule = HOSTILE[name]
    for file, body in files.items():
        (tmp_path / file).write_bytes(body)
    found = validate([tmp_path], profile="lenient")
    said = [f for f in found.findings if f.rule == rule]
    assert said, {f.rule for f in found.findings}
    assert all(f.message and f.remedy and f.clause for f in said)


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in files.items():
            made.writestr(name, body)
    return path


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = archive(tmp_path / "bomb.zip", roster() | {"users.csv": b"\x00" * 50_000_000})
    with pytest.raises(AskVendor, match="zip bomb"):
        validate([bomb])


def test_a_path_that_leads_out_is_not_written(tmp_path: Path) -> None:
    feed = archive(tmp_path / "feed.zip", roster() | {"../../out.csv": b"a\n", "/tmp/out.csv": b"a\n"})
    found = validate([feed])
    assert sum(f.rule == "oneroster.package.unsafe" for f in found.findings) == 2
    assert not list(tmp_path.parent.glob("out.csv"))
