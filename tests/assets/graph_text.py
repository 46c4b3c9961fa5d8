"""The asset graph as lines to read. `python tests/assets/graph_text.py` writes graph.txt anew."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from hub.assets.graph import definitions
from hub.config import load

SNAPSHOT = Path(__file__).with_name("graph.txt")


def describe(defs: dg.Definitions) -> str:
    return "\n".join(_lines(defs)) + "\n"


def _lines(defs: dg.Definitions) -> Iterator[str]:
    graph = defs.resolve_asset_graph()
    partitions: dg.PartitionsDefinition = next(iter(graph.asset_nodes)).partitions_def  # type: ignore[type-arg,assignment]
    yield "partitions"
    yield from (f"  {key}" for key in partitions.get_partition_keys())
    for node in sorted(graph.asset_nodes, key=lambda n: n.key.to_user_string()):
        assert node.partitions_def == partitions
        pools = f"  pool {', '.join(sorted(node.pools))}" if node.pools else ""
        yield f"asset {node.key.to_user_string()}  group {node.group_name}{pools}"
        yield from (f"  after {key.to_user_string()}" for key in sorted(node.parent_keys))
        yield from (f"  check {key.name}" for key in sorted(node.check_keys, key=lambda k: k.name))
    for schedule in defs.schedules or ():
        assert isinstance(schedule, dg.ScheduleDefinition)
        zone, status = schedule.execution_timezone, schedule.default_status.value
        yield f"schedule {schedule.name}  {schedule.cron_schedule} {zone}  {status}"
    for sensor in sorted(defs.sensors or (), key=lambda s: s.name):
        yield f"sensor {sensor.name}  every {sensor.minimum_interval_seconds} s  {sensor.default_status.value}"


if __name__ == "__main__":
    from asset_hub import CONFIG

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hub.yaml"
        path.write_text(CONFIG)
        SNAPSHOT.write_text(describe(definitions(load(path))))
