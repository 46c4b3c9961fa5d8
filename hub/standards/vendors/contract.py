"""What every vendor's folder must keep. `hub source test` and the hub's own tests ask the same questions here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from hub.engine import connect, view
from hub.errors import AskVendor, HubError
from hub.model import OpenedDelivery, OpenedFile, Source, Stream
from hub.standards.mapping.lists import make_lists
from hub.standards.mapping.normalize import Vocabulary
from hub.standards.mapping.tables import make_tables
from hub.standards.mapping.values import Context
from hub.standards.reading.csv_files import read_header
from hub.standards.reading.streams import empty_table
from hub.standards.specs import SCHEMAS, descriptor_codes, load_entities
from hub.standards.states.source_state import Work, build_state, used_columns
from hub.standards.states.summary import StateSummary
from hub.standards.vendors.folders import chain, documents, place_of
from hub.standards.vendors.sources import load_source

FACTS = {"schoolYear": 2026, "localEducationAgencyId": 4410, "today": None}
GUESS = re.compile(r"#\s*guess:\s*(?P<why>.*)$")


@dataclass(frozen=True)
class Gap:
    """What a folder lacks: in which check and where, and what to do next."""

    check: str
    where: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Folder:
    """A vendor's folder, read. `sample` holds its fictional files; a dialect without any is held to those of the
    folder that it extends."""

    path: Path
    source: Source
    sample: Path

    @property
    def samples(self) -> list[Path]:
        found = sorted(self.sample.rglob("*"))
        return [p for p in found if p.is_file() and p.name != "expected.json"]


def open_folder(vendor: str, root: Path = SCHEMAS, own: Path | None = None) -> Folder:
    """Raises FixConfiguration when there is none, or it cannot be read."""
    path = place_of(vendor, root, own)
    there = [f / "sample" for f in chain(vendor, root, own) if (f / "sample").is_dir()]
    return Folder(path, load_source(vendor, root, own), there[-1] if there else path / "sample")


@cache
def grammar(root: Path = SCHEMAS) -> Draft202012Validator:
    document = json.loads((root / "grammar.json").read_text(encoding="utf-8"))
    return Draft202012Validator({**document, "$ref": "#/$defs/source"})


def of_a_standard(source: Source) -> bool:
    """A folder for a whole standard reads what the standard lists: a column that nothing uses is its business."""
    return any("refers" in s.options or s.format.startswith("edfi-") for s in source.streams)


def words(vendor: str, root: Path = SCHEMAS, own: Path | None = None) -> Iterator[Gap]:
    """Every document follows schemas/grammar.json, a dialect with what it extends. Asked before the folder is read.

    Raises FixConfiguration when there is no such folder.
    """
    path = place_of(vendor, root, own)
    for document in sorted(path.glob("*.yaml")):
        try:
            yaml.safe_load(document.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f":{mark.line + 1}" if mark else ""
            yield Gap("grammar", f"{document.name}{line}", "This is not YAML.", "Check the indent and the quotes.")
            return
    for name, tree in documents(chain(vendor, root, own)).items():
        if name == "source.yaml" and not (tree.get("vendor") == path.name and tree.get("title")):
            message = f"`vendor:` must be {path.name}, as the folder is called, and `title:` must say what it is."
            yield Gap("grammar", name, message, "Write both at the top.")
        for fault in grammar(root).iter_errors(plain(tree)):
            yield Gap("grammar", f"{name} {fault.json_path}", fault.message[:200], "See schemas/README.md.")


def guesses(folder: Folder) -> Iterator[Gap]:
    """What `hub source new` guessed and nobody has confirmed."""
    for document in sorted(folder.path.glob("*.yaml")):
        for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), start=1):
            if found := GUESS.search(line):
                remedy = "Correct the line if it is wrong, then delete the comment."
                yield Gap("guesses", f"{document.name}:{number}", f"A guess: {found['why']}", remedy)


def columns(folder: Folder) -> Iterator[Gap]:
    """Every column is used, or ignored with a reason."""
    source, used = folder.source, used_columns(folder.source)
    if of_a_standard(source):
        return
    everywhere = [c for s in source.streams for c in s.columns]
    for stream in source.streams:
        ignored = source.ignored[stream.name]
        for column in sorted(set(stream.columns) - used[stream.name] - set(ignored)):
            yield Gap(
                "columns", f"{stream.name}: {column}", "No field uses it.", "Use it, or say why under `ignored:`."
            )
        for key, reason in ignored.items():
            if len(reason) < 10:
                yield Gap("columns", f"{stream.name}: {key}", "The reason says too little.", "Write a sentence.")
            if not any(fnmatchcase(c, key) for c in everywhere):
                yield Gap("columns", f"{stream.name}: {key}", "No layout has this column.", "Delete the line.")


def specs(folder: Folder, root: Path = SCHEMAS) -> Iterator[Gap]:
    """Every entity and field is in the specs, and what is required is given."""
    entities = load_entities(root)
    for mapping in folder.source.mappings:
        entity = entities.get(mapping.entity)
        if entity is None:
            yield Gap("specs", mapping.entity, "No such entity.", "`hub schema list --kind entity` has their names.")
            continue
        given = set(mapping.fields)
        for field in sorted(given - {f.name for f in entity.fields}):
            remedy = f"`hub schema show {mapping.entity}` has its fields."
            yield Gap("specs", f"{mapping.entity}.{field}", "No such field.", remedy)
        later = {f for r in entity.references if r.name in mapping.complete for f, _ in r.fields}
        wanted = {f.name for f in entity.fields if f.required} | set(entity.key)
        for field in sorted(wanted - given - later):
            yield Gap("specs", f"{mapping.entity}.{field}", "It is required and not given.", "Add it to `fields:`.")


def descriptors(folder: Folder, root: Path = SCHEMAS) -> Iterator[Gap]:
    """Every descriptor is the standard's or in a namespace that the folder declares."""
    source = folder.source
    known = {uri for uris in descriptor_codes(root).values() for uri in uris}
    written = {value for table in source.crosswalks.values() for value, _ in table.values()}
    written |= {cell for rows in source.lists.values() for row in rows for cell in row.values() if cell}
    written |= {const for m in source.mappings for const in _consts(m.fields)}
    for uri in sorted(w for w in written if w.startswith("uri://") and "Descriptor#" in w):
        if uri not in known and not uri.startswith(source.namespaces or ("\0",)):
            remedy = "`hub schema show` the descriptor for its codes, or declare your own under `namespaces:`."
            yield Gap("descriptors", uri, "The standard has no such code.", remedy)


