"""What can be made again is deleted after `keep_days`; what the next night or a person needs never is."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from laws.night import ALL, DISTRICT, SLICE, Hub, a_student, send_all, send_sis

from hub.pipeline import approve, replay
from hub.pipeline.sweep import sweep

LATER = datetime.now(UTC) + timedelta(days=8)


def test_only_what_nothing_needs_goes(hub: Hub) -> None:
    send_all(hub, range(1, 5))
    runs = [hub.sync()]
    send_sis(hub, [a_student(n, First="Eve") for n in range(1, 5)])
    runs.append(hub.sync())
    hub.districts = {DISTRICT: {name: ALL[name] for name in ("sis", "lms")}}  # waits for a person
    hub.write()
    runs.append(hub.sync())
    assert [run.status for run in runs] == ["published", "published", "held"]
    before = hub.digest()
    work = hub.state / "work" / DISTRICT / str(SLICE.year)
    assert len(list((work / "sis").glob("*/state.json"))) == 2
    soon = sweep(hub.settings, SLICE, hub.store(), datetime.now(UTC))
    assert soon == 0
    # a state of the SIS; record, changes, changed and spill of the first night
    assert sweep(hub.settings, SLICE, hub.store(), LATER) == 5
    assert len(list((work / "sis").glob("*/state.json"))) == 1
    folders = [hub.state / "runs" / DISTRICT / str(SLICE.year) / run.id for run in runs]
    assert [(f / "record").is_dir() for f in folders] == [False, True, True]
    assert [(f / "report.html").is_file() for f in folders] == [True, True, True]
    assert approve(hub.settings, SLICE, runs[2].id, "Grace").status == "approved"
    send_sis(hub, [a_student(n, First="Ann") for n in range(1, 5)])
    assert hub.sync().status == "published"
    assert hub.digest() != before


def test_everything_may_go_and_is_made_again(hub: Hub) -> None:
    send_all(hub, range(1, 4))
    hub.sync()
    before = hub.digest()
    sweep(dataclasses.replace(hub.settings, keep_days=0), SLICE, hub.store(), LATER)
    assert hub.sync().status == "unchanged"
    assert replay(hub.settings, SLICE).status in ("published", "unchanged")
    assert hub.digest() == before
