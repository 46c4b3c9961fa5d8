"""Great Expectations, run straight on an entity's rows. With `data_docs`, the only home of it.

A suite is generated from the entity's spec and joined with the expectations written by hand there. Results are
counts and row positions; a student's value never leaves the data frame that is being checked. Great Expectations
takes seconds to import, so nothing here imports it before the first row is checked.

Nulls follow Great Expectations: an expectation of one column leaves out the rows in which it is null (but for
`expect_column_values_to_not_be_null`); one of two columns follows its `ignore_row_if`, whose default,
`both_values_are_missing`, makes a pair with one null fail: write `ignore_row_if: either_value_is_missing` where an
open end date is fine.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock
from typing import TYPE_CHECKING, Any

from hub.errors import FixConfiguration
from hub.model import PROVENANCE, Entity, Expectation, Field, Reference, RuleResult
from hub.standards.suites.confirmation import count_broken
from hub.standards.suites.judged_rows import Held, chunks, frame_of, joined

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Rules that the mapping engine has already applied to every row: here they only confirm it.
ENGINE_CHECKED = frozenset(
    {"required", "value.unknown", "range.min", "range.max", "length.min", "length.max", "pattern"}
)

#: Expectations that look at one row at a time, by their types' beginnings, but for those that compare rows: only the
#: former may be run in chunks.
_BY_ROW = ("expect_column_value", "expect_column_pair_values", "expect_multicolumn", "expect_select_column_values")
_ACROSS_ROWS = (
    "expect_column_values_to_be_unique",
    "_increasing",
    "_decreasing",
    "_z_scores_to_be_less_than",
    "_to_not_be_outliers",
)

_ONE_AT_A_TIME = RLock()

_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,  # every other setting puts students' values into the results
    "include_unexpected_rows": False,
    "partial_unexpected_count": 0,
    "return_unexpected_index_query": False,
}


def suite(entity: Entity) -> list[Expectation]:
    """The entity's expectations: those its fields imply (all errors, rule ids in ENGINE_CHECKED), then its own."""
    return [*chain.from_iterable(_implied(f) for f in entity.fields), *entity.expectations]


def fields_read(entity: Entity) -> list[str]:
    """The entity's fields that `judge` reads: those its suite names and those of the references it follows."""
    columns = set(chain.from_iterable(_columns(e.kwargs) for e in suite(entity)))
    followed = {c.partition(".")[0] for c in columns if "." in c}
    columns |= {ours for r in entity.references if r.name in followed for ours, _ in r.fields}
    return [f.name for f in entity.fields if f.name in columns]


def _implied(f: Field) -> Iterator[Expectation]:
    def expect(rule: str, kind: str, **kwargs: Any) -> Expectation:
        return Expectation(rule, f"expect_column_{kind}", {"column": f.name, **kwargs}, "error")

    if f.required:
        yield expect("required", "values_to_not_be_null")
    if f.values:
        yield expect("value.unknown", "values_to_be_in_set", value_set=list(f.values))
    if f.type in ("integer", "number"):
        if f.minimum is not None:
            yield expect("range.min", "values_to_be_between", min_value=f.minimum)
        if f.maximum is not None:
            yield expect("range.max", "values_to_be_between", max_value=f.maximum)
    if f.type == "string":
        if f.min_length is not None:
            yield expect("length.min", "value_lengths_to_be_between", min_value=f.min_length)
        if f.max_length is not None:
            yield expect("length.max", "value_lengths_to_be_between", max_value=f.max_length)
        if f.pattern is not None:
            yield expect("pattern", "values_to_match_regex", regex=f"^(?:{f.pattern})$")


