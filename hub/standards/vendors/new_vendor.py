"""A vendor's folder out of a guess: every guess is marked `# guess: why`, and the sample is made up."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from hub.errors import FixConfiguration
from hub.standards.vendors.guessing import NONE, Column, Guess, Kind

_ORDINALS = (
    "First", "Second", "Third", "Fourth", "Fifth", "Sixth",
    "Seventh", "Eighth", "Ninth", "Tenth", "Eleventh", "Twelfth",
)  # fmt: skip
_SUBJECTS = {
    "Mathematics": ("math", "mathematics", "maths"),
    "Reading": ("reading", "reading comprehension", "rdg"),
    "English Language Arts": ("ela", "english language arts", "language arts", "ela/literacy"),
    "English": ("english",),
    "Writing": ("writing",),
    "Science": ("science",),
    "Social Studies": ("social studies",),
}
SUBJECTS = {code: subject for subject, codes in _SUBJECTS.items() for code in codes}
GRADES = {"PK": "Prekindergarten", "K": "Kindergarten"} | {str(n): f"{w} grade" for n, w in enumerate(_ORDINALS, 1)}
_OF_EACH = "SELECT * FROM results QUALIFY row_number() OVER (PARTITION BY {} ORDER BY _seq, _file, _row) = 1"
_SAMPLE_ROWS = 4
_FIRST, _LAST = ("Juniper", "Ash", "Linden", "Rowan"), ("Marsh", "Quill", "Birch", "Vale")


def write_folder(name: str, found: Guess, folder: Path) -> list[Path]:
    """Writes the folder of the new vendor `name`; the files, in order. Raises FixConfiguration where one is there."""
    if folder.exists():
        raise FixConfiguration(f"{folder} is there already.", "Choose another name, or delete the folder first.")
    files = {"source.yaml": source_yaml(name, found)}
    for column in found.of("grade", "subject", "code"):
        files[f"crosswalks/{_word(column.name)}.csv"] = _crosswalk(column)
    header, rows = [c.name for c in found.columns], _sample(found)
    if found.sheet is None:
        files[f"sample/{name}.csv"] = _csv(header, rows, found.delimiter)
    golden = {"schoolYear": found.year or date.today().year + 1, "accepted": {}, "held": [], "repairs": {}}
    files["sample/expected.json"] = json.dumps(golden, indent=2) + "\n"
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        encoding = found.encoding if path.endswith(f"{name}.csv") else "utf-8"
        target.write_text(text, encoding=encoding, newline="")
    written = [folder / path for path in files]
    if found.sheet is not None:
        written.append(folder / f"sample/{name}.xlsx")
        _write_workbook(written[-1], found.sheet, [header, *rows])
    return written


def source_yaml(name: str, found: Guess) -> str:
    """The mapping: test results by student and day, as far as the columns tell."""
    day = next(iter(found.of("date")), None)
    subject = next(iter(found.of("subject")), None)
    scores = found.of("integer", "decimal")
    levels = found.of("code")
    none = sorted({text for c in scores for text in c.none})
    format, ending = ("csv", "csv") if found.sheet is None else ("excel", "xlsx")
    lines = [
        f"vendor: {name}",
        f"title: {name}  # guess: say what the vendor sends, in a few words",
        "authority: 50  # lower wins where two sources give the same field; a SIS has 10",
        f'namespaces: ["uri://{name}.example/"]  # guess: the vendor\'s own address, for its own codes',
        "stream: results",
        f"format: {format}",
        f"pattern: '(?i)^{name}.*\\.{ending}$'  # guess: how the vendor calls its files",
        "delivery: append  # guess: a file adds to what came before; `full` deletes what is not in it",
    ]
    if found.sheet:
        lines.append(f"sheet: {_q(found.sheet)}  # guess: of several the one with the most rows")
    if found.encoding != "utf-8" or found.delimiter != ",":
        lines.append(f"encoding: {found.encoding}  # guess: from the bytes of the sample")
        lines.append(f"csv: {{delimiter: {json.dumps(found.delimiter)}}}  # guess: the commonest in the header")
    if day:
        lines.append(
            f"dates: {{column: {_q(day.name)}, formats: &days {json.dumps(list(day.formats))}}}  # guess: {day.why}"
        )
    lines += ["layouts:", f'  "{found.year or 1}":', *(f"    - {_q(c.name)}" for c in found.columns)]
    ignored = [
        *((c, "the student information system says it") for c in found.of("person")),
        *((c, "a text that no field holds yet") for c in found.of("text")),
        *((c, "one of several, and the first is used") for c in _spare(found)),
    ]
    if ignored:
        lines += ["ignored:", *(f"  {_q(c.name)}: {why}  # guess: {c.why}" for c, why in ignored)]
    lines += ["define:", f"  space: &space uri://{name}.example"]
    if scores:
        lines.append("  scores: &scores")
        for c in scores:
            kind = "Integer" if c.kind == "integer" else "Decimal"
            kind = "Percentile" if kind == "Integer" and "percentile" in c.name.lower() else kind
            lines.append(f"    {_q(c.name)}: [{_q(c.name)}, {kind}]  # guess: {c.why}")
    if levels:
        lines.append("  levels: &levels")
        lines += [f"    {_q(c.name)}: [{_q(c.name)}, {_word(c.name)}]  # guess: {c.why}" for c in levels]
    about = (["scores: {score_types: *scores, namespace: *space}"] if scores else []) + (
        ["performanceLevels: {level_types: *levels, namespace: *space}"] if levels else []
    )
    said = f", none: {json.dumps(none)}" if none else ""
    reached = ([f"scoreResults: {{scores: *scores, namespace: *space{said}}}"] if scores else []) + (
        ["performanceLevels: {levels: *levels, namespace: *space}"] if levels else []
    )
    lines += [
        "entities:",
        "  Assessment:",
        *(f"    {line}" for line in _tests(name, subject)),
        *(f"      {line}" for line in about),
        "  StudentAssessment:",
        "    fields:",
        *(f"      {line}" for line in _person(found)),
        "      assessmentIdentifier: *test",
        "      namespace: {const: *namespace}",
        *(f"      {line}" for line in _which(found, day)),
        *(f"      {line}" for line in reached),
    ]
    return "\n".join(lines) + "\n"


def _tests(name: str, subject: Column | None) -> list[str]:
    """The rows and first fields of the assessments: one of each subject, or one in all."""
    rows = "SELECT _file, _row, _seq FROM results ORDER BY _seq, _file, _row LIMIT 1"
    which, why = f"{{const: {name.upper()}}}", "one test in the file"
    title, about = f"{{const: {name}}}", '{const: "uri://ed-fi.org/AcademicSubjectDescriptor#Reading"}'
    if subject:
        column = _q(subject.name)
        rows = _OF_EACH.format('"' + subject.name.replace('"', '""') + '"')
        which, why = f"{{join: [{{const: {name.upper()}}}, {column}], with: '-'}}", subject.why
        title = f"{{join: [{{const: {name}}}, {column}], with: ' '}}"
        about = f"{{code: {column}, crosswalk: {_word(subject.name)}}}"
    return [
        f"rows: {rows}",
        "fields:",
        f"  assessmentIdentifier: &test {which}  # guess: {why}",
        f'  namespace: {{const: &namespace "uri://{name}.example/"}}',
        f"  assessmentTitle: {title}  # guess: the test's title",
        f"  academicSubjects: {{each: [{{academicSubjectDescriptor: {about}}}]}}  # guess: the subject",
    ]


def _person(found: Guess) -> list[str]:
    known = [(s, c) for s, kind in (("State", "state_id"), ("Local", "local_id")) for c in found.of(kind)[:1]]  # type: ignore[arg-type]
    if not known:
        return ["studentUniqueId: {person: {Local: STUDENT}}  # guess: no column is an id of the student: name it"]
    inner = ", ".join(f"{system}: {_q(c.name)}" for system, c in known)
    return [f"studentUniqueId: {{person: {{{inner}}}}}  # guess: {known[0][1].why}"]


def _which(found: Guess, day: Column | None) -> list[str]:
    numbered = found.of("id")[:1] or found.of("local_id")[:1] or found.of("state_id")[:1]
    parts = [_q(c.name) for c in numbered] + ([f"{{date: {_q(day.name)}, formats: *days}}"] if day else [])
    why = "what names the test: the vendor's number, the day; never a score"
    lines = [f"studentAssessmentIdentifier: {{hash: [{', '.join(parts) or 'STUDENT'}]}}  # guess: {why}"]
    if day:
        lines.append(f"administrationDate: {{datetime: {_q(day.name)}, formats: *days, local: true, required: true}}")
        lines.append(f"schoolYear: {{school_year: {_q(day.name)}, formats: *days}}")
    for school in found.of("school")[:1]:
        lines.append(f"reportedSchoolIdentifier: {{short_id: {_q(school.name)}}}  # guess: {school.why}")
    for grade in found.of("grade")[:1]:
        crosswalk = f"{{code: {_q(grade.name)}, crosswalk: {_word(grade.name)}}}"
        lines.append(f"whenAssessedGradeLevelDescriptor: {crosswalk}  # guess: {grade.why}")
    return lines


def _spare(found: Guess) -> list[Column]:
    """Columns of a kind of which one is used: the rest must be looked at."""
    kinds: tuple[Kind, ...] = ("state_id", "local_id", "id", "school", "grade", "date", "subject")
    return [c for kind in kinds for c in found.of(kind)[1:]]


def _crosswalk(column: Column) -> str:
    """A grade or subject that is not known is given a code that the standard lacks, such as `Puppetry?`: the
    contract asks for it."""
    if column.kind == "code":
        rows = [(c, "", "score.none") if c.lower() in NONE else (c, c, "") for c in column.codes]
        return _csv(["code", "value", "repair"], rows, ",")
    if column.kind == "grade":
        kind, known = "GradeLevel", {c: GRADES.get(c.upper().lstrip("0") or "K", f"{c}?") for c in column.codes}
    else:
        kind, known = "AcademicSubject", {c: SUBJECTS.get(c.lower(), f"{c}?") for c in column.codes}
    return _csv(["code", "value"], [(c, f"uri://ed-fi.org/{kind}Descriptor#{known[c]}") for c in known], ",")


def _sample(found: Guess) -> list[list[str]]:
    """Invented rows of the same shape: the vendor's codes, and nobody's values."""
    return [[_invented(c, n, found) for c in found.columns] for n in range(_SAMPLE_ROWS)]


def _write_workbook(path: Path, sheet: str, rows: Sequence[Sequence[str]]) -> None:
    import xlsxwriter  # type: ignore[import-untyped]

    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        page = book.add_worksheet(sheet or None)
        for n, row in enumerate(rows):
            page.write_row(n, 0, row)


def _invented(column: Column, n: int, found: Guess) -> str:
    if column.kind in ("code", "grade", "subject"):
        return column.codes[n % len(column.codes)] if column.codes else ""
    if column.kind in ("integer", "decimal"):
        number = str(10 ** (column.digits - 1) + n)
        return number if column.kind == "integer" else f"{number}.5"
    if column.kind == "date":
        return date((found.year or date.today().year) - 1, 9, 8 + n).strftime(column.formats[0])
    if column.kind == "person":
        lower = column.name.lower()
        return (_LAST if "last" in lower or "sur" in lower else _FIRST)[n] if "name" in lower else ""
    made = {
        "state_id": f"000005100{n + 1}",
        "local_id": f"710{n + 1}",
        "id": f"50{n + 1}",
        "school": "Tamarack Primary",
    }
    return made.get(column.kind, "")


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _word(name: str) -> str:
    return "_".join("".join(c.lower() if c.isalnum() else " " for c in name).split()) or "codes"


def _q(name: str) -> str:
    """A name as YAML: quoted where it could be read as something else."""
    plain = all(c.isalnum() or c in " _" for c in name) and name[:1].isalpha() and len(name) > 3
    return name if plain and name.lower() not in ("true", "false", "null") else json.dumps(name, ensure_ascii=False)
