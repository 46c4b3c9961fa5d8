"""Any run becomes a whole, well-formed page that shows nothing unescaped and hides no total that fails."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args, get_type_hints

import report_sample as sample
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree, html

from hub.model import Breach, Change, Count, HeldCount, LandedFile, Rule, RuleResult, Run, SourceOutcome
from hub.report import render

HOSTILE = "<script>alert('canary')</script><!--\" onload='x' &amp; ]]>{{ 987654321*7 }}\x00\u202e\ud800"

words = st.one_of(
    st.just(HOSTILE),
    st.sampled_from(["sis", "lms", "Student", "Staff", "rule-a", ""]),
    st.text(st.characters(exclude_categories=()), max_size=12),
)
rows = st.one_of(st.integers(0, 9), st.integers(-3, 10**12))
shares = st.floats(0, 1)
moments = st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.sampled_from([None, UTC]))
reasons = st.dictionaries(words, rows, max_size=2)
counts = st.builds(
    Count, rows_in=rows, accepted=rows, held=rows, ignored=reasons, source=words, stream=words, entity=words
)
outcomes = st.builds(
    SourceOutcome,
    source=words,
    vendor=words,
    status=st.sampled_from(get_args(get_type_hints(SourceOutcome)["status"])),
    message=words,
    remedy=words,
    owner=words,
    received=st.none() | moments,
    files=st.lists(st.builds(LandedFile, words, words, rows, st.none() | rows), max_size=2).map(tuple),
    repairs=reasons,
    state=words,
)


def few(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


runs = st.builds(
    Run,
    id=words,
    district=words,
    year=st.integers(2001, 2090),
    started=moments,
    finished=st.none() | moments,
    status=st.sampled_from(get_args(get_type_hints(Run)["status"])),
    sources=few(outcomes),
    counts=few(counts),
    rules=few(st.builds(RuleResult, words, st.sampled_from(["error", "warning"]), words, words, rows, rows)),
    changes=few(st.builds(Change, words, rows, rows, rows, rows)),
    held=few(st.builds(HeldCount, words, words, words, words, rows)),
    breaches=few(st.builds(Breach, words, st.sampled_from(["removed", "changed"]), rows, shares, shares)),
    versions=st.dictionaries(words, words, max_size=2),
    message=words,
)
rules = st.lists(
    st.builds(Rule, words, st.just("error"), words, words, words, st.sampled_from(["vendor", "district", "hub"])),
    max_size=2,
).map(lambda found: {rule.id: rule for rule in found})
unhurried = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def strict(page: str) -> etree._Element:
    """The page read as XML: any unescaped, unclosed or doubled thing is an error."""
    return etree.fromstring(page.encode(), etree.XMLParser(no_network=True, resolve_entities=False))


def broken(tree: etree._Element) -> int:
    return len(tree.xpath("//*[@data-adds-up='no']"))


@unhurried
@given(runs, st.lists(runs, max_size=2), moments, rules)
@example(sample.run(), sample.history(), sample.NOW, sample.RULES)
@example(Run(HOSTILE, HOSTILE, 2027, sample.NOW, None, "failed"), [], sample.NOW, {})
def test_any_run_is_a_well_formed_accessible_page(
    run: Run, history: list[Run], now: datetime, rules: dict[str, Rule]
) -> None:
    page = render(run, history, now, rules)
    tree = strict(page)
    assert [e.tag for e in html.document_fromstring(page).iter() if isinstance(e.tag, str)] == [
        e.tag for e in tree.iter() if isinstance(e.tag, str)
    ], "an HTML reader sees the same tree as a strict one"
    assert tree.get("lang") == "en"
    assert all(table[0].tag == "caption" and table[0].xpath("string()").strip() for table in tree.iter("table"))
    assert all(th.get("scope") in ("row", "col") for th in tree.iter("th"))
    assert all(svg[0].tag == "title" and svg.get("role") == "img" for svg in tree.iter("svg"))
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(tree.xpath("//@aria-labelledby")) <= set(ids)
    assert {href[1:] for href in tree.xpath("//a/@href")} <= set(ids)
    levels = [int(e.tag[1]) for e in tree.iter("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(table.xpath("ancestor::div[@class='scroll' and @tabindex='0']") for table in tree.iter("table"))
    assert len(tree.xpath("//main")) == len(tree.xpath("//header")) == len(tree.xpath("//nav")) == 1


@unhurried
@given(runs, rules)
def test_what_comes_in_is_never_markup(run: Run, rules: dict[str, Rule]) -> None:
    page = render(run, [], sample.NOW, rules)
    assert "<script>alert" not in page
    assert "\x00" not in page
    assert "\u202e" not in page
    assert "6913580247" not in page
    tree = strict(page)
    assert [script.get("type") for script in tree.iter("script")] == ["application/json"]
    assert not tree.xpath("//@*[starts-with(name(), 'on')]")


@unhurried
@given(runs)
def test_the_summary_is_embedded_whole_and_its_digest_can_be_worked_out_again(run: Run) -> None:
    tree = strict(render(run, [], sample.NOW))
    summary = json.loads(tree.xpath("string(//script[@id='summary'])"))
    assert summary["id"] == run.id
    assert len(summary["counts"]) == len(run.counts)
    canonical = json.dumps(summary, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() in tree.xpath("//section[@id='auditor']//code/text()")


@unhurried
@given(st.lists(counts, max_size=5).map(tuple))
def test_every_count_that_does_not_add_up_is_flagged(counts: tuple[Count, ...]) -> None:
    tree = strict(render(replace(sample.run(), counts=counts), [], sample.NOW))
    for count in counts:
        gap = count.rows_in - count.accepted - count.held - sum(count.ignored.values())
        if gap:
            faults = [f.xpath("string()") for f in tree.xpath("//tr[@class='broken']//*[@class='fault']")]
            assert any(f.startswith(f"{count.step}: ") and f"{abs(gap):,} row" in f for f in faults)
            assert "not add up" in tree.xpath("string(//h1)")


@unhurried
@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(-5, 5))
def test_a_row_lost_anywhere_is_flagged_and_only_then(accepted: int, held: int, ignored: int, lost: int) -> None:
    whole = accepted + held + ignored
    steps = (
        Count("normalize", "sis", "users", "", whole + lost, accepted, held, {"why": ignored}),
        Count("normalize", "sis", "users", "Student", accepted, accepted, 0),
        Count("check", "sis", "users", "Student", accepted + lost, accepted + lost, 0),
    )
    tree = strict(render(Run("r", "d", 2027, sample.NOW, None, "published", counts=steps), [], sample.NOW))
    expected = (bool(lost) + bool(lost)) + bool(held)  # held without a reason
    assert broken(tree) == expected


def test_a_change_that_does_not_follow_from_the_last_published_run_is_flagged() -> None:
    before = Run("1", "d", 2027, sample.NOW, None, "published", changes=(Change("Student", 0, 10, 0, 0),))
    dropped = Run("2", "d", 2027, sample.NOW, None, "discarded", changes=(Change("Student", 10, 0, 0, 9),))

    def after(change: Change) -> str:
        run = Run("3", "d", 2027, sample.NOW, None, "published", changes=(change,))
        return " ".join(strict(render(run, [dropped, before], sample.NOW)).xpath("//*[@class='fault']/text()"))

    assert after(Change("Student", 10, 1, 1, 1)) == ""
    assert after(Change("Student", 9, 1, 1, 1)) == "the last published run left 10 rows, not 9"
    assert after(Change("Student", 10, 0, 6, 6)) == "2 rows more changed or removed than were published"


def test_a_large_night_takes_under_three_tenths_of_a_second() -> None:
    run = sample.run()
    many = tuple(replace(run.rules[n % 7], entity=f"Entity{n}", failed=n % 3) for n in range(400))
    lines = tuple(replace(count, entity=f"{count.entity}{n}") for n in range(8) for count in run.counts if count.entity)
    history = [replace(past, rules=many) for past in sample.history()]
    render(run, history, sample.NOW)
    best = []
    for _ in range(3):
        started = time.process_time()
        render(replace(run, rules=many, counts=lines), history, sample.NOW, sample.RULES)
        best.append(time.process_time() - started)
    assert min(best) < 0.3


def test_writing_leaves_a_whole_page_and_nothing_else(tmp_path) -> None:
    from hub.report import write

    path = tmp_path / "report.html"
    write(sample.run(), sample.history(), path, sample.NOW)
    write(sample.good_run(), sample.history()[1:], path, sample.NOW + timedelta(hours=1))
    assert "Published." in path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]
