"""`hub validate`: exit codes, the JSON contract, formats, and no value unless it is asked for."""

from __future__ import annotations

import csv
import io
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from lxml import etree

from hub.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "validation"))
from oneroster_package import clean

CANARY = "Canaryworth"
#: What the JUnit reports of Ant, Jenkins, GitLab and GitHub's actions have in common, as far as it is used here.
JUNIT = etree.RelaxNG(
    etree.fromstring("""
<element name="testsuites" xmlns="http://relaxng.org/ns/structure/1.0"
    datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <oneOrMore><element name="testsuite">
    <attribute name="name"/>
    <attribute name="tests"><data type="nonNegativeInteger"/></attribute>
    <attribute name="failures"><data type="nonNegativeInteger"/></attribute>
    <attribute name="errors"><data type="nonNegativeInteger"/></attribute>
    <oneOrMore><element name="testcase">
      <attribute name="classname"/><attribute name="name"/>
      <choice>
        <empty/>
        <element name="failure"><attribute name="message"/><attribute name="type"/><text/></element>
        <element name="system-out"><text/></element>
      </choice>
    </element></oneOrMore>
  </element></oneOrMore>
</element>""")
)


def hub(*arguments: str | Path, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["validate", *map(str, arguments)], input=given, env={"COLUMNS": "80"})


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    package = clean("1.1").only("orgs", "academicSessions")
    package.set("orgs", 2, type=CANARY)
    return package.zip(tmp_path / "feed.zip")


def test_exit_codes(broken: Path, tmp_path: Path) -> None:
    good = clean("1.1").only("orgs", "academicSessions").zip(tmp_path / "good.zip")
    (tmp_path / "letter.txt").write_text("Dear all")
    (tmp_path / "cut.zip").write_bytes(broken.read_bytes()[:200])
    assert hub(good).exit_code == 0
    assert hub(broken).exit_code == 1
    assert {hub(tmp_path / n).exit_code for n in ("letter.txt", "cut.zip", "gone.zip")} == {2}
    wrong = ((), (good, "--profile", "kind"), (good, "--version", "9"), ("--explain", "no.rule"))
    assert {hub(*arguments).exit_code for arguments in wrong} == {3}


def test_json_is_the_contract(broken: Path) -> None:
    told = json.loads(hub(broken, "--format", "json").stdout)
    assert list(told) == ["standard", "version", "profile", "conforms", "files", "summary", "findings"]
    assert told["files"] == [{"name": "academicSessions.csv", "rows": 3}, {"name": "orgs.csv", "rows": 3}]
    assert told["summary"] == {"errors": 1, "warnings": 0}
    [finding] = told["findings"]
    assert set(finding) == {
        "rule", "stage", "severity", "file", "row", "column", "message", "clause", "remedy", "count"
    }  # fmt: skip
    assert (finding["rule"], finding["row"], finding["column"]) == ("oneroster.vocabulary.unknown", 2, "type")


@pytest.mark.parametrize("form", ["text", "json", "html", "csv", "junit"])
def test_a_value_is_shown_only_when_asked_for(broken: Path, form: str, tmp_path: Path) -> None:
    assert CANARY not in hub(broken, "--format", form).output
    hub(broken, "--format", form, "--show-values", "--out", tmp_path / "out")
    assert CANARY in (tmp_path / "out").read_text()


@pytest.mark.parametrize(("columns", "most"), [(80, 80), (200, 100), (50, 50)])
def test_text_fits_the_terminal_and_has_no_colour_in_a_pipe(broken: Path, columns: int, most: int) -> None:
    told = CliRunner().invoke(main, ["validate", str(broken)], env={"COLUMNS": str(columns)}).stdout
    assert most - 20 < max(map(len, told.splitlines())) <= most
    assert "\x1b" not in told
    coloured = CliRunner().invoke(main, ["validate", str(broken)], env={"COLUMNS": str(columns)}, color=True).stdout
    assert "\x1b[31merror:\x1b[0m" in coloured
    assert click.unstyle(coloured) == told


def test_junit_is_what_build_servers_read(broken: Path) -> None:
    suite = ET.fromstring(hub(broken, "--format", "junit").stdout)[0]
    assert (suite.get("failures"), suite[0].get("name")) == ("1", "oneroster.vocabulary.unknown")


