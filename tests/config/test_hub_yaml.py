"""hub.yaml: what is right becomes Settings; what is wrong is told all at once, with line, key and fix."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from dagster._utils.schedules import is_valid_cron_string
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.config import SCHEMAS, Alerts, Email, Guard, Schedule, load, secret
from hub.config.check import check
from hub.config.lines import read
from hub.errors import FixConfiguration
from hub.model import Slice

WHOLE = """\
state: ./state
store: sqlite
districts:
  maple-hollow:
    name: Maple Hollow School District
    local_education_agency_id: 255901
    years: [2026, 2027]
    identity: {State: studentUniqueId}
    sources:
      sis:
        vendor: oneroster-csv
        path: ./incoming/{year}/sis
        owner: "SIS office <sis@example.org>"
        options: {grade: "07"}
        authority: 10
        delivery: full
      map: {vendor: nwea-map-growth, path: /srv/map, recursive: true}
    guard: {removed: 0.2}
    descriptors: {accept: ["uri://tea.example.gov/"]}
schedule: {cron: "0 2 * * *", timezone: America/Chicago}
alerts:
  email: {smtp: "mail.example.org:587", sender: hub@example.org, to: [it@example.org], password_env: HUB_SMTP_PASSWORD}
  webhook: {url_env: HUB_WEBHOOK_URL}
dagster: {storage: sqlite}
"""


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schema that ships, and two vendors."""
    folder = tmp_path_factory.mktemp("schemas")
    shutil.copy(SCHEMAS / "hub.schema.json", folder)
    for vendor in ("oneroster-csv", "nwea-map-growth"):
        (folder / "sources" / vendor).mkdir(parents=True)
        (folder / "sources" / vendor / "source.yaml").touch()
    return folder


def faults(text: str, specs: Path) -> list[str]:
    return [f"{fault.line}: {fault}" for fault in check(read(text), specs)]


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new)


def test_the_whole_of_it_becomes_settings(tmp_path: Path, specs: Path) -> None:
    (tmp_path / "hub.yaml").write_text(WHOLE)
    found = load(tmp_path / "hub.yaml", specs=specs)
    assert (found.state, found.store_url, found.dagster_url) == (tmp_path / "state", "sqlite", None)
    assert found.schedule == Schedule("0 2 * * *", "America/Chicago")
    email = Email("mail.example.org", 587, "hub@example.org", ("it@example.org",), None, "HUB_SMTP_PASSWORD", True)
    assert found.alerts == Alerts(email, "HUB_WEBHOOK_URL")
    assert [name for name, _ in found.alerts.secrets()] == ["HUB_WEBHOOK_URL", "HUB_SMTP_PASSWORD"]
    (district,) = found.districts
    assert (district.local_education_agency_id, district.years, district.current_year) == (255901, (2026, 2027), 2027)
    assert (district.guard, district.identity) == (Guard(0.2, 0.5, 20), {"State": "studentUniqueId"})
    assert district.accept_descriptors == ("uri://tea.example.gov/",)
    sis, growth = district.sources
    assert sis.transport == {"path": f"{tmp_path}/incoming/{{year}}/sis", "recursive": False}
    assert (sis.options, sis.authority, sis.delivery, sis.years) == ({"grade": "07"}, 10, "full", None)
    assert growth.transport == {"path": "/srv/map", "recursive": True}
    assert found.slices() == (Slice("maple-hollow", 2026), Slice("maple-hollow", 2027))


def test_a_folder_without_a_year_in_its_path_feeds_the_current_year_only(tmp_path: Path, specs: Path) -> None:
    (tmp_path / "hub.yaml").write_text(WHOLE)
    (district,) = load(tmp_path / "hub.yaml", specs=specs).districts
    assert {year: [s.name for s in district.sources_of(year)] for year in district.years} == {
        2026: ["sis"],
        2027: ["sis", "map"],
    }


def test_slices_that_are_not_there_name_those_that_are(tmp_path: Path, specs: Path) -> None:
    (tmp_path / "hub.yaml").write_text(WHOLE)
    found = load(tmp_path / "hub.yaml", specs=specs)
    assert found.slice("maple-hollow") == Slice("maple-hollow", 2027)
    with pytest.raises(FixConfiguration, match=r"no district 'maple-hollo'\. Use maple-hollow\."):
        found.slice("maple-hollo")
    with pytest.raises(FixConfiguration, match=r"no school year 2020 .* Use one of 2026, 2027"):
        found.slice("maple-hollow", 2020)


# ---------------------------------------------------------------- addresses and secrets


