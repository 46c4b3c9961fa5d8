"""What Dagster sees: the graph as a file to read, and its laws for any hub.yaml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from asset_hub import CONFIG
from graph_text import SNAPSHOT, describe
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hub.assets.graph import definitions
from hub.assets.nightly import JOB
from hub.config import SCHEMAS, District, Schedule, Settings, SourceSettings, process_environment

NAMES = ["sis", "lms", "map", "sat-day", "attendance"]
Drawn = dict[str, tuple[dict[str, str], list[int]]]  # district -> (source -> vendor, years)
VENDORS = ["vendor-a", "vendor-b", "vendor-c"]


def test_the_graph_is_the_one_written_down(settings: Settings) -> None:
    found = describe(definitions(settings))
    assert found == SNAPSHOT.read_text(), "if this is meant: python tests/assets/graph_text.py"


def test_definitions_need_no_secret_and_no_store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUB_TEST_WEBHOOK", raising=False)
    dg.Definitions.validate_loadable(definitions(settings))
    assert not settings.state.exists()


@pytest.mark.slow
def test_dagsters_own_check_accepts_the_workspace(settings: Settings, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", str(root / "workspace.yaml")]
    environment = process_environment(HUB_CONFIG=str(settings.path), DAGSTER_HOME=str(tmp_path))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All code locations passed" in done.stdout + done.stderr


districts = st.dictionaries(
    st.sampled_from(["maple-hollow", "birch-creek", "oak-3"]),
    st.tuples(
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VENDORS), min_size=1),
        st.lists(st.sampled_from([2025, 2026, 2027]), min_size=1, unique=True).map(sorted),
    ),
    min_size=1,
)


# Dagster's own tags of a partition with two dimensions break Dagster's own rule for tags.
@pytest.mark.filterwarnings(r"ignore:Non-compliant tag keys like \['dagster/partition/:DeprecationWarning")
@given(districts)
@hypothesis_settings(max_examples=12, deadline=None)
def test_a_night_asks_each_districts_own_sources_and_no_others(drawn: Drawn) -> None:
    hub = Settings(
        path=Path("/nowhere/hub.yaml"),
        state=Path("/nowhere/state"),
        specs=SCHEMAS,
        districts=tuple(
            District(name, name, number, tuple(years), tuple(SourceSettings(n, v, {}) for n, v in sources.items()))
            for number, (name, (sources, years)) in enumerate(drawn.items())
        ),
        schedule=Schedule("0 2 * * *", "America/Chicago"),
    )
    defs = definitions(hub)
    schedule = defs.resolve_schedule_def(JOB)
    ticks = (
        schedule.evaluate_tick(dg.build_schedule_context(repository_def=defs.get_repository_def())).run_requests or []
    )
    asked = {tick.partition_key: {key.path[-1] for key in tick.asset_selection or ()} for tick in ticks}
    after = {"record", "published", "report"}
    assert asked == {f"{name}|{years[-1]}": {*sources, *after} for name, (sources, years) in drawn.items()}
    graph = defs.resolve_asset_graph()
    assert {key.path[-1] for key in graph.get_all_asset_keys()} == {n for s, _ in drawn.values() for n in s} | after
    partitions = set(graph.get(dg.AssetKey("record")).partitions_def.get_partition_keys())  # type: ignore[union-attr]
    assert {slice.partition for slice in hub.slices()} <= partitions
    for name in {n for s, _ in drawn.values() for n in s}:
        (pool,) = graph.get(dg.AssetKey(["sources", name])).pools
        assert pool == "vendor_" + "_".join(sorted({s[name] for s, _ in drawn.values() if name in s}))


def test_hub_yaml_without_a_schedule_has_none(tmp_path: Path) -> None:
    from hub.config import load

    path = tmp_path / "hub.yaml"
    path.write_text("".join(line for line in CONFIG.splitlines(keepends=True) if not line.startswith("schedule")))
    assert not list(definitions(load(path)).schedules or ())
