"""The district's files against the real layouts and schemas, where those are at hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from lxml import etree

from hub.demo.college_board_layouts import PSAT_8_9, PSAT_10, PSAT_NMSQT, SAT
from hub.demo.district import DEMO, write_night
from hub.demo.layouts import IREADY, MAP_GROWTH, ONEROSTER_1_1, ONEROSTER_1_2

SHARED = Path(__file__).parents[2] / ".." / "shared"
LAYOUTS = {
    "MAP_Growth/sample_anonymized_file.csv": MAP_GROWTH,
    "i-Ready/sample_anonymized_file_ela.csv": IREADY["ela"],
    "i-Ready/sample_anonymized_file_math.csv": IREADY["math"],
    "PSAT_SAT/sample_anonymized_file_sat.csv": SAT,
    "PSAT_SAT/sample_anonymized_file_psat_10.csv": PSAT_10,
    "PSAT_SAT/sample_anonymized_file_psat_89.csv": PSAT_8_9,
    "PSAT_SAT/sample_anonymized_file_psat_nmsqt.csv": PSAT_NMSQT,
}


def shared(path: str) -> Path:
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"../shared/{path} is absent")
    return found


@pytest.mark.parametrize(
    ("layout", "columns"),
    [(MAP_GROWTH, 143), (IREADY["ela"], 65), (IREADY["math"], 58), (SAT, 860), (PSAT_NMSQT, 348), (PSAT_10, 347),
     (PSAT_8_9, 300)],
)  # fmt: skip
def test_layouts_are_complete(layout: tuple[str, ...], columns: int) -> None:
    assert len(set(layout)) == len(layout) == columns


@pytest.mark.shared
@pytest.mark.parametrize("path", LAYOUTS)
def test_layouts_are_the_vendors_own(path: str) -> None:
    with shared(f"data/assessments/{path}").open(encoding="utf-8-sig", newline="") as lines:
        assert tuple(next(csv.reader(lines))) == LAYOUTS[path]


@pytest.mark.shared
@pytest.mark.parametrize(("version", "layout"), [("1.1", ONEROSTER_1_1), ("1.2", ONEROSTER_1_2)])
def test_oneroster_headers_are_the_standards_own(version: str, layout: dict[str, tuple[str, ...]]) -> None:
    tables = json.loads(shared(f"facts/oneroster-csv-{version}.json").read_text("utf-8"))
    tables = tables.get("files", tables)
    compared = 0
    for name, columns in layout.items():
        known = tables.get(f"{name}.csv", tables.get(name))
        names = tuple(column["name"] if isinstance(column, dict) else column for column in known or [])
        if known:
            # 1.2.1 dropped this column of 1.2
            assert columns == tuple(name for name in names if name != "resourceSourcedIds"), name
            compared += 1
    assert compared >= 9


@pytest.mark.shared
def test_edfi_documents_are_valid(tmp_path: Path) -> None:
    schemas = shared("data/edfi/5.2/schemas/Bulk")
    folder = write_night(DEMO, tmp_path, 2)["edfi"]
    documents = sorted(folder.glob("*.xml"))
    assert len(documents) == 5
    for document in documents:
        schema = etree.XMLSchema(etree.parse(schemas / f"Interchange-{document.stem}.xsd"))
        schema.assertValid(etree.parse(document))
