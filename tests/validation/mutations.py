"""Hypothesis strategies that change a clean OneRoster package: cells, rows, columns, files, the manifest, bytes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

from hypothesis import strategies as st
from oneroster_package import clean

Files = dict[str, bytes]
#: What each file brings along, so that the package is clean without the rest.
CHOICES = {
    "1.1": [("orgs", "academicSessions"), ("orgs", "academicSessions", "courses", "classes", "users", "enrollments"),
            ("categories", "resources"), ("orgs", "users", "demographics")],
    "1.2": [("orgs", "categories"), ("orgs", "academicSessions", "courses", "classes", "scoreScales"),
            ("orgs", "users", "userProfiles", "roles"), ("resources", "categories", "academicSessions")],
}  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["", " ", "\t", "x" * 255, "x" * 256, "é" * 200, "TRUE", "true", "True ", "yes", "1", "0", "-1", "1.5", "1e3",
         "NaN", "inf", "0x1F", "٣", "２０２６", "2026-08-15", "2026-02-30", "2026-8-15", "08/15/2026", "20260815",
         "2026-08-15 ", "2026-08-15T00:00:00Z", "2026-11-20T02:00:00.000Z", "infinity", "0000-00-00", "9999-12-31",
         "12026-08-15", "-026-08-15", "epoch", "2027", "27", "2026-2027", "active", "tobedeleted", "school", "School",
         "ext:own", "ext:", "EXT:own", "ext:a b", "student,teacher", "student, teacher", ",", "a,,b", ",a", "a,",
         "a , b", "org-1", "org-1,org-2", "ORG-1", " org-1", "org-1 ", "org 1", "org-1;org-2", "org-9", "ses-1,ses-1",
         "usr-1", "{Local:71}", "{Local:71},{Staff:9}", "{}", "04", "KG", "a\nb", "a\r\nb", "a\rb", 'say "so"', '"',
         "NULL", "null", "a\u00a0", "\u00a0", "\u2028", "\ufeff", "\u200b", "'", "=1+1", "a\x0bb", "\x0c", "a\x00b"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=6),
)  # fmt: skip


@st.composite
def packages(draw: st.DrawFn, version: str, dialects: bool = False) -> tuple[Files, Files]:
    """(a clean package, the same with one to three mutations, with `dialects` half of them of a whole file)"""
    before = clean(version).only(*draw(st.sampled_from(CHOICES[version])))
    for row in before.rows.get("roles", ()):
        row["userProfileSourcedId"] = row.get("userProfileSourcedId", "")
    files = before.files()
    changed = dict(files)
    mutations = [*MUTATIONS, *[dialect] * len(MUTATIONS)] if dialects else MUTATIONS
    for _ in range(draw(st.integers(1, 3))):
        changed = draw(st.sampled_from(mutations))(draw, changed)
    return files, changed


def _one(draw: st.DrawFn, files: Files, manifest: bool = True) -> str:
    return draw(st.sampled_from(sorted(n for n in files if manifest or not n.endswith("manifest.csv")) or [""]))


def _table(draw: st.DrawFn, files: Files, change: Callable[[list[list[str]]], None]) -> Files:
    """One file taken apart, changed and written again."""
    name = _one(draw, files)
    try:
        rows = list(csv.reader(io.StringIO(files.get(name, b"").decode(), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return files
    if not rows:
        return files
    change(rows)
    out = io.StringIO()
    ends, all_quoted = draw(st.sampled_from(["\n", "\n", "\r\n"])), draw(st.integers(0, 9)) == 0
    csv.writer(out, lineterminator=ends, quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL).writerows(rows)
    return {**files, name: out.getvalue().encode()}


def cell(draw: st.DrawFn, files: Files) -> Files:
    def change(rows: list[list[str]]) -> None:
        row = draw(st.sampled_from(rows))
        if row:
            row[draw(st.integers(0, len(row) - 1))] = draw(VALUES)

    return _table(draw, files, change)


def row(draw: st.DrawFn, files: Files) -> Files:
    def change(rows: list[list[str]]) -> None:
        at, to = (draw(st.integers(0, len(rows) - 1)) for _ in range(2))
        kind = draw(st.sampled_from(["delete", "again", "swap", "short", "long", "blank", "header", "shift"]))
        if kind == "delete":
            del rows[at]
        elif kind in ("again", "header"):
            rows.insert(to, list(rows[at if kind == "again" else 0]))
        elif kind == "swap":
            rows[at], rows[to] = rows[to], rows[at]
        elif kind == "short":
            rows[at] = rows[at][:-1]
        elif kind == "blank":
            rows.insert(at, [])
        else:
            rows[at] = [*rows[at], ""] if kind == "long" else [*rows[at][1:], *rows[at][:1]]

    return _table(draw, files, change)


def column(draw: st.DrawFn, files: Files) -> Files:
    def change(rows: list[list[str]]) -> None:
        width = min(len(r) for r in rows)
        if not width:
            return
        at, to = (draw(st.integers(0, width - 1)) for _ in range(2))
        kind = draw(st.sampled_from(["delete", "swap", "name", "case", "again", "own", "metadata", "same"]))
        for number, line in enumerate(rows):
            if kind == "delete":
                del line[at]
            elif kind == "swap":
                line[at], line[to] = line[to], line[at]
            elif kind in ("again", "own", "metadata"):
                name = {"again": line[at], "own": "colour", "metadata": "metadata.colour"}[kind]
                line.insert(draw(st.just(len(line))) if kind != "own" else to, name if not number else line[at])
            elif not number:
                line[at] = {"name": draw(VALUES), "case": line[at].upper(), "same": line[to]}[kind]

    return _table(draw, files, change)


def whole_file(draw: st.DrawFn, files: Files) -> Files:
    name, other = _one(draw, files), _one(draw, files)
    kind = draw(st.sampled_from(["delete", "empty", "header", "rename", "case", "folder", "copy", "add"]))
    body = files.get(name, b"")
    rest = {n: b for n, b in files.items() if n != name}
    if kind == "delete":
        return rest
    if kind in ("empty", "header"):
        return {**files, name: body.split(b"\n")[0] + b"\n" if kind == "header" else b""}
    if kind == "copy":
        return {**files, name: files.get(other, b"")}
    if kind == "add":
        return {**files, draw(st.sampled_from(["notes.txt", "results.csv", "roles.csv", "extra.csv"])): body}
    new = {"rename": f"my_{name}", "case": name.title(), "folder": f"feed/{name}"}[kind]
    return {**rest, new: body}


def said(draw: st.DrawFn, files: Files) -> Files:
    """A line of the manifest says something else."""
    lines = files.get("manifest.csv", b"").decode(errors="replace").split("\n")
    at = draw(st.integers(0, len(lines) - 1))
    name, _, value = lines[at].partition(",")
    new = draw(st.sampled_from(["bulk", "delta", "absent", "Bulk", "full", "", "1.0", "1.1", "1.2", "1.2.1"]))
    kind = draw(st.sampled_from(["value", "name", "delete", "again", "spaces"]))
    if kind == "delete":
        del lines[at]
    elif kind == "again":
        lines.insert(at, lines[at])
    else:
        lines[at] = {"value": f"{name},{new}", "name": f"{name.upper()},{value}", "spaces": f"{name} , {value}"}[kind]
    return {**files, "manifest.csv": "\n".join(lines).encode()}


def octets(draw: st.DrawFn, files: Files) -> Files:
    name = _one(draw, files)
    body = files.get(name, b"")
    at = draw(st.integers(0, len(body)))
    upto = min(len(body), at + draw(st.integers(0, 40)))
    odd = st.sampled_from([b"\x00", b"\xff", b'"', b'""', b",", b"\r", b"\n", b"\r\n", b" ", b"\xef\xbb\xbf",
                           b"\xe9", b"\t", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
                           b"\x1a", b";", b"\xc2\xa0"])  # fmt: skip
    kind = draw(st.sampled_from(["insert", "replace", "delete", "again", "cut", "flip"]))
    if kind == "insert":
        body = body[:at] + draw(st.one_of(odd, st.binary(min_size=1, max_size=3))) + body[at:]
    elif kind == "replace":
        body = body[:at] + draw(st.one_of(odd, st.binary(max_size=3))) + body[at + 1 :]
    elif kind == "flip" and at < len(body):
        body = body[:at] + bytes([body[at] ^ (1 << draw(st.integers(0, 7)))]) + body[at + 1 :]
    else:
        body = {"delete": body[:at] + body[upto:], "again": body[:upto] + body[at:], "cut": body[:at]}.get(kind, body)
    return {**files, name: body}


def dress(draw: st.DrawFn, files: Files) -> Files:
    """Other bytes of the same meaning."""
    name = _one(draw, files)
    body = files.get(name, b"")
    kind = draw(st.sampled_from(["mark", "crlf", "end", "order"]))
    if kind == "order":
        return dict(reversed(files.items()))
    if kind == "crlf":
        return {**files, name: body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")}
    return {**files, name: b"\xef\xbb\xbf" + body if kind == "mark" else body.removesuffix(b"\n").removesuffix(b"\r")}


def dialect(draw: st.DrawFn, files: Files) -> Files:
    """A file as another program writes it."""
    name = _one(draw, files)
    return {**files, name: draw(st.sampled_from(list(DIALECTS.values())))(files.get(name, b""))}


def _lines(change: Callable[[int, bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda body: b"\n".join(change(n, line) for n, line in enumerate(body.split(b"\n")))


def _head(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return _lines(lambda n, line: line if n else change(line))


def _rows(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return _lines(lambda n, line: change(line) if n and line else line)


def _quoted(line: bytes) -> bytes:
    return b",".join(b'"%s"' % cell for cell in line.split(b","))


def _singular(found: re.Match[bytes]) -> bytes:
    return found[0].removesuffix(b"s")


def _dates(to: bytes) -> Callable[[bytes], bytes]:
    return lambda body: re.sub(rb"(\d{4})-(\d\d)-(\d\d)", to, body)


def _text(encoding: str, put: str = "") -> Callable[[bytes], bytes]:
    return lambda body: (put + body.decode(errors="replace")).encode(encoding, errors="replace")


DIALECTS: dict[str, Callable[[bytes], bytes]] = {
    "mark": lambda body: b"\xef\xbb\xbf" + body,
    "two marks": lambda body: b"\xef\xbb\xbf" * 2 + body,
    "returns": lambda body: body.replace(b"\n", b"\r"),
    "pairs": lambda body: body.replace(b"\n", b"\r\n"),
    "two returns": lambda body: body.replace(b"\n", b"\r\r\n"),
    "mixed ends": _lines(lambda n, line: line + b"\r" if n % 2 and line else line),
    "ends before": lambda body: b"\n" + body,
    "ends behind": lambda body: body + b"\n\n\r\n",
    "ends between": lambda body: body.replace(b"\n", b"\n\n"),
    "end of DOS": lambda body: body + b"\x1a",
    "blanks behind": lambda body: body + b"   ",
    "semicolons": lambda body: body.replace(b",", b";"),
    "tabs": lambda body: body.replace(b",", b"\t"),
    "separator told": lambda body: b"sep=,\n" + body,
    "all quoted": _lines(lambda _, line: line if b'"' in line else _quoted(line)),
    "header quoted": _head(_quoted),
    "blanks before quotes": lambda body: body.replace(b',"', b', "'),
    "blanks after commas": lambda body: body.replace(b",", b", "),
    "apostrophes": lambda body: body.replace(b'"', b"'"),
    "backslashes": _rows(lambda line: line.replace(b",", b'\\",', 1)),
    "torn at the start": _rows(lambda line: b'"' + line),
    "torn at the end": _rows(lambda line: line + b'"'),
    "torn once": lambda body: body.replace(b"\n", b'\n"', 1),
    "torn twice": _rows(lambda line: line.replace(b",", b',"a"b', 1).replace(b",,", b',"c"d,', 1)),
    "fields behind": _lines(lambda _, line: line + b",," if line else line),
    "fields behind rows": _rows(lambda line: line + b",,"),
    "a field behind the header": _head(lambda line: line + b","),
    "fields behind, many": _rows(lambda line: line + b"," * 150),
    "filled behind": _rows(lambda line: line + b",x"),
    "short": _rows(lambda line: line.rpartition(b",")[0]),
    "header shouted": _head(bytes.upper),
    "header folded": _head(bytes.lower),
    "header spaced": _head(lambda line: line.replace(b",", b" , ")),
    "header in words": _head(lambda line: re.sub(rb"([a-z])([A-Z])", rb"\1 \2", line)),
    "names of 1.0": _head(lambda line: re.sub(rb"(term|org|agent)SourcedIds|(grade|subject|period)s", _singular, line)),
    "names of 1.0 again": _head(lambda line: line + b"," + re.sub(rb"SourcedIds|grades", _singular, line)),
    "no header": lambda body: body.partition(b"\n")[2],
    "header twice": lambda body: body.partition(b"\n")[0] + b"\n" + body,
    "header only": lambda body: body.partition(b"\n")[0],
    "one column": _lines(lambda _, line: line.partition(b",")[0]),
    "without the first": _lines(lambda _, line: line.partition(b",")[2]),
    "own column before": _lines(lambda n, line: (b"" if n else b"colour") + b"," + line if line else line),
    "blank column before": _lines(lambda _, line: b"," + line if line else line),
    "rows shouted": _rows(bytes.upper),
    "rows folded": _rows(bytes.lower),
    "Latin-1": _text("latin-1"),
    "UTF-16": _text("utf-16"),
    "UTF-16 without a mark": _text("utf-16-le"),
    "accents of Latin-1": lambda body: body.replace(b"i", b"\xed"),
    "nothing": lambda body: b"",
    "blank": lambda body: b" \r\n \r\n",
    "NUL behind": lambda body: body + b"\x00",
    "null as a word": _rows(lambda line: line.replace(b",,", b",NULL,")),
    "American dates": _dates(rb"\2/\3/\1"),
    "short American dates": lambda body: re.sub(rb"(\d{4})-0?(\d+)-0?(\d+)", rb"\2/\3/\1", body),
    "European dates": _dates(rb"\3.\2.\1"),
    "dates without strokes": _dates(rb"\1\2\3"),
    "dates with times": _dates(rb"\1-\2-\3T00:00:00Z"),
    "dates with midnight": _dates(rb"\1-\2-\3 00:00:00"),
    "years of two digits": _dates(rb"\2/\3/26"),
    "last year's dates": lambda body: body.replace(b"2026-", b"2020-").replace(b"2027", b"2021"),
    "page of HTML": lambda body: b"<html><body>Sign in</body></html>",
    "Excel's workbook": lambda body: b"PK\x03\x04" + body,
    "JSON": lambda body: b'{"orgs": []}',
}  # fmt: skip

MUTATIONS = [cell, cell, cell, row, column, whole_file, said, octets, octets, dress]
