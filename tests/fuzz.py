"""Hostile feeds for the validator without end: `python -m tests.fuzz --minutes 10`; one again: `--kind xml --seed 7`.

Each is made of a seed. A child process with a limit of memory validates them; it must end in a report or a refusal.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "validation"))

from edfi_delivery import CLEAN as XML  # noqa: E402 - the fixtures of tests/validation are modules of their own
from oneroster_package import clean  # noqa: E402
from test_edfi_json import CLEAN as BODIES  # noqa: E402
from test_edfi_json import text  # noqa: E402

ADDRESSES = 6 << 30  # bytes of address space: DuckDB maps far more than it holds
HELD = 1500  # MB that a validation may hold
SECONDS = 60  # CPU seconds of one feed
TOKENS: dict[str, list[bytes]] = {
    "csv": [b"\x00", b'"', b'""', b'"\n', b",", b",,,,", b"\r", b"\r\n", b"\n\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9",
            b"\xed\xa0\x80", b"sourcedId", b"metadata.", b"{", b"2026-02-30", b"ext:", b"delta", b"file.orgs,bulk\n"],
    "xml": [b"<", b">", b"/>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x y?>", b"&lt;", b"&#0;", b"&#x1F;", b"&a;",
            b"<!DOCTYPE a [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>", b' id="a"', b' ref="a"', b"\x00", b"\xff",
            b' xmlns:x="u:u"', b' xsi:type="x"', b' xsi:nil="true"', b"\xee\x80\x80",
            b"<Name>", b"</Name>", b"<x:Name>", b"<a:b:c/>", b' xmlns=""',
            b'<?xml version="1.0" encoding="UTF-16"?>', b"\t", b"\n"],
    "json": [b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\\ud800", b"\\u0000", b"null", b"NaN", b"1e999", b"-0",
             b"123456789012345678901234567890", b"true", b"\x00", b"\xff", b"\n", b'{"_ext":{}}', b'"id":"a",'],
}  # fmt: skip


@dataclass(frozen=True)
class Failure:
    kind: str
    seed: int
    said: str


def spoiled(body: bytes, rng: random.Random, tokens: list[bytes]) -> bytes:
    """The bytes with some of them damaged, repeated, moved or replaced."""
    out = bytearray(body)
    for _ in range(rng.choice([1, 1, 2, 3, 8, 30])):
        at = rng.randrange(len(out) + 1)
        upto = min(len(out), at + rng.choice([1, 2, 10, 100, 1000]))
        kind = rng.randrange(7)
        if kind == 0:
            out[at:at] = rng.choice(tokens)
        elif kind == 1:
            out[at:upto] = rng.choice(tokens)
        elif kind == 2:
            out[at:at] = rng.choice(tokens) * rng.choice([10, 1000, 30_000])
        elif kind == 3:
            out[at:at] = out[at:upto] * rng.choice([1, 3, 50])
        elif kind == 4:
            del out[at:upto]
        elif kind == 5 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        else:
            out = out[:at] if rng.random() < 0.2 else out + out[at:upto]
        del out[4_000_000:]
    return bytes(out)


def _csv(rng: random.Random, folder: Path) -> None:
    package = clean(rng.choice(["1.1", "1.2"]))
    files = package.only(*rng.sample(sorted(package.rows), rng.randint(1, 6))).files()
    for name in rng.sample(sorted(files), min(len(files), rng.randint(1, 3))):
        files[name] = spoiled(files[name], rng, TOKENS["csv"])
    if rng.random() < 0.05:
        files["orgs.csv"] = ",".join(f"c{i}" for i in range(2000)).encode() + b"\n" + b"," * 1999 + b"\n"
    _write(folder, files)


def _zip(rng: random.Random, folder: Path) -> None:
    path = folder / "feed.zip"
    names = ["orgs.csv", "../orgs.csv", "/orgs.csv", "a/orgs.csv", "C:\\orgs.csv", "ORGS.CSV", "x" * 300, "a\x00b.csv"]
    with zipfile.ZipFile(path, "w", rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])) as archive:
        for name, body in clean("1.1").only("orgs", "categories").files().items():
            archive.writestr(name, body)
        for _ in range(rng.randrange(4)):
            sent = rng.choice(
                [b"", b"\x00" * rng.choice([10, 10_000_000, 40_000_000]), path.read_bytes(), b"sourcedId\n"]
            )
            try:
                archive.writestr(rng.choice(names), sent)
            except (ValueError, UserWarning):
                continue
    if rng.random() < 0.7:
        path.write_bytes(
            spoiled(path.read_bytes(), rng, [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\xff\xff\xff\xff"])
        )


def _xml(rng: random.Random, folder: Path) -> None:
    files = {name: body.encode() for name, body in XML.items()}
    for name in rng.sample(sorted(files), rng.randint(1, 3)):
        files[name] = spoiled(files[name], rng, TOKENS["xml"])
    if rng.random() < 0.1:
        files["deep.xml"] = b"<InterchangeStudent xmlns='http://ed-fi.org/5.2.0'>" + b"<a>" * rng.choice([300, 100_000])
    _write(folder, files)


def _json(rng: random.Random, folder: Path) -> None:
    files = {name: text(name, body).encode() for name, body in BODIES.items()}
    for name in rng.sample(sorted(files), rng.randint(1, 3)):
        files[name] = spoiled(files[name], rng, TOKENS["json"])
    if rng.random() < 0.1:
        deep = rng.choice([b"[", b'{"a":', b'[{"addresses":']) * rng.choice([300, 100_000])
        files[rng.choice(["students.json", "students.jsonl"])] = deep
    _write(folder, files)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, body in files.items():
        (folder / name).write_bytes(body)


KINDS: dict[str, Callable[[random.Random, Path], None]] = {"csv": _csv, "zip": _zip, "xml": _xml, "json": _json}


def attempt(kind: str, seed: int) -> None:
    """Makes and validates one feed. Any error but a refusal fails, as does a document that a night reads otherwise."""
    import warnings

    from hub.errors import HubError
    from hub.standards import validate

    with tempfile.TemporaryDirectory(prefix="hub-fuzz-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that stands twice in a zip
        KINDS[kind](random.Random(f"{kind} {seed}"), Path(folder))
        try:
            found = validate([folder], profile="lenient", show_values=seed % 2 == 0)
        except HubError:
            return
        if kind == "xml":
            _agrees(Path(folder), {f.file for f in found.findings if f.rule.startswith("edfi.syntax.")})
    json.dumps(found.to_json()).encode()


def _agrees(folder: Path, unread: set[str]) -> None:
    """A night refuses the documents of which the validator says that they were not read whole, and no others."""
    from hub.errors import AskVendor
    from hub.standards.reading.edfi_xml import read_interchange
    from hub.standards.specs import load_entities

    for path in sorted(folder.iterdir()):
        try:
            read_interchange(path, load_entities(), folder / "read" / path.stem)
            refused = False
        except AskVendor:
            refused = True
        assert refused == (path.name in unread), f"{path.name}: a night {'refuses' if refused else 'reads'} it"


def failures(
    kind: str, seeds: range, until: float | None = None, tried: Counter[str] | None = None
) -> Iterator[Failure]:
    """What goes wrong with these feeds, each child going on behind the one that ended the last; `tried` counts."""
    start = seeds.start
    while start < seeds.stop and (until is None or time.monotonic() < until):
        left = "" if until is None else str(until - time.monotonic())
        command = [sys.executable, "-m", "tests.fuzz", "--child", f"{kind}:{start}:{seeds.stop}:{left}"]
        child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        reached = [int(line) for line in child.stdout.split() if line.isdigit()]
        if tried is not None:
            tried[kind] += len(reached)
        if child.returncode == 0:
            return
        last = reached[-1] if reached else start
        yield Failure(kind, last, f"ended with {child.returncode}: {child.stderr.strip()[-600:]}")
        start = last + 1


def peak() -> int:
    """The most MB this process has held; `ru_maxrss` begins with what its parent held when it was forked."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024