def selects(folder: Folder, root: Path = SCHEMAS) -> Iterator[Gap]:
    """Every SELECT parses, binds, and carries the place of its row."""
    source = folder.source
    con = connect()
    try:
        used = used_columns(source)
        formats = {s.name: s.format for s in source.streams}
        anywhere = {column for s in source.streams for column in s.columns}
        for stream in source.streams:
            if not stream.format.startswith("edfi-"):
                empty_table(con, stream, used[stream.name])
        make_lists(con, source)
        facts = {**FACTS, "source": "contract"}
        make_tables(con, source, Context(None, source.crosswalks, source.options, facts), descriptor_codes(root))
        for n, mapping in enumerate(m for m in source.mappings if not formats[m.stream].startswith("edfi-")):
            rows = view(con, f"rows_{n}", mapping.rows) if mapping.rows else con.table(mapping.stream)
            missing = {"_file", "_row", "_seq"} - set(rows.columns)
            if missing:
                message = f"`rows:` does not carry {', '.join(sorted(missing))}."
                yield Gap("selects", mapping.entity, message, "Select them from the row it speaks of.")
            # A name that is no column reads as blank in every row: the engine takes letter case for the same. What
            # another layout of the vendor has may be named: several streams can share one list of scores.
            for column in sorted(_scored(mapping.fields) - set(rows.columns) - anywhere):
                remedy = "Write it as the SELECT or the layout does, and let no two differ in letter case alone."
                yield Gap("selects", f"{mapping.entity}: {column}", "A score or level of no column.", remedy)
    except HubError as error:
        yield Gap("selects", folder.path.name, error.message, error.remedy)
    except Exception as error:  # the engine's own words quote the SELECT and no row: the tables are empty
        yield Gap("selects", folder.path.name, str(error).splitlines()[0][:200], "Mend the SELECT it names.")
    finally:
        con.disconnect()


