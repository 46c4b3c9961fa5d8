"""`hub up`: Dagster's web page and daemon on this hub's own state."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.commands.options import common, settings_of
from hub.commands.words import say_json
from hub.errors import FixConfiguration, Stop

if TYPE_CHECKING:
    from hub.config import Settings

_GRACE = 10.0  # seconds in which Dagster may finish what it writes


@click.command("up")
@click.option("--host", default="127.0.0.1", show_default=True, help="Anyone who reaches it may start and stop runs.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
@common
def command(host: str, port: int, config: Path | None, as_json: bool) -> None:
    """Run the hub: the nightly schedule, and a web page of its runs. Stop it with Ctrl-C.

    \b
    Example:
      hub up --port 3000
    """
    settings = settings_of(config)
    _check_alerts(settings)
    _check_port(host, port)
    environment = dagster_environment(settings)
    address = f"http://{host}:{port}"
    if as_json:
        say_json({"url": address, "dagster_home": environment["DAGSTER_HOME"]})
    else:
        click.echo(f"The hub's page is {address} in a moment. Ctrl-C stops it.")
    sys.stdout.flush()
    _make_tables(settings)
    page = ["dagster_webserver", "-m", "hub.definitions", "--host", host, "--port", str(port), "--log-level", "warning"]
    daemon = ["dagster._daemon", "run", "-m", "hub.definitions", "--log-level", "warning"]
    together([page, daemon], environment)


def together(modules: list[list[str]], environment: dict[str, str]) -> None:
    """Run Python modules beside each other until one ends, or until Ctrl-C or SIGTERM; then end them all.

    Raises Stop when one ends by itself.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    children: list[subprocess.Popen[bytes]] = []
    try:
        for arguments in modules:
            children.append(subprocess.Popen([sys.executable, "-m", *arguments], env=environment))  # noqa: S603
        while all(child.poll() is None for child in children):
            time.sleep(0.2)
        ended = next(name[0] for name, child in zip(modules, children, strict=True) if child.poll() is not None)
        raise Stop(
            f"{ended} ended by itself.", "Its last lines above say why; put that right and start `hub up` again."
        )
    except KeyboardInterrupt:
        _wait(children, _GRACE)  # Ctrl-C reached them too
    except SystemExit:
        pass  # SIGTERM: ours to pass on
    finally:
        for child in children:
            child.terminate()
        _wait(children, _GRACE)
        for child in children:
            child.kill()
            child.wait()
        signal.signal(signal.SIGTERM, before)


def _wait(children: list[subprocess.Popen[bytes]], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(child.poll() is None for child in children):
        time.sleep(0.1)


def dagster_environment(settings: Settings) -> dict[str, str]:
    """Write `<state>/dagster/dagster.yaml` and give the environment in which Dagster finds it and this hub.yaml."""
    from hub.assets.home import write_home
    from hub.config import process_environment

    _, environment = write_home(settings)
    return process_environment(**environment)


def _make_tables(settings: Settings) -> None:
    # Here, once: the page and the daemon would both find them missing.
    from hub.assets.home import opened

    with opened(settings):
        pass


def _check_alerts(settings: Settings) -> None:
    # An alert that cannot be sent is found out tonight, or now.
    from hub.config import secret

    for name, key in settings.alerts.secrets():
        secret(name, key)


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise FixConfiguration(
                f"{host}:{port} cannot be used ({error.strerror}).",
                "Stop what uses it (perhaps another `hub up`), or choose another with --port.",
            ) from None
