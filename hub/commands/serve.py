"""`hub serve`: the validator's page."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.commands.options import config_option, debug_option, json_option, settings_of
from hub.commands.words import say_json

if TYPE_CHECKING:
    from hub.serve.desk import Archive, Desk, Limits


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Who reaches it can check feeds on this machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any that is free.")
@click.option("--name", "names", multiple=True, metavar="HOST", help="A host name to answer to besides localhost.")
@click.option(
    "--max-size", type=click.FloatRange(min=0.001), default=500, show_default=True, metavar="MB", help="Of one upload."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=1),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="Of one check.",
)
@click.option("--at-once", type=click.IntRange(min=1), default=2, show_default=True, help="Checks at one time.")
@click.option(
    "--keep", type=click.FloatRange(min=0.01), default=30, show_default=True, metavar="MINUTES", help="Of a report."
)
@config_option
@json_option
@debug_option
def command(
    host: str,
    port: int,
    names: tuple[str, ...],
    max_size: float,
    time_limit: float,
    at_once: int,
    keep: float,
    config: Path | None,
    as_json: bool,
) -> None:
    """Serve the validator as a page: drop a feed, read its report. Stop it with Ctrl-C.

    Needs no configuration. A feed is deleted as soon as it is judged, its report is kept in memory for a while, and
    nothing is logged. Where a hub.yaml is there, it also shows the runs and their reports, on loopback only.

    \b
    Example:
      hub serve --port 8080
    """
    from hub.serve.app import create_app
    from hub.serve.desk import Limits
    from hub.serve.server import address, listen, run

    limits = Limits(upload=int(max_size * 10**6), seconds=time_limit, at_once=at_once, keep=keep * 60)
    shown = _archive(config, host)
    bound = listen(host, port)
    app = create_app(replace(desk(limits), archive=shown), [*names, host])
    if as_json:
        say_json({"url": address(bound)})
    else:
        click.echo(f"The validator's page is {address(bound)}. Ctrl-C stops it.")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):  # as it is meant to end
        run(app, bound)


def _archive(config: Path | None, host: str) -> Archive | None:
    """The runs of the hub.yaml that is there. Nobody logs in here, so other machines do not see them.

    Raises FixConfiguration where one is named that is not there, or says something wrong.
    """
    from hub.config import config_path

    if not config and not config_path().is_file():
        return None
    settings = settings_of(config)
    from hub.connectors.pulling import is_loopback

    if not is_loopback(host):
        click.echo(f"The runs of {settings.path} are shown on loopback only, not on {host}.", err=True)
        return None
    from hub.commands.archive import archive

    return archive(settings)


def desk(limits: Limits) -> Desk:
    """What the page shows, of the rooms that know it."""
    from importlib.resources import files

    from hub.serve.desk import Desk, RulePage
    from hub.standards.oneroster_layout import VERSIONS
    from hub.standards.shapes import versions
    from hub.standards.validation.explain import explain, judged
    from hub.standards.validation.profiles import load_profile, profiles

    names = sorted(profiles(), key=lambda name: (name != "strict", name != "lenient", name))
    rules = {}
    for name in judged():
        e = explain(name)
        rules[name] = RulePage(e.rule, e.stage, e.sentence, e.remedy, e.clause, e.severities, e.columns)
    style = files("hub.standards.validation").joinpath("templates", "findings.css").read_text(encoding="utf-8")
    return Desk(
        judge=(sys.executable, "-m", "hub.commands.judging"),
        profiles={name: load_profile(name).title for name in names},
        standards={"oneroster": tuple(VERSIONS), "ed-fi": versions()},
        rules=rules,
        families={"oneroster": "OneRoster", "edfi": "Ed-Fi"},
        style=style,
        limits=limits,
    )
