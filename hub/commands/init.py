"""`hub init DIR`"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from hub.commands.options import debug_option, json_option
from hub.commands.words import say_json
from hub.errors import FixConfiguration

_TEMPLATE = """\
# What the hub reads, when, and whom it tells. Paths are relative to this file.
# Passwords and addresses that hold one stay in the environment: write the NAME of the variable here.

state: ./state            # everything the hub writes: landed files, work, reports and the store. Back it up.
# keep_days: 7            # then what can be made again from the landed files is deleted
store: sqlite             # one file per district under state; or {{url_env: HUB_STORE_URL}} for PostgreSQL

districts:
  my-district:            # a short id of your own: small letters, digits, hyphens. Never change it later.
    name: {name}
    # REQUIRED: the number by which Ed-Fi knows the district.
    local_education_agency_id:{agency}
    years: [{year}]         # school years by the year in which they end; the last is current (docs/school-years.md)

    # Which id system of the sources equals Ed-Fi's studentUniqueId. Remove the # where it is true.
    # identity: {{State: studentUniqueId}}

    sources:
      # One entry per system that delivers. `vendor` is a folder of sources/ beside this file, or one of
      # those that the hub brings (docs/sources.md; your own: docs/add-a-vendor.md).
      sis:
        vendor: oneroster-csv
        path: ./incoming/sis                       # a folder, a file or a pattern; {{year}} is the school year
        owner: "SIS office <sis@example.org>"      # who must act when it is wrong
        # delivery: full                           # full: what is absent is deleted; delta; append
        # authority: 10                            # the source with the lower number wins
      # map:
      #   vendor: nwea-map-growth
      #   path: ./incoming/map

    # A publish that would remove or change more than this share of an entity waits for `hub publish approve`.
    guard: {{removed: 0.10, changed: 0.50, min_rows: 20}}

    # Descriptor namespaces to accept beside Ed-Fi's own.
    # descriptors: {{accept: ["uri://example.org/"]}}

# When `hub up` runs the nightly sync: minute hour day month weekday.
schedule: {{cron: "0 2 * * *", timezone: America/Chicago}}

# Whom to tell when a source fails or a publish is held.
# alerts:
#   email: {{smtp: "mail.example.org:587", sender: hub@example.org, to: [it@example.org], starttls: true,
#           user_env: HUB_SMTP_USER, password_env: HUB_SMTP_PASSWORD}}
#   webhook: {{url_env: HUB_WEBHOOK_URL}}

# Where Dagster keeps its own run history; or {{storage: {{url_env: HUB_DAGSTER_URL}}}} for PostgreSQL.
dagster: {{storage: sqlite}}
"""


@click.command("init")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", default="My School District", help="The district's name.", show_default=True)
@click.option(
    "--local-education-agency-id",
    "agency",
    type=click.IntRange(min=1),
    metavar="N",
    help="The number by which Ed-Fi knows the district; without it the file asks for it.",
)
@json_option
@debug_option
def command(directory: Path, name: str, agency: int | None, as_json: bool) -> None:
    """Write a commented hub.yaml and the folders it reads from. Overwrites nothing.

    \b
    Example:
      hub init maple-hollow --name "Maple Hollow School District"
    """
    path = directory / "hub.yaml"
    text = _TEMPLATE.format(name=_quoted(name), agency=f" {agency}" if agency else "", year=_ending_year(date.today()))
    try:
        (directory / "incoming" / "sis").mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise FixConfiguration(f"{path} is there already.", "Edit it, or name another folder.") from None
    except OSError as error:
        raise FixConfiguration(
            f"{path} cannot be written ({error.strerror}).", "Name a folder you may write."
        ) from None
    if as_json:
        return say_json({"config": path})
    line = 1 + text[: text.index("local_education_agency_id")].count("\n")
    click.echo(f"Wrote {path}. Next:")
    click.echo(
        f"  1. Open it{'' if agency else f', fill in local_education_agency_id (line {line})'} and name your sources."
    )
    click.echo(f"  2. Put the first files into {directory / 'incoming' / 'sis'}.")
    click.echo(f"  3. hub sync --config {path}")
    return None


def _ending_year(today: date) -> int:
    return today.year + (today.month >= 7)


def _quoted(name: str) -> str:
    import yaml

    return str(yaml.safe_dump(name, width=1000, default_style='"')).strip()
