"""Laws of the OneRoster source, on packages with anything in their cells."""

from __future__ import annotations

import copy
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.sources.oneroster_package import Sent, State, Tables, as_1_2, build, gradebook, layout, opened, roster, write

pytestmark = pytest.mark.slow
# An example builds one to three states, so a failing one is shown as it is: shrinking it would build hundreds.
FEW = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
IDS = ("u-ada", "u-tom", "o-1", "o-d", "k-read", "k-math", "s-fall", "s-year", "c-read", "l-1", "g-hw", "nobody")
CELLS = st.one_of(
    st.sampled_from(["", *IDS, "s-fall,s-spring", "o-1,o-2,o-9", " ", "NULL", "TRUE", "2026-09-01", "13/01/2027", "1"]),
    st.sampled_from(
        ["tobedeleted", "active", "student", "teacher", "{State:1}", "{:}", "a,,b", "2026-02-30", "-1", "é"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=8),
)


@st.composite
def spoiled(draw: st.DrawFn) -> Tables:
    """The clean package with some twenty cells overwritten and some rows told twice."""
    tables = roster() | gradebook()
    for _ in range(draw(st.integers(5, 25))):
        name = draw(st.sampled_from(sorted(tables)))
        row = draw(st.sampled_from(tables[name]))
        row[draw(st.sampled_from(layout(name, "1.1")))] = draw(CELLS)
    for name in draw(st.sets(st.sampled_from(sorted(tables)), max_size=3)):
        tables[name].append(dict(draw(st.sampled_from(tables[name]))))
    return tables


def state_of(tables: Tables, folder: Path, name: str, sent: Sent | None = None) -> State:
    package = write(tables, folder / f"{name}-in", sent or Sent())
    return build(folder / name, [opened(package)])


@given(spoiled(), st.booleans())
@FEW
def test_every_row_is_accepted_held_or_ignored_with_a_reason(tables: Tables, newer: bool) -> None:
    with TemporaryDirectory() as folder:
        sent = Sent(version="1.2") if newer else Sent()
        state = state_of(as_1_2(tables) if newer else tables, Path(folder), "state", sent)
    for count in state.summary.counts:
        assert count.rows_in == count.accepted + count.held + sum(count.ignored.values()), count
        assert min(count.accepted, count.held, *count.ignored.values(), 0) == 0, count
        assert "row.not_mapped" not in count.ignored, count
    for rows in (c for c in state.summary.counts if not c.entity):
        places = {row for stream, row, *_ in state.held if stream == rows.stream}
        assert len(places) == rows.held, rows.stream


@given(st.randoms(use_true_random=False))
@FEW
def test_order_dress_and_names_of_the_files_do_not_matter(random: object) -> None:
    tables = roster() | gradebook()
    mixed = copy.deepcopy(tables)
    for rows in mixed.values():
        random.shuffle(rows)  # type: ignore[attr-defined]

    def turned(columns: list[str]) -> list[str]:
        rest = columns[1:]
        random.shuffle(rest)  # type: ignore[attr-defined]
        return [*rest, columns[0]]

    dressed = Sent(encoding="utf-8-sig", newline="\r\n", header=turned, zipped=True)
    with TemporaryDirectory() as folder:
        plain = state_of(tables, Path(folder), "plain")
        other = state_of(mixed, Path(folder), "other", dressed)
        third = state_of(tables, Path(folder), "third", Sent(manifest=False, name="{}_2026.csv".format))
    assert other.rows == plain.rows
    assert third.rows == plain.rows
    assert other.summary.repairs == plain.summary.repairs


@given(spoiled(), st.data())
@FEW
def test_a_bulk_and_its_deltas_are_the_bulk_that_they_amount_to(start: Tables, data: st.DataObject) -> None:
    start = {name: [r | {"status": ""} for r in {r["sourcedId"]: r for r in rows}.values() if r["sourcedId"].strip()]
             for name, rows in start.items()}  # fmt: skip
    after = copy.deepcopy(start)
    deltas: list[Tables] = []
    for _ in range(2):
        delta: Tables = {}
        for name in data.draw(st.sets(st.sampled_from(sorted(start)), min_size=1, max_size=4)):
            rows = after[name]
            changed = (
                data.draw(st.lists(st.sampled_from(rows), unique_by=lambda r: r["sourcedId"], max_size=3))
                if rows
                else []
            )
            delta[name] = []
            for row in changed:
                gone = data.draw(st.booleans()) and len(rows) > 1
                new = row | {layout(name, "1.1")[-1]: data.draw(CELLS)}
                after[name] = [r for r in after[name] if r["sourcedId"] != row["sourcedId"]] + ([] if gone else [new])
                said = {"status": "tobedeleted" if gone else "active", "dateLastModified": "2026-11-02T02:00:00.000Z"}
                delta[name].append(new | said)
            rows = after[name]
        deltas.append(delta)
    with TemporaryDirectory() as text:
        folder = Path(text)
        chain = [opened(write(start, folder / "1"))]
        for seq, delta in enumerate(deltas, 2):
            sent = Sent(modes=dict.fromkeys(delta, "delta"))
            chain.append(opened(write(delta, folder / str(seq), sent), seq))
        folded = build(folder / "folded", chain)
        after = {name: rows for name, rows in after.items() if rows}
        whole = build(folder / "whole", [opened(write(after, folder / "9"))])
    # An entity that lost its last row and one that never had any say the same.
    assert {e: r for e, r in folded.rows.items() if r} == {e: r for e, r in whole.rows.items() if r}
    assert folded.faults() == whole.faults()
