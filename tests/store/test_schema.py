from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, Table, inspect, select

from hub.errors import FixConfiguration, Stop
from hub.model import Entity, Field, FieldType, Slice
from hub.store import as_of, migrate, open_store
from hub.store.connect import reading, writing
from hub.store.fit import differences
from hub.store.ledger_tables import LEDGER
from hub.store.naming import LONGEST, schema_name, snake
from hub.store.tables import entity_table

from .conftest import Opener
from .school import ENTITIES, SCHOOL, STUDENT, publish_record, student


def _with(entity: Entity, *fields: Field) -> dict[str, Entity]:
    """The specs with other `fields` in one entity: same name replaces, new name is added."""
    kept = {field.name: field for field in entity.fields} | {field.name: field for field in fields}
    return ENTITIES | {entity.name: replace(entity, fields=tuple(kept.values()))}


def test_a_migrated_store_has_nothing_left_to_do(new_store: Opener) -> None:
    store = new_store()
    migrate(store)
    with reading(store) as connection:
        assert differences(connection, store.metadata) == []
        # The revisions make what ledger_tables.py says.
        ledger = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or name in LEDGER.tables},
        )
        assert compare_metadata(ledger, LEDGER) == []


def test_a_new_field_and_a_new_entity_join_a_store_with_data(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    publish_record(store, slice_, 1, {"Student": [student(1)]}, tmp_path / "1")
    campus = Entity("Campus", "campuses", "domain", "5.2", ("campusId",), (Field("campusId", "integer"),))
    wider = new_store(store.district, _with(STUDENT, Field("middleName", "string")) | {"Campus": campus}, store.state)
    publish_record(
        wider, slice_, 2, {"Student": [student(1, middleName="B")], "Campus": [{"campusId": 7}]}, tmp_path / "2"
    )
    (row,) = as_of(wider, "Student", None, {})
    assert (row["firstName"], row["middleName"]) == ("Ada", "B")
    assert [row["campusId"] for row in as_of(wider, "Campus", None, {})] == [7]
    with reading(wider) as connection:
        assert differences(connection, wider.metadata) == []
        (unique,) = (index for index in inspect(connection).get_indexes("campus") if index["unique"])
        assert any("_valid_to" in str(text) for text in unique["dialect_options"].values())
        view = Table("student_current", MetaData(), autoload_with=connection)
        assert connection.execute(select(view.c.middle_name)).scalars().all() == ["B"]


@pytest.mark.parametrize(
    ("field", "before", "after", "value", "read"),
    [
        ("siblings", "integer", "number", 3, 3.0),
        ("siblings", "integer", "string", 3, "3"),
        ("birthDate", "date", "string", None, "2012-01-01"),
    ],
)
def test_a_type_widens_and_keeps_its_values(
    new_store: Opener, tmp_path: Path, field: str, before: FieldType, after: FieldType, value: object, read: object
) -> None:
    store = new_store()
    row = student(1) | ({field: value} if value is not None else {})
    publish_record(store, Slice(store.district, 2027), 1, {"Student": [row]}, tmp_path / "1")
    assert STUDENT.field(field).type == before
    wider = new_store(store.district, _with(STUDENT, Field(field, after)), store.state)
    (found,) = as_of(wider, "Student", None, {})
    assert (found[field], type(found[field])) == (read, type(read))
    with reading(wider) as connection:
        assert differences(connection, wider.metadata) == []
        indexes = {index["name"] for index in inspect(connection).get_indexes("student")}
    assert indexes == {"ux_student", "ix_student_run", "ix_student_ended_run", "ix_student_student"}
    if after == "string":  # a code with a leading zero must come back with it
        publish_record(
            wider, Slice(store.district, 2027), 2, {"Student": [student(1) | {field: "007"}]}, tmp_path / "2"
        )
        assert as_of(wider, "Student", None, {})[0][field] == "007"


def test_what_would_destroy_data_is_refused_and_changes_nothing(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    publish_record(store, slice_, 1, {"Student": [student(1)], "School": [{"schoolId": 5}]}, tmp_path / "1")
    without_field = ENTITIES | {"Student": replace(STUDENT, fields=STUDENT.fields[:1])}
    without_entity = {name: entity for name, entity in ENTITIES.items() if name != "School"}
    narrower = _with(STUDENT, Field("firstName", "integer"), Field("nickName", "string"))
    for entities, said in ((without_field, "student."), (without_entity, "table school"), (narrower, "first_name")):
        with pytest.raises(Stop, match=said) as refusal:
            new_store(store.district, entities, store.state)
        assert refusal.value.remedy
    with reading(store) as connection:
        assert differences(connection, store.metadata) == []
    migrate(store)
    assert len(as_of(store, "Student", None, {})) == 1


def test_what_holds_no_data_may_go(new_store: Opener) -> None:
    store = new_store()
    entities = {"School": replace(SCHOOL, fields=(Field("schoolId", "string"), Field("city", "string")))}
    smaller = new_store(store.district, entities, store.state)
    with reading(smaller) as connection:
        assert differences(connection, smaller.metadata) == []
        tables = inspect(connection).get_table_names()
    assert [name for name in tables if not name.startswith("hub_")] == ["school"]


@pytest.mark.postgres
def test_two_districts_that_sanitize_alike_are_refused(postgres_url: str, tmp_path: Path) -> None:
    migrate(open_store(postgres_url, "North-Side", ENTITIES, tmp_path))
    with pytest.raises(FixConfiguration, match=r"North-Side and north\.side"):
        migrate(open_store(postgres_url, "north.side", ENTITIES, tmp_path))


@pytest.mark.parametrize("district", ["", "../etc", "a/b", "a b", "ä", ".hidden", "x" * 101])
def test_a_district_id_that_names_no_file_is_refused(district: str, tmp_path: Path) -> None:
    with pytest.raises(FixConfiguration):
        open_store("sqlite", district, ENTITIES, tmp_path)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite:///elsewhere.db"])
def test_another_database_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(FixConfiguration, match="address"):
        open_store(url, "north", ENTITIES, tmp_path)


def test_reserved_schema_names_are_kept_clear() -> None:
    assert schema_name("pg_catalog") == "district_pg_catalog"
    assert schema_name("Public") == "district_public"


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("StudentSectionAssociation", "student_section_association"),
        ("studentUniqueId", "student_unique_id"),
        ("StudentCTEProgramAssociation", "student_cte_program_association"),
        ("courseCatalogURL", "course_catalog_url"),
        ("address1", "address1"),
    ],
)
def test_names_in_snake_case(name: str, column: str) -> None:
    assert snake(name) == column