def parameters(year: int, today: date) -> dict[str, str]:
    """What an expectation may ask for with `{"$PARAMETER": name}`: ISO dates of the school year that ends in `year`.

    `school_year_begin` (July 1st), `school_year_end` (June 30th), `today`, and `born_for_age_0` to `born_for_age_30`:
    the birth date of someone who turns that age on September 1st of the school year.
    """
    ages = {f"born_for_age_{age}": f"{year - 1 - age}-09-01" for age in range(31)}
    return {
        "school_year_begin": f"{year - 1}-07-01",
        "school_year_end": f"{year}-06-30",
        "today": today.isoformat(),
        **ages,
    }


def judge(
    rows: Path,
    entity: Entity,
    source: str,
    held: Path,
    *,
    chunk_rows: int = 200_000,
    parameters: Mapping[str, str] | None = None,
    lookups: Mapping[str, Path] | None = None,
    confirm: bool = True,
) -> tuple[RuleResult, ...]:
    """Check an entity's rows, one result per rule in the order of the suite.

    `rows` is a parquet with the entity's fields and PROVENANCE. Rows that fail a rule of severity error are written to
    `held` (PROVENANCE, then `entity field rule`), once per rule and field; without any, no file is left there. A
    warning is only counted. `checked` and `failed` count rows, or 1 for an expectation of the table as a whole.

    Memory is bounded by `chunk_rows` rows of the columns needed; only expectations that compare rows with each other
    read their columns at once. A column `<reference>.<field>` is looked up through the entity's reference of that name
    in `lookups[entity of the reference]` (a parquet of that entity's rows): without that parquet the rule is reported
    as checked 0, not as passed. What the engine has checked already (ENGINE_CHECKED) is counted per field and the
    counts are judged; only fields with a count above 0 are looked at row by row. `confirm=False` leaves that out.

    Raises FixConfiguration for an expectation that Great Expectations does not know or cannot evaluate.
    """
    given = dict(parameters or {})
    checks = [_Check(e) for e in suite(entity) if confirm or e.rule not in ENGINE_CHECKED]
    held.parent.mkdir(parents=True, exist_ok=True)
    held.unlink(missing_ok=True)
    tables = {name: path for name, path in (lookups or {}).items() if path.exists()}
    ready = [c for c in checks if c.is_ready(entity, given, tables)]
    moments = {f.name for f in entity.fields if f.type == "datetime"}
    with Held(held, entity.name) as sink, quiet(), TemporaryDirectory(dir=held.parent) as folder:
        table = joined(rows, entity, list(chain.from_iterable(c.columns for c in ready)), tables, Path(folder))
        for size in (chunk_rows, None):
            group = [c for c in ready if c.across_rows == (size is None)]
            needed = list(dict.fromkeys(chain.from_iterable(c.columns for c in group)))
            for chunk in chunks(table, needed, size) if group else ():
                asked = _asked(group, chunk)
                columns = list(dict.fromkeys(chain.from_iterable(c.columns for c in asked))) or ["_row"]
                _validate(asked, frame_of(chunk, columns, moments), given)
                for check in asked:
                    if check.positions and check.expectation.severity == "error":
                        sink.add(chunk, check.positions, check.field, check.expectation.rule)
    return _results(checks, source, entity.name)


def volume(
    source: str, entity: str, previous: int, now: int, *, drop: float = 0.2, rise: float = 1.0
) -> tuple[RuleResult, ...]:
    """Has the source sent about as many rows as last time? Through `expect_table_row_count_to_be_between`.

    `volume.empty` (error): rows came before and none came now. `volume.drop` and `volume.rise` (warnings): the count
    fell or rose by more than this share of `previous`. Without anything to compare with, nothing is checked.
    """
    if previous <= 0:
        return ()
    kind = "expect_table_row_count_to_be_between"
    checks = [
        _Check(Expectation("volume.empty", kind, {"min_value": 1}, "error")),
        _Check(Expectation("volume.drop", kind, {"min_value": int(previous * (1 - drop))})),
        _Check(Expectation("volume.rise", kind, {"max_value": int(previous * (1 + rise))})),
    ]
    with quiet():
        import pandas as pd

        _validate(checks, pd.DataFrame({"_row": range(now)}), {})
    return _results(checks, source, entity)


