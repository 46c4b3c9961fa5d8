"""What a person finds in each section, on a telling night."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import report_sample as sample
from lxml import etree

from hub.look import style
from hub.model import Run, SourceOutcome
from hub.report import render


def page(run: Run, history: list[Run] | None = None, **options: object) -> etree._Element:
    options = {"rules": sample.RULES, "freshness_hours": sample.HOURS, **options}
    nights = sample.history() if history is None else history
    return etree.fromstring(render(run, nights, sample.NOW, **options).encode())  # type: ignore[arg-type]


def text(tree: etree._Element, path: str) -> str:
    return " ".join(" ".join(part for e in tree.xpath(path) for part in e.itertext()).split())


@pytest.fixture(scope="module")
def night() -> etree._Element:
    return page(sample.run())


def test_the_verdict_says_what_where_when_and_what_next(night: etree._Element) -> None:
    head = text(night, "//header")
    assert "District juniper-valley School year 2026–27 Night of 22 Nov 2026, 02:00 MST" in head
    assert "Held for approval. Nothing is published yet: 7% of StudentSectionAssociation would be removed" in head
    assert f"hub publish approve {sample.RUN_ID}" in head
    assert f"hub publish discard {sample.RUN_ID}" in head
    assert "272,144" in head
    assert "all 125 sums add up" in head


@pytest.mark.parametrize(
    ("status", "headline"),
    [
        ("published", "Published. "),
        ("approved", "Approved and published. "),
        ("unchanged", "Nothing changed. "),
        ("discarded", "Discarded. "),
        ("failed", "Failed. Nothing was published: what was published before stays."),
    ],
)
def test_each_status_has_its_sentence(status: str, headline: str) -> None:
    assert text(page(replace(sample.run(), status=status)), "//h1").startswith(headline)  # type: ignore[arg-type]


def test_a_good_night_asks_for_nothing() -> None:
    fresh = tuple(replace(o, status="fresh", received=sample.NOW) for o in sample.run().sources)
    tree = page(replace(sample.good_run(), sources=fresh), sample.history()[1:])
    assert "Nothing to do." in text(tree, "//header")
    assert "Nobody" in text(tree, "//section[@id='act']")


def test_each_owner_has_each_cause_once(night: etree._Element) -> None:
    owners = [" ".join(h.text.split()) for h in night.xpath("//section[@id='act']//h3")]
    assert owners[0] == "District juniper-valley"
    assert set(owners[1:]) == {
        "Vendor of sis (oneroster)",
        "R. Okafor, district IT",
        "Vendor of map-growth (nwea-map-growth)",
        "Vendor of psat (college-board)",
    }
    causes = [" ".join(" ".join(e.itertext()).split()) for e in night.xpath("//li[contains(@class, 'cause')]")]
    grade = [cause for cause in causes if "grade-level-known" in cause]
    assert grade == [
        "● act A grade level must be one of the codes of the standard. 18 faults To do: Map the code in the SIS "
        "export, or add it to the crosswalk if it is meant. hub held list --source sis Rule grade-level-known "
        "from sis , in Student.gradeLevel , StudentSchoolAssociation.entryGradeLevelDescriptor"
    ]
    assert any("can wait" in cause and "attendance-taken" in cause for cause in causes)


def test_an_unknown_rule_stands_for_itself() -> None:
    tree = page(sample.run(), rules={})
    assert "section-exists" in text(tree, "//section[@id='act']")
    assert "No owner named" in text(tree, "//section[@id='act']//h3")


def test_totals_follow_a_student_from_file_to_store(night: etree._Element) -> None:
    totals = "//section[@id='totals']"
    row = text(night, f"{totals}//tr[th='Student' and td[1]='lms']")
    assert row == "Student lms 14,188 14 3 at check 14,171 merged into another source at unify ✓ adds up"
    row = text(night, f"{totals}//tr[th='lms' and td[1]='users']")
    assert row == "lms users 15,402 14,191 0 1,211 not a student or staff of this year ✓ adds up"
    row = text(night, f"{totals}//table[caption[@id='c-store']]//tr[th='Section']")
    assert row == "Section 3,901 3,901 224 214 3,911 ✓ adds up"
    assert len(night.xpath(f"{totals}//svg[@class='flow']//path")) == 8
    assert night.xpath("//*[@data-adds-up='no']") == []


def test_a_loss_between_two_steps_is_said_aloud_at_the_top() -> None:
    run = sample.run()
    counts = tuple(
        replace(c, rows_in=c.rows_in - 7, accepted=c.accepted - 7) if c.step == "unify" and c.entity == "Staff" else c
        for c in run.counts
    )
    tree = page(replace(run, counts=counts))
    assert "1 total below does not add up" in text(tree, "//h1")
    assert "accepted at check and rows in at unify differ by 7 rows" in text(tree, "//tr[@class='broken']")
    assert "Totals do not add up" in text(tree, "//section[@id='act']")


def test_rules_show_results_and_trend(night: etree._Element) -> None:
    row = "//table[caption[@id='c-failed']]//tr[contains(th, 'section-exists')]"
    assert "● error sis StudentSectionAssociation 98,772 214 0.2%" in text(night, row)
    assert "An enrollment must point to a section that was delivered." in text(night, row)
    assert "30 nights: lowest 0, highest 214" in text(night, f"{row}//desc")
    nights = night.xpath("//table[caption[@id='c-nights']]//tr[contains(th, 'section-exists')]/td")
    assert len(nights) == 2 + 30
    assert nights[-1].text == "214"
    assert "–" in [cell.text for cell in nights], "the night on which the run failed has no result"


def test_held_rows_by_reason_and_source(night: etree._Element) -> None:
    assert text(night, "//table[caption[@id='c-by-rule']]/tbody/tr[1]").endswith("214")
    assert "hub held list --source map-growth" in text(night, "//table[caption[@id='c-by-source']]")
    row = text(night, "//table[caption[@id='c-places']]//tr[td='studentUniqueId']")
    assert row == "lms Student studentUniqueId student-ids-disagree 3"


def test_freshness_names_age_limit_and_last_good_delivery(night: etree._Element) -> None:
    row = text(night, "//table[caption[@id='c-freshness']]//tr[contains(th, 'psat')]")
    assert "✕ refused" in row
    assert "12 days" in row
    assert "10 Nov 2026, 02:00 MST" in row
    assert "Ask for the file in the 2026–27 layout." in row


def test_a_source_older_than_its_limit_is_a_cause() -> None:
    old = SourceOutcome("sis", "oneroster", "unchanged", received=sample.NOW - timedelta(hours=37))
    never = SourceOutcome("lms", "canvas", "nothing_landed")
    run = Run("r", "d", 2027, sample.NOW, None, "published", (old, never))
    causes = text(page(run, [], freshness_hours={}), "//section[@id='act']")
    assert "The newest delivery is 37 h old; the limit is 36 h." in causes
    assert "Nothing has ever come from this source." in causes
    assert "The newest" not in text(page(run, [], freshness_hours={"sis": 38}), "//section[@id='act']")


def test_changes_and_the_guard(night: etree._Element) -> None:
    assert "StudentSectionAssociation removed 6,940 7% 5%" in text(night, "//table[caption[@id='c-breaches']]")
    row = text(night, "//table[caption[@id='c-changes']]//tr[th='StudentSectionAssociation']")
    assert row.startswith("StudentSectionAssociation 99,104 +6,394 618 −6,940 98,558")


def test_files_with_whole_hashes_versions_and_repairs(night: etree._Element) -> None:
    assert night.xpath("//table[caption[@id='c-files']]//code[string-length(@title) = 64 and @title = string()]")
    assert "3.5 MB" in text(night, "//table[caption[@id='c-files']]//tr[td='users.csv']")
    assert "leading-zero-restored" in text(night, "//table[caption[@id='c-repairs']]")
    assert "Ed-Fi 5.2, OneRoster 1.2.1" in text(night, "//table[caption[@id='c-versions']]")


def test_a_file_name_cannot_pose_as_another() -> None:
    run = sample.run()
    file = replace(run.sources[0].files[0], name="grades\u202efdp.exe\n.csv")
    tree = page(replace(run, sources=(replace(run.sources[0], files=(file,)),)))
    assert text(tree, "//bdi[1]").startswith("grades⟨U+202E⟩fdp.exe⟨U+000A⟩.csv")


def test_the_auditor_can_follow_and_repeat(night: etree._Element) -> None:
    part = text(night, "//section[@id='auditor']")
    assert sample.RUN_ID in part
    assert f"hub report {sample.RUN_ID}" in part
    assert "sha256sum landing/juniper-valley/blobs/" in part


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_has_a_contrast_of_at_least_4_5(scheme: int) -> None:
    """WCAG 2.2, 1.4.3 Contrast (Minimum)."""
    block = re.findall(r":root \{(.*?)\}", style(), re.S)[scheme]
    colour = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    pairs = [(ink, paper) for ink in ("ink", "muted", "accent") for paper in ("card", "page")]
    pairs += [(tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "calm")]
    pairs += [(tone, "card") for tone in ("good", "warn", "bad", "calm")]
    pairs += [("ink", "bad-soft"), ("ink", "calm-soft"), ("muted", "bad-soft"), ("good", "bad-soft")]
    for ink, paper in pairs:
        light, dark = sorted((_luminance(colour[ink]), _luminance(colour[paper])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)
