"""Feeds as they come: single files, places after rejected rows, exact counts, damaged bytes, real public sets."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from oneroster_package import clean

from hub.errors import AskVendor
from hub.standards import validate

SHARED = Path(__file__).parents[3] / "shared" / "data" / "oneroster"
EXPLAINED = {
    "oneroster.csv.blank_fields_behind",  # one of them ends its rows in a comma
    "oneroster.package.unknown_file",  # the folder also holds the zip
    "oneroster.bulk.status_filled",  # all of these generators fill it
    "oneroster.year.range",  # 2026-2027
    "oneroster.manifest.manifest_version",  # a spreadsheet wrote 1
}


def test_places_count_rejected_rows_and_line_breaks(tmp_path: Path) -> None:
    package = clean("1.1").only("orgs", "academicSessions")
    package.set("orgs", 1, name="Maple\nHollow")
    package.edit("orgs", lambda b: b + b"short,,\n" + b"org-4,,,Elm,scool,,\n" + b"short\n" + b"org-5,,,Oak,scool,,\n")
    findings = validate([package.write(tmp_path)]).findings
    found = {rule: [f.row for f in findings if f.rule == rule] for rule in {f.rule for f in findings}}
    assert found == {
        "oneroster.csv.line_break_in_field": [1],
        "oneroster.csv.row_width": [4, 6],
        "oneroster.vocabulary.unknown": [5, 7],
    }


def test_counts_are_exact_where_places_are_few(tmp_path: Path) -> None:
    package = clean("1.1").only("orgs", "academicSessions")
    package.rows["orgs"] += [{"sourcedId": f"o{i}", "name": "", "type": "school"} for i in range(50)]
    found = validate([package.write(tmp_path)], max_per_rule=3)
    assert [(f.row, f.count) for f in found.findings] == [(4, 50), (5, 50), (6, 50)]
    assert found.errors == 50


def test_a_single_file_is_judged_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "export-of-classes.csv"
    path.write_bytes(clean("1.2").text("classes"))
    found = validate([path])
    assert (found.conforms, found.findings) == (True, ())
    assert [f.name for f in found.files] == ["export-of-classes.csv"]


def test_a_delta_may_refer_to_what_is_known_already(tmp_path: Path) -> None:
    package = clean("1.1").only("orgs", "academicSessions", "courses")
    package.delta("courses")
    package.set("courses", 1, orgSourcedId="org-known")
    assert validate([package.write(tmp_path / "now")]).conforms
    before = clean("1.1").only("orgs", "academicSessions", "courses").write(tmp_path / "before")
    found = validate([tmp_path / "now"], previous=[before])
    assert {f.rule for f in found.findings} == {"oneroster.reference.unresolved"}


@pytest.mark.parametrize("seed", range(12))
def test_damaged_bytes_give_findings_or_a_refusal(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    body = bytearray(clean("1.1").only("orgs", "academicSessions").zip(tmp_path / "a.zip").read_bytes())
    text = bytearray(clean("1.1").text("orgs"))
    for target in (body, text):
        for _ in range(chance.randrange(1, 8)):
            target[chance.randrange(len(target))] = chance.choice(b'\x00\xff",\r\n\x1a')
    (tmp_path / "b.zip").write_bytes(body)
    (tmp_path / "orgs.csv").write_bytes(text)
    for name in ("b.zip", "orgs.csv"):
        with contextlib.suppress(AskVendor):
            assert validate([tmp_path / name]).standard == "OneRoster"


@pytest.mark.shared
@pytest.mark.parametrize("name", ["gospelnerd-school-small", "gospelnerd-district-medium", "lms-toolkit-or11"])
def test_public_sets_pass_as_an_importer_takes_them(name: str) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip(f"{SHARED / name} is absent")
    found = validate([SHARED / name], profile="lenient")
    assert found.conforms
    assert {f.rule for f in found.findings} <= EXPLAINED
    assert not validate([SHARED / name]).conforms