def headers(folder: Folder) -> Iterator[Gap]:
    """No sample has a column outside its layout."""
    streams = [s for s in folder.source.streams if s.format == "csv"]
    for path in (p for p in folder.samples if p.suffix == ".csv" and streams):
        if not any(_fits(path, stream) for stream in streams):
            yield Gap("headers", path.name, "Its header is of no layout.", "Mend the layout or the sample.")


def outcome(summary: StateSummary, held: list[tuple[Any, ...]], year: int) -> dict[str, Any]:
    """What `expected.json` keeps: rows accepted by entity, held rows by place and rule, repairs by rule."""
    made = sorted({c.entity for c in summary.counts if c.entity})
    return {
        "schoolYear": year,
        "accepted": {e: sum(c.accepted for c in summary.counts if c.entity == e) for e in made},
        "held": [list(h) for h in held],
        "repairs": summary.repairs,
    }


def opened(files: Iterable[Path]) -> tuple[OpenedFile, ...]:
    """Files as a delivery holds them. The name of one below `sample/` is its path there: that of a page says what it
    was asked for, as in `marks/<course>/000001.json`."""
    named = [("/".join(f.parts[f.parts.index("sample") + 1 :]) if "sample" in f.parts else f.name, f) for f in files]
    return tuple(OpenedFile(name, f, hashlib.sha256(f.read_bytes()).hexdigest()) for name, f in named)


def sample_outcome(folder: Folder, year: int, out: Path, root: Path = SCHEMAS) -> dict[str, Any]:
    """What becomes of the sample in the school year `year`. Raises AskVendor for a sample that is refused whole."""
    import pyarrow.parquet as pq

    source = folder.source
    work = Work(
        source.vendor, source, load_entities(root), Vocabulary(descriptor_codes(root), source.namespaces), {},
        {**FACTS, "schoolYear": year},
    )  # fmt: skip
    delivery = OpenedDelivery(1, datetime(2026, 1, 1, tzinfo=UTC), opened(folder.samples))
    summary = build_state(work, [delivery], out)
    places = out / "held.parquet"
    held = pq.read_table(places).to_pylist() if places.is_file() else []
    return outcome(summary, sorted((h["_stream"], h["_row"], h["entity"], h["field"], h["rule"]) for h in held), year)


def as_golden(result: dict[str, Any]) -> str:
    """`expected.json`, a held row to a line."""
    held = ",\n".join(f"    {json.dumps(h)}" for h in result["held"])
    parts = [f'"{k}": {json.dumps(result[k])}' for k in ("schoolYear", "accepted", "repairs")]
    rows = f'"held": [\n{held}\n  ]' if held else '"held": []'
    return "{\n  " + ",\n  ".join([*parts[:2], rows, parts[2]]) + "\n}\n"


CHECKS: tuple[Callable[[Folder], Iterator[Gap]], ...] = (guesses, columns, specs, descriptors, selects, headers)


def plain(value: Any) -> Any:
    """YAML as JSON sees it: keys are texts (a bare `true:` is a boolean key in YAML)."""
    if isinstance(value, dict):
        return {str(k).lower() if isinstance(k, bool) else str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def _scored(word: Any) -> set[str]:
    """Columns that `scores` and `levels` name."""
    if isinstance(word, dict):
        own = {
            c for k in ("scores", "levels") if isinstance(word.get(k), dict) for c in word[k] if _is_score(word[k][c])
        }
        return own.union(*(_scored(w) for w in word.values()))
    return set().union(*(_scored(w) for w in word)) if isinstance(word, list) else set()


def _is_score(said: Any) -> bool:
    return isinstance(said, list) and len(said) == 2 and all(isinstance(part, str) for part in said)


def _fits(path: Path, stream: Stream) -> bool:
    try:
        return not read_header(path, path.name, stream).unknown
    except AskVendor:
        return False


def _consts(word: Any) -> list[str]:
    if isinstance(word, dict):
        return [v for k, w in word.items() for v in ([w] if k == "const" and isinstance(w, str) else _consts(w))]
    return [v for w in word for v in _consts(w)] if isinstance(word, list) else []