# ------------------------------------------------------------------------------------------------ one expectation


@dataclass
class _Check:
    """An expectation and what has been counted for it so far."""

    expectation: Expectation
    checked: int = 0
    failed: int = 0
    positions: Sequence[int] = ()  # of failed rows, in the chunk at hand

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_columns(self.expectation.kwargs)))

    @property
    def field(self) -> str:
        return next((c for c in self.columns), "")

    @property
    def across_rows(self) -> bool:
        kind = self.expectation.type
        return not kind.startswith(_BY_ROW) or kind.endswith(_ACROSS_ROWS)

    def is_ready(self, entity: Entity, given: Mapping[str, str], tables: Mapping[str, Path]) -> bool:
        """False when a table that it looks into is not there; raises for what the spec got wrong."""
        missing = [name for name in _parameters(self.expectation.kwargs) if name not in given]
        if missing:
            raise _fix(self.expectation, f"asks for the parameter {missing[0]!r}, which is not given")
        fields = {f.name for f in entity.fields} | set(PROVENANCE)
        ready = True
        for column in self.columns:
            if column not in fields:
                ready = ready and _reference(self.expectation, entity, column).entity in tables
        return ready


def _columns(kwargs: Any) -> Iterator[str]:
    """Columns that an expectation's keyword arguments name, those of its `row_condition` included."""
    for key in ("column", "column_A", "column_B"):
        if isinstance(kwargs.get(key), str):
            yield kwargs[key]
    yield from kwargs.get("column_list", ())
    yield from _condition_columns(kwargs.get("row_condition"))


