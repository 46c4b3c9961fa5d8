"""How numbers, times and names read on the page. Pure text: escaping is the template's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo


def name(value: str) -> str:
    """A file name on one line: a line end or tab in it is spelt out too."""
    return re.sub("[\t\n]", lambda found: f"⟨U+{ord(found.group()):04X}⟩", value)


def number(value: int) -> str:
    """1234567 as 1,234,567, with a true minus sign."""
    return f"{value:,}".replace("-", "−")


def counted(value: int, noun: str, plural: str = "") -> str:
    """1 row, 2 rows."""
    return f"{number(value)} {noun if value == 1 else plural or noun + 's'}"


def share(value: float) -> str:
    """A part of one as a percentage that never rounds something to nothing, nor less than all to all."""
    if 0 < value < 0.001:
        return "under 0.1%"
    if 0.999 < value < 1:
        return "over 99.9%"
    return f"{value:.1%}".replace(".0%", "%")


def part(failed: int, checked: int) -> str:
    """`failed` of `checked` as a percentage; a dash where nothing was checked."""
    return share(failed / checked) if checked else "–"


def size(octets: int) -> str:
    """Bytes in the unit a person would use, of 1,000."""
    amount = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(amount) < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def school_year(year: int) -> str:
    """2027, the year in which it ends, as 2026–27."""
    return f"{year - 1}–{year % 100:02d}"


def aware(moment: datetime) -> datetime:
    """A time without a zone is UTC: everything the hub writes is."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def when(moment: datetime | None, zone: tzinfo) -> str:
    """22 Nov 2026, 02:00 UTC; a dash where there is none."""
    if moment is None:
        return "–"
    local = aware(moment).astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}"


def day(moment: datetime, zone: tzinfo) -> str:
    """22 Nov: the heading of a night in a trend."""
    local = aware(moment).astimezone(zone)
    return f"{local.day} {local:%b}"


def lasting(span: timedelta) -> str:
    """42 s, 12 min, 5 h, 3 days: one unit is enough to act on, and two days read as 48 h."""
    seconds = span.total_seconds()
    if seconds < 0:
        return "in the future"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 72 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"
