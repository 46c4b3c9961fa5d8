"""Read `hub.yaml`, refuse it whole with every fault, or give `Settings`."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from hub.config.check import check
from hub.config.lines import read
from hub.config.settings import Alerts, District, Email, Guard, Schedule, Settings, SourceSettings, Window
from hub.errors import FixConfiguration

_OF_EVERY_SOURCE = ("vendor", "owner", "options", "authority", "delivery", "years", "pause")
_FILES = ("key_file", "known_hosts", "ca")  # keys of auth and tls that name a file
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def config_path() -> Path:
    """The file that `HUB_CONFIG` names, else `hub.yaml` in the current folder."""
    return Path(os.environ.get("HUB_CONFIG") or "hub.yaml")


def operator() -> str:
    """The account this process runs for, as a run's ledger names it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return f"uid {os.getuid()}"


def process_environment(**extra: str) -> dict[str, str]:
    """This process's environment with `extra` on top, for a child process."""
    return {**os.environ, **extra}


def extend_environment(extra: Mapping[str, str]) -> None:
    """Sets variables of this process, for what a library reads there."""
    os.environ.update(extra)


def load(path: Path, *, specs: Path = SCHEMAS) -> Settings:
    """Settings of a `hub.yaml`. Paths in it are relative to its folder. Environment variables are
    read when what they name is asked for (`secret`).

    Raises FixConfiguration (exit 3) that lists every fault with file, line, key and fix.
    """
    path = Path(path).absolute()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FixConfiguration(
            f"{path} cannot be read ({error.strerror}).", "Run `hub init DIR` to write one, or name it with --config."
        ) from None
    except UnicodeDecodeError:
        raise FixConfiguration(f"{path} is not UTF-8 text.", "Save it as UTF-8 and run the command again.") from None
    document = read(text)
    faults = check(document, specs, path.parent / "sources")
    if faults:
        lines = [f"  {path.name}:{fault.line}: {fault}" for fault in faults]
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise FixConfiguration(
            "\n".join([f"{path} has {count}:", *lines]), "Correct it and run the command again: nothing was read."
        )
    return _settings(path, document.tree, specs)


def _settings(path: Path, tree: dict[str, Any], specs: Path) -> Settings:
    base = path.parent
    schedule = tree.get("schedule")
    return Settings(
        path=path,
        state=_under(base, tree.get("state", "./state")),
        specs=specs,
        districts=tuple(_district(base, id_, district) for id_, district in tree["districts"].items()),
        store_env=_variable(tree.get("store")),
        dagster_env=_variable(tree.get("dagster", {}).get("storage")),
        schedule=Schedule(schedule["cron"], schedule["timezone"]) if schedule else None,
        alerts=_alerts(tree.get("alerts", {})),
        keep_days=int(tree.get("keep_days", 7)),
    )


def _under(base: Path, path: str) -> Path:
    return base / Path(path).expanduser()


def _variable(address: str | dict[str, str] | None) -> str:
    return address["url_env"] if isinstance(address, dict) else ""


def line_of(path: Path, *key: str | int) -> int:
    """The line of a key of a hub.yaml that was loaded, or of the nearest key above it."""
    return read(path.read_text(encoding="utf-8-sig")).line(key)


def _district(base: Path, id_: str, tree: dict[str, Any]) -> District:
    return District(
        id=id_,
        name=tree["name"],
        local_education_agency_id=int(tree["local_education_agency_id"]),
        years=tuple(int(year) for year in tree["years"]),
        sources=tuple(_source(base, name, source) for name, source in tree["sources"].items()),
        identity=tree.get("identity", {}),
        guard=Guard(**tree.get("guard", {})),
        accept_descriptors=tuple(tree.get("descriptors", {}).get("accept", ())),
        calendar={int(year): date.fromisoformat(first) for year, first in tree.get("calendar", {}).items()},
        additions_only=_window(tree.get("additions_only")),
    )


def _source(base: Path, name: str, tree: dict[str, Any]) -> SourceSettings:
    return SourceSettings(
        name=name,
        vendor=tree["vendor"],
        transport=_transport(base, tree),
        owner=tree.get("owner", ""),
        options=tree.get("options", {}),
        authority=tree.get("authority"),
        delivery=tree.get("delivery"),
        years=tuple(tree["years"]) if "years" in tree else None,
        pause=_window(tree.get("pause")),
    )


def _window(said: str | dict[str, str] | None) -> Window | None:
    if said is None:
        return None
    days = {key: date.fromisoformat(day) for key, day in ({"until": said} if isinstance(said, str) else said).items()}
    return Window(days["until"], days.get("from"))


def _transport(base: Path, tree: dict[str, Any]) -> dict[str, Any]:
    said = {key: value for key, value in tree.items() if key not in _OF_EVERY_SOURCE}
    if "path" in said and "://" not in said["path"]:
        said |= {"path": str(_under(base, said["path"])), "recursive": said.get("recursive", False)}
    for part in {"auth", "tls"} & said.keys():
        said[part] = {key: str(_under(base, word)) if key in _FILES else word for key, word in said[part].items()}
    return said


def _alerts(tree: dict[str, Any]) -> Alerts:
    email = tree.get("email")
    webhook = tree.get("webhook")
    return Alerts(_email(email) if email else None, webhook["url_env"] if webhook else None)


def _email(tree: dict[str, Any]) -> Email:
    host, _, port = tree["smtp"].partition(":")
    return Email(
        host=host,
        port=int(port),
        sender=tree["sender"],
        to=tuple(tree["to"]),
        user_env=tree.get("user_env"),
        password_env=tree.get("password_env"),
        starttls=tree.get("starttls", True),
    )
