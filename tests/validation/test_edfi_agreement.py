"""The schema made of the standard's data gives the verdicts of the official one."""

from __future__ import annotations

import copy
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from edfi_documents import FAULTS, broken, document
from lxml import etree

from hub.standards.derive.xsd_shapes import read_shapes
from hub.standards.shapes import load_shapes, write_shapes
from hub.standards.validation.edfi import validate_edfi
from hub.standards.validation.edfi_document import batches
from hub.standards.validation.edfi_shape import ShapeReader
from hub.standards.validation.edfi_tally import Tally
from hub.standards.validation.edfi_xml import open_document
from hub.standards.validation.profiles import Judge, load_profile

SHARED = Path(__file__).parents[2] / "../shared/data/edfi"
SAMPLES = SHARED / "5.2/samples"
FOLDERS = {"5.2": SHARED / "5.2/schemas/Bulk", "6.1": SHARED / "6.1/schemas"}
official_data = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.exists(), reason="../shared/data/edfi is not there"),
]
INTERCHANGES = [(v, i) for v in FOLDERS for i in load_shapes(v).interchanges]


@cache
def official(version: str, interchange: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(FOLDERS[version] / f"Interchange-{interchange.removeprefix('Interchange')}.xsd"))


def ours(root: Any, path: Path) -> bool:
    """The validator's verdict on syntax and shape; it must be able to say what is wrong with what it refuses."""
    path.write_bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))
    tally = Tally(Judge(load_profile("strict")))
    opened = open_document(path, path.name, None, tally)
    if opened is None or tally.heaps:
        return False
    shape = ShapeReader(opened.version, opened.namespace, opened.interchange)
    verdict = True
    for batch in batches(path, opened.tag):
        sound = bool(batch.lines) and shape.valid(batch)
        doubled = len(ids := batch.root.xpath(".//@id")) > len(set(ids))
        assert sound or not batch.lines or doubled or list(shape.faults(batch))
        verdict = verdict and sound
    return verdict


@pytest.mark.parametrize("version", FOLDERS)
def test_the_standard_is_there_whole(version: str) -> None:
    shapes = load_shapes(version)
    counts = len(shapes.interchanges), len(shapes.complex), len(shapes.simple)
    assert counts == {"5.2": (25, 732, 388), "6.1": (31, 982, 501)}[version]


@pytest.mark.parametrize("version", FOLDERS)
def test_what_is_written_is_read_again(version: str, tmp_path: Path) -> None:
    shapes = load_shapes(version)
    write_shapes(shapes, tmp_path / "edfi" / version)
    assert load_shapes(version, tmp_path) == shapes


class TestOfficial:
    pytestmark = official_data

    @pytest.mark.parametrize("version", FOLDERS)
    def test_no_construct_is_left_out(self, version: str) -> None:
        assert read_shapes(FOLDERS[version]) == load_shapes(version)

    def test_every_sample_is_valid(self) -> None:
        result = validate_edfi([SAMPLES])
        assert len(result.files) == 16
        assert [f.rule for f in result.findings if f.stage in ("syntax", "shape")] == []

    @pytest.mark.parametrize(("version", "interchange"), INTERCHANGES)
    def test_mutations_of_made_documents_have_the_same_verdict(
        self, version: str, interchange: str, tmp_path: Path
    ) -> None:
        shapes, schema, rng = load_shapes(version), official(version, interchange), random.Random(interchange)
        made = document(shapes, interchange, seed=1)
        assert schema.validate(made), schema.error_log
        assert ours(made, tmp_path / "made.xml")
        judged = 0
        for fault in FAULTS:
            mutant = broken(made, fault, shapes, rng)
            if mutant is not None:
                judged += 1
                assert ours(mutant, tmp_path / "mutant.xml") == schema.validate(mutant), (fault, etree.tostring(mutant))
        assert judged >= 12

    @pytest.mark.parametrize("name", sorted(p.stem for p in SAMPLES.glob("*.xml")))
    def test_mutations_of_the_samples_have_the_same_verdict(self, name: str, tmp_path: Path) -> None:
        root = etree.parse(SAMPLES / f"{name}.xml", etree.XMLParser(remove_comments=True)).getroot()
        interchange = etree.QName(root).localname
        few = copy.copy(root)
        seen: dict[str, int] = {}
        for record in list(few):
            seen[record.tag] = seen.get(record.tag, 0) + 1
            if seen[record.tag] > 2:
                few.remove(record)
        few = etree.fromstring(etree.tostring(few))
        schema, rng = official("5.2", interchange), random.Random(name)
        verdicts = []
        for fault in FAULTS:
            mutant = broken(few, fault, load_shapes("5.2"), rng)
            if mutant is not None:
                verdicts.append(schema.validate(mutant))
                assert ours(mutant, tmp_path / "mutant.xml") == verdicts[-1], (fault, etree.tostring(mutant))
        assert False in verdicts
