"""The demo: two nights and one bad night of the fictional district, played through Dagster as `hub up` would."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from hub.config import SCHEMAS, Settings, load
from hub.demo.district import DEMO, Plan, write_night
from hub.demo.faults import FILE_FAULTS, ROW_FAULTS
from hub.demo.oneroster import DISTRICT_NUMBER
from hub.errors import FixConfiguration, Stop
from hub.model import Run

Progress = Callable[[str, int, int], None]

MARK = "# The fictional district of `hub demo`: playing it again empties state/ and incoming/ beside this file.\n"
VENDORS = {
    "sis": "oneroster-csv",
    "lms": "oneroster-csv",
    "attendance": "sis-attendance",
    "map": "nwea-map-growth",
    "iready": "iready",
    "sat": "college-board",
    "edfi": "edfi-xml",
}
#: The bad night: MAP Growth renames a column, i-Ready's zip is cut off, SIS and attendance rows go wrong, and the last
#: school's enrollments are gone.
BAD_NIGHT = (
    *(kind for kind in ROW_FAULTS if not kind.startswith("map_")),
    *(kind for kind in FILE_FAULTS if kind in ("map_renamed_header", "iready_unreadable_zip")),
    "sis_school_emptied",
)
NIGHTS: tuple[tuple[str, ...], ...] = ((), (), BAD_NIGHT)


def play(directory: Path, progress: Progress, plan: Plan | None = None) -> list[Run]:
    """Build the district in `directory` and play `NIGHTS`; gives the run of each night.

    Starts from nothing each time. Raises FixConfiguration for a folder that holds something else, and Stop when a
    night ends badly in a way that is not the demo's.
    """
    from hub import pipeline, store
    from hub.assets.graph import definitions
    from hub.assets.home import opened
    from hub.assets.nightly import JOB, selection, why
    from hub.assets.record import RUN_TAG

    plan = plan or this_years()
    settings = prepare(directory, plan)
    slice = settings.slice(plan.district)
    job = definitions(settings).resolve_job_def(JOB)
    played = []
    with opened(settings) as instance:
        for night, faults in enumerate(NIGHTS, start=1):
            progress(f"night {night}: what the systems send", 2 * night - 2, 2 * len(NIGHTS))
            write_night(plan, directory / "incoming", night, faults=faults)
            progress(f"night {night}: land, check, unify, publish", 2 * night - 1, 2 * len(NIGHTS))
            result = job.execute_in_process(
                instance=instance,
                partition_key=slice.partition,
                asset_selection=selection(settings, slice),
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                tags={"hub/demo_night": str(night)},
                raise_on_error=False,
            )
            done = instance.get_run_by_id(result.run_id)
            run_id = done.tags.get(RUN_TAG) if done else None
            runs = store.runs(pipeline.open_store(settings, slice.district), slice.year, 1)
            if run_id is None or [r.id for r in runs] != [run_id]:
                raise Stop(f"Night {night} of the demo stopped: {why(result.all_events)}")
            played += runs
    return played


def this_years() -> Plan:
    """The plan whose first November is over: the nights of the demo lie in the past, and are still this school's."""
    today = date.today()
    return Plan(DEMO.students, DEMO.schools, today.year + ((today.month, today.day) > (11, 15)))


def prepare(directory: Path, plan: Plan) -> Settings:
    """An empty demo in `directory`: its hub.yaml, and nothing of an earlier one."""
    path = directory / "hub.yaml"
    try:
        mine = path.is_file() and path.read_text(encoding="utf-8").startswith(MARK)
        if not mine and directory.exists() and any(directory.iterdir()):
            raise FixConfiguration(
                f"{directory} holds something that is not the demo.", "Name an empty folder with --dir."
            )
        for part in ("state", "incoming"):
            if (directory / part).exists():
                shutil.rmtree(directory / part)
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(configuration(plan), encoding="utf-8")
    except OSError as error:
        raise FixConfiguration(
            f"{directory} cannot be used for the demo ({error.strerror}).", "Name another folder with --dir."
        ) from None
    return load(path)


def configuration(plan: Plan, specs: Path = SCHEMAS) -> str:
    """The demo's hub.yaml, with those of its vendors that `specs` has."""
    sources = "".join(
        f"      {name}:\n        vendor: {vendor}\n        path: ./incoming/{name}\n"
        f'        owner: "{name} office <{name}@{plan.district}.example>"\n'
        for name, vendor in VENDORS.items()
        if (specs / "sources" / vendor / "source.yaml").is_file()
    )
    return (
        f"{MARK}"
        "state: ./state\n"
        "store: sqlite\n"
        "districts:\n"
        f"  {plan.district}:\n"
        f"    name: {plan.title} School District\n"
        f"    local_education_agency_id: {DISTRICT_NUMBER}\n"
        f"    years: [{plan.year}]\n"
        "    identity: {Local: studentUniqueId}\n"
        f"    sources:\n{sources}"
        "    guard: {removed: 0.10, changed: 0.50, min_rows: 20}\n"
        'schedule: {cron: "0 2 * * *", timezone: America/Chicago}\n'
    )