def _child(work: str) -> None:
    kind, start, stop, left = work.split(":")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    until = time.monotonic() + float(left) if left else None
    for seed in range(int(start), int(stop)):
        if until is not None and time.monotonic() > until:
            return
        click.echo(seed)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        attempt(kind, seed)
        assert peak() < HELD, f"it held {peak()} MB"


@click.command("fuzz")
@click.option("--minutes", type=float, default=10, show_default=True)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Default: all.")
@click.option("--seed", type=int, help="One feed, in this process, with its traceback.")
@click.option("--child", hidden=True)
def main(minutes: float, kinds: tuple[str, ...], seed: int | None, child: str | None) -> None:
    """Validate hostile feeds for some minutes, new ones each time; exit 1 if any is not judged or refused."""
    if child:
        _child(child)
        return
    if seed is not None:
        for kind in kinds or KINDS:
            attempt(kind, seed)
        return
    begin = random.SystemRandom().randrange(10**9)
    found: list[Failure] = []
    tried: Counter[str] = Counter()
    for kind in kinds or KINDS:
        share = time.monotonic() + 60 * minutes / len(kinds or KINDS)
        for failure in failures(kind, range(begin, begin + 10**9), share, tried):
            found.append(failure)
            click.echo(f"--kind {failure.kind} --seed {failure.seed}: {failure.said}")
    click.echo(f"{', '.join(f'{count:,} {kind}' for kind, count in tried.items())}: {len(found)} failures")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
