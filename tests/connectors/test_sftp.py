"""Files from real SFTP servers: exactly what lies there, or a reason; never from a server that is not known."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sftp_server import PASSWORD, USER, Server, serving

from hub.connectors import Left, Pull, fetch
from hub.errors import FixConfiguration, HubError, RetryLater
from hub.landing import land
from hub.model import Slice

SLICE = Slice("maple-hollow", 2027)
SECRETS = {"SFTP_PASSWORD": PASSWORD, "SFTP_WRONG": "battery staple"}


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("sftp")) as found:
        yield found


@pytest.fixture
def server(one_server: Server) -> Server:
    shutil.rmtree(one_server.root)
    one_server.root.mkdir()
    one_server.behaviour.reset()
    return one_server


def pull(server: Server, below: str = "/", auth: dict[str, str] | None = None, **words: Any) -> Pull:
    keys = {"password_env": "SFTP_PASSWORD", "known_hosts": str(server.known_hosts)} if auth is None else auth
    words.setdefault("timeout", 5)
    return Pull("scores", SLICE, {"path": server.path(below), "auth": keys, **words}, secret=lambda n, k: SECRETS[n])


def contents(asked: Pull) -> dict[str, bytes]:
    found = {}
    for file in fetch(asked):
        assert not isinstance(file, Left)
        with file.open() as stream:  # type: ignore[union-attr]
            found[file.name] = stream.read()  # type: ignore[union-attr]
    return found


def put(server: Server, *names: str) -> None:
    for name in names:
        path = server.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000)


def test_what_lies_there_comes(server: Server) -> None:
    put(server, "out/2027/b.csv", "out/2027/a b.csv", "out/2027/.hidden", "out/2027/old/c.csv", "out/2026/d.csv")
    (server.root / "out/2027/link.csv").symlink_to("b.csv")
    (server.root / "out/2027/empty.csv").write_bytes(b"")
    whole = {n: f"out/2027/{n}".encode() * 1000 for n in ("a b.csv", "b.csv", "old/c.csv")}
    flat = {"a b.csv": whole["a b.csv"], "b.csv": whole["b.csv"]}
    assert contents(pull(server, "/out/{year}")) == {**flat, "empty.csv": b""}
    assert contents(pull(server, "/out/{year}/", recursive=True)) == {**whole, "empty.csv": b""}
    assert contents(pull(server, "/out/2027/?*b.csv")) == {"a b.csv": whole["a b.csv"]}
    assert contents(pull(server, "/out/*/d.csv")) == {"2026/d.csv": b"out/2026/d.csv" * 1000}
    assert contents(pull(server, "/out/2027/b.csv")) == {"b.csv": whole["b.csv"]}


def test_one_night_and_the_next(server: Server, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 11, 22, tzinfo=UTC)
    put(server, "a.csv", "b.csv")

    def night() -> Any:
        return land(tmp_path / "state", SLICE, "scores", fetch(pull(server)), now, only_new=True)  # type: ignore[arg-type]

    assert [f.name for f in night().files] == ["a.csv", "b.csv"]
    assert night().repeated
    age = (server.root / "a.csv").stat()
    (server.root / "a.csv").write_bytes(b"A.CSV" * 1000)  # same name, size and time
    os.utime(server.root / "a.csv", ns=(age.st_atime_ns, age.st_mtime_ns))
    assert [f.name for f in night().files] == ["a.csv"]


@pytest.mark.parametrize("way", ["password", "key", "locked key"])
def test_ways_to_log_in(server: Server, way: str) -> None:
    put(server, "a.csv")
    auth = {"known_hosts": str(server.known_hosts)}
    auth |= {
        "password": {"password_env": "SFTP_PASSWORD"},
        "key": {"key_file": str(server.user_key)},
        "locked key": {"key_file": str(server.locked_key), "passphrase_env": "SFTP_PASSWORD"},
    }[way]
    assert list(contents(pull(server, auth=auth))) == ["a.csv"]


def test_a_pinned_key_is_enough(server: Server) -> None:
    put(server, "a.csv")
    auth = {"password_env": "SFTP_PASSWORD", "host_key": server.host_key}
    assert list(contents(pull(server, auth=auth))) == ["a.csv"]
    assert list(contents(pull(server, auth={**auth, "host_key": server.host_key + "="}))) == ["a.csv"]


def refused(asked: Pull, kind: type[HubError] = FixConfiguration) -> str:
    with pytest.raises(kind) as error:
        contents(asked)
    assert "scores" in error.value.message
    assert error.value.remedy.endswith(".")
    assert not any(secret in str(error.value) for secret in SECRETS.values())
    return str(error.value)


def test_a_host_key_that_is_not_known_stops_before_any_login(server: Server, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    (tmp_path / "wrong").write_text(server.known_hosts.read_text().replace("AAAAIB", "AAAAIC"))
    import asyncssh

    other = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "changed").write_text(f"[127.0.0.1]:{server.port} {other.export_public_key().decode()}")
    for name in ("other", "changed"):
        auth = {"password_env": "SFTP_PASSWORD", "known_hosts": str(tmp_path / name)}
        assert f"shows the host key {server.host_key}" in refused(pull(server, auth=auth))
        assert (tmp_path / name).read_text().count("ssh-ed25519") == (name == "changed"), "a key was added"
    auth = {"password_env": "SFTP_PASSWORD", "host_key": other.get_fingerprint()}
    assert "not one that is known" in refused(pull(server, auth=auth))
    missing = {"password_env": "SFTP_PASSWORD", "known_hosts": str(tmp_path / "none")}
    assert "known hosts cannot be read" in refused(pull(server, auth=missing))


def test_a_login_that_is_refused_says_what_to_check(server: Server, tmp_path: Path) -> None:
    known = {"known_hosts": str(server.known_hosts)}
    assert "login is refused" in refused(pull(server, auth={**known, "password_env": "SFTP_WRONG"}))
    assert "no login is given" in refused(pull(server, auth=known))
    assert "key file is locked" in refused(pull(server, auth={**known, "key_file": str(server.locked_key)}))
    wrong = {**known, "key_file": str(server.locked_key), "passphrase_env": "SFTP_WRONG"}
    assert "key file cannot be read" in refused(pull(server, auth=wrong))
    assert "key file cannot be read" in refused(pull(server, auth={**known, "key_file": str(tmp_path / "none")}))


def test_what_is_not_there_or_not_allowed_is_tried_again(server: Server) -> None:
    put(server, "a.csv")
    assert "folder cannot be read" in refused(pull(server, "/none"), RetryLater)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        address = f"sftp://{USER}@127.0.0.1:{other.getsockname()[1]}/"
    asked = pull(server, timeout=2)
    away = Pull("scores", SLICE, {**asked.transport, "path": address}, secret=asked.secret)
    assert "cannot be read from 127.0.0.1" in refused(away, RetryLater)


def test_a_connection_that_is_cut_goes_on_where_it_was(server: Server) -> None:
    body = os.urandom(12_000_000)
    (server.root / "big.bin").write_bytes(body)
    server.behaviour.cut = {20, 300}
    assert contents(pull(server))["big.bin"] == body
    assert server.behaviour.connections == 3
    # 367 requests of 32 KB, and of each cut the window that was asked for ahead
    assert server.behaviour.reads < 367 + 2 * 128 + 20, "what had come was read again"


def test_a_connection_that_is_always_cut_is_given_up(server: Server) -> None:
    (server.root / "big.bin").write_bytes(bytes(300_000))
    server.behaviour.always_cut = True
    assert "big.bin cannot be read" in refused(pull(server), RetryLater)


@pytest.mark.parametrize("change", ["vanishes", "shrinks", "grows", "locked"])
def test_a_file_that_changes_while_it_is_read_is_never_landed_in_part(
    server: Server, tmp_path: Path, change: str
) -> None:
    from datetime import UTC, datetime

    put(server, "a.csv")

    def on_open(path: Path) -> None:
        if change == "vanishes":
            path.unlink(missing_ok=True)
        elif change == "locked":
            raise PermissionError(13, "Permission denied")
        else:
            path.write_bytes(b"x" * (10 if change == "shrinks" else 50_000))

    server.behaviour.on_open = on_open
    with pytest.raises(RetryLater):
        land(tmp_path / "state", SLICE, "scores", fetch(pull(server)), datetime(2026, 11, 22, tzinfo=UTC))  # type: ignore[arg-type]
    assert not list((tmp_path / "state").rglob("0*.json"))


def test_a_pull_that_was_cut_off_does_not_ask_again_for_what_it_has(server: Server) -> None:
    put(server, "a.csv", "b.csv", "c.csv")
    asked = pull(server)
    from dataclasses import replace

    assert list(contents(replace(asked, resume={"": "b.csv"}))) == ["c.csv"]


def test_names_that_are_no_path_are_told(server: Server) -> None:
    put(server, "a.csv", "b\nc.csv", "d.csv.filepart")
    left = [f for f in fetch(pull(server)) if isinstance(f, Left)]
    assert [(f.name, f.waits) for f in left] == [("b\\nc.csv", False), ("d.csv.filepart", True)]


HOSTILE = ("../../up.csv", "/etc/passwd", "a/../../b.csv", "..", "x\x00y.csv", "bell\x07.csv", "line\nbreak.csv")


@pytest.mark.parametrize("recursive", [False, True])
def test_names_that_a_server_makes_up_lead_nowhere(server: Server, tmp_path: Path, recursive: bool) -> None:
    from datetime import UTC, datetime

    put(server, "a.csv", "b/c.csv")
    server.behaviour.names = HOSTILE
    asked: list[Path] = []
    server.behaviour.on_open = asked.append
    told: list[str] = []

    def taken() -> Iterator[Any]:
        for piece in fetch(pull(server, recursive=recursive)):
            if isinstance(piece, Left):
                told.append(piece.name)
            else:
                yield piece

    found = land(tmp_path / "in" / "state", SLICE, "scores", taken(), datetime(2026, 11, 22, tzinfo=UTC))
    assert found is not None
    assert [f.name for f in found.files] == (["a.csv", "b/c.csv"] if recursive else ["a.csv"])
    assert {path.relative_to(server.root).as_posix() for path in asked} == {f.name for f in found.files}
    assert list(tmp_path.iterdir()) == [tmp_path / "in"], "something was written outside the state folder"
    assert {"bell\\x07.csv", "line\\nbreak.csv", "x\\x00y.csv"} <= set(told)
    assert not recursive or {"../../up.csv", "/etc/passwd", "a/../../b.csv"} <= set(told)


def test_a_link_on_the_server_is_not_followed(server: Server, tmp_path: Path) -> None:
    put(server, "a.csv", "sub/b.csv")
    (tmp_path / "secret.csv").write_text("not for the hub")
    (server.root / "out.csv").symlink_to(tmp_path / "secret.csv")
    (server.root / "up").symlink_to("..")
    (server.root / "sub" / "round").symlink_to(".")
    assert list(contents(pull(server, recursive=True))) == ["a.csv", "sub/b.csv"]


@pytest.fixture
def openssh(tmp_path: Path) -> Iterator[Server]:
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(sshd).exists():
        pytest.skip("OpenSSH's server is not installed (apt-get install openssh-server)")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    (tmp_path / "authorized").write_text((tmp_path / "user.pub").read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/authorized\n"
        f"PidFile {tmp_path}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        "Subsystem sftp internal-sftp\n"
    )
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(tmp_path / "config")], stderr=subprocess.PIPE)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        key = (tmp_path / "host.pub").read_text().rsplit(" ", 1)[0]
        (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {key}\n")
        (tmp_path / "files").mkdir()
        told = subprocess.run(
            ["ssh-keygen", "-lf", str(tmp_path / "host.pub")], check=True, capture_output=True, text=True
        )
        from sftp_server import Behaviour

        paths = (tmp_path / "files", told.stdout.split()[1], tmp_path / "known", tmp_path / "user", tmp_path / "user")
        yield Server(port, *paths, Behaviour())
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_openssh_gives_the_same(openssh: Server) -> None:
    body = os.urandom(2_000_000)
    (openssh.root / "big.bin").write_bytes(body)
    put(openssh, "a.csv", ".hidden", "sub/b.csv")
    address = f"sftp://{getpass.getuser()}@127.0.0.1:{openssh.port}{openssh.root}"
    auth = {"key_file": str(openssh.user_key), "host_key": openssh.host_key}
    asked = pull(openssh, auth=auth)
    found = contents(Pull("scores", SLICE, {**asked.transport, "path": address}, secret=asked.secret))
    assert found == {"a.csv": b"a.csv" * 1000, "big.bin": body}