def test_addresses_come_from_the_environment_and_stay_out_of_sight(
    tmp_path: Path, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = changed("store: sqlite", "store: {url_env: HUB_STORE_URL}").replace(
        "{storage: sqlite}", "{storage: {url_env: HUB_DAGSTER_URL}}"
    )
    (tmp_path / "hub.yaml").write_text(text)
    found = load(tmp_path / "hub.yaml", specs=specs)  # what needs no store needs no secret
    with pytest.raises(FixConfiguration, match=r"HUB_STORE_URL is not set; store\.url_env asks for it"):
        _ = found.store_url
    with pytest.raises(FixConfiguration, match=r"HUB_DAGSTER_URL is not set; dagster\.storage\.url_env asks"):
        _ = found.dagster_url
    monkeypatch.setenv("HUB_STORE_URL", "postgresql://hub:canary@db/hub")
    monkeypatch.setenv("HUB_DAGSTER_URL", "postgresql://dagster:canary@db/dagster")
    assert found.store_url == "postgresql://hub:canary@db/hub"
    assert found.dagster_url == "postgresql://dagster:canary@db/dagster"
    assert "canary" not in repr(found)


def test_a_secret_that_is_not_set_names_the_variable_and_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_WEBHOOK_URL", "")
    with pytest.raises(FixConfiguration, match=r"HUB_WEBHOOK_URL is not set; alerts\.webhook\.url_env asks"):
        secret("HUB_WEBHOOK_URL", "alerts.webhook.url_env")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("store: sqlite", "store: postgresql://hub:canary@db/hub"),
        ("store: sqlite", "store: canary"),
        ("{url_env: HUB_WEBHOOK_URL}", "https://hooks.example.org/canary"),
        ("{url_env: HUB_WEBHOOK_URL}", "{url: https://hooks.example.org/canary}"),
        ("{url_env: HUB_WEBHOOK_URL}", '{url_env: "https://hooks.example.org/canary"}'),
        ("password_env: HUB_SMTP_PASSWORD", "password: canary"),
        ("password_env: HUB_SMTP_PASSWORD", "password_env: canary"),
        ('{grade: "07"}', "{}\n        proxy: http://hub:canary@proxy.example.org:3128"),
        ('{grade: "07"}', "{}\n        proxy: {url: 'http://proxy.example.org:3128', user: hub, password: canary}"),
        ('{grade: "07"}', "{client: {api_key: canary}}"),
        ('{grade: "07"}', "{servers: ['https://hub:canary@example.org']}"),
    ],
)
def test_a_secret_in_clear_is_refused_without_repeating_it(old: str, new: str, specs: Path) -> None:
    told = " ".join(faults(changed(old, new), specs))
    assert "environment" in told
    assert "canary" not in told


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("state:", "stat:", "1: stat: unknown key. Use state."),
        ("vendor: onero", "vendr: onero", "11: districts.maple-hollow.sources.sis.vendr: unknown key. Use vendor."),
        (
            "nwea-map-growth",
            "nwea-map-grwth",
            "17: districts.maple-hollow.sources.map.vendor: unknown vendor. Use nwea-map-growth.",
        ),
        (
            "        path: ./incoming/{year}/sis\n",
            "",
            "10: districts.maple-hollow.sources.sis.path: missing. Write a folder, a file or a pattern",
        ),
        ("{year}/sis", "{district}/sis", "12: districts.maple-hollow.sources.sis.path: must be a folder"),
        ("delivery: full", "delivery: bulk", "16: districts.maple-hollow.sources.sis.delivery: must be one of full"),
        ("255901", "025590", "6: districts.maple-hollow.local_education_agency_id: must be the whole number"),
        ("255901", "yes", "6: districts.maple-hollow.local_education_agency_id: must be the whole number"),
        ("[2026, 2027]", "[2027, 2026]", "7: districts.maple-hollow.years: must ascend"),
        ("[2026, 2027]", "[2026-27]", "7: districts.maple-hollow.years.0: must be a school year by the year in which"),
        ("delivery: full", "years: [2020]", "16: districts.maple-hollow.sources.sis.years: 2020 is not one of the"),
        ("studentUniqueId", "email", "8: districts.maple-hollow.identity.State: must be one of studentUniqueId"),
        ("removed: 0.2", "removed: 20", "18: districts.maple-hollow.guard.removed: must be a share from 0 to 1"),
        ("removed: 0.2", "removed: .nan", "18: districts.maple-hollow.guard.removed: must be a share from 0 to 1"),
        ("  maple-hollow:", "  Maple_Hollow:", "4: districts.Maple_Hollow: a name must be small letters, digits and"),
        ("  maple-hollow:", "  ../maple:", "4: districts.../maple: a name must be small letters, digits and hyphens"),
        ("America/Chicago", "America/Chicgo", "20: schedule.timezone: unknown time zone. Use America/Chicago."),
        ("0 2 * * *", "0 25 * * *", "20: schedule.cron: must be five cron fields"),
        ("0 2 * * *", "every night", "20: schedule.cron: must be five cron fields"),
        ("example.org:587", "example.org", "22: alerts.email.smtp: must be host:port of a mail server"),
        ("state: ./state\n", "state: a\nstate: b\n", "2: state: written twice (first on line 1). Remove one."),
        ("guard: {removed: 0.2}", "guard: {removed: 0, removed: 1}", "18: districts.maple-hollow.guard.removed: writ"),
        ("state: ./state", "state: &a [*a]", "1: state.0: an alias that holds itself"),
        ("state: ./state", "? [a]\n: b", "1: a key must be one word."),
        ("state: ./state", "state: [", "3: not readable as YAML"),
        ("state: ./state", "state: \x01", "1: not readable as YAML. Save it as plain UTF-8 text."),
    ],
)
def test_each_fault_has_its_line_its_key_and_its_fix(old: str, new: str, fault: str, specs: Path) -> None:
    found = faults(changed(old, new), specs)
    assert [line for line in found if line.startswith(fault)] != [], found


