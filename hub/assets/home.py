"""Where Dagster keeps its own history: `<state>/dagster`, or the PostgreSQL database that `hub.yaml` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hub.config import Settings

#: The environment variable that dagster.yaml names, whatever hub.yaml calls it: the address stays out of the file.
STORAGE_URL = "HUB_DAGSTER_STORAGE"
_LONGEST_NIGHT = 12 * 3600  # seconds


def write_home(settings: Settings) -> tuple[Path, dict[str, str]]:
    """Write dagster.yaml; gives the folder (DAGSTER_HOME) and the environment variables that its text needs."""
    home = settings.state / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    text = "# Written by the hub from hub.yaml: change it there.\n" + yaml.safe_dump(
        _instance(settings), sort_keys=False
    )
    part = home / "dagster.yaml.part"
    part.write_text(text, encoding="utf-8")
    part.replace(home / "dagster.yaml")
    environment = {"DAGSTER_HOME": str(home), "HUB_CONFIG": str(settings.path)}
    return home, environment | ({STORAGE_URL: settings.dagster_url} if settings.dagster_url else {})


def _instance(settings: Settings) -> dict[str, Any]:
    home = settings.state / "dagster"
    storage: dict[str, Any] = {"sqlite": {"base_dir": str(home / "storage")}}
    if settings.dagster_url:
        storage = {"postgres": {"postgres_url": {"env": STORAGE_URL}}}
    return {
        "telemetry": {"enabled": False},
        "storage": storage,
        "concurrency": {
            # One step at a time may ask one vendor, unless the pool says otherwise.
            "pools": {"default_limit": 1, "granularity": "op"},
            "runs": {
                "max_concurrent_runs": 2,
                # A slice has one run at a time: a second one would only wait for the store.
                "tag_concurrency_limits": [
                    {"key": "dagster/partition", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
                ],
            },
        },
        # A killed run must neither keep its pools nor hold the next night.
        "run_monitoring": {
            "enabled": True,
            "max_runtime_seconds": _LONGEST_NIGHT,
            "free_slots_after_run_end_seconds": 60,
        },
        "retention": {
            kind: {"purge_after_days": {"skipped": 7, "started": 30, "success": 30, "failure": 30}}
            for kind in ("schedule", "sensor")
        },
    }