def _condition_columns(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        yield from chain.from_iterable(map(_condition_columns, node))
    elif isinstance(node, dict):
        column = node.get("column")
        if isinstance(column, dict):
            yield column["name"]
        yield from _condition_columns(node.get("conditions"))


def _parameters(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$PARAMETER" in node:
            yield node["$PARAMETER"]
        yield from chain.from_iterable(map(_parameters, node.values()))
    elif isinstance(node, list):
        yield from chain.from_iterable(map(_parameters, node))


def _reference(expectation: Expectation, entity: Entity, column: str) -> Reference:
    name, _, _ = column.partition(".")
    for reference in entity.references:
        if reference.name == name and "." in column:
            return reference
    raise _fix(expectation, f"names the column {column!r}, which {entity.name} does not have")


def _fix(expectation: Expectation, what: str) -> FixConfiguration:
    return FixConfiguration(
        f"Rule {expectation.rule} ({expectation.type}) {what}.", "Correct the entity's expectations under schemas/."
    )


def _results(checks: Sequence[_Check], source: str, entity: str) -> tuple[RuleResult, ...]:
    summed: dict[str, RuleResult] = {}
    for check in checks:
        e = check.expectation
        seen = summed.get(e.rule) or RuleResult(e.rule, e.severity, source, entity, 0, 0)
        summed[e.rule] = replace(seen, checked=seen.checked + check.checked, failed=seen.failed + check.failed)
    return tuple(summed.values())


# ------------------------------------------------------------------------------------------- Great Expectations


def _asked(checks: Sequence[_Check], chunk: pa.Table) -> list[_Check]:
    """The checks to run row by row on this chunk: of those that only confirm the engine, the ones whose count fails."""
    import pandas as pd

    confirming = [c for c in checks if c.expectation.rule in ENGINE_CHECKED]
    if not confirming:
        return list(checks)
    counts = [count_broken(chunk.column(c.field), c.expectation) for c in confirming]
    none_broken = _Check(Expectation("confirmed", f"{_BY_ROW[0]}s_to_be_between", {"column": "broken", "max_value": 0}))
    _validate([none_broken], pd.DataFrame({"broken": [broken for _, broken in counts]}), {})
    doubtful = {id(confirming[n]) for n in none_broken.positions}
    for check, (checked, _) in zip(confirming, counts, strict=True):
        check.checked += 0 if id(check) in doubtful else checked
    return [c for c in checks if c.expectation.rule not in ENGINE_CHECKED or id(c) in doubtful]


def _validate(checks: Sequence[_Check], frame: pd.DataFrame, given: Mapping[str, str]) -> None:
    """Runs the checks on the frame, adds up their counts and leaves the positions of the failed rows."""
    if not checks:
        return
    import great_expectations as gx
    import pandas as pd

    batches = _batches()
    batch = batches.get_batch({"dataframe": frame})
    asked = [built(c.expectation, {"check": n}) for n, c in enumerate(checks)]
    results = batch.validate(
        gx.ExpectationSuite(name="rows", expectations=asked),
        result_format=_RESULT_FORMAT,
        expectation_parameters={k: _midnight(v) for k, v in given.items()},
    )
    batches.get_batch({"dataframe": pd.DataFrame()})  # it keeps its last frame alive
    for outcome in results.results:
        check = checks[outcome.expectation_config.meta["check"]]
        counts = outcome.result
        if "raised_exception" not in outcome.exception_info or outcome.exception_info["raised_exception"]:
            raise _fix(check.expectation, f"cannot be evaluated ({_exception_name(outcome.exception_info)})")
        if "unexpected_count" in counts:
            check.checked += counts["element_count"] - (counts.get("missing_count") or 0)
            check.failed += counts["unexpected_count"]
            check.positions = counts.get("unexpected_index_list") or ()
        else:
            check.checked += 1
            check.failed += not outcome.success


@cache
def _batches() -> Any:
    """Where data frames become batches. Made once: its context writes its own settings four times, in 15 ms."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return (
        context.data_sources.add_pandas("rows").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")
    )


def built(expectation: Expectation, meta: dict[str, Any]) -> Any:
    """Great Expectations' own object of it. Raises FixConfiguration for one that it does not know."""
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        return ExpectationConfiguration(
            type=expectation.type,
            kwargs={k: _midnight(v) for k, v in expectation.kwargs.items()},
            meta=meta,
        ).to_domain_obj()
    except (GreatExpectationsError, ValueError, TypeError) as error:
        raise _fix(expectation, f"is not one that Great Expectations knows ({type(error).__name__})") from None


def _midnight(bound: Any) -> Any:
    """A day as a moment: Great Expectations makes a bound of a day alone a date, which pandas 3 cannot compare."""
    if isinstance(bound, date) and not isinstance(bound, datetime):
        return f"{bound.isoformat()}T00:00:00"
    return f"{bound}T00:00:00" if isinstance(bound, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", bound) else bound


def _exception_name(info: Mapping[str, Any]) -> str:
    """The class of the exception at the root of it: its message may hold a student's value."""
    entries = [info] if "exception_traceback" in info else [v for v in info.values() if isinstance(v, dict)]
    text = "\n".join(str(e.get("exception_traceback") or "") for e in entries)
    names = re.findall(r"^(?:\w+\.)*(\w*(?:Error|Exception|Invalid\w*))(?::|$)", text, re.MULTILINE)
    return names[0] if names else "unknown error"


@contextmanager
def quiet() -> Iterator[None]:
    """Great Expectations without its own noise, in one thread at a time: its context and its log are the process'."""
    with _ONE_AT_A_TIME:
        log, nowhere = logging.getLogger("great_expectations"), logging.NullHandler()
        log.addHandler(nowhere)
        log.propagate = False  # its messages quote exceptions, which may hold a student's value
        try:
            with warnings.catch_warnings():
                # Imported by its file_path_data_connector; Python 3.11 deprecates the modules.
                warnings.filterwarnings("ignore", "module 'sre_\\w+' is deprecated", DeprecationWarning)
                # It imports google.api_core where that is installed, which asks for a package that nothing here needs.
                warnings.filterwarnings("ignore", "Please install grpcio-status", ImportWarning)
                yield
        finally:
            log.propagate = True
            log.removeHandler(nowhere)
