"""What `hub.yaml` says, frozen. Addresses with passwords in them are kept out of every repr."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.config.secrets import secret
from hub.errors import FixConfiguration
from hub.model import Delivery, Slice


@dataclass(frozen=True)
class Window:
    """Days from `since` on (None: always), to the day before `until`."""

    until: date
    since: date | None = None

    def holds(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and day < self.until


@dataclass(frozen=True)
class SourceSettings:
    """One system that delivers. `transport` says where its bytes are and how to ask for them: the keys of hub.yaml
    as they stand, secrets only as names of variables. `path` is absolute or an address and may hold `{year}`."""

    name: str
    vendor: str
    transport: dict[str, Any]
    owner: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    authority: int | None = None  # None: the vendor's own
    delivery: Delivery | None = None  # None: the stream's own
    years: tuple[int, ...] | None = None
    pause: Window | None = None  # in which nothing is pulled


@dataclass(frozen=True)
class Guard:
    """Shares (0 to 1) of the published rows of an entity that one publish may remove or change without a person.

    Entities with fewer than `min_rows` published rows are not guarded.
    """

    removed: float = 0.10
    changed: float = 0.50
    min_rows: int = 20


@dataclass(frozen=True)
class District:
    id: str
    name: str
    local_education_agency_id: int
    years: tuple[int, ...]  # ascending, each the year in which the school year ends
    sources: tuple[SourceSettings, ...]
    identity: dict[str, str] = field(default_factory=dict)  # id system -> studentUniqueId
    guard: Guard = field(default_factory=Guard)
    accept_descriptors: tuple[str, ...] = ()  # namespaces beside the standard's own
    calendar: dict[int, date] = field(default_factory=dict)  # school year -> its first day
    additions_only: Window | None = None  # in which no publish removes a row
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    @property
    def current_year(self) -> int:
        """The last of `years` that has begun; one of which the calendar says nothing has."""
        begun = [year for year in self.years if self.calendar.get(year, self.today) <= self.today]
        return begun[-1] if begun else self.years[0]

    def days_of(self, year: int) -> tuple[date, date]:
        """First and last day of a school year: as the calendar says, else 1 July and 30 June."""
        first = self.calendar.get(year, date(year - 1, 7, 1))
        return first, self.calendar.get(year + 1, date(year, 7, 1)) - timedelta(days=1)

    def sources_of(self, year: int) -> tuple[SourceSettings, ...]:
        """The sources that deliver for a school year: those that name it; of those that name none, the ones
        whose path or url holds `{year}`, and in the current year all, so that one folder never feeds two years."""
        return tuple(s for s in self.sources if year in self.years_of(s))

    def closed_sources_of(self, year: int) -> tuple[SourceSettings, ...]:
        """The sources that deliver for other years only; what they sent for this one may still stand."""
        return tuple(s for s in self.sources if year not in self.years_of(s))

    def years_of(self, source: SourceSettings) -> tuple[int, ...]:
        """The school years that a source delivers for."""
        if source.years is not None:
            return source.years
        places = [str(source.transport.get(key, "")) for key in ("path", "url")]
        told = any("{year}" in place for place in places) or "(?P<year>" in str(source.transport.get("files", ""))
        return self.years if told else (self.current_year,)


@dataclass(frozen=True)
class Schedule:
    cron: str
    timezone: str  # IANA name


@dataclass(frozen=True)
class Email:
    """`user_env` and `password_env` name environment variables; read them with `hub.config.secret`."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    user_env: str | None = None
    password_env: str | None = None
    starttls: bool = True


@dataclass(frozen=True)
class Alerts:
    email: Email | None = None
    webhook_url_env: str | None = None

    def secrets(self) -> tuple[tuple[str, str], ...]:
        """(environment variable, key in `hub.yaml`) of everything an alert needs."""
        named = [(self.webhook_url_env, "alerts.webhook.url_env")]
        if self.email is not None:
            named.append((self.email.user_env, "alerts.email.user_env"))
            named.append((self.email.password_env, "alerts.email.password_env"))
        return tuple((name, key) for name, key in named if name is not None)


@dataclass(frozen=True)
class Settings:
    """`store_env` and `dagster_env` name the environment variables that hold the addresses; "" means SQLite."""

    path: Path
    state: Path
    specs: Path  # the schemas/ folder
    districts: tuple[District, ...]
    store_env: str = ""
    dagster_env: str = ""
    schedule: Schedule | None = None
    alerts: Alerts = field(default_factory=Alerts)
    keep_days: int = 7  # of what can be made again from landing

    @property
    def store_url(self) -> str:
        """`sqlite`, or the SQLAlchemy URL in the environment. Raises FixConfiguration where the variable is not set."""
        return secret(self.store_env, "store.url_env") if self.store_env else "sqlite"

    @property
    def dagster_url(self) -> str | None:
        """None for SQLite under the state directory. Raises FixConfiguration where the variable is not set."""
        return secret(self.dagster_env, "dagster.storage.url_env") if self.dagster_env else None

    @property
    def vendors(self) -> Path:
        """The district's own vendor folders: `sources/` beside hub.yaml. It need not be there."""
        return self.path.parent / "sources"

    def district(self, district: str) -> District:
        """Raises FixConfiguration with the nearest name for a district that `hub.yaml` does not have."""
        ids = [d.id for d in self.districts]
        if district not in ids:
            raise FixConfiguration(f"{self.path.name} has no district {district!r}.", f"Use {nearest(district, ids)}.")
        return self.districts[ids.index(district)]

    def slice(self, district: str, year: int | None = None) -> Slice:
        """The slice of a district's school year; without a year the current one. Raises FixConfiguration."""
        found = self.district(district)
        year = found.current_year if year is None else year
        if year not in found.years:
            known = ", ".join(str(y) for y in found.years)
            raise FixConfiguration(
                f"{self.path.name} has no school year {year} for district {found.id}.",
                f"Use one of {known}, or add {year} under districts.{found.id}.years.",
            )
        return Slice(found.id, year)

    def on(self, day: date) -> Settings:
        """These settings as they hold on another day: a process that runs for months sees years begin."""
        return replace(self, districts=tuple(replace(d, today=day) for d in self.districts))

    def slices(self) -> tuple[Slice, ...]:
        """Every district x school year."""
        return tuple(Slice(d.id, year) for d in self.districts for year in d.years)


def nearest(word: str, known: list[str]) -> str:
    """The known word that is spelled most alike, or all of them."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return close[0] if close else ("one of " + ", ".join(sorted(known)) if known else "none: there is none yet")
