"""The schema made of the standard's data gives the verdicts of the official one."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from edfi_documents import records
from edfi_faults import FAULTS, allowed, mutants
from lxml import etree

from hub.standards.derive.xsd_shapes import read_shapes
from hub.standards.shapes import load_shapes, write_shapes
from hub.standards.validation.edfi import validate_edfi

SHARED = Path(__file__).parents[2] / "../shared/data/edfi"
SAMPLES = SHARED / "5.2/samples"
FOLDERS = {"5.2": SHARED / "5.2/schemas/Bulk", "6.1": SHARED / "6.1/schemas"}
official_data = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.exists(), reason="../shared/data/edfi is not there"),
]


@cache
def official(version: str, interchange: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(FOLDERS[version] / f"Interchange-{interchange.removeprefix('Interchange')}.xsd"))


@dataclass
class Judged:
    """Documents with the official verdict on each, to be compared with the validator's in one run."""

    documents: list[bytes] = field(default_factory=list)
    verdicts: list[bool] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)  # interchange or sample -> kind of fault -> mutations

    def add(self, name: str, schema: etree.XMLSchema, sound: Any, mutated: Iterable[tuple[str, Any]]) -> None:
        kinds = self.counts[name] = Counter()
        for kind, root in [("", sound), *mutated]:
            document = etree.tostring(root, encoding="UTF-8")
            valid = schema.validate(etree.fromstring(document))
            assert (FAULTS[kind].valid if kind else True) in (None, valid), (kind, document)
            self.documents.append(document)
            self.verdicts.append(valid)
            kinds.update([kind] if kind else [])

    def agreed(self, folder: Path) -> str:
        """Asserts that the validator finds a fault of shape where the schema does; says what was judged."""
        for number, document in enumerate(self.documents):
            (folder / f"{number}.xml").write_bytes(document)
        findings = validate_edfi([folder], max_per_rule=1).findings
        told = {f.file for f in findings if f.stage in ("syntax", "shape") or f.rule == "edfi.key.duplicate_id"}
        for number, valid in enumerate(self.verdicts):
            assert valid == (f"{number}.xml" not in told), self.documents[number]
        return f"{self.total:,} mutations: {self.counts}"

    @property
    def total(self) -> int:
        return sum(map(Counter.total, self.counts.values()))


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

    @pytest.mark.parametrize("version", FOLDERS)
    def test_mutations_of_made_documents_have_the_same_verdict(self, version: str, tmp_path: Path) -> None:
        """Every interchange, of each kind of fault that its types have a place for at least one."""
        shapes, judged = load_shapes(version), Judged()
        for interchange in shapes.interchanges:
            made = records(shapes, interchange)
            whole = copy.deepcopy(made[0])
            whole.extend(copy.deepcopy(record) for root in made[1:] for record in root)
            mutated = mutants(shapes, made, 1, random.Random(interchange))
            judged.add(interchange, official(version, interchange), whole, mutated)
        said = judged.agreed(tmp_path)
        assert len(judged.counts) == {"5.2": 25, "6.1": 31}[version]
        assert {n: set(k) for n, k in judged.counts.items()} == {n: allowed(shapes, n) for n in judged.counts}, said
        assert min(map(len, judged.counts.values())) >= 29, said
        assert judged.total >= {"5.2": 875, "6.1": 1080}[version], said

    def test_mutations_of_the_samples_have_the_same_verdict(self, tmp_path: Path) -> None:
        shapes, judged = load_shapes("5.2"), Judged()
        for path in sorted(SAMPLES.glob("*.xml")):
            root = etree.parse(path, etree.XMLParser(remove_comments=True)).getroot()
            root[:] = list({record.tag: record for record in root}.values())
            few = etree.fromstring(etree.tostring(root))
            mutated = mutants(shapes, [few], 1, random.Random(path.name))
            judged.add(path.stem, official("5.2", etree.QName(root).localname), few, mutated)
        said = judged.agreed(tmp_path)
        assert len(judged.counts) == 16
        assert min(map(len, judged.counts.values())) >= 20, said
        assert judged.total >= 400, said
