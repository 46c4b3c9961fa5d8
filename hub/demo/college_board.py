"""College Board score files: SAT and the three PSATs, a few rows each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from hub.demo.college_board_layouts import PSAT_8_9, PSAT_10, PSAT_NMSQT, SAT, SCORES
from hub.demo.columns import Ints, american, below, choose, opaque, table, text, where
from hub.demo.oneroster import birth_dates, school_names, school_numbers
from hub.demo.people import state_ids, students
from hub.demo.plan import GRADES, Plan
from hub.demo.roster import NEVER, Roster

MOST_ROWS = 40
#: College Board's code of each grade.
_GRADE_CODES = np.array([{"08": 2, "09": 4, "10": 5, "11": 6, "12": 7}.get(grade, 1) for grade in GRADES])


@dataclass(frozen=True)
class Form:
    """One test: its layout, who takes it, when in the fall, and its lowest test score (the highest is 30 more)."""

    layout: tuple[str, ...]
    family: str  # as in LATEST_SAT_TOTAL
    grades: tuple[str, ...]
    month: int
    day: int
    lowest: int

    def taken(self, plan: Plan) -> date:
        return date(plan.year - 1, self.month, self.day)


FORMS = {
    "sat": Form(SAT, "SAT", ("12",), 10, 3, 10),
    "psat_nmsqt": Form(PSAT_NMSQT, "PSAT", ("11",), 10, 14, 8),
    "psat_10": Form(PSAT_10, "PSAT", ("10",), 10, 15, 8),
    "psat_89": Form(PSAT_8_9, "PSAT", ("08", "09"), 9, 28, 6),
}


def scores(roster: Roster, form: Form) -> pa.Table:
    """One row per student, at most forty; columns of questions, percentiles and scores agree with each other."""
    plan = roster.plan
    wanted = np.isin(roster.grade, [GRADES.index(grade) for grade in form.grades]) & (roster.joined == NEVER)
    number = np.flatnonzero(wanted)[:MOST_ROWS]
    who, taken = students(plan, number), form.taken(plan)
    day = american(pa.array([taken] * len(number), pa.date32()), zeros=False)
    high_school_end = plan.year + 12 - (roster.grade[number] - GRADES.index("KG"))
    columns: dict[str, object] = {
        "AI_CODE": school_numbers(roster.school[number]), "AI_NAME": choose(school_names(plan), roster.school[number]),
        "COHORT_YEAR": high_school_end, "DISTRICT_NAME": f"{plan.title} School District",
        "NAME_LAST": who.family, "NAME_FIRST": who.given,
        "GENDER": where(below(plan.key("sex"), number, 2) == 0, "F", "M"), "RACE_ETH_NON_HISP_LAT": "Y",
        "BIRTH_DATE": american(birth_dates(roster).take(pa.array(number)), zeros=False),
        "CB_ID": opaque(plan.key("college board"), number), "SECONDARY_ID": who.local_id,
        "DISTRICT_STUDENT_ID": who.local_id, "STATE_STUDENT_ID": state_ids(plan, number),
        "GRAD_DATE": text(high_school_end, "-06"), "REPORT_DATE": f"10/28/{plan.year - 1}", "FORM_CODE": "FORM H",
        f"LATEST_{form.family}_DATE": day,
        f"LATEST_{form.family}_GRADE": _GRADE_CODES[roster.grade[number]],
        "LATEST_REGISTRATION_NUM": text("R", who.local_id), "RECORD_NUM": np.arange(len(number)) + 1,
    }  # fmt: skip
    columns |= _points(plan, form, number) | _questions(plan, form, number)
    return table(form.layout, len(number), **{name: columns[name] for name in form.layout if name in columns})


def _points(plan: Plan, form: Form, number: Ints) -> dict[str, object]:
    def roll(topic: str, count: int) -> Ints:
        return below(plan.key(f"{form.family} {topic}"), number, count)

    points = {name: form.lowest + 5 + roll(name, 26) for name in SCORES}
    for name in SCORES[SCORES.index("WORDS_CONTEXT") :]:
        points[name] = 3 + roll(name, 12)
    points["EBRW"] = (points["READING"] + points["WRIT_LANG"]) * 10
    points["MATH_SECTION"] = points["MATH_TEST"] * 20
    points["TOTAL"] = points["EBRW"] + points["MATH_SECTION"]
    columns: dict[str, object] = {f"LATEST_{form.family}_{name}": column for name, column in points.items()}
    for name in SCORES:
        percentile = 5 + roll(f"percentile {name}", 90)
        columns[f"PERCENTILE_NATREP_{form.family}_{name}"] = percentile
        columns[f"PERCENTILE_NATUSER_{form.family}_{name}"] = percentile - 4
    ready = {"EBRW_CCR_BENCHMARK": points["EBRW"] >= 440, "MATH_CCR_BENCHMARK": points["MATH_SECTION"] >= 480}
    index = {"SELECTION_INDEX": 2 * (points["READING"] + points["WRIT_LANG"] + points["MATH_TEST"])}
    return columns | index | {name: where(mask, "Y", "N") for name, mask in ready.items()}


def _questions(plan: Plan, form: Form, number: Ints) -> dict[str, object]:
    """Answers (+ right, - wrong, o left out) and their counts, in four parts."""
    columns: dict[str, object] = {}
    parts = {
        "READING_QUES": ("READING",), "WRITLANG_QUES": ("WRITLANG",),
        "MATH_NC_QUES": ("MATH_NCMC", "MATH_NCPR"), "MATH_C_QUES": ("MATH_CMC", "MATH_CPR"),
    }  # fmt: skip
    for part, kinds in parts.items():
        answers = []
        for kind in kinds:
            asked = [name for name in form.layout if name.startswith(f"{kind}_QUES_ANS")]
            columns[f"NUM_{kind}_QUES"] = str(len(asked))
            for name in asked:
                answer = np.array([0, 0, 0, 0, 1, 1, 2])[below(plan.key(f"{form.family} {name}"), number, 7)]
                columns[name] = choose(("+", "-", "o"), answer)
                answers.append(answer)
        for code, label in enumerate(("CORRECT", "INCORRECT", "OMIT")):
            columns[f"{part}_{label}"] = np.sum([answer == code for answer in answers], axis=0)
    return columns
