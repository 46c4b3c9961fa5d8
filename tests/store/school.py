"""A small fictional standard: few entities, every type, and how to write a record of them the way unify does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hub.model import Change, Entity, Field, Run, Slice
from hub.store import Store, compare, publish

STUDENT = Entity(
    "Student",
    "students",
    "domain",
    "5.2",
    ("studentUniqueId",),
    (
        Field("studentUniqueId", "string", required=True),
        Field("firstName", "string"),
        Field("birthDate", "date"),
        Field("weight", "number"),
        Field("siblings", "integer"),
        Field("hispanicLatinoEthnicity", "boolean"),
        Field("otherNames", "list"),
    ),
)
SCHOOL = Entity(
    "School", "schools", "domain", "5.2", ("schoolId",), (Field("schoolId", "integer"), Field("webSite", "string"))
)
ENROLLMENT = Entity(
    "StudentSchoolAssociation",
    "studentSchoolAssociations",
    "association",
    "5.2",
    ("studentUniqueId", "schoolId"),
    (
        Field("studentUniqueId", "string"),
        Field("schoolId", "integer"),
        Field("entryGradeLevelDescriptor", "descriptor"),
    ),
)
CODE = Entity(
    "StudentIdentificationCode",
    "studentIdentificationCodes",
    "domain",
    "6.1",
    ("studentUniqueId", "educationOrganizationId", "studentIdentificationSystemDescriptor"),
    (
        Field("studentUniqueId", "string"),
        Field("educationOrganizationId", "integer"),
        Field("studentIdentificationSystemDescriptor", "descriptor"),
        Field("identificationCode", "string"),
    ),
)
ENTITIES = {entity.name: entity for entity in (STUDENT, SCHOOL, ENROLLMENT, CODE)}

_ARROW = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32()}

Row = dict[str, Any]


def key_of(entity: Entity, row: Mapping[str, Any]) -> str:
    return hashlib.md5(json.dumps([row[name] for name in entity.key]).encode()).hexdigest()


def hash_of(entity: Entity, row: Mapping[str, Any]) -> str:
    values = [row.get(field.name) for field in entity.fields]
    return hashlib.md5(json.dumps(values, default=str).encode()).hexdigest()


def write_record(folder: Path, record: Mapping[str, Sequence[Row]], entities: Mapping[str, Entity] = ENTITIES) -> Path:
    """One parquet file per entity, in the layout of docs/architecture.md."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in record.items():
        entity = entities[name]
        columns: dict[str, pa.Array] = {
            field.name: pa.array([row.get(field.name) for row in rows], _ARROW.get(field.type, pa.string()))
            for field in entity.fields
        }
        text, number = pa.string(), pa.int64()
        columns |= {
            "_source": pa.array(["sis"] * len(rows), text),
            "_stream": pa.array([name.lower()] * len(rows), text),
            "_file": pa.array([f"{name.lower()}.csv"] * len(rows), text),
            "_row": pa.array(range(2, len(rows) + 2), number),
            "_key": pa.array([key_of(entity, row) for row in rows], text),
            "_hash": pa.array([hash_of(entity, row) for row in rows], text),
            "_field_sources": pa.array([None] * len(rows), text),
        }
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def run_of(number: int, slice_: Slice, changes: tuple[Change, ...] = (), status: Any = "published") -> Run:
    return Run(
        f"20261122T{number:06d}Z-00{number:04x}",
        slice_.district,
        slice_.year,
        datetime(2026, 11, 22, 2, tzinfo=UTC),
        datetime(2026, 11, 22, 3, tzinfo=UTC),
        status,
        changes=changes,
    )


def publish_record(
    store: Store,
    slice_: Slice,
    number: int,
    record: Mapping[str, Sequence[Row]],
    folder: Path,
    full: bool = True,
    held: Path | None = None,
    states: Mapping[str, str] | None = None,
) -> Run:
    """Compare and publish `record` as run `number`; `folder` must be new for every call."""
    written = write_record(folder / "record", record, store.entities)
    changes = compare(store, slice_, written, folder / "changes", full)
    run = run_of(number, slice_, changes)
    publish(store, slice_, run, folder / "changes", held, dict(states or {"sis": f"state{number}"}))
    return run


def student(number: int, name: str = "Ada", **more: Any) -> Row:
    return {"studentUniqueId": f"{number:04d}", "firstName": name, "birthDate": date(2012, 1, 1), **more}
