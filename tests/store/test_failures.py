"""What a store that is full, shut, damaged or away asks of a person: each from a real database in that condition."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Column, Text, event, make_url, text

from hub.errors import FixConfiguration, HubError, RetryLater, Stop, of_disk
from hub.model import Slice
from hub.store import Store, content_digest, migrate, open_store, runs, staging
from hub.store.connect import writing

from .school import ENTITIES, publish_record, student

A_NAME = "Wilhelmina"


def _sqlite(folder: Path) -> Store:
    store = open_store("sqlite", "maple-hollow", ENTITIES, folder)
    migrate(store)
    return store


def _raised(action: Callable[[], object]) -> HubError:
    with pytest.raises(HubError) as caught:
        action()
    return caught.value


def test_a_full_disk_is_to_be_tried_again_and_leaves_what_is_published(tmp_path: Path) -> None:
    store = _sqlite(tmp_path)
    publish_record(store, Slice(store.district, 2027), 1, {"Student": [student(1)]}, tmp_path / "first")
    before = content_digest(store)

    @event.listens_for(store.engine, "connect")
    def _no_room(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # type: ignore[attr-defined]  # as a file that cannot grow

    many = {"Student": [student(number, A_NAME) for number in range(2, 3_000)]}
    error = _raised(lambda: publish_record(store, Slice(store.district, 2027), 2, many, tmp_path / "second"))
    assert type(error) is RetryLater
    assert "disk of" in str(error)
    assert "maple-hollow.db is full" in str(error)
    assert A_NAME not in str(error)
    again = _sqlite(tmp_path)
    assert len(runs(again)) == 1
    assert content_digest(again) == before


@pytest.mark.parametrize(
    ("left", "kind", "said"), [(0, Stop, "could not be written to"), (1 << 60, RetryLater, "full")]
)
def test_changes_that_cannot_be_staged_tell_a_full_disk_from_another_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int, kind: type, said: str
) -> None:
    store = _sqlite(tmp_path)
    (tmp_path / "staging.db").write_bytes(b"in the way of what the driver writes " * 99)
    pq.write_table(pa.table({"name": [A_NAME]}), tmp_path / "names.parquet")
    monkeypatch.setattr(staging, "_LEFT", left)  # a driver at the end of the disk may not say that it is
    load = staging.Load("names", tmp_path / "names.parquet", {"name": Column("name", Text)})

    def staged() -> None:
        with writing(store) as connection:
            staging.stage(connection, [load], tmp_path)

    error = _raised(staged)
    assert type(error) is kind
    assert said in str(error)
    assert str(tmp_path / "staging.db") in str(error)
    assert A_NAME not in str(error)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read as one\n" * 40, b"PK\x03\x04"])
def test_a_damaged_file_names_the_way_back(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "maple-hollow.db").write_bytes(content)
    error = _raised(lambda: _sqlite(tmp_path))
    assert type(error) is Stop
    assert "maple-hollow.db is damaged" in str(error)
    assert "hub store rebuild" in str(error)


#: Root may write anywhere, so it gives up its capabilities (capset(2), version 3) and is an owner as others are.
SHUT = """
import ctypes, sys
from pathlib import Path
from hub.errors import FixConfiguration
from hub.store import open_store, migrate
if ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()):
    sys.exit("capset failed")
try:
    migrate(open_store("sqlite", "maple-hollow", {}, Path(sys.argv[1])))
except FixConfiguration as error:
    print(error)
