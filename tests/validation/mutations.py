"""Hypothesis strategies that change a clean OneRoster package: cells, rows, columns, files, the manifest, bytes."""

from __future__ import annotations

import csv
import io
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
def packages(draw: st.DrawFn, version: str) -> tuple[Files, Files]:
    """(a clean package, the same with one to three mutations)"""
    before = clean(version).only(*draw(st.sampled_from(CHOICES[version])))
    for row in before.rows.get("roles", ()):
        row["userProfileSourcedId"] = row.get("userProfileSourcedId", "")
    files = before.files()
    changed = dict(files)
    for _ in range(draw(st.integers(1, 3))):
        changed = draw(st.sampled_from(MUTATIONS))(draw, changed)
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


MUTATIONS = [cell, cell, cell, row, column, whole_file, said, octets, octets, dress]
