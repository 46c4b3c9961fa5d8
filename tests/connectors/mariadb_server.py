"""A real MariaDB on a socket of its own, where the machine has one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa


@contextmanager
def mariadb() -> Iterator[str]:
    """The SQLAlchemy URL of an empty database."""
    server = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    if not Path(server).exists():
        pytest.skip("MariaDB's server is not installed (apt-get install mariadb-server)")
    home = Path(tempfile.mkdtemp(prefix="hubmy"))  # short: a socket's path may have 107 characters
    home.chmod(0o755)
    (home / "data").mkdir()
    account = "nobody" if os.geteuid() == 0 else None
    if account:
        for folder in (home, home / "data"):
            os.chown(folder, pwd.getpwnam(account).pw_uid, pwd.getpwnam(account).pw_gid)
    quiet: dict[str, Any] = {"user": account, "cwd": home, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common = ["--no-defaults", f"--datadir={home}/data"]
    install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, **quiet)
    limits = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--skip-networking"]
    process = subprocess.Popen(
        [server, *common, f"--socket={home}/sock", f"--pid-file={home}/pid", "--skip-log-bin", *limits], **quiet
    )
    url = f"mysql+pymysql://root@localhost/hub?unix_socket={home}/sock&charset=utf8mb4"
    engine = sa.create_engine(url.replace("/hub?", "/?"), poolclass=sa.NullPool)
    try:
        for attempt in range(150):
            try:
                with engine.connect() as connection:
                    connection.exec_driver_sql("CREATE DATABASE hub CHARACTER SET utf8mb4")
                break
            except sa.exc.OperationalError:
                assert attempt < 149, "MariaDB did not start"
                time.sleep(0.2)
        yield url
    finally:
        engine.dispose()
        process.terminate()
        process.wait(timeout=60)
        shutil.rmtree(home, ignore_errors=True)
