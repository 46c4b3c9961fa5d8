"""Ed-Fi documents and OneRoster packages that are wrong as a whole: refused with file, rule and remedy, no value."""

from __future__ import annotations

from pathlib import Path

import pytest
from laws.night import YEAR, delivered

from hub.errors import AskVendor
from hub.standards.mapping.normalize import Vocabulary
from hub.standards.specs import SCHEMAS, descriptor_codes, load_entities
from hub.standards.states.source_state import Work, build_state
from hub.standards.states.summary import StateSummary
from hub.standards.vendors.sources import load_source

CANARY = "Zqcanary"
NS = "http://ed-fi.org/5.2.0"


def build(vendor: str, files: dict[str, str | bytes], tmp_path: Path) -> StateSummary:
    sent = [(name, body.encode() if isinstance(body, str) else body) for name, body in files.items()]
    facts = {"schoolYear": YEAR, "localEducationAgencyId": 255901}
    vocabulary = Vocabulary(descriptor_codes(SCHEMAS))
    work = Work("src", load_source(vendor, SCHEMAS), load_entities(), vocabulary, {}, facts)
    return build_state(work, [delivered(sent, tmp_path)], tmp_path / "state")


def student(name: str) -> str:
    return (
        f"<Student><StudentUniqueId>{name}</StudentUniqueId><Name><FirstName>{name}</FirstName>"
        f"<LastSurname>{name}</LastSurname></Name><BirthData><BirthDate>2012-03-04</BirthDate></BirthData></Student>"
    )


def document(body: str, head: str = "", root: str = "InterchangeStudent", namespace: str = NS) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}<{root} xmlns="{namespace}">{body}</{root}>'


_LOL = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "lol"}">' for i in range(12))
DOCUMENTS = [
    ("an entity bomb", document("&l11;", f"<!DOCTYPE a [{_LOL}]>"), "xml.entity"),
    ("a file drawn in", document("&x;", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "xml.entity"),
    ("an external DTD", document("", '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">'), "xml.entity"),
    ("cut off", document(student(CANARY))[:-60], "xml.malformed"),
    ("not closed", document(f"<Student>{CANARY}</Staff>"), "xml.malformed"),
    ("no XML", f"{CANARY},1,2\n", "xml.malformed"),
    ("empty", "", "xml.malformed"),
    ("another root", document(student(CANARY), root="Students"), "file.unreadable"),
    ("another namespace", document(student(CANARY), namespace="http://ed-fi.org/0200"), "file.unreadable"),
    ("NULs", document(student(CANARY)).replace("-03-", "\0"), "xml.malformed"),
]


@pytest.mark.parametrize(("body", "rule"), [case[1:] for case in DOCUMENTS], ids=[case[0] for case in DOCUMENTS])
def test_a_bad_document_is_refused_by_the_name_it_was_sent_under(tmp_path: Path, body: str, rule: str) -> None:
    with pytest.raises(AskVendor) as refused:
        build("edfi-xml", {"Student.xml": body}, tmp_path)
    said = str(refused.value)
    assert said.startswith("Student.xml")
    assert f"(rule {rule})" in said
    assert refused.value.remedy.endswith(".")
    assert CANARY not in said
    assert "root:" not in said
    assert not (tmp_path / "state").exists()


def test_a_good_document_is_read_so_that_the_refusals_mean_something(tmp_path: Path) -> None:
    summary = build("edfi-xml", {"Student.xml": document(student("S1"))}, tmp_path)
    assert [(c.entity, c.accepted) for c in summary.counts if c.entity] == [("Student", 1)]


ORGS = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\no1,,,School,school,100101,\n"
MANIFEST = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"
PACKAGES: list[tuple[str, dict[str, str | bytes], str]] = [
    ("a mode that is none", {"manifest.csv": MANIFEST + f"file.orgs,{CANARY}\n", "orgs.csv": ORGS},
     "oneroster.manifest.mismatch"),
    ("a file that is promised", {"manifest.csv": MANIFEST + "file.orgs,bulk\nfile.users,bulk\n", "orgs.csv": ORGS},
     "oneroster.manifest.mismatch"),
    ("a manifest in Latin-1", {"manifest.csv": (MANIFEST + "é,1\n").encode("latin-1"), "orgs.csv": ORGS},
     "oneroster.manifest.mismatch"),
    ("one file twice", {"orgs.csv": ORGS, "Orgs.csv": ORGS + "o2,,,B,school,2,\n"}, "oneroster.manifest.mismatch"),
    ("a column that is missing", {"orgs.csv": ORGS.replace("sourcedId", "id", 1)}, "csv.header.missing_column"),
    ("a column that comes twice", {"orgs.csv": ORGS.replace("name", "type", 1)}, "csv.header.duplicate_column"),
    ("an empty file", {"orgs.csv": ""}, "csv.empty"),
    ("UTF-16", {"orgs.csv": ORGS.encode("utf-16")}, "csv.encoding"),
    ("an open quote", {"orgs.csv": ORGS + f'o2,,,"{CANARY},school,1,\no3,,,A,school,3,\n'}, "csv.quote"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "rule"), [case[1:] for case in PACKAGES], ids=[case[0] for case in PACKAGES])
def test_a_bad_package_is_refused_whole(tmp_path: Path, files: dict[str, str | bytes], rule: str) -> None:
    with pytest.raises(AskVendor) as refused:
        build("oneroster-csv", files, tmp_path)
    said = str(refused.value)
    assert ".csv" in said
    assert f"(rule {rule})" in said
    assert refused.value.remedy.endswith(".")
    assert CANARY not in said
