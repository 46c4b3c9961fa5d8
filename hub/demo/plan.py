"""What district to make: its size, its year and its calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

#: CEDS entry grade levels, in order; a grade is an index into this list.
GRADES = ("PK", "KG", *(f"{grade:02d}" for grade in range(1, 13)))
LEVELS = ("Elementary", "Middle", "High")
#: First and last grade of each level.
SPAN = ((0, 6), (7, 9), (10, 13))
#: Section rows of a student, by level.
PERIODS = (6, 7, 7)


@dataclass(frozen=True)
class Plan:
    """A fictional district: `students` on the first night, `year` the year in which the school year ends.

    Local ids depend on nothing but the row, so two districts share them on purpose; names, sourcedIds and state ids
    depend on `seed` and `district`.
    """

    students: int
    schools: int
    year: int = 2027
    seed: int = 7
    district: str = "maple-hollow"

    def key(self, topic: str) -> str:
        """Names one stream of draws."""
        return f"{self.seed}/{self.district}/{topic}"

    @property
    def title(self) -> str:
        return self.district.replace("-", " ").title()

    @property
    def year_title(self) -> str:
        return f"{self.year - 1}-{self.year}"

    @property
    def terms(self) -> tuple[tuple[str, str, str, date, date, int], ...]:
        """(name, OneRoster type, title, first day, day after the last, index of the parent or -1)."""
        first, last = self.year - 1, self.year
        start, middle, end = date(first, 8, 24), date(last, 1, 23), date(last, 6, 12)
        title = self.year_title
        return (
            ("year", "schoolYear", f"{title} Year", start, end, -1),
            ("fall", "semester", f"{title} Fall", start, middle, 0),
            ("spring", "semester", f"{title} Spring", middle, end, 0),
            ("q1", "gradingPeriod", f"{title} Quarter 1", start, date(first, 10, 31), 1),
            ("q2", "gradingPeriod", f"{title} Quarter 2", date(first, 10, 31), middle, 1),
            ("q3", "gradingPeriod", f"{title} Quarter 3", middle, date(last, 4, 3), 2),
            ("q4", "gradingPeriod", f"{title} Quarter 4", date(last, 4, 3), end, 2),
        )

    @property
    def start(self) -> date:
        return self.terms[0][3]

    @property
    def end(self) -> date:
        """The day after the last day of school (OneRoster 1.1: endDate is exclusive)."""
        return self.terms[0][4]

    @property
    def holidays(self) -> tuple[date, ...]:
        """Weekdays without school: two in late November and the last two weeks of the year."""
        november = [date(self.year - 1, 11, day) for day in range(22, 29)]
        thursday = next(day for day in november if day.weekday() == 3)
        winter = [date(self.year - 1, 12, 21) + timedelta(days=n) for n in range(12)]
        days = [thursday, thursday + timedelta(days=1), *winter]
        return tuple(day for day in days if day.weekday() < 5)

    def day(self, night: int) -> date:
        """The school day that night `night` (1, 2, ...) reports: the school days from the first of November on."""
        first = np.datetime64(date(self.year - 1, 11, 1))
        return _date(np.busday_offset(first, night - 1, roll="forward", holidays=_days(self.holidays)))

    def instructional_days(self, first: date, after: date) -> int:
        """School days from `first` to the day before `after`."""
        return int(np.busday_count(first, after, holidays=_days(self.holidays)))


def _days(days: tuple[date, ...]) -> NDArray[np.datetime64]:
    return np.array(days, "datetime64[D]")


def _date(day: np.datetime64) -> date:
    plain: date = day.astype(date)
    return plain


#: The fewest students, the largest consortium, and one small enough to play in seconds.
CHARTER = Plan(3_040, 8)
CONSORTIUM = Plan(147_085, 261)
DEMO = Plan(600, 3)
