"""Data Docs can be read without a network and show counts only."""

from __future__ import annotations

from pathlib import Path

from lxml import html

from hub.model import Entity, Expectation, Field, RuleResult
from hub.standards.suites.data_docs import write_data_docs

STAY = Entity(
    "Stay",
    "stays",
    "association",
    "5.2",
    ("id",),
    (Field("id", "string", required=True, max_length=9), Field("name", "string", max_length=5)),
    expectations=(Expectation("made.up", "expect_column_values_to_be_unique", {"column": "<b>"}),),
)
RESULTS = (
    RuleResult("required", "error", "sis", "Stay", 40, 3),
    RuleResult("length.max", "error", "sis", "Stay", 80, 0),
    RuleResult("made.up", "warning", "sis", "Stay", 0, 0),
    RuleResult("volume.drop", "warning", "l&ms", "Stay", 1, 1),
    RuleResult("reference.unresolved", "error", "sis", "Stay", 40, 1),
)


def test_pages_tell_the_rules_that_were_judged_and_their_counts(tmp_path: Path) -> None:
    index = write_data_docs(RESULTS, {"Stay": STAY}, tmp_path / "docs", run="r1")
    assert index == tmp_path / "docs" / "index.html"
    table = [[cell.text_content() for cell in row] for row in html.parse(index).findall(".//tbody/tr")]
    assert table == [["l&ms", "Stay", "1", "1"], ["sis", "Stay", "2", "1"]]
    text = " ".join(html.parse(tmp_path / "docs" / "sis.Stay.html").getroot().text_content().split())
    assert "Rule required (A value that the standard requires is blank.): 3 of 40 checked failed." in text
    assert "0 of 80 checked failed" in text
    assert "id, name" in text  # both fields of the one rule
    assert "made.up" not in text  # nothing was checked
    assert "reference.unresolved" not in text  # not judged by Great Expectations


def test_pages_fetch_nothing_and_links_lead_somewhere(tmp_path: Path) -> None:
    write_data_docs(RESULTS, {"Stay": STAY}, tmp_path)
    pages = sorted(tmp_path.glob("*.html"))
    assert [p.name for p in pages] == ["index.html", "l&ms.Stay.html", "sis.Stay.html"]
    for page in pages:
        tree = html.parse(page)
        assert tree.xpath("//script | //link | //img | //iframe | //@onclick | //@src") == []
        assert "://" not in page.read_text()
        for href in tree.xpath("//a/@href"):
            name = href.replace("%26", "&")
            assert tree.xpath(f"//*[@id='{href[1:]}']") if href.startswith("#") else (tmp_path / name).exists()


def test_a_night_without_judged_rules_has_no_site(tmp_path: Path) -> None:
    assert write_data_docs(RESULTS[-1:], {"Stay": STAY}, tmp_path / "docs") is None
    assert not (tmp_path / "docs").exists()
