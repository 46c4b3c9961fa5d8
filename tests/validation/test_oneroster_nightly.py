"""Law: what the lenient profile passes, the night takes; what the night refuses, the validator finds."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from mutations import DIALECTS, Files, packages
from oneroster_package import clean

from hub.errors import AskVendor
from hub.model import OpenedDelivery, OpenedFile
from hub.standards.validation import validate
from tests.sources.oneroster_package import build

#: An example builds a state, a second of work: `HUB_MUTATIONS=500 pytest tests/validation/test_oneroster_nightly.py`.
EXAMPLES = int(os.environ.get("HUB_MUTATIONS", "4"))
LAW = settings(max_examples=EXAMPLES, deadline=None, derandomize="HUB_MUTATIONS" not in os.environ, database=None,
               suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])  # fmt: skip
EARLY = {"package", "syntax", "shape"}
#: Refusals that are not of the shape: the validator knows neither the year nor what came before.
OF_THE_NIGHT = {"file.wrong_year", "oneroster.delta.no_bulk"}
SHAPE = ("csv.", "type.", "file.")


@dataclass(frozen=True)
class Verdicts:
    """`errors` of the lenient profile as (stage, rule); the rule by which the night `refused`; rows it `held` for their
    shape as (stream, rule)."""

    errors: set[tuple[str, str]]
    refused: str
    held: set[tuple[str, str]]


def verdicts(files: Files, rules: tuple[str, ...] = SHAPE) -> Verdicts:
    with TemporaryDirectory() as name:
        folder = Path(name) / "in"
        for sent, body in files.items():
            (folder / sent).parent.mkdir(parents=True, exist_ok=True)
            (folder / sent).write_bytes(body)
        try:
            found = validate([folder], profile="lenient").findings
            errors = {(f.stage, f.rule) for f in found if f.severity == "error"}
        except AskVendor:
            errors = {("package", "no feed")}
        refused, held = night(folder, rules)
    return Verdicts(errors, refused, held)


def night(folder: Path, rules: tuple[str, ...]) -> tuple[str, set[tuple[str, str]]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    named = (OpenedFile(str(p.relative_to(folder)), p, hashlib.sha256(p.read_bytes()).hexdigest()) for p in paths)
    try:
        state = build(folder.parent / "state", [OpenedDelivery(1, datetime(2026, 11, 1, tzinfo=UTC), tuple(named))])
    except AskVendor as error:
        said = re.search(r"\(rule ([\w.]+)\)", error.message)
        return (said[1] if said else error.message), set()
    return "", {(stream, rule) for stream, _, _, _, rule in state.held if rule.startswith(rules)}


def agree(files: Files) -> None:
    found = verdicts(files)
    early = {rule for stage, rule in found.errors if stage in EARLY}
    if found.refused not in {"", *OF_THE_NIGHT}:
        assert early, f"refused by the night ({found.refused}), and no error"
    if not found.errors:
        assert not found.held, "held by the night, and no error"


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@LAW
@given(data=st.data())
def test_the_night_and_the_validator_agree_on_any_mutation(version: str, data: st.DataObject) -> None:
    agree(data.draw(packages(version, dialects=True))[1])


def roster(**changed: bytes) -> Files:
    files = clean("1.1").only("orgs", "academicSessions", "courses", "classes", "users", "enrollments").files()
    return files | {f"{name}.csv": body for name, body in changed.items()}


@settings(LAW, max_examples=EXAMPLES)
@example("manifest", "nothing")
@given(name=st.sampled_from(["orgs", "enrollments", "manifest"]), dialect=st.sampled_from(sorted(DIALECTS)))
def test_the_night_and_the_validator_agree_on_any_dialect(name: str, dialect: str) -> None:
    agree(roster(**{name: DIALECTS[dialect](roster()[f"{name}.csv"])}))


@pytest.mark.parametrize("body", [b"", b"propertyName,value\nfile.users,de\x00lta\n"], ids=["empty", "NUL"])
def test_a_manifest_that_cannot_be_read_is_refused_by_both(body: bytes) -> None:
    found = verdicts(roster(manifest=body))
    assert found.refused == "oneroster.manifest.mismatch"
    assert ("package", "oneroster.manifest.unreadable") in found.errors


@pytest.mark.parametrize(("file", "refused"), [("lineItems", ""), ("users", "oneroster.manifest.mismatch")])
@pytest.mark.parametrize("mode", ["", "none", "full"])
def test_a_mode_that_is_none_matters_only_of_a_file_that_came(file: str, mode: str, refused: str) -> None:
    manifest = roster()["manifest.csv"].decode()
    said = re.sub(rf"(?m)^file\.{file},\w+", f"file.{file},{mode}", manifest)
    assert said != manifest
    found = verdicts(roster(manifest=said.encode()))
    assert (found.refused, {rule for stage, rule in found.errors if stage == "package"}) == (
        refused,
        {"oneroster.manifest.mode"} if refused else set(),
    )


@pytest.mark.parametrize("name", ["notes.txt", "classes (1).csv", "backup/old-classes.csv"])
def test_a_copy_of_a_file_under_another_name_is_left_out_and_told(name: str, tmp_path: Path) -> None:
    sent = roster()
    copied = sent | {name: sent["classes.csv"]}
    agree(copied)
    assert not verdicts(copied).refused
    assert rows_of_night(copied, tmp_path / "copied") == rows_of_night(sent, tmp_path / "sent")


def rewritten(body: bytes, ends: str) -> bytes:
    lines = body.removesuffix(b"\n").split(b"\n")
    if ends == "carriage return":
        return b"\r".join(lines) + b"\r"
    rare, often = (b"\r\n", b"\n") if ends == "few pairs" else (b"\n", b"\r\n")
    return often.join(lines[:2]) + rare + often.join(lines[2:]) + often


@pytest.mark.parametrize("ends", ["carriage return", "few pairs", "many pairs"])
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_line_ends_that_the_night_reads_are_no_error(version: str, ends: str, tmp_path: Path) -> None:
    sent = clean(version).files()
    changed = {name: rewritten(body, ends) for name, body in sent.items()}
    found = verdicts(changed, rules=("",))
    assert found == verdicts(sent, rules=("",))
    assert not found.errors
    assert not found.refused
    assert rows_of_night(changed, tmp_path / "changed") == rows_of_night(sent, tmp_path / "sent")


def rows_of_night(files: Files, folder: Path) -> dict[str, list[str]]:
    (folder / "in").mkdir(parents=True)
    for name, body in files.items():
        (folder / "in" / name).parent.mkdir(exist_ok=True)
        (folder / "in" / name).write_bytes(body)
    night(folder / "in", ())
    made = sorted((folder / "state" / "rows").glob("*.parquet"))
    places = ["_file", "_row", "_seq"]
    return {p.stem: sorted(map(str, pq.read_table(p).drop_columns(places).to_pylist())) for p in made}


@pytest.mark.parametrize("year", ["2027", "2026-27", "2026/2027", " 2027", "27", "FY2027", "2027.0", "20270", "-2027"])
def test_a_school_year_that_is_none_is_an_error_where_the_night_holds_it_and_only_there(year: str) -> None:
    package = clean("1.1")
    package.set("academicSessions", 3, schoolYear=year)
    found = verdicts(package.files(), rules=("type.",))
    assert bool(found.held) == (("shape", "oneroster.type.year") in found.errors), found


USER_IDS = """
    {Local:71} | { Local : 71 } | {Local:7:1} | {Local:71};{State:9} | 71,{Local:71} | {{Local:71}} | Local:71 | {71}
    {Local:} | {:71} | {} | { : 71} | {Local:71},{State: } | {Local:71 | Local:71} | {Local:71} 9 | {Local:71},{State:9
    {Local:71}; {State:9}
"""


@pytest.mark.parametrize("ids", [ids.strip() for ids in re.split(r"[|\n]", USER_IDS) if ids.strip()])
def test_ids_without_a_type_are_errors_where_the_night_holds_them_and_only_there(ids: str) -> None:
    package = clean("1.1")
    package.set("users", 1, userIds=ids)
    found = verdicts(package.files(), rules=("pattern", "required"))
    assert bool(found.held) == (("shape", "oneroster.type.user_id_pair") in found.errors), found


@pytest.mark.parametrize("blanks", ["", " "])
def test_ids_that_are_the_identifier_alone_say_nothing_new(blanks: str) -> None:
    package = clean("1.1")
    package.set("users", 1, identifier="L-71", userIds=f"{blanks}L-71")
    found = verdicts(package.files(), rules=("pattern", "required"))
    assert not found.held
    assert not {rule for stage, rule in found.errors if stage == "shape"}