def test_all_faults_are_told_at_once_and_nothing_else(tmp_path: Path, specs: Path) -> None:
    path = tmp_path / "hub.yaml"
    path.write_text(changed("state:", "stat:").replace("authority: 10", "authority: high").replace("0 2 *", "0 2"))
    with pytest.raises(FixConfiguration) as refused:
        load(path, specs=specs)
    head, *lines = refused.value.message.splitlines()
    assert head == f"{path} has 3 faults:"
    assert [line.split(": ")[0].strip() for line in lines] == ["hub.yaml:1", "hub.yaml:15", "hub.yaml:20"]
    assert (refused.value.exit_code, "nothing was read" in refused.value.remedy) == (3, True)


def test_two_districts_may_not_be_one_agency(specs: Path) -> None:
    second = WHOLE[WHOLE.index("  maple-hollow") : WHOLE.index("schedule")].replace("maple-hollow", "birch-creek")
    text = WHOLE.replace("schedule:", second + "schedule:")
    assert faults(text, specs) == [
        "22: districts.birch-creek.local_education_agency_id: also that of maple-hollow. Give each district its own."
    ]
    assert faults(text.replace("255901", "255902", 1), specs) == []


def test_one_district_written_twice_is_refused(specs: Path) -> None:
    second = WHOLE[WHOLE.index("  maple-hollow") : WHOLE.index("schedule")]
    found = faults(WHOLE.replace("schedule:", second + "schedule:"), specs)
    assert found == ["20: districts.maple-hollow: written twice (first on line 4). Remove one."]


@pytest.mark.parametrize("text", ["", "# nothing", "null", "- a", "districts:", "districts: {}", "a: b\n---\nc: d"])
def test_what_is_no_configuration_is_refused(text: str, specs: Path) -> None:
    assert faults(text, specs) != []


@pytest.mark.parametrize(("body", "told"), [(None, "cannot be read"), (b"\xff\xfe\x00", "is not UTF-8 text")])
def test_a_file_that_is_not_there_or_no_text(body: bytes | None, told: str, tmp_path: Path, specs: Path) -> None:
    if body is not None:
        (tmp_path / "hub.yaml").write_bytes(body)
    with pytest.raises(FixConfiguration, match=told):
        load(tmp_path / "hub.yaml", specs=specs)


@pytest.mark.parametrize("proxy", ["http://p.example.org:3128", "{url: 'http://p:1', user_env: A, password_env: B}"])
def test_a_proxy_is_an_address_or_one_with_a_login(proxy: str, specs: Path) -> None:
    assert faults(WHOLE.replace("authority: 10", f"proxy: {proxy}"), specs) == []
    assert faults(WHOLE.replace("authority: 10", f"proxy: {proxy.replace('http:', 'socks:')}"), specs) != []


def test_deep_nesting_is_refused(specs: Path) -> None:
    assert "not readable as YAML" in faults("a: " + "[" * 100_000, specs)[0]


# ---------------------------------------------------------------- for any input

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["districts", "a", "sources", "sis", "years", "vendor", "path", "store", "alerts", "email"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(TREES)
@settings(deadline=None)
def test_no_input_is_a_crash_and_nothing_random_passes(specs: Path, tree: object) -> None:
    assert faults(yaml.safe_dump(tree), specs) != []


@given(st.from_regex(r"\A[0-9*/,\- ]{9,14}\Z") | st.just("0 2 * * *") | st.just("*/15 0-5,22 1 jan mon"))
@settings(deadline=None)
def test_a_schedule_that_passes_is_one_the_scheduler_takes(specs: Path, cron: str) -> None:
    if not [fault for fault in faults(changed('"0 2 * * *"', repr(cron)), specs) if "schedule.cron" in fault]:
        assert is_valid_cron_string(cron)
