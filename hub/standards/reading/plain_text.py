"""A text file as UTF-8, from its header or first record on: as the vendor's folder declares it, nothing guessed."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from hub.engine import scratch
from hub.errors import AskVendor
from hub.model import Stream

HEAD_LIMIT = 4_000_000  # bytes: 2,000 columns with long names take 0.2 MB
LINE_LIMIT = 16_000_000  # bytes a record may take; DuckDB buffers four of them per thread


@dataclass(frozen=True)
class PlainText:
    """UTF-8 text without what stands before and after the records; `rows` is how many its last line promises."""

    path: Path
    rows: int | None = None


def read_strictly(
    duck: Any, path: Path, columns: Iterable[str], *, header: bool, delimiter: str, quote: str, escape: str
) -> Any:
    """The records of a UTF-8 file as a DuckDB relation of text columns, nothing sniffed; `duck` is DuckDB's own
    connection. What is refused when they are read stands in `reject_errors`, which begins empty.

    Each thread reads a buffer: of DuckDB's own 16 lines of the longest kind, 256 MB, a package has one at most.
    """
    duck.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    return duck.read_csv(
        str(path),
        columns=dict.fromkeys(columns, "VARCHAR"),
        auto_detect=False,
        header=header,
        delimiter=delimiter,
        quotechar=quote,
        escapechar=escape,
        store_rejects=True,
        rejects_limit=0,
        null_padding=False,
        strict_mode=True,
        max_line_size=LINE_LIMIT,
        buffer_size=2 * LINE_LIMIT,
        encoding="utf-8",
    )


def dialect(stream: Stream) -> dict[str, Any]:
    """How a stream's text is written: delimiter, quote, escape, encoding, comment, header, skip_lines, footer."""
    said = {k: v for k, v in stream.options.items() if k in ("encoding", "skip_lines", "footer")}
    words = {"delimiter": ",", "quote": '"', "encoding": "utf-8", "comment": "", "header": True, "skip_lines": 0}
    words |= {"footer": ""} | said | stream.options.get("csv", {})
    return {"escape": words["quote"], **words}


def head(path: Path, name: str, stream: Stream) -> str:
    """The beginning of the text, from the header or first record on.

    Raises AskVendor for an empty file, NUL bytes, or UTF-16 where another encoding is declared.
    """
    words = dialect(stream)
    with path.open("rb") as file:
        start = file.read(HEAD_LIMIT)
    if not start.strip(b"\x00\r\n\t \x1a\xef\xbb\xbf"):
        raise AskVendor(f"{name}: the file is empty (rule csv.empty).", "Send the file again; nothing was changed.")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") and not words["encoding"].lower().startswith(("utf-16", "utf_16")):
        raise AskVendor(f"{name}: the file is UTF-16 (rule csv.encoding).", "Export it as UTF-8.")
    text = start.decode(_codec(words["encoding"]), errors="replace").removeprefix("\ufeff")
    if "\x00" in text[:100_000]:
        raise nul_bytes(name)
    # newline="": a form feed or a line separator inside a name ends no line.
    return "".join(_body(io.StringIO(text, newline=""), words, stream.format))


@contextmanager
def plain(con: Any, path: Path, name: str, stream: Stream) -> Iterator[PlainText]:
    """The whole text for the engine to read; a file that is plain already stays where it lies.

    Raises AskVendor for bytes that are not of the declared encoding, NUL bytes, and a last line that is not the
    declared footer.
    """
    words = dialect(stream)
    cut = words["skip_lines"] or words["comment"] or words["footer"]
    if not cut and words["encoding"].lower() in ("utf-8", "utf8"):
        _refuse_nul(path, name)
        yield PlainText(path)
        return
    with scratch(con) as folder:
        out = folder / "plain"
        # A bad byte of UTF-8 goes through as it is: the engine then refuses its record only.
        errors = "surrogateescape" if words["encoding"].lower() in ("utf-8", "utf8") else "strict"
        rows = None
        try:
            with (
                path.open(encoding=_codec(words["encoding"]), errors=errors, newline="") as text,
                out.open("w", encoding="utf-8", errors=errors, newline="") as file,
            ):
                if cut:
                    rows = _write(_body(text, words, stream.format), file, words["footer"], name)
                else:
                    shutil.copyfileobj(text, file, 1 << 20)
        except UnicodeError:
            raise AskVendor(
                f"{name}: the bytes are not text in {words['encoding']} (rule csv.encoding).",
                "Export it in the encoding that the vendor's folder declares.",
            ) from None
        _refuse_nul(out, name)
        yield PlainText(out, rows)


def nul_bytes(name: str) -> AskVendor:
    return AskVendor(f"{name}: NUL bytes in the file (rule csv.encoding).", "Export it as plain UTF-8 text.")


def _refuse_nul(path: Path, name: str) -> None:
    # NUL is no text, and no database takes it as such.
    with path.open("rb") as file:
        if any(b"\x00" in chunk for chunk in iter(lambda: file.read(1 << 20), b"")):
            raise nul_bytes(name)


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding


def _body(text: IO[str], words: dict[str, Any], format: str) -> Iterator[str]:
    """The lines from the header on without comments. A line that begins inside quotes is no comment."""
    for _ in range(words["skip_lines"]):
        text.readline(LINE_LIMIT)
    comment, quote = words["comment"], words["quote"] if format == "csv" else ""
    escaped = re.escape(words["escape"]) + "." if words["escape"] != quote else None
    inside, begins = False, True
    for line in iter(lambda: text.readline(LINE_LIMIT), ""):
        if comment and begins and not inside and line.startswith(comment):
            continue
        if comment and quote:
            inside ^= (re.sub(escaped, "", line) if escaped else line).count(quote) % 2 == 1
        begins = line.endswith(("\n", "\r"))
        yield line


def _write(lines: Iterator[str], out: IO[str], footer: str, name: str) -> int | None:
    """Writes all lines, or all but the footer; gives the rows that the footer promises."""
    if not footer:
        out.writelines(lines)
        return None
    last = ""
    for line in lines:
        if line.strip(" \t\r\n\x1a"):
            out.write(last)
            last = line
        else:
            last += line
    found = re.fullmatch(footer, last.strip(" \t\r\n\x1a"))
    if found is None:
        raise AskVendor(
            f"{name}: the last line is not the footer that this file ends with (rule file.cut_off).",
            "Check that the upload had ended and send the whole file again.",
        )
    promised = found.groupdict().get("rows")
    return int(promised) if promised else None
