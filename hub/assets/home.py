"""Where Dagster keeps its own history: `<state>/dagster`, or the PostgreSQL database that `hub.yaml` names."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from alembic.util import CommandError
from dagster import DagsterInstance
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import DBAPIError

from hub.config import Settings, extend_environment
from hub.errors import RetryLater, Stop

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
    with _alone(home):
        part = home / "dagster.yaml.part"
        part.write_text(text, encoding="utf-8")
        part.replace(home / "dagster.yaml")
    environment = {"DAGSTER_HOME": str(home), "HUB_CONFIG": str(settings.path)}
    return home, environment | ({STORAGE_URL: settings.dagster_url} if settings.dagster_url else {})


@contextmanager
def opened(settings: Settings) -> Iterator[DagsterInstance]:
    """Dagster's history, its tables made and brought to the version of this Dagster; and the environment of
    `write_home` in this process.

    One process at a time does that: two that make the tables side by side leave both their versions in them, and
    none opens them again. Raises Stop for such tables, RetryLater while the database is away.
    """
    home, environment = write_home(settings)
    extend_environment(environment)
    with _alone(home):
        try:
            instance = DagsterInstance.from_config(str(home))
            stores = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
            versions = [store.alembic_version() for store in stores if store is not None]
            if any(version and version[0] != version[1] for version in versions):
                logging.getLogger(__name__).info("Dagster's tables are brought to the version of this Dagster.")
                instance.upgrade()
        except CommandError:
            raise Stop(
                "Dagster's own tables are damaged: they have more than one version, or one that this Dagster lacks.",
                f"Move {home / 'storage'} away (or give dagster: storage: an empty database) and start again. Only "
                "Dagster's list of runs and ticks is in it: what is published and the hub's own runs are not.",
            ) from None
        except (DBAPIError, DagsterPostgresException) as error:
            raise RetryLater(
                f"Dagster's own tables cannot be opened ({type(error).__name__}).",
                f"Check that {home} can be written and that the database of dagster: storage: in hub.yaml answers.",
            ) from None
    with instance:
        yield instance


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
