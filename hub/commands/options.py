"""The options that commands share, and what they select."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hub.errors import FixConfiguration, Stop
from hub.model import Entity, Run, Slice

if TYPE_CHECKING:
    from hub.config import District, Settings
    from hub.store import Store

F = TypeVar("F", bound=Callable[..., Any])


def _remember(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    ctx.meta[f"hub.{parameter.opts[0].lstrip('-')}"] = value
    return value


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.", callback=_remember)
debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_remember, help="Show tracebacks; they may quote data."
)
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration.  [default: $HUB_CONFIG, else ./hub.yaml]",
)
district_option = click.option("--district", metavar="ID", help="Only this district of hub.yaml.")
year_option = click.option("--year", type=int, metavar="YYYY", help="The school year by the year in which it ends.")
by_option = click.option("--by", "who", metavar="NAME", help="Who decides.  [default: your account]")


def common(function: F) -> F:
    """--config, --json and --debug."""
    for option in (debug_option, json_option, config_option):
        function = option(function)
    return function


def settings_of(config: Path | None) -> Settings:
    """Settings of --config, HUB_CONFIG or ./hub.yaml. Raises FixConfiguration."""
    from hub.config import config_path, load

    settings = load(config or config_path())
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta["hub.state"] = settings.state
    return settings


def districts_of(settings: Settings, district: str | None) -> tuple[District, ...]:
    return (settings.district(district),) if district else settings.districts


def one_district(settings: Settings, district: str | None) -> District:
    """The district named, or the only one. Raises FixConfiguration where there are several."""
    chosen = districts_of(settings, district)
    if len(chosen) > 1:
        names = ", ".join(d.id for d in chosen)
        raise FixConfiguration(f"{settings.path.name} has several districts.", f"Add --district with one of {names}.")
    return chosen[0]


def known_sources(settings: Settings, district: str | None, names: Iterable[str]) -> None:
    """Raises FixConfiguration for a source that no district chosen has: a slip of the pen must not look well."""
    known = sorted({s.name for d in districts_of(settings, district) for s in d.sources})
    for name in names:
        if name not in known:
            raise FixConfiguration(f"{settings.path.name} has no source {name!r}.", f"Use one of {', '.join(known)}.")


def slices_of(settings: Settings, district: str | None, year: int | None) -> list[Slice]:
    """The slice of each district chosen, of its current year unless one is named."""
    return [settings.slice(d.id, year) for d in districts_of(settings, district)]


def open_ledger(settings: Settings, district: str) -> Store:
    """A district's store for its runs, held rows and reviews: none of them needs an entity, so no spec is read."""
    return _opened(settings, district, {})


def open_records(settings: Settings, district: str) -> Store:
    """A district's store for reading what is published."""
    from hub.standards.specs import load_entities

    return _opened(settings, district, load_entities(settings.specs))


def _opened(settings: Settings, district: str, entities: dict[str, Entity]) -> Store:
    from hub import store

    found = store.open_store(settings.store_url, district, entities, settings.state)
    try:
        store.runs(found, None, 1)
    except Stop:  # nothing was ever published, or by an older hub: the tables are made or changed first
        from hub import pipeline

        return pipeline.open_store(settings, district)
    return found


def find_run(settings: Settings, run_id: str, district: str | None) -> tuple[Slice, Run]:
    """The run of that id, or of the only id that starts so. Raises FixConfiguration."""
    from hub import store

    found = [
        (Slice(d.id, run.year), run)
        for d in districts_of(settings, district)
        for run in store.runs(open_ledger(settings, d.id), None, starting=run_id)
    ]
    exact = [pair for pair in found if pair[1].id == run_id]
    if len(exact or found) != 1:
        several = "More than one run starts with" if found else "There is no run"
        raise FixConfiguration(f"{several} {run_id}.", "Copy its id from `hub runs`; name its --district if need be.")
    return (exact or found)[0]


def decider(who: str | None) -> str:
    from hub.config import operator

    return who or operator()
