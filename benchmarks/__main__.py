"""`python -m benchmarks`"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks import assessments, nights, validation
from benchmarks.goals import Line, as_json, cells, markdown
from benchmarks.postgres import server
from hub.demo.plan import CHARTER, CONSORTIUM, Plan

#: `tiny` shows that the benchmarks run; its ratios say nothing.
SIZES = {"tiny": Plan(60, 3), "charter": CHARTER, "consortium": CONSORTIUM}


@click.command("benchmarks")
@click.option("--size", "sizes", multiple=True, type=click.Choice(list(SIZES)), help="Default: charter, consortium.")
@click.option("--row", "wanted", multiple=True, type=click.IntRange(1, 5), help="Row of the goals; default: all.")
@click.option("--postgres/--no-postgres", default=True, help="Row 3 on PostgreSQL too, where it is installed.")
@click.option("--work", type=click.Path(path_type=Path), help="Folder for the files; default: temporary.")
@click.option("--json", "json_out", is_flag=True, help="One JSON document instead of a table.")
def main(sizes: tuple[str, ...], wanted: tuple[int, ...], postgres: bool, work: Path | None, json_out: bool) -> None:
    """Measure the hub against floors of the same run, as ratios beside the goals (docs/performance.md).

    \b
    Example:
      python -m benchmarks --size charter --row 3
    """
    base = Path(tempfile.mkdtemp(prefix="hub-benchmarks-", dir=work))
    lines: list[Line] = []
    try:
        for line in measure(sizes or ("charter", "consortium"), wanted or (1, 2, 3, 4, 5), postgres, base):
            lines.append(line)
            print(" | ".join(filter(None, cells(line))), file=sys.stderr)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    machine = f"{os.cpu_count()} cores, {_memory_gb():.0f} GB, Python {platform.python_version()}"
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if json_out:
        print(json.dumps({"measured": when, "machine": machine, "lines": [as_json(each) for each in lines]}, indent=1))
    else:
        print(f"{when}, {machine}\n\n{markdown(lines)}")


def measure(sizes: tuple[str, ...], wanted: tuple[int, ...], postgres: bool, base: Path) -> Iterator[Line]:
    """The lines of the rows wanted, size after size."""
    if 1 in wanted:
        yield from assessments.samples(base)
    for size in sizes:
        plan = SIZES[size]
        if 1 in wanted:
            yield from assessments.lines(size, plan, base)
        if 2 in wanted:
            yield from validation.lines(size, plan, base)
        if 3 in wanted or 4 in wanted:
            yield from (line for line in nights.lines(size, plan, base) if line.row in wanted)
        if 3 in wanted and postgres:
            with server() as url:
                if url is not None:
                    os.environ["HUB_BENCHMARK_STORE"] = url
                    yield from nights.lines(size, plan, base, url)
    if 5 in wanted:
        yield from nights.growth(SIZES["tiny"] if sizes == ("tiny",) else CHARTER, base)


def _memory_gb() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)


if __name__ == "__main__":
    main()
