"""`hub init`: a file that explains itself, and that asks for what only the district knows."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from played import Hub

from hub import config
from hub.commands.init import _ending_year


def test_the_file_it_writes_is_taken(hub: Hub, folder: Path) -> None:
    told = hub("init", "new", "--local-education-agency-id", "255901", "--name", 'Mary\'s "Hill": #1')
    assert told.exit_code == 0
    settings = config.load(folder / "new" / "hub.yaml")
    (district,) = settings.districts
    assert (district.name, district.local_education_agency_id) == ('Mary\'s "Hill": #1', 255901)
    assert (settings.state, settings.dagster_url) == (folder / "new" / "state", None)
    for source in district.sources:
        assert Path(source.transport["path"]).is_dir()


def test_what_it_comments_out_is_taken_too(hub: Hub, folder: Path) -> None:
    hub("init", "new", "--local-education-agency-id", "255901")
    path = folder / "new" / "hub.yaml"
    keys = ("identity", "delivery", "authority", "map", "  vendor", "  path", "descriptors")
    keys += ("alerts", "  email", "          user_env", "  webhook")
    lines = []
    for line in path.read_text().splitlines():
        body = line.lstrip()
        opened = body.removeprefix("# ")
        wanted = body.startswith("# ") and any(opened.startswith(f"{key}:") for key in keys)
        lines.append(line[: len(line) - len(body)] + opened if wanted else line)
    (folder / "oneroster-csv").mkdir()
    (folder / "schemas" / "sources" / "nwea-map-growth").mkdir()
    (folder / "schemas" / "sources" / "nwea-map-growth" / "source.yaml").touch()
    path.write_text("\n".join(lines))
    settings = config.load(path)
    assert [source.name for source in settings.districts[0].sources] == ["sis", "map"]
    assert settings.alerts.email is not None
    assert len(settings.alerts.secrets()) == 3


def test_without_the_districts_number_the_file_asks_for_it(hub: Hub) -> None:
    told = hub("init", "new")
    line = next(word for word in told.stdout.split("line ")[1].split(")"))
    refused = hub("sync", "--config", "new/hub.yaml")
    assert refused.exit_code == 3
    assert f"hub.yaml:{line}: districts.my-district.local_education_agency_id: must be" in refused.stderr


def test_it_overwrites_nothing(hub: Hub, folder: Path) -> None:
    (folder / "hub.yaml").write_text("mine")
    told = hub("init", ".")
    assert (told.exit_code, (folder / "hub.yaml").read_text()) == (3, "mine")
    assert "is there already" in told.stderr


def test_json_says_where(hub: Hub) -> None:
    assert json.loads(hub("init", "new", "--json").stdout) == {"config": "new/hub.yaml"}


def test_a_school_year_ends_in_the_year_after_july() -> None:
    assert [_ending_year(date(2026, month, 1)) for month in (6, 7)] == [2026, 2027]
