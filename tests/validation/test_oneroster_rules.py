"""Every rule of the OneRoster validator: broken in exactly that way, a package yields exactly that finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from oneroster_broken import BROKEN, Broken
from oneroster_package import clean

from hub.standards.rules import load_rules
from hub.standards.validation import Validation, validate
from hub.standards.validation.profiles import load_profile, profiles, under

RULES = {
    r.id: r
    for r in load_rules().values()
    if r.stage and r.id.startswith("oneroster.") and not r.id.startswith("oneroster.json.")
}


def places(found: Validation) -> set[tuple[str, str, str, int | None, int]]:
    return {(f.rule, f.file, f.column, f.row, f.count) for f in found.firsts()}


def test_every_rule_is_broken_at_least_once() -> None:
    assert {b.rule for b in BROKEN} == RULES.keys() - {"oneroster.csv.unreadable"}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_clean_package_has_no_finding(version: str, packed: bool, tmp_path: Path) -> None:
    package = clean(version)
    found = validate([package.zip(tmp_path / "a.zip") if packed else package.write(tmp_path)])
    assert (found.standard, found.version, found.findings) == ("OneRoster", version, ())
    assert found.conforms
    assert {f.name: f.rows for f in found.files} == {f"{n}.csv": len(rows) for n, rows in package.rows.items()}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda b: f"{b.rule.removeprefix('oneroster.')}-{b.file}-{b.column}")
def test_a_broken_rule_is_the_one_finding(broken: Broken, tmp_path: Path) -> None:
    if broken.after:
        path = broken.broken().zip(tmp_path / "feed.zip")
        broken.after(path)
    else:
        path = broken.broken().write(tmp_path / "feed")
    previous = None
    if broken.previous:
        earlier = broken.package()
        broken.previous(earlier)
        previous = [earlier.zip(tmp_path / "before.zip")]
    strict = validate([path], previous=previous)
    assert places(strict) == {(broken.rule, broken.file, broken.column, broken.row, broken.count)}
    for profile in profiles():
        judged = under(strict, profile)
        severity = load_profile(profile).severity(RULES[broken.rule])
        assert {f.severity for f in judged.findings} == ({severity} - {"off"})
        assert judged.conforms == (severity != "error")
    for finding in strict.findings:
        rule = RULES[broken.rule]
        assert (finding.stage, finding.clause, finding.remedy) == (rule.stage, rule.authority, rule.remedy)
        assert finding.message.startswith(rule.sentence)
        assert finding.value is None
