"""A file of several buffers is read by both cores as by one: the same rows, in order, and the same rejects."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hub.standards.reading.plain_text import LINE_LIMIT, read_strictly

COLUMNS = ("id", "note", "quote", "number")


def written(path: Path, seed: int, size: int) -> Path:
    """Rows whose fields hold line ends, some of them for 8 KB, and broken rows between them."""
    chance, total = random.Random(seed), 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\n")
        for n in itertools.count(1):
            if total > size:
                break
            kind = chance.random()
            if kind < 0.3:
                row = f'{n},"first line\nsecond, line {n}\n","x""y",{n % 7}\n'
            elif kind < 0.32:
                lines = "z\n" * chance.randint(1, 4000)
                row = f'{n},"{lines}",q,{n}\n'
            elif kind < 0.321:
                row = chance.choice([f"{n},short\n", f"{n},1,2,3,4,5\n", f'{n},"torn,2,3\n{n},x",3,4\n'])
            else:
                row = f"{n},plain text,{'w' * chance.randint(0, 80)},{n % 13}\n"
            total += file.write(row)
    return path


def read(path: Path, threads: int) -> list[Any]:
    with duckdb.connect(config={"threads": threads}) as con:
        sent = read_strictly(con, path, COLUMNS, header=True, delimiter=",", quote='"', escape='"')
        sent.create_view("sent")
        con.execute("CREATE TABLE kept AS SELECT *, row_number() OVER () AS nth FROM sent")
        rows = con.execute("SELECT count(*), sum(hash(id, note, quote, number, nth)) FROM kept").fetchall()
        rejects = con.execute("SELECT line, error_type::VARCHAR FROM reject_errors ORDER BY ALL").fetchall()
    return [rows, rejects]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_rows_and_rejects_do_not_depend_on_where_a_buffer_ends(seed: int, tmp_path: Path) -> None:
    path = written(tmp_path / "large.csv", seed, 5 * LINE_LIMIT)  # two and a half buffers
    both, one = read(path, 2), read(path, 1)
    assert both == one
    assert len(one[1]) > 50
