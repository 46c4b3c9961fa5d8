"""JSON pages: every item is a row, a held item or ignored with a reason, and its values are what was sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.engine import connect
from hub.errors import AskVendor
from hub.model import OpenedDelivery, OpenedFile, Source, Stream
from hub.standards.reading.json_pages import pages_in_use, read_pages

COLUMNS = {"id": "id", "name": "name", "school": "org.sourcedId", "schools": "orgs[*].sourcedId"}
NIGHT = datetime(2026, 11, 25, tzinfo=UTC)


def stream(**options: Any) -> Stream:
    body = {"paths": COLUMNS, "items": "users", **options}
    return Stream("users", "json", r"^users/", "full", tuple(COLUMNS), body)


def page(folder: Path, body: Any, name: str = "users/000001.json") -> OpenedFile:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    digest = sha256(content).hexdigest()
    path = folder / digest
    path.write_bytes(content)
    return OpenedFile(name, path, digest, "users")


def read(spec: Stream, files: Sequence[tuple[int, OpenedFile]]) -> tuple[list[dict[str, Any]], Any, dict[str, int]]:
    con = connect()
    reads, ignored = read_pages(con, spec, files, set(COLUMNS))
    rows = con.to_pyarrow(con.table("users").order_by("_seq", "_file", "_row")).to_pylist()
    con.disconnect()
    return rows, reads, ignored


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=8)
ITEM = st.one_of(
    st.fixed_dictionaries({"id": st.integers() | TEXT}, optional={"name": TEXT | st.none(), "other": st.booleans()}),
    st.none(),
    st.integers(),
    TEXT,
)


@given(st.lists(st.lists(ITEM, max_size=4), min_size=1, max_size=4), st.booleans())
@settings(deadline=None, max_examples=40)
def test_every_item_is_a_row_or_held_or_superseded(pages: list[list[Any]], keyed: bool) -> None:
    with TemporaryDirectory() as folder:
        bodies = {i: {"page": i, "users": items} for i, items in enumerate(pages)}
        files = [(1, page(Path(folder), body, f"users/{i:06}.json")) for i, body in bodies.items()]
        rows, reads, ignored = read(stream(key=["id"]) if keyed else stream(), files)
    assert [r.rows for r in reads] == [len(items) for items in pages]
    held = sum(len(r.rejects) for r in reads)
    assert sum(len(items) for items in pages) == len(rows) + held + sum(ignored.values())
    if not keyed:
        sent = [item for items in pages for item in items if isinstance(item, dict)]
        said = sorted(str(item["id"]).strip() or "" for item in sent)
        # What Python strips and an engine does not is no letter: \x1f, say.
        odd = any(not str(item["id"]).isprintable() for item in sent)
        assert odd or sorted(row["id"] or "" for row in rows) == said


def test_paths_go_through_objects_and_lists_and_numbers_stay_what_they_are(tmp_path: Path) -> None:
    big = b'{"users": [{"id": 12345678901234567890, "name": " Ada ", "org": {"sourcedId": "o"}, '
    body = big + b'"orgs": [{"sourcedId": "a"}, {"sourcedId": "b"}]}]}'
    rows, _, _ = read(stream(), [(1, page(tmp_path, b"\xef\xbb\xbf" + body))])
    assert {c: rows[0][c] for c in COLUMNS} == {
        "id": "12345678901234567890",
        "name": "Ada",
        "school": "o",
        "schools": "a,b",
    }


def test_a_bare_list_a_single_object_and_lines(tmp_path: Path) -> None:
    one, two = {"id": "1"}, {"id": "2"}
    for spec, body in (
        (stream(items=""), [one, two]),
        (stream(items="", lines=True), b'{"id": "1"}\n\n{"id": "2"}\r\n'),
    ):
        assert [row["id"] for row in read(spec, [(1, page(tmp_path, body))])[0]] == ["1", "2"]
    assert [row["id"] for row in read(stream(), [(1, page(tmp_path, {"users": one}))])[0]] == ["1"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"<html>", b'{"error": "no"}', b'{"users": "none"}', b'{"users": null}', b"\xff\xfe{}"]
)
def test_a_page_without_its_list_refuses_the_pull(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(AskVendor, match=r"users/000001\.json.*rule json\.unreadable"):
        read(stream(), [(1, page(tmp_path, body))])


def test_a_list_that_may_be_missing_is_empty_and_a_torn_page_is_not(tmp_path: Path) -> None:
    spec = stream(may_be_missing=True)
    assert read(spec, [(1, page(tmp_path, {"next": "x"}))])[0] == []
    for body in (b"", b"{", b"[]", b'{"users": 3}'):
        with pytest.raises(AskVendor, match=r"json\.unreadable"):
            read(spec, [(1, page(tmp_path, body))])


def test_the_id_that_a_page_was_asked_for_is_a_column(tmp_path: Path) -> None:
    spec = stream(paths={**COLUMNS, "name": "@each"})
    pages = [(1, page(tmp_path, {"users": [{"id": 1}]}, f"users/{course}/000001.json")) for course in ("c1", "c2")]
    assert sorted(row["name"] for row in read(spec, pages)[0]) == ["c1", "c2"]


def test_changes_come_on_top_of_the_newest_complete_pull(tmp_path: Path) -> None:
    spec = stream(key=["id"], deleted={"name": ["gone"]})
    source = Source("mini", "Mini", 10, (spec,), (), {}, {}, {})

    def night(seq: int, scope: str, *users: dict[str, str]) -> OpenedDelivery:
        return OpenedDelivery(seq, NIGHT, (page(tmp_path, {"n": seq, "users": users}),), {"users": scope})  # type: ignore[dict-item]

    nights = [
        night(1, "full", {"id": "0", "name": "before"}),
        night(2, "full", {"id": "1", "name": "a"}, {"id": "2", "name": "b"}, {"id": "3", "name": "c"}),
        night(3, "delta", {"id": "2", "name": "bb"}, {"id": "4", "name": "d"}),
        night(4, "delta", {"id": "3", "name": "gone"}),
    ]
    rows, _, ignored = read(spec, pages_in_use(nights, source, spec, full=True))
    assert {row["id"]: row["name"] for row in rows} == {"1": "a", "2": "bb", "4": "d"}
    assert ignored == {"json.superseded": 2, "json.deleted": 1}