def test_junit_keeps_its_schema(broken: Path, tmp_path: Path) -> None:
    """The elements and attributes that build servers agree on, with the counts of what is there."""
    good = clean("1.1").zip(tmp_path / "good.zip")
    for feed, more in ((broken, ()), (good, ()), (broken, ("--profile", "lenient"))):
        told = hub(feed, *more, "--format", "junit")
        document = etree.fromstring(told.stdout.encode())
        JUNIT.assertValid(document)
        [suite] = document
        assert int(suite.get("tests")) == len(suite)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert (told.exit_code == 0) == (suite.get("failures") == "0")


def test_csv_comes_back_as_the_findings(broken: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(hub(broken, "--format", "csv").stdout)))
    findings = json.loads(hub(broken, "--format", "json").stdout)["findings"]
    assert [{k: str(v) for k, v in f.items()} for f in findings] == [
        {k: v for k, v in row.items() if k in findings[0]} for row in rows
    ]


def test_two_formats_or_no_place_for_them_are_usage(broken: Path, tmp_path: Path) -> None:
    assert hub(broken, "--json", "--format", "csv").exit_code == 3
    told = hub(broken, "--out", tmp_path / "nowhere" / "out.json")
    assert told.exit_code == 3
    assert "cannot be written" in told.stderr
    told = hub(broken, "--format", "json", "--out", tmp_path / "out.json")
    assert (told.exit_code, told.stdout) == (1, "")
    assert json.loads((tmp_path / "out.json").read_text())["conforms"] is False
    assert told.stderr.endswith(f"does not conform: 1 error, 0 warnings. {tmp_path / 'out.json'}\n")


CODES = b"""<InterchangeDescriptors xmlns="http://ed-fi.org/5.2.0"><TermDescriptor>
<CodeValue>A</CodeValue><ShortDescription>A</ShortDescription><Namespace>uri://a.example/TermDescriptor</Namespace>
</TermDescriptor></InterchangeDescriptors>"""
STUDENT = {"studentUniqueId": "1", "firstName": "Ada", "lastSurname": "Vale", "birthDate": "2010-01-01"}


@pytest.mark.parametrize(
    ("sent", "options", "standard"),
    [
        (clean("1.1").text("users"), (), "OneRoster 1.1"),
        (clean("1.2").text("users"), (), "OneRoster 1.2"),
        (json.dumps([STUDENT]).encode(), ("--kind", "students"), "Ed-Fi 5.2"),
        (f"{json.dumps(STUDENT)}\n{json.dumps(STUDENT | {'studentUniqueId': '2'})}\n".encode(), ("--kind", "student"),
         "Ed-Fi 5.2"),
        (CODES, (), "Ed-Fi 5.2"),
    ],
    ids=["csv 1.1", "csv 1.2", "json", "jsonl", "xml"],
)  # fmt: skip
def test_every_kind_comes_by_a_pipe_or_without_a_name(
    sent: bytes, options: tuple[str, ...], standard: str, tmp_path: Path
) -> None:
    nameless = tmp_path / "stdin"
    nameless.write_bytes(sent)
    piped = hub("-", *options, given=sent)
    named = hub(nameless, *options)
    assert piped.stdout.startswith(f"{standard}, profile strict: conforms.")
    assert (piped.exit_code, named.exit_code, named.stdout) == (0, 0, piped.stdout)


def test_a_feed_of_the_other_standard_is_no_feed(broken: Path, tmp_path: Path) -> None:
    xml = tmp_path / "a.xml"
    xml.write_text('<InterchangeStudent xmlns="http://ed-fi.org/5.2.0"/>')
    assert hub(broken, "--standard", "ed-fi").exit_code == 2
    assert hub(xml, "--standard", "oneroster").exit_code == 2


def test_standard_input_and_explain(broken: Path) -> None:
    assert hub("-", given=broken.read_bytes()).exit_code == 1
    told = hub("--explain", "oneroster.type.date")
    assert told.exit_code == 0
    assert "YYYY-MM-DD" in told.output
    assert "strict" in told.output
