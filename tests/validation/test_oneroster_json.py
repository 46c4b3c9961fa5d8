"""OneRoster REST objects: clean payloads of both versions, each rule broken in exactly one way, and hostile input."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from oneroster_payloads import Delivery, clean, ref, thing

from hub.errors import FixConfiguration
from hub.standards.oneroster_objects import kinds
from hub.standards.rules import load_rules
from hub.standards.validation import Validation, validate
from hub.standards.validation.profiles import load_profile, under

RULES = load_rules()
BOTH = ("1.1", "1.2")
CANARY = "Canaryworth"
Change = Callable[[Delivery], object]


def write(folder: Path, delivery: Delivery, raw: dict[str, str] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    for name, objects in delivery.items():
        (folder / f"{name}.json").write_text(json.dumps({name: objects}))
    for name, text in (raw or {}).items():
        (folder / name).write_text(text)
    return folder


def places(found: Validation) -> set[tuple[Any, ...]]:
    return {(f.rule, f.file, f.column, f.row, f.count) for f in found.findings}


@pytest.mark.parametrize("version", BOTH)
def test_clean_objects_have_no_finding_and_use_every_property(version: str, tmp_path: Path) -> None:
    delivery = clean(version)
    found = validate([write(tmp_path / "feed", delivery)])
    assert (found.standard, found.version, found.findings) == ("OneRoster", version, ())
    assert found.notes == ()
    assert {f.name: f.rows for f in found.files} == {f"{n}.json": len(objects) for n, objects in delivery.items()}
    assert delivery.keys() == kinds(version).keys()
    for name, kind in kinds(version).items():
        assert {p for o in delivery[name] for p in o} == {p.name for p in kind.properties}


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("form", ["collection", "single", "list", "lines", "wrapped lines"])
def test_every_object_is_taken_in_every_form(version: str, form: str, tmp_path: Path) -> None:
    for name, objects in clean(version).items():
        single = kinds(version)[name].name
        said = {
            "collection": json.dumps({name: objects, "imsx_codeMajor": "success"}),
            "single": json.dumps({single: objects[0]}),
            "list": json.dumps(objects),
            "lines": "".join(json.dumps(o) + "\n" for o in objects),
            "wrapped lines": "".join(json.dumps({single: o}) + "\n" for o in objects),
        }[form]
        path = tmp_path / (f"{name}.jsonl" if form.endswith("lines") else f"{name}.json")
        path.write_text(said)
        found = validate([path], version=version)
        assert (found.standard, found.findings) == ("OneRoster", ())
        assert [f.rows for f in found.files] == [1 if form == "single" else len(objects)]


def test_kind_is_told_by_name_by_option_or_by_the_properties(tmp_path: Path) -> None:
    path = tmp_path / "page-1.json"
    path.write_text(json.dumps(clean("1.2")["enrollments"]))
    broken = tmp_path / "page-2.json"
    broken.write_text(json.dumps([{**clean("1.2")["enrollments"][1], "role": CANARY}]))
    assert validate([path]).findings == ()
    assert {f.column for f in validate([broken]).findings} == {"role"}
    assert {f.rule for f in validate([path], kind="org").findings} > {"oneroster.json.missing"}
    with pytest.raises(FixConfiguration, match="pupils"):
        validate([path], kind="pupils")


# ------------------------------------------------------------------------------------------------------ every rule


@dataclass(frozen=True)
class Broken:
    """What is found is `rule` at `column` of object `row` of `file`, `count` times, and nothing else."""

    rule: str
    file: str
    column: str
    row: int | None
    change: Change
    versions: tuple[str, ...] = BOTH
    count: int = 1
    raw: tuple[str, str] | None = None  # a file more: name and text
    earlier: Change | None = None


def put(file: str, row: int, *path: Any, to: Any) -> Change:
    def change(delivery: Delivery) -> None:
        inner: Any = delivery[file][row - 1]
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = to

    return change


def drop(file: str, row: int, *path: Any) -> Change:
    def change(delivery: Delivery) -> None:
        inner: Any = delivery[file][row - 1]
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]

    return change


def add(file: str, row: int, **said: Any) -> Change:
    return lambda delivery: delivery[file].append({**delivery[file][row - 1], **said})


def both(*changes: Change) -> Change:
    return lambda delivery: [change(delivery) for change in changes]


def nothing(delivery: Delivery) -> None:
    """The file in `raw` is what is wrong."""


def more_orgs(delivery: Delivery) -> None:
    delivery["orgs"] += [thing(f"o-{i}", name=f"S{i}", type="school", identifier=str(i)) for i in range(20)]


def renamed(delivery: Delivery) -> None:
    more_orgs(delivery)
    delivery["orgs"][5]["sourcedId"] = "o-new"


def edited(delivery: Delivery) -> None:
    more_orgs(delivery)
    for org in delivery["orgs"][2:]:
        org["name"] += "!"


LATER = ("1.2",)
LATE_ENROLLMENT = {"sourcedId": "enr-9", "role": "teacher", "primary": "true"}
BROKEN = [
    Broken("oneroster.json.unknown_kind", "page.json", "", 1, nothing, raw=("page.json", '{"sourcedId": "x"}')),
    Broken("oneroster.json.wrapper", "p.json", "schools", None, nothing,
           raw=("p.json", json.dumps({"schools": [thing("org-8", name="E", type="school", identifier="8")]}))),
    Broken("oneroster.json.wrapper", "p.json", "orgs", None, nothing,
           raw=("p.json", json.dumps({"orgs": thing("org-8", name="E", type="school", identifier="8")}))),
    Broken("oneroster.json.error_payload", "p.json", "", 1, nothing,
           raw=("p.json", json.dumps({"imsx_codeMajor": "failure", "imsx_severity": "error"}))),
    Broken("oneroster.json.empty", "page.json", "", None, nothing, raw=("page.json", "")),
    Broken("oneroster.json.syntax", "page.json", "", 1, nothing, raw=("page.json", '{"orgs": [{]}')),
    Broken("oneroster.json.syntax", "page.jsonl", "", 1, nothing, raw=("page.jsonl", "7\n")),
    Broken("oneroster.json.missing", "orgs.json", "identifier", 2, drop("orgs", 2, "identifier")),
    Broken("oneroster.json.missing", "classes.json", "terms", 1, put("classes", 1, "terms", to=[])),
    Broken("oneroster.json.missing", "classes.json", "school.href", 1, drop("classes", 1, "school", "href")),
    Broken("oneroster.json.missing", "users.json", "roles.org", 2, drop("users", 2, "roles", 0, "org"), LATER),
    Broken("oneroster.json.missing", "users.json", "role", 2, drop("users", 2, "role"), ("1.1",)),
    Broken("oneroster.json.null", "orgs.json", "metadata", 1, put("orgs", 1, "metadata", to=None)),
    Broken("oneroster.json.unknown_property", "orgs.json", "motto", 1, put("orgs", 1, "motto", to=CANARY)),
    Broken("oneroster.json.unknown_property", "p.json", "next", None, nothing,
           raw=("p.json", json.dumps({"categories": [thing("cat-7", title="Quiz")], "next": 2}))),
    Broken("oneroster.json.unknown_property", "classes.json", "school.name", 1,
           put("classes", 1, "school", "name", to=CANARY)),
    Broken("oneroster.json.type", "classes.json", "school", 1, put("classes", 1, "school", to="org-1")),
    Broken("oneroster.json.type", "classes.json", "grades", 1, put("classes", 1, "grades", to="04")),
    Broken("oneroster.json.coerced", "users.json", "enabledUser", 3, put("users", 3, "enabledUser", to=False)),
    Broken("oneroster.json.coerced", "academicSessions.json", "schoolYear", 2,
           put("academicSessions", 2, "schoolYear", to=2027)),
    Broken("oneroster.json.coerced", "results.json", "score", 1, put("results", 1, "score", to="88")),
    Broken("oneroster.json.uri", "classes.json", "school.href", 1,
           put("classes", 1, "school", "href", to="/orgs/org-1")),
    Broken("oneroster.json.reference_type", "classes.json", "school.type", 1,
           put("classes", 1, "school", "type", to="school")),
    Broken("oneroster.value.required", "users.json", "givenName", 1, put("users", 1, "givenName", to=" ")),
    Broken("oneroster.value.whitespace", "demographics.json", "birthDate", 1,
           put("demographics", 1, "birthDate", to=" 2016-03-09")),
    Broken("oneroster.value.case", "demographics.json", "sex", 1, put("demographics", 1, "sex", to="Female")),
    Broken("oneroster.value.case", "demographics.json", "asian", 1, put("demographics", 1, "asian", to="TRUE")),
    Broken("oneroster.value.too_long", "orgs.json", "name", 1, put("orgs", 1, "name", to="x" * 256)),
    Broken("oneroster.type.guid", "categories.json", "sourcedId", 2,
           lambda d: d["categories"].append({**d["categories"][0], "sourcedId": "cat 2"})),
    Broken("oneroster.type.guid", "classes.json", "course.sourcedId", 1,
           put("classes", 1, "course", "sourcedId", to="crs 1")),
    Broken("oneroster.type.date", "enrollments.json", "beginDate", 1,
           put("enrollments", 1, "beginDate", to="2026-02-30")),
    Broken("oneroster.type.datetime", "lineItems.json", "assignDate", 1,
           put("lineItems", 1, "assignDate", to="2026-09-01")),
    Broken("oneroster.type.boolean", "demographics.json", "white", 1, put("demographics", 1, "white", to="yes")),
    Broken("oneroster.type.float", "results.json", "score", 1, put("results", 1, "score", to="A")),
    Broken("oneroster.type.year", "academicSessions.json", "schoolYear", 2,
           put("academicSessions", 2, "schoolYear", to="27")),
    Broken("oneroster.year.range", "academicSessions.json", "schoolYear", 2,
           put("academicSessions", 2, "schoolYear", to="2026-2027")),
    Broken("oneroster.type.list", "classes.json", "periods", 1, put("classes", 1, "periods", to=["1", ""])),
    Broken("oneroster.vocabulary.unknown", "orgs.json", "type", 1, put("orgs", 1, "type", to=CANARY)),
    Broken("oneroster.vocabulary.extension", "orgs.json", "type", 1, put("orgs", 1, "type", to="ext:a b"), LATER),
    Broken("oneroster.vocabulary.grade", "users.json", "grades", 1, put("users", 1, "grades", to=["Fourth"]), ("1.1",)),
    Broken("oneroster.key.duplicate", "orgs.json", "sourcedId", 4, add("orgs", 3)),
    Broken("oneroster.reference.unresolved", "classes.json", "course.sourcedId", 1,
           put("classes", 1, "course", to=ref("course", "crs-9"))),
    Broken("oneroster.reference.unresolved", "users.json", "agents.sourcedId", 1,
           put("users", 1, "agents", to=[ref("user", CANARY)])),
    Broken("oneroster.reference.unresolved", "users.json", "roles.org.sourcedId", 2,
           put("users", 2, "roles", 0, "org", to=ref("org", CANARY)), LATER),
    Broken("oneroster.reference.unresolved", "demographics.json", "sourcedId", 1,
           put("demographics", 1, "sourcedId", to="usr-9")),
    Broken("oneroster.semantic.parent_cycle", "orgs.json", "parent.sourcedId", 1,
           put("orgs", 1, "parent", to=ref("org", "org-1")), count=3),
    Broken("oneroster.semantic.org_type", "classes.json", "school.sourcedId", 1,
           put("classes", 1, "school", to=ref("org", "org-d"))),
    Broken("oneroster.semantic.session_type", "courses.json", "schoolYear.sourcedId", 1,
           put("courses", 1, "schoolYear", to=ref("academicSession", "ses-1"))),
    Broken("oneroster.semantic.school_year", "academicSessions.json", "schoolYear", 1,
           put("academicSessions", 1, "schoolYear", to="2026")),
    Broken("oneroster.semantic.date_order", "lineItems.json", "dueDate", 1,
           put("lineItems", 1, "dueDate", to="2026-08-20T00:00:00Z")),
    Broken("oneroster.semantic.date_order", "users.json", "roles.endDate", 1,
           put("users", 1, "roles", 0, "endDate", to="2026-08-01"), LATER),
    Broken("oneroster.semantic.subject_codes", "courses.json", "subjectCodes", 1,
           put("courses", 1, "subjectCodes", to=["1", "2"])),
    Broken("oneroster.semantic.enrollment_outside_term", "enrollments.json", "endDate", 2,
           put("enrollments", 2, "endDate", to="2027-03-01")),
    Broken("oneroster.semantic.primary_not_teacher", "enrollments.json", "primary", 2,
           put("enrollments", 2, "primary", to="true")),
    Broken("oneroster.semantic.several_primary_teachers", "enrollments.json", "primary", 3,
           add("enrollments", 1, **LATE_ENROLLMENT)),
    Broken("oneroster.semantic.several_primary_roles", "users.json", "roles.roleType", 2,
           lambda d: d["users"][1]["roles"].append(d["users"][1]["roles"][0]), LATER),
    Broken("oneroster.semantic.primary_org_role", "users.json", "primaryOrg.sourcedId", 1,
           put("users", 1, "primaryOrg", to=ref("org", "org-2")), LATER),
    Broken("oneroster.semantic.result_not_student", "results.json", "student.sourcedId", 1,
           both(put("results", 1, "student", to=ref("user", "usr-t")))),
    Broken("oneroster.semantic.result_not_enrolled", "results.json", "student.sourcedId", 1,
           lambda d: d["enrollments"].pop(1)),
    Broken("oneroster.semantic.result_class", "results.json", "class.sourcedId", 1,
           both(add("classes", 1, sourcedId="cls-2"), put("results", 1, "class", to=ref("class", "cls-2"))), LATER),
    Broken("oneroster.semantic.score_above_maximum", "results.json", "score", 1, put("results", 1, "score", to=101)),
    Broken("oneroster.semantic.score_below_minimum", "results.json", "score", 1, put("results", 1, "score", to=-1)),
    Broken("oneroster.semantic.score_range", "lineItems.json", "resultValueMax", 1,
           both(put("lineItems", 1, "resultValueMax", to=-5), put("lineItems", 1, "resultValueMin", to=0),
                drop("results", 1, "score"))),
    Broken("oneroster.semantic.case_identifier", "lineItems.json", "learningObjectiveSet.learningObjectiveIds", 1,
           put("lineItems", 1, "learningObjectiveSet", 0, "learningObjectiveIds", to=["goal 7"]), LATER),
    Broken("oneroster.semantic.case_identifier", "results.json",
           "learningObjectiveSet.learningObjectiveResults.learningObjectiveId", 1,
           put("results", 1, "learningObjectiveSet", 0, "source", to="case"), LATER),
    Broken("oneroster.difference.removed", "orgs", "", None, more_orgs, earlier=both(
        more_orgs, lambda d: d["orgs"].append(thing("o-old", name="Old", type="school", identifier="0")))),
    Broken("oneroster.difference.mass_removal", "orgs", "", None, nothing, count=20, earlier=more_orgs),
    Broken("oneroster.difference.mass_change", "orgs", "", None, edited, count=21, earlier=more_orgs),
    Broken("oneroster.difference.ids_changed", "orgs.json", "sourcedId", 6, renamed, earlier=more_orgs),
    Broken("oneroster.difference.file_gone", "categories", "", None,
           both(lambda d: d.pop("categories"), lambda d: d.pop("lineItems"), lambda d: d.pop("results")),
           earlier=both(lambda d: d.pop("lineItems"), lambda d: d.pop("results"))),
]  # fmt: skip


def cases() -> list[Any]:
    """Each broken delivery, by turns in one version and the other where it can be broken in both."""
    return [
        pytest.param(b, b.versions[i % len(b.versions)], id=f"{b.rule.removeprefix('oneroster.')}-{b.file}-{b.column}")
        for i, b in enumerate(BROKEN)
    ]


@pytest.mark.parametrize(("broken", "version"), cases())
def test_a_broken_rule_is_the_one_finding(broken: Broken, version: str, tmp_path: Path) -> None:
    delivery = clean(version)
    broken.change(delivery)
    path = write(tmp_path / "feed", delivery, dict([broken.raw]) if broken.raw else None)
    previous = None
    if broken.earlier:
        before = clean(version)
        broken.earlier(before)
        previous = [write(tmp_path / "before", before)]
    strict = validate([path], previous=previous)
    assert strict.version == version
    for profile in ("strict", "lenient"):
        found = under(strict, profile)
        told = {(f.rule, f.file, f.column, f.row, f.count) for f in found.firsts()}
        assert told == {(broken.rule, broken.file, broken.column, broken.row, broken.count)}
        severity = load_profile(profile).severity(RULES[broken.rule])
        assert {f.severity for f in found.findings} == {severity}
        assert found.conforms == (severity != "error")
    for finding in strict.findings:
        rule = RULES[broken.rule]
        assert (finding.stage, finding.remedy, finding.value) == (rule.stage, rule.remedy, None)
        assert CANARY not in str(finding)


def test_every_rule_of_objects_is_broken_above() -> None:
    own = {name for name in RULES if name.startswith("oneroster.json.")}
    assert own - {b.rule for b in BROKEN} == {"oneroster.json.too_large"}


def test_a_payload_beyond_the_limit_ends_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hub.standards.validation import json_bodies

    monkeypatch.setattr(json_bodies, "VALUE_LIMIT", 1000)
    (tmp_path / "users.json").write_text('{"users": [' + '{"sourcedId": "x"}, ' * 200)
    assert places(validate([tmp_path / "users.json"])) == {("oneroster.json.too_large", "users.json", "", 1, 1)}


# ------------------------------------------------------------------------------------------------- several files


def test_pages_are_judged_together_and_each_finding_names_its_page(tmp_path: Path) -> None:
    delivery = clean("1.2")
    first, second = delivery["orgs"][:2], delivery["orgs"][1:]
    for i, page in enumerate((first, second, second), start=1):
        (tmp_path / f"page-{i}.json").write_text(json.dumps({"orgs": page}))
    found = validate([tmp_path], max_per_rule=100)
    rule = "oneroster.key.duplicate"
    assert places(found) == {
        (rule, "page-2.json", "sourcedId", 1, 1),
        (rule, "page-3.json", "sourcedId", 1, 2),
        (rule, "page-3.json", "sourcedId", 2, 2),
    }
    assert validate([tmp_path], max_per_rule=1).errors == found.errors == 3


def test_a_reference_out_of_the_delivery_is_no_fault_but_told(tmp_path: Path) -> None:
    classes = clean("1.2")["classes"]
    (tmp_path / "class.json").write_text(json.dumps({"class": classes[0]}))
    found = validate([tmp_path / "class.json"])
    assert found.findings == ()
    assert "not judged" in " ".join(found.notes)


def test_what_is_deleted_takes_part_in_no_rule_of_meaning(tmp_path: Path) -> None:
    delivery = clean("1.1")
    put("results", 1, "score", to=1000)(delivery)
    put("results", 1, "status", to="tobedeleted")(delivery)
    assert validate([write(tmp_path / "feed", delivery)]).findings == ()


# ------------------------------------------------------------------------------------------------------- hostile


def test_a_value_is_shown_only_when_asked_for(tmp_path: Path) -> None:
    delivery = clean("1.2")
    put("orgs", 1, "type", to=CANARY)(delivery)
    path = write(tmp_path / "feed", delivery)
    assert CANARY not in json.dumps(validate([path]).to_json())
    assert CANARY in json.dumps(validate([path], show_values=True).to_json())


STRANGE = (
    None,
    True,
    -1,
    1e308,
    10**30,
    "",
    " ",
    "\ud800",
    "x" * 5000,
    [],
    [[]],
    [None],
    {},
    {"sourcedId": 1},
    {"type": []},
)


def shaken(value: Any, chance: random.Random) -> Any:
    """A copy in which any part may be something else."""
    if chance.random() < 0.02:
        return chance.choice(STRANGE)
    if isinstance(value, dict):
        return {k if chance.random() > 0.01 else k + "s": shaken(v, chance) for k, v in value.items()}
    return [shaken(v, chance) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_is_judged_and_never_crashes(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    delivery = clean(chance.choice(BOTH))
    texts = {f"{name}.json": json.dumps(shaken({name: objects}, chance)) for name, objects in delivery.items()}
    cut = chance.choice(sorted(texts))
    texts[cut] = texts[cut][: chance.randrange(len(texts[cut]))]
    found = validate([write(tmp_path / "feed", {}, texts)], standard="oneroster", show_values=True)
    assert found.findings
    assert {f.rule for f in found.findings} <= RULES.keys()
    json.dumps(found.to_json()).encode()