"""


@pytest.mark.parametrize("shut", ["folder", "folder of a store", "file"])
def test_a_file_or_folder_that_may_not_be_written_is_a_matter_of_the_account(tmp_path: Path, shut: str) -> None:
    if shut != "folder":
        _sqlite(tmp_path)
    folder = tmp_path / "store"
    folder.mkdir(exist_ok=True)
    (folder / "maple-hollow.db").chmod(0o444) if shut == "file" else folder.chmod(0o555)
    child = subprocess.run([sys.executable, "-c", SHUT, tmp_path], capture_output=True, text=True)
    folder.chmod(0o755)
    assert "may not be" in child.stdout, child.stderr
    assert str(tmp_path) in child.stdout
    assert "Give the account" in child.stdout


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(28, "No space left on device", "/data/part"), RetryLater),
        (OSError(122, "Disk quota exceeded"), RetryLater),
        (Exception("IO Error: Could not write file: No space left on device"), RetryLater),
        (OSError(13, "Permission denied", "/data/part"), FixConfiguration),
        (OSError(30, "Read-only file system"), FixConfiguration),
        (ValueError("anything else"), type(None)),
    ],
)
def test_errors_of_the_disk_are_known_and_no_others(error: Exception, kind: type) -> None:
    known = of_disk(error, "/state")
    assert type(known) is kind
    assert known is None or ("/data/part" if getattr(error, "filename", None) else "/state") in str(known)


def test_the_systems_own_full_device_is_known() -> None:
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space") as caught, device.open("wb", buffering=0) as out:
        out.write(b"x")
    assert isinstance(of_disk(caught.value, device), RetryLater)


def test_a_database_that_is_away_is_to_be_tried_again(tmp_path: Path) -> None:
    url = f"postgresql+psycopg2://hub:a-secret@/postgres?host={tmp_path}"
    store = open_store(url, "maple-hollow", ENTITIES, tmp_path)
    for action in (lambda: migrate(store), lambda: runs(store)):
        error = _raised(action)
        assert type(error) is RetryLater
        assert "does not answer" in str(error)
        assert "url_env" in str(error)
        assert "a-secret" not in str(error)
        assert str(tmp_path) not in str(error)


@pytest.mark.postgres
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_address_may_be_written_for_any_driver(postgres_url: str, tmp_path: Path, scheme: str) -> None:
    url = postgres_url.replace("postgresql+psycopg2", scheme)
    store = open_store(url, f"driver-{os.getpid()}", ENTITIES, tmp_path)
    migrate(store)
    assert runs(store) == []


@pytest.mark.parametrize("url", ["mysql://hub@host/x", "a-secret", ""])
def test_an_address_of_no_postgresql_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    error = _raised(lambda: open_store(url, "maple-hollow", ENTITIES, tmp_path))
    assert type(error) is FixConfiguration
    assert not url or url not in str(error)


@pytest.mark.postgres
@pytest.mark.parametrize("change", [{"database": "nowhere"}, {"username": "stranger"}])
def test_a_database_that_does_not_let_the_hub_in_is_a_matter_of_its_address(
    postgres_url: str, tmp_path: Path, change: dict[str, str]
) -> None:
    url = make_url(postgres_url).set(password="a-secret", **change)
    store = open_store(url.render_as_string(hide_password=False), "maple-hollow", ENTITIES, tmp_path)
    error = _raised(lambda: migrate(store))
    assert type(error) is FixConfiguration
    assert "does not let the hub in" in str(error)
    assert "a-secret" not in str(error)


@pytest.mark.postgres
def test_an_account_without_rights_in_the_database_is_told_so(postgres_url: str, tmp_path: Path) -> None:
    name = f"reader_{os.getpid()}"
    owner = open_store(postgres_url, "rights", ENTITIES, tmp_path)
    with owner.engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.commit()
    try:
        url = make_url(postgres_url).set(username=name).render_as_string()
        error = _raised(lambda: migrate(open_store(url, "no-rights", ENTITIES, tmp_path)))
    finally:
        with owner.engine.connect() as connection:
            connection.execute(text(f"DROP ROLE {name}"))
            connection.commit()
    assert type(error) is FixConfiguration
    assert "does not let the hub write" in str(error)


@pytest.mark.postgres
@pytest.mark.parametrize("then", ["SELECT 1", "COMMIT"])
def test_a_connection_lost_inside_a_transaction_changes_nothing(postgres_url: str, tmp_path: Path, then: str) -> None:
    store = open_store(postgres_url, f"lost-{len(then)}-{os.getpid()}", ENTITIES, tmp_path)
    migrate(store)
    publish_record(store, Slice(store.district, 2027), 1, {"Student": [student(1)]}, tmp_path / "first")

    def cut() -> None:
        with writing(store) as connection, store.engine.connect() as other:
            connection.execute(text("DELETE FROM hub_run"))
            process = connection.scalar(text("SELECT pg_backend_pid()"))
            other.execute(text("SELECT pg_terminate_backend(:process)"), {"process": process})
            connection.execute(text(then))

    error = _raised(cut)
    assert type(error) is RetryLater
    assert len(runs(store)) == 1