@given(st.from_regex(r"[A-Z][A-Za-z0-9]{60,120}", fullmatch=True), st.sampled_from(["A", "b", "C9"]))
def test_long_names_stay_different(name: str, tail: str) -> None:
    one, two = snake(name), snake(name + tail * 3)
    assert max(len(one), len(two)) <= LONGEST
    assert one != two


def test_twins_are_refused(new_store: Opener) -> None:
    twins = replace(SCHOOL, fields=(Field("schoolId", "integer"), Field("SchoolID", "string")))
    with pytest.raises(FixConfiguration, match="school_id"):
        entity_table(twins, MetaData())
    with pytest.raises(FixConfiguration, match="student_current"):
        new_store(entities=ENTITIES | {"StudentCurrent": replace(SCHOOL, name="StudentCurrent")})


def test_two_processes_migrate_at_once(store_url: str, tmp_path: Path) -> None:
    failures: list[BaseException] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        try:
            store = open_store(store_url, "crowd", ENTITIES, tmp_path)
            barrier.wait()
            migrate(store)
        except BaseException as error:  # a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = open_store(store_url, "crowd", ENTITIES, tmp_path)
    migrate(store)
    with writing(store) as connection:
        assert "student" in inspect(connection).get_table_names()


def test_a_store_of_a_newer_hub_is_left_as_it_is(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    publish_record(store, Slice(store.district, 2027), 1, {"Student": [student(1)]}, tmp_path / "1")
    with writing(store) as connection:
        prefix = f"{store.schema}." if store.schema else ""
        connection.exec_driver_sql(f"UPDATE {prefix}hub_revision SET version_num = 'r9999'")
        connection.exec_driver_sql(f"UPDATE {prefix}hub_setting SET value = 'of a newer hub' WHERE name = 'schema'")
    with pytest.raises(Stop, match="made by a newer hub"):
        new_store(store.district, _with(STUDENT, Field("middleName", "string")), store.state)
    with reading(store) as connection:
        assert "middle_name" not in {column["name"] for column in inspect(connection).get_columns("student")}
    assert len(as_of(store, "Student", None, {})) == 1
