"""JSON pages as an API sent them: where the items lie and which path feeds which column is declared, never sniffed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import duckdb
import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa

from hub.engine import count, keep, keep_counted
from hub.errors import AskVendor
from hub.model import OpenedDelivery, OpenedFile, Source, Stream
from hub.standards.reading.csv_files import Reject, cleaned
from hub.standards.reading.streams import StreamRead, assign, keep_newest

Files = Sequence[tuple[int, OpenedFile]]
#: The path of a column that holds the id which the page was asked for, where the items do not say it.
EACH = "@each"


@ibis.udf.scalar.builtin(name="json_extract")
def _part(body: dt.json, path: str) -> dt.json: ...


@ibis.udf.scalar.builtin(name="json_extract_string")
def _text(body: dt.json, path: str) -> str: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="json_extract_string")
def _texts(body: dt.json, path: str) -> dt.Array(dt.string): ...  # type: ignore[valid-type]


@ibis.udf.scalar.builtin(name="json_type")
def _kind(body: dt.json) -> str: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="json_transform")
def _items(body: dt.json, shape: str) -> dt.Array(dt.json): ...  # type: ignore[valid-type]


def pages_in_use(deliveries: Sequence[OpenedDelivery], source: Source, stream: Stream, full: bool) -> Files:
    """The newest complete pull of a stream and the changes pulled after it; with `full` a delivery without a scope
    is complete, else it adds to those before."""
    chain: list[tuple[int, OpenedFile]] = []
    for delivery in deliveries:
        named = stream.options.get("of", stream.name)
        pages = [(delivery.seq, f) for f in assign(source, delivery.files)[0].get(named, [])]
        whole = delivery.scopes.get(named, "full" if full else "delta") == "full"
        chain = pages if whole and pages else [*chain, *pages]
    return chain


def read_pages(con: Any, stream: Stream, files: Files, used: set[str]) -> tuple[list[StreamRead], dict[str, int]]:
    """Makes table `stream.name` of the used columns as trimmed text with `_file`, `_row` (the item in its page, from
    1) and `_seq`; gives the reads, and the rows that do not count by reason.

    Of several items with one `key` the last that came counts; one that fits `deleted` ends there. Raises AskVendor
    for a page that is no JSON in UTF-8 or has no items where they are declared.
    """
    used = used | set(stream.options.get("key", ())) | set(stream.options.get("deleted", ()))
    items = f"{stream.name}__items"
    _unnest(con, stream, files, items)
    if "nested" in stream.options:
        _descend(con, stream.options["nested"], items)
    cells = _cells(con, stream, items, used)
    keep(con, stream.name, cells)
    rows = con.table(items)
    found = con.to_pyarrow(rows.group_by("_page").aggregate(n=rows.count())).to_pylist()
    counts = {r["_page"]: r["n"] for r in found}
    strange = rows.filter(_kind(rows["item"]).fill_null("NULL") != "OBJECT").select("_page", "_row")
    rejects: dict[int, list[Reject]] = {}
    for place in con.to_pyarrow(strange.order_by("_page", "_row")).to_pylist():
        rejects.setdefault(place["_page"], []).append(Reject(place["_row"], "json.item"))
    con.drop_table(items, force=True)
    ignored = _settle(con, stream)
    reads = [
        StreamRead(stream.name, file, seq, stream.name, counts.get(page, 0), tuple(rejects.get(page, ())))
        for page, (seq, file) in enumerate(files)
    ]
    return reads, {reason: n for reason, n in ignored.items() if n}


def each_of(name: str) -> str:
    """The row of another stream that a page was asked for, `marks/<id>/000001.json`; "" where it was for all."""
    parts = name.split("/")
    return unquote(parts[1]) if len(parts) == 3 else ""


def path_of(words: str) -> str:
    """`org.sourcedId` as a JSON path; a part `name[*]` goes through a list."""
    path = "$"
    for word in words.split(".") if words else ():
        name = word.removesuffix("[*]")
        path += f'."{name}"' + ("[*]" if name != word else "")
    return path


def _unnest(con: Any, stream: Stream, files: Files, items: str) -> None:
    places = {
        "filename": [str(file.path) for _, file in files],
        "_each": [each_of(file.name) for _, file in files],
        "_page": list(range(len(files))),
        "_file": [file.sha256 for _, file in files],
        "_seq": [seq for seq, _ in files],
    }
    pages = con.create_table(f"{stream.name}__places", pa.table(places), overwrite=True)
    view = f"{stream.name}__pages"
    names = sorted({str(file.path) for _, file in files})
    con.con.table_function("read_text", [names]).create_view(view, replace=True)
    bodies = _lines(con.table(view)) if stream.options.get("lines") else _lists(con.table(view), stream)
    try:
        placed = bodies.inner_join(pages, "filename").select("_page", "_each", "_file", "_seq", "_row", "item", "sound")
        placed = placed.mutate(owner=placed["item"], _item=placed["_row"])
        rows = keep(con, items, placed)
        torn = con.to_pyarrow(rows.filter(~rows["sound"]).aggregate(page=rows["_page"].min())).to_pylist()[0]["page"]
    except duckdb.InvalidInputException:  # not UTF-8; its text may quote the page
        raise _unreadable(files[0][1].name if len(files) == 1 else f"A page of {stream.name}", stream) from None
    finally:
        con.drop_view(view, force=True)
    if torn is not None:
        raise _unreadable(files[torn][1].name, stream)


def _lists(texts: Any, stream: Stream) -> Any:
    """The items of each page; a page without a list gives one that is not sound."""
    body = texts["content"].re_replace("^\ufeff", "").try_cast("json")
    said = stream.options["items"]
    places = [_part(body, path_of(path)) for path in ([said] if isinstance(said, str) else said)]
    whole = places[0] if len(places) == 1 else ibis.coalesce(*places)
    if stream.options.get("may_be_missing"):
        absent = (_kind(body) == "OBJECT") & whole.isnull()
        whole = absent.fill_null(False).ifelse(ibis.literal("[]").cast("json"), whole)
    kind = _kind(whole)
    many = _items((kind == "ARRAY").ifelse(whole, ibis.null("json")), '["JSON"]')
    sound = kind.isin(["ARRAY", "OBJECT"]).fill_null(False)
    pages = texts.select(
        "filename", sound=sound, items=(kind == "ARRAY").fill_null(False).ifelse(many, ibis.array([whole]))
    )
    at = ibis.range(1, pages["items"].length() + 1)
    return pages.select("filename", "sound", item=pages["items"].unnest(), _row=at.unnest())


def _lines(texts: Any) -> Any:
    listed = texts.select("filename", lines=texts["content"].re_replace("^\ufeff", "").split("\n"))
    at = ibis.range(1, listed["lines"].length() + 1)
    lines = listed.select("filename", line=listed["lines"].unnest(), at=at.unnest())
    lines = lines.filter(lines["line"].strip() != "")
    item = lines["line"].try_cast("json")
    place = ibis.row_number().over(group_by="filename", order_by="at") + 1
    return lines.select("filename", sound=item.notnull(), item=item, _row=place)


def _descend(con: Any, path: str, items: str) -> None:
    """Each item of a list that an item holds becomes a row, also one without a list; `owner` is who holds it."""
    rows = con.table(items)
    held = _part(rows["item"], path_of(path))
    alone = (_kind(held) == "OBJECT").fill_null(False)
    many = _items(alone.ifelse(ibis.null("json"), held), '["JSON"]')
    lists = rows.mutate(parts=alone.ifelse(ibis.array([held]), many)).drop("item", "_row")
    at = ibis.range(1, lists["parts"].length() + 1)
    parts = lists.select(*[c for c in lists.columns if c != "parts"], item=lists["parts"].unnest(), at=at.unnest())
    place = ibis.row_number().over(group_by="_page", order_by=["_item", "at"]) + 1
    keep(con, items, parts.mutate(_row=place).drop("at"))


def _unreadable(name: str, stream: Stream) -> AskVendor:
    items = stream.options["items"]
    items = items if isinstance(items, str) else " or ".join(items)
    where = f"has no list {items}, or is no JSON" if items else "is no JSON"
    return AskVendor(
        f"{name}: the page {where} in UTF-8 (rule json.unreadable).",
        "Ask the system's keeper what it answers now; the pull of another night replaces this one.",
    )


def _cells(con: Any, stream: Stream, items: str, used: set[str]) -> Any:
    rows = con.table(items)
    rows = rows.filter(_kind(rows["item"]) == "OBJECT")
    nulls = stream.options.get("nulls", [])
    paths = stream.options["paths"]
    columns = {c: ibis.null("string") for c in sorted(used - paths.keys())}
    for column, words in paths.items():
        if column in used:
            found = [_cell(rows, path) for path in ([words] if isinstance(words, str) else words)]
            columns[column] = cleaned(found[0] if len(found) == 1 else ibis.coalesce(*found), nulls)
    return rows.select("_page", "_file", "_seq", "_row", "_item", **columns)


def _cell(rows: Any, words: str) -> Any:
    """One path as text: `^.` starts at the owner of an item, `[*]` joins the texts of a list by commas."""
    if words == EACH:
        return rows["_each"]
    body = rows["owner"] if words.startswith("^.") else rows["item"]
    path = path_of(words.removeprefix("^."))
    if "[*]" not in words:
        return _text(body, path)
    joined = _texts(body, path).join(",").fill_null("")
    alone = path.replace("[*]", "")  # some servers write a list of one as its item
    is_value = _kind(_part(body, alone)).isin(["VARCHAR", "BIGINT", "UBIGINT", "DOUBLE", "BOOLEAN"])
    return ((joined == "") & is_value).ifelse(_text(body, alone), joined)


def _settle(con: Any, stream: Stream) -> dict[str, int]:
    """One row a key, the last that came, without those that say they are deleted."""
    rows, ignored = con.table(stream.name), {}
    key, gone = stream.options.get("key", []), stream.options.get("deleted", {})
    if key:
        order = [rows[c].desc() for c in ("_seq", "_page", "_item")]
        rows, ignored["json.superseded"] = keep_newest(con, stream.name, key, order, blank=key[:1], whole=True)
    for column, values in gone.items():
        before = count(con, rows)
        there = ~rows[column].lower().isin(values).fill_null(False)
        rows, left = keep_counted(con, stream.name, rows.filter(there))
        ignored["json.deleted"] = before - left
    keep(con, stream.name, rows.drop("_page", "_item"))
    return ignored
