"""The bad night: every fault by name, and how it gets into the files. A kind ends in the same place every time.

Row faults touch ROWS rows each, never the same row twice. A file fault hides the row faults of its file (and a renamed
header hides last year's tests), so play them apart: `faults=ROW_FAULTS`, `faults=FILE_FAULTS`, `faults=GUARD_FAULTS`.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hub.demo.columns import Ints, opaque
from hub.demo.oneroster import school_ids
from hub.demo.people import FIRST_LOCAL_ID, state_ids
from hub.demo.plan import Plan

ROWS = 3
FILE_FAULTS = {
    "users_header_only": "sis: users.csv has a header and no rows, though its manifest says bulk",
    "map_last_year": "map: last year's tests under this year's file name",
    "map_renamed_header": "map: the column TestRITScore is called RITScore",
    "iready_unreadable_zip": "iready: the zip ends in the middle",
}
ROW_FAULTS = {
    "map_ragged_rows": "map: rows with a field too few or too many",
    "map_bad_date": "map: TestStartDate is no date",
    "map_ids_disagree": "map: StudentID names one student, Student_StateID another",
    "sis_bad_birth_date": "sis: demographics.birthDate is no date",
    "sis_unknown_sex": "sis: demographics.sex is a code that OneRoster 1.1 does not have",
    "sis_duplicate_sourced_id": "sis: enrollments.csv has two rows with one sourcedId and different end dates",
    "sis_duplicate_place": "sis: the same student, class and begin date under two sourcedIds in enrollments.csv",
    "sis_dangling_class": "sis: enrollments.classSourcedId is in no classes.csv",
    "attendance_unknown_code": "attendance: a code that the layout does not have",
}
GUARD_FAULTS = {
    "sis_school_emptied": "sis and lms: all enrollments of the last school are gone, well formed otherwise",
}
#: kind -> what is wrong, starting with the source.
FAULTS = {**FILE_FAULTS, **ROW_FAULTS, **GUARD_FAULTS}


def kinds(faults: bool | Collection[str]) -> frozenset[str]:
    """The kinds asked for; True for all. Raises KeyError for a kind that is not in FAULTS."""
    if isinstance(faults, bool):
        return frozenset(FAULTS if faults else ())
    if unknown := set(faults) - set(FAULTS):
        raise KeyError(f"no such fault: {', '.join(sorted(unknown))}")
    return frozenset(faults)


def spoil_sis(plan: Plan, tables: dict[str, pa.Table], wrong: Collection[str]) -> dict[str, pa.Table]:
    demographics, enrollments, users = tables["demographics"], tables["enrollments"], tables["users"]
    if "sis_bad_birth_date" in wrong:
        demographics = _put(demographics, "birthDate", 0, ["2014-02-31", "00/00/0000", "unknown"])
    if "sis_unknown_sex" in wrong:
        demographics = _put(demographics, "sex", ROWS, ["X", "M", "Female"])
    first = enrollments.slice(0, 3 * ROWS)
    enrollments = empty_school(plan, tables, wrong)["enrollments"]
    if "sis_dangling_class" in wrong:
        enrollments = _put(enrollments, "classSourcedId", 0, opaque(plan.key("no class"), np.arange(ROWS)).to_pylist())
    again = []
    if "sis_duplicate_sourced_id" in wrong:
        again.append(_put(first.slice(ROWS, ROWS), "endDate", 0, [str(plan.day(1))] * ROWS))
    if "sis_duplicate_place" in wrong:
        other = opaque(plan.key("other place"), np.arange(ROWS)).to_pylist()
        again.append(_put(_as_text(first.slice(2 * ROWS, ROWS), "endDate"), "sourcedId", 0, other))
    if again:
        enrollments = pa.concat_tables([_as_text(enrollments, "endDate"), *again])
    if "users_header_only" in wrong:
        users = users.slice(0, 0)
    return tables | {"demographics": demographics, "enrollments": enrollments, "users": users}


def empty_school(plan: Plan, tables: dict[str, pa.Table], wrong: Collection[str]) -> dict[str, pa.Table]:
    """The LMS is rostered from the SIS, so it loses the same rows."""
    if "sis_school_emptied" not in wrong:
        return tables
    rows = tables["enrollments"]
    gone = pc.equal(rows["schoolSourcedId"], school_ids(plan, np.array([plan.schools - 1]))[0])
    return tables | {"enrollments": rows.filter(pc.invert(gone))}


def spoil_map(plan: Plan, rows: pa.Table, wrong: Collection[str]) -> pa.Table:
    if "map_bad_date" in wrong:
        rows = _put(rows, "TestStartDate", 0, ["02/30/2026", "13/01/2026", "TBD"])
    if "map_ids_disagree" in wrong:
        local = rows["StudentID"].slice(ROWS, ROWS).to_pylist()
        own = np.array([int(local_id) - FIRST_LOCAL_ID for local_id in local])
        somebody_else: Ints = (own + 1) % plan.students
        rows = _put(rows, "Student_StateID", ROWS, state_ids(plan, somebody_else).to_pylist())
    if "map_renamed_header" in wrong:
        rows = rows.rename_columns(["RITScore" if name == "TestRITScore" else name for name in rows.column_names])
    return rows


def spoil_attendance(rows: pa.Table, wrong: Collection[str]) -> pa.Table:
    return _put(rows, "code", 0, ["Z", "9", "?"]) if "attendance_unknown_code" in wrong else rows


def make_ragged(path: Path) -> None:
    """Data rows 7 to 9: one field short, one too many, one short."""
    lines = path.read_text("utf-8").split("\n")
    start = 1 + 2 * ROWS
    short, long, again = lines[start : start + ROWS]
    lines[start : start + ROWS] = [short.rpartition(",")[0], long + ",0", again.rpartition(",")[0]]
    path.write_text("\n".join(lines), "utf-8", newline="\n")


def cut_in_half(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _put(rows: pa.Table, column: str, start: int, values: list[str]) -> pa.Table:
    """`values` in place of a column's, from row `start` on; the column becomes text."""
    rows = _as_text(rows, column)
    old = rows[column].combine_chunks()
    new = pa.concat_arrays([old.slice(0, start), pa.array(values, pa.string()), old.slice(start + len(values))])
    return rows.set_column(rows.schema.get_field_index(column), column, new)


def _as_text(rows: pa.Table, column: str) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(column), column, rows[column].cast(pa.string()))
