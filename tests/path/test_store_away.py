"""A night whose store is away keeps what the sources have: the next one publishes it, though they have it no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from laws.night import ALL, RESULTS, SLICE, Hub, a_hub, a_person, a_result, a_student, as_csv, send_all, send_sis

from hub import pipeline
from hub.errors import FixConfiguration, HubError, RetryLater, Stop
from hub.landing import deliveries


@contextmanager
def away(hub: Hub) -> Iterator[type[HubError]]:
    """Nothing answers at the store's address."""
    hub.store_url = "postgresql://hub:canary@127.0.0.1:9/hub"
    hub.write()
    yield RetryLater
    hub.store_url = "sqlite"
    hub.write()


@contextmanager
def damaged(hub: Hub) -> Iterator[type[HubError]]:
    """The file of the store is none, until a person puts it back."""
    file = next((hub.state / "store").glob("*.db"))
    kept = file.read_bytes()
    file.write_bytes(b"not a database" * 4096)
    yield Stop
    file.write_bytes(kept)


def second_night(hub: Hub) -> None:
    send_sis(hub, [a_student(n) for n in range(1, 12)])
    hub.empty("lms")
    hub.send("lms", "people2.csv", as_csv(("ID", "Given", "Family", "Preferred"), [a_person(9)]))
    hub.empty("tests")
    hub.send("tests", "results2.csv", as_csv(RESULTS, [a_result(n, Taken="2026-10-02") for n in range(1, 10)]))


@pytest.mark.parametrize("without", [away, damaged])
@pytest.mark.parametrize("nights", [1, 2])
def test_what_came_meanwhile_is_published_when_it_is_back(
    without: object, nights: int, specs: Path, tmp_path: Path
) -> None:
    whole, cut = a_hub(tmp_path / "whole", specs), a_hub(tmp_path / "cut", specs)
    for hub in (whole, cut):
        send_all(hub)
        assert hub.sync().status == "published"
        second_night(hub)
    assert whole.sync().status == "published"
    with without(cut) as kind:  # type: ignore[operator]
        for _ in range(nights):
            with pytest.raises(HubError) as told:
                cut.sync()
    assert type(told.value) is kind
    assert "What 3 of 3 sources have is kept" in told.value.message
    assert "canary" not in str(told.value)
    landed = {name: len(deliveries(cut.state, SLICE, name)) for name in ALL}
    assert landed == {name: len(deliveries(whole.state, SLICE, name)) for name in ALL}
    for source in ("lms", "tests"):
        cut.empty(source)  # what these two had last night they have no more
    assert cut.sync().status == "published"
    assert cut.digest() == whole.digest()


def test_a_source_that_is_away_too_is_told(hub: Hub) -> None:
    send_all(hub)
    hub.incoming("lms").rename(hub.root / "elsewhere")
    with away(hub), pytest.raises(RetryLater, match="What 2 of 3 sources have is kept"):
        hub.sync()
    outcome = pipeline.load_outcome(hub.settings, SLICE, "lms")
    assert outcome is not None
    assert outcome.status == "failed"


def test_a_store_that_hub_yaml_names_wrongly_stops_before_anything_is_read(hub: Hub) -> None:
    send_all(hub)
    hub.store_url = "mysql://hub@localhost/hub"
    hub.write()
    with pytest.raises(FixConfiguration):
        hub.sync()
    assert not any(deliveries(hub.state, SLICE, name) for name in ALL)
