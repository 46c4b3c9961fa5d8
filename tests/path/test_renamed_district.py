"""A district's id is the name of its store: a changed one is noticed before a second store begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from laws.night import ALL, Hub, a_hub, send_all

from hub.errors import FixConfiguration
from hub.model import Slice

NEW = Slice("birch-hollow", 2027)


@pytest.fixture
def synced(tmp_path: Path, specs: Path) -> Hub:
    hub = a_hub(tmp_path / "hub", specs)
    send_all(hub)
    assert hub.sync().status == "published"
    return hub


def as_new(hub: Hub, **sources: str) -> None:
    """hub.yaml names birch-hollow, whose sources are where those of maple-hollow were, but for `sources`."""
    places = {name: {"path": str(hub.incoming(name))} for name in ALL} | {n: {"path": p} for n, p in sources.items()}
    hub.districts = {NEW.district: {name: dict(said) | places[name] for name, said in ALL.items()}}
    hub.write()


def test_a_changed_id_is_refused_with_its_line_and_the_old_one(synced: Hub) -> None:
    as_new(synced)
    with pytest.raises(FixConfiguration) as told:
        synced.sync(NEW)
    assert told.value.exit_code == 3
    assert f"{synced.settings.path}:1: districts.birch-hollow" in told.value.message
    assert "name it maple-hollow again" in told.value.remedy
    assert not (synced.state / "landing" / NEW.district).exists()
    assert not (synced.state / "store" / f"{NEW.district}.db").exists()


def test_one_source_that_stayed_where_it_was_is_enough(synced: Hub, tmp_path: Path) -> None:
    as_new(synced, sis=str(tmp_path / "moved"), lms=str(tmp_path / "moved too"))
    with pytest.raises(FixConfiguration, match="its source tests is at"):
        synced.sync(NEW)


def test_the_old_id_goes_on(synced: Hub) -> None:
    assert synced.sync().status == "unchanged"


def test_a_second_district_is_one_more_entry(synced: Hub) -> None:
    synced.districts = {**synced.districts, NEW.district: ALL}
    synced.write()
    for source in ALL:
        synced.incoming(source, NEW.district).mkdir(parents=True)
    send_all(synced, district=NEW.district, agency=255902)
    assert synced.sync(NEW).status == "published"


def test_another_district_in_place_of_one_that_left_is_no_question(synced: Hub) -> None:
    for source in ALL:
        synced.incoming(source, NEW.district).mkdir(parents=True)
    synced.districts = {NEW.district: ALL}
    synced.write()
    send_all(synced, district=NEW.district)
    assert synced.sync(NEW).status == "published"


def test_a_folder_that_several_districts_share_says_nothing(synced: Hub) -> None:
    as_new(synced)
    synced.districts = {**synced.districts, "oak-hollow": synced.districts[NEW.district]}
    synced.write()
    assert synced.sync(NEW).status == "published"


def test_what_was_moved_away_begins_anew(synced: Hub) -> None:
    as_new(synced)
    (synced.state / "landing" / "maple-hollow").rename(synced.root / "kept")
    assert synced.sync(NEW).status == "published"
