"""Suites judge rows as plain Python would, in any chunks, and tell places and counts only."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import FixConfiguration
from hub.model import PROVENANCE, Entity, Expectation, Field, Reference, RuleResult
from hub.standards.rules import load_rules
from hub.standards.suites.expectations import ENGINE_CHECKED, judge, parameters, quiet, suite, volume

CANARY = "Zzyzx-Quimby"
TYPES = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32()}
BETWEEN = "expect_column_values_to_be_between"
A_OVER_B = "expect_column_pair_values_a_to_be_greater_than_b"


def entity(*fields: Field, expectations: Sequence[Expectation] = (), references: Sequence[Reference] = ()) -> Entity:
    return Entity("Stay", "stays", "association", "5.2", ("id",), fields, tuple(references), tuple(expectations))


def rows(path: Path, what: Entity, columns: Mapping[str, Sequence[Any]]) -> Path:
    size = len(next(iter(columns.values())))
    arrays = {f.name: pa.array(columns[f.name], TYPES.get(f.type, pa.string())) for f in what.fields}
    place = {
        "_source": pa.array(["sis"] * size, pa.string()),
        "_stream": pa.array(["stays"] * size, pa.string()),
        "_file": pa.array(["stays.csv"] * size, pa.string()),
        "_row": pa.array(range(2, size + 2), pa.int64()),
        "_seq": pa.array([1] * size, pa.int64()),
    }
    pq.write_table(pa.table({**arrays, **place}), path)
    return path


def one(
    tmp_path: Path, expectation: Expectation, *fields: Field, chunk_rows: int = 200_000, **columns: Sequence[Any]
) -> tuple[RuleResult, list[int]]:
    """The result of one expectation and the rows that it held."""
    what = entity(*fields, expectations=[expectation])
    held = tmp_path / "held.parquet"
    path = rows(tmp_path / "rows.parquet", what, columns)
    given_ = parameters(2026, date(2026, 3, 1))
    (result,) = judge(path, what, "sis", held, confirm=False, parameters=given_, chunk_rows=chunk_rows)
    return result, pq.read_table(held)["_row"].to_pylist() if held.exists() else []


# ---------------------------------------------------------------------------------------------------- properties

SCORES = Field("score", "integer", required=True, minimum=0, maximum=9)
GRADES = Field("grade", "string", values=("KG", "01"), max_length=2, pattern="[A-Z0-9]{2}")
DAYS = st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)) | st.dates(date(2025, 1, 1), date(2026, 12, 31))
ROW = st.tuples(st.none() | st.integers(-3, 12), st.none() | st.sampled_from(["KG", "01", "kg", "KGX", ""]), DAYS, DAYS)
YEAR = Expectation("in.year", BETWEEN, {"column": "begin", "max_value": {"$PARAMETER": "school_year_end"}}, "error")
ORDER = Expectation(
    "in.order",
    A_OVER_B,
    {"column_A": "end", "column_B": "begin", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
)
STAY = entity(SCORES, GRADES, Field("begin", "date"), Field("end", "date"), expectations=[YEAR, ORDER])


def clipped(day: date) -> date:
    return min(max(day, date(1678, 1, 1)), date(2261, 12, 31))


def plain(row: tuple[Any, ...]) -> dict[str, bool | None]:
    """Rule -> passed, None where there is nothing to check."""
    score, grade, begin, end = row
    return {
        "required": score is not None,
        "range.min": None if score is None else score >= 0,
        "range.max": None if score is None else score <= 9,
        "value.unknown": None if grade is None else grade in ("KG", "01"),
        "length.max": None if grade is None else len(grade) <= 2,
        "pattern": None if grade is None else grade in ("KG", "01"),
        "in.year": None if begin is None else begin <= date(2026, 6, 30),
        "in.order": None if begin is None or end is None else clipped(end) >= clipped(begin),
    }


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.lists(ROW, max_size=9), chunk_rows=st.integers(3, 9))
def test_counts_and_places_are_those_of_plain_python(tmp_path: Path, data: list[Any], chunk_rows: int) -> None:
    columns = {f.name: [row[i] for row in data] for i, f in enumerate(STAY.fields)}
    path, held = rows(tmp_path / "rows.parquet", STAY, columns), tmp_path / "held.parquet"
    given_ = parameters(2026, date(2026, 3, 1))
    results = {r.rule: r for r in judge(path, STAY, "sis", held, chunk_rows=chunk_rows, parameters=given_)}
    expected = [plain(row) for row in data]
    for rule, result in results.items():
        answers = [e[rule] for e in expected]
        assert (rule, result.checked, result.failed) == (
            rule,
            sum(a is not None for a in answers),
            answers.count(False),
        )
    errors = {r.rule for r in results.values() if r.severity == "error"}
    assert errors == {*plain((None,) * 4)} - {"in.order"}
    places = [(n, rule) for n, e in enumerate(expected, 2) for rule in errors if e[rule] is False]
    found = pq.read_table(held).to_pylist() if held.exists() else []
    assert sorted((h["_row"], h["rule"]) for h in found) == sorted(places)
    assert held.exists() == bool(places)


def test_every_generated_rule_is_one_that_the_engine_checks_and_the_library_explains() -> None:
    every = Field("x", "string", True, 9, 1, pattern=".", values=("a",))
    made = suite(entity(every, Field("n", "number", minimum=0, maximum=1)))
    assert {e.rule for e in made} == ENGINE_CHECKED <= load_rules().keys()
    assert {e.severity for e in made} == {"error"}


# ------------------------------------------------------------------------------------------------------ examples


def test_a_held_row_is_told_by_its_place(tmp_path: Path) -> None:
    what = entity(Field("name", "string", max_length=3), Field("id", "string", required=True))
    path = rows(tmp_path / "rows.parquet", what, {"name": ["Ann", CANARY], "id": ["1", None]})
    judge(path, what, "sis", tmp_path / "held.parquet")
    place = {"_source": "sis", "_stream": "stays", "_file": "stays.csv", "_row": 3, "_seq": 1, "entity": "Stay"}
    assert pq.read_table(tmp_path / "held.parquet").to_pylist() == [
        {**place, "field": "name", "rule": "length.max"},
        {**place, "field": "id", "rule": "required"},
    ]
    assert pq.read_schema(tmp_path / "held.parquet").names == [*PROVENANCE, "entity", "field", "rule"]


def test_yesterdays_held_rows_do_not_stay(tmp_path: Path) -> None:
    (tmp_path / "held.parquet").write_bytes(b"old")
    _, held = one(tmp_path, Expectation("x", BETWEEN, {"column": "n", "min_value": 0}, "error"), SCORES_FREE, n=[1])
    assert held == []
    assert not (tmp_path / "held.parquet").exists()


SCORES_FREE = Field("n", "integer")


def test_a_key_repeated_in_another_chunk_is_found(tmp_path: Path) -> None:
    unique = Expectation("x", "expect_column_values_to_be_unique", {"column": "n"}, "error")
    result, held = one(tmp_path, unique, SCORES_FREE, chunk_rows=2, n=[1, 2, 3, 1])
    assert (result.checked, result.failed, held) == (4, 2, [2, 5])


@pytest.mark.parametrize(("low", "failed"), [(3, 0), (5, 1)])
def test_an_expectation_of_the_table_counts_once_over_all_chunks(tmp_path: Path, low: int, failed: int) -> None:
    count = Expectation("x", "expect_table_row_count_to_be_between", {"min_value": low}, "error")
    result, held = one(tmp_path, count, SCORES_FREE, chunk_rows=2, n=[1, 2, 3, 1])
    assert (result.checked, result.failed, held) == (1, failed, [])


def test_a_pair_with_one_null_fails_unless_the_spec_says_that_it_may(tmp_path: Path) -> None:
    pair = {"column_A": "end", "column_B": "begin"}
    fields = (Field("begin", "date"), Field("end", "date"))
    days = {"begin": [date(2025, 9, 1)] * 2, "end": [None, date(2025, 9, 2)]}
    strict, _ = one(tmp_path, Expectation("x", A_OVER_B, pair), *fields, **days)
    kind, _ = one(
        tmp_path, Expectation("x", A_OVER_B, pair | {"ignore_row_if": "either_value_is_missing"}), *fields, **days
    )
    assert (strict.checked, strict.failed) == (2, 1)
    assert (kind.checked, kind.failed) == (1, 0)


def test_a_condition_chooses_the_rows(tmp_path: Path) -> None:
    kwargs = {"column": "why", "row_condition": {"type": "nullity", "column": {"name": "end"}, "is_null": False}}
    rule = Expectation("x", "expect_column_values_to_not_be_null", kwargs, "error")
    fields = (Field("why", "string"), Field("end", "date"))
    result, held = one(
        tmp_path, rule, *fields, why=[None, None, "moved"], end=[None, date(2026, 1, 9), date(2026, 1, 9)]
    )
    assert (result.checked, result.failed, held) == (2, 1, [3])


@pytest.mark.parametrize(
    ("kind", "values", "latest"),
    [
        ("date", [date(2026, 3, 1), date(2026, 3, 2), None], {"$PARAMETER": "today"}),
        ("date", [date(2026, 3, 1), date(2026, 3, 2), None], "2026-03-01"),
        ("date", [date(2026, 3, 1), date(2026, 3, 2), None], date(2026, 3, 1)),
        ("datetime", ["2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z", None], {"$PARAMETER": "today"}),
        ("number", [0.5, 1.5, None], 1),
        ("integer", [2**53, 2**53 + 2, None], 2**53),
    ],
)
def test_a_bound_fits_the_type_of_its_field(tmp_path: Path, kind: Any, values: list[Any], latest: Any) -> None:
    rule = Expectation("x", BETWEEN, {"column": "v", "max_value": latest}, "error")
    result, held = one(tmp_path, rule, Field("v", kind), v=values)
    assert (result.checked, result.failed, held) == (2, 1, [3])


SESSION = Entity("Session", "sessions", "domain", "5.2", ("name",), (Field("name", "string"), Field("endDate", "date")))
INSIDE = Expectation(
    "x",
    A_OVER_B,
    {"column_A": "session.endDate", "column_B": "day", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    "error",
)
EVENT = entity(
    Field("day", "date"),
    Field("sessionName", "string"),
    expectations=[INSIDE],
    references=[Reference("session", "Session", (("sessionName", "name"),))],
)


def test_a_rule_can_look_into_what_a_row_refers_to(tmp_path: Path) -> None:
    events = {"day": [date(2026, 1, 5), date(2026, 6, 5), date(2026, 6, 5)], "sessionName": ["fall", "fall", "gone"]}
    path = rows(tmp_path / "events.parquet", EVENT, events)
    twice = {"name": ["fall", "fall"], "endDate": [date(2026, 1, 31)] * 2}
    sessions = rows(tmp_path / "sessions.parquet", SESSION, twice)
    held = tmp_path / "held.parquet"
    (result,) = judge(path, EVENT, "sis", held, lookups={"Session": sessions})
    assert (result.checked, result.failed) == (2, 1)
    assert [(h["_row"], h["field"]) for h in pq.read_table(held).to_pylist()] == [(3, "session.endDate")]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["events.parquet", "held.parquet", "sessions.parquet"]


def test_a_rule_that_could_not_be_checked_is_not_passed(tmp_path: Path) -> None:
    path = rows(tmp_path / "events.parquet", EVENT, {"day": [date(2026, 1, 5)], "sessionName": ["fall"]})
    (result,) = judge(path, EVENT, "sis", tmp_path / "held.parquet", lookups={"Session": tmp_path / "none.parquet"})
    assert (result.checked, result.failed) == (0, 0)


@pytest.mark.parametrize(
    ("previous", "now", "failed"),
    [(100, 80, []), (100, 79, ["volume.drop"]), (100, 201, ["volume.rise"]), (9, 0, ["volume.empty", "volume.drop"])],
)
def test_volume_is_compared_with_last_time(previous: int, now: int, failed: list[str]) -> None:
    results = volume("sis", "Stay", previous, now)
    assert [r.rule for r in results if r.failed] == failed
    assert {r.rule for r in results} <= load_rules().keys()
    assert {r.checked for r in results} == {1}


def test_volume_of_a_first_night_is_not_judged() -> None:
    assert volume("sis", "Stay", 0, 5) == ()


# ------------------------------------------------------------------------------------------------------- hostile


@pytest.mark.parametrize(
    ("kind", "kwargs", "message"),
    [
        ("expect_the_unknown", {"column": "n"}, "knows"),
        (BETWEEN, {"column": "n"}, "knows"),
        (BETWEEN, {"column": "nn", "min_value": 1}, "'nn', which Stay does not have"),
        (BETWEEN, {"column": "other.n", "min_value": 1}, "'other.n', which Stay does not have"),
        (BETWEEN, {"column": "n", "min_value": {"$PARAMETER": "tomorrow"}}, "'tomorrow', which is not given"),
        (BETWEEN, {"column": "_file", "min_value": 1}, "cannot be evaluated"),
    ],
)
def test_a_wrong_expectation_names_itself_and_the_fix(
    tmp_path: Path, kind: str, kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(FixConfiguration, match=message) as caught:
        one(tmp_path, Expectation("made.up", kind, kwargs, "error"), SCORES_FREE, n=[1])
    assert "made.up" in str(caught.value)
    assert not (tmp_path / "held.parquet").exists()


def test_no_value_leaves_the_frame(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    name = Field("name", "string", max_length=3, pattern="[a-z]+", values=("Ann",))
    # Arrow's message for this filter holds the value that it could not read.
    number = {"type": "pass_through", "pass_through_filter": "name.astype('double[pyarrow]') > 1"}
    not_null = {"column": "name", "row_condition": number}
    broken = Expectation("made.up", "expect_column_values_to_not_be_null", not_null, "error")
    unique = Expectation("twice", "expect_column_values_to_be_unique", {"column": "name"}, "error")
    what = entity(name, expectations=[unique])
    path = rows(tmp_path / "rows.parquet", what, {"name": [CANARY, CANARY]})
    results = judge(path, what, "sis", tmp_path / "held.parquet")
    with pytest.raises(FixConfiguration) as caught:
        judge(path, entity(name, expectations=[broken]), "sis", tmp_path / "other.parquet")
    with quiet():
        logging.getLogger("great_expectations.validator").error(CANARY)
    assert {r.rule: r.failed for r in results} == {"length.max": 2, "pattern": 2, "value.unknown": 2, "twice": 2}
    told = [
        str(results),
        str(pq.read_table(tmp_path / "held.parquet").to_pylist()),
        caplog.text,
        *capfd.readouterr(),
    ]
    assert CANARY not in "".join(
        [*told, str(caught.value), repr(caught.value.__cause__), repr(caught.value.__context__)]
    )


ALONE = """
import json, pathlib, socket, sys
def refuse(*_): raise AssertionError("network")
socket.socket.connect = socket.getaddrinfo = refuse
from hub.model import Entity, Expectation, Field, RuleResult
from hub.standards.suites.data_docs import write_data_docs
from hub.standards.suites.expectations import judge, volume
from hub.standards.rules import load_rules
load_rules()
late = not {"great_expectations", "pandas", "pyarrow", "ibis"} & set(sys.modules)
import pyarrow as pa, pyarrow.parquet as pq
stay = Entity("Stay", "stays", "domain", "5.2", ("id",), (Field("id", "string", required=True),))
place = {"_source": ["s"], "_stream": ["s"], "_file": ["f"], "_row": [1], "_seq": [1]}
pq.write_table(pa.table({"id": ["1"], **place}), "rows.parquet")
results = [*judge(pathlib.Path("rows.parquet"), stay, "s", pathlib.Path("held.parquet")), *volume("s", "Stay", 1, 1)]
write_data_docs(results, {"Stay": stay}, pathlib.Path("docs"))
print(json.dumps({"late": late, "rules": [r.rule for r in results]}))
"""


def test_alone_it_is_late_silent_and_leaves_no_traces(tmp_path: Path) -> None:
    """A process of its own, with warnings as errors, no network and an empty home directory."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    env = {"HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "", "TMPDIR": str(work)}
    strict = [sys.executable, "-W", "error", "-c", ALONE]
    done = subprocess.run(strict, cwd=work, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "late": True,
        "rules": ["required", "volume.empty", "volume.drop", "volume.rise"],
    }
    assert list(home.rglob("*")) == []
    assert sorted(p.name for p in work.iterdir()) == ["docs", "rows.parquet"]
