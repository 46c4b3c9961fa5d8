"""Telling people: one message per cause, with who must act and what to do. By e-mail and webhook, as hub.yaml says.

Says nothing of Dagster: commands tell people too. No message holds a student's value: causes name places and rules.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from hub import pipeline, store
from hub.config import Alerts, Email, Settings, secret
from hub.errors import FixConfiguration, HubError
from hub.look import legible
from hub.model import Rule, Run, Slice
from hub.report.attention import OPERATOR, groups
from hub.report.reconcile import reconcile
from hub.report.words import name
from hub.standards.rules import load_rules

_TIMEOUT = 8.0  # seconds; Dagster gives a sensor one minute for all its tries


@dataclass(frozen=True)
class Alert:
    """One cause that cannot wait until somebody opens the report."""

    district: str
    year: int
    run: str
    owner: str
    source: str
    title: str
    sentence: str
    remedy: str
    command: str = ""
    report: str = ""  # path of the report, "" where there is none

    @property
    def subject(self) -> str:
        source = f" ({self.source})" if self.source else ""
        return _line(f"[hub] {self.district} {self.year}: {self.title}{source}")

    @property
    def text(self) -> str:
        lines = [
            f"{self.title}{f': {self.source}' if self.source else ''}",
            self.sentence,
            "",
            f"District     {self.district}, school year {self.year}",
            f"Run          {self.run or 'stopped before it had a number'}",
            f"Must act     {self.owner}",
            f"What to do   {self.remedy} {self.command}".rstrip(),
        ]
        return str(legible("\n".join([*lines, f"Report       {self.report}"] if self.report else lines)))


def alerts_of(
    run: Run, earlier: Sequence[Run], now: datetime, rules: Mapping[str, Rule], report: str = ""
) -> tuple[Alert, ...]:
    """What of a run cannot wait: a source failed, refused or silent, a publish held or failed, totals that do not
    add up. Held rows wait in the report."""
    found = groups(run, reconcile(run, earlier), now, rules, {})
    return tuple(
        Alert(run.district, run.year, run.id, g.owner, c.source, c.title, c.sentence, c.remedy, c.command, report)
        for g in found
        for c in g.causes
        if c.urgent and not c.rule
    )


def crashed(slice: Slice, run_id: str, sentence: str) -> Alert:
    """The alert of a run that ended before its summary was written; `run_id` is "" where it did not get that far."""
    remedy = "Put it right, then run the night again:"
    return Alert(slice.district, slice.year, run_id, OPERATOR, "", "The run stopped", sentence, remedy, "hub sync")


def unread(slice: Slice, run_id: str, sentence: str) -> Alert:
    """The alert of a run that ended well, but whose summary cannot be read: nobody knows who must act."""
    title, command = "The run cannot be looked at", f"hub report {run_id}"
    remedy = "Put it right, then see who must act:"
    return Alert(slice.district, slice.year, run_id, OPERATOR, "", title, sentence, remedy, command)


def tell(settings: Settings, run: Run) -> tuple[str, ...]:
    """Send the alerts of a run that is in the ledger; gives what could not be sent, as sentences. Never raises for
    a receiver that is away: a night is not worse because nobody could be told."""
    if settings.alerts == Alerts():
        return ()
    try:
        earlier = store.runs(pipeline.open_store(settings, run.district), run.year, pipeline.EARLIER, before=run.id)
    except HubError:  # the store is away: what the nights before left cannot be compared, what must be told can
        earlier = []
    report = settings.state / "runs" / run.district / str(run.year) / run.id / "report.html"
    found = alerts_of(run, earlier, datetime.now(UTC), load_rules(settings.specs / "rules"), str(report))
    return send(settings.alerts, found)


def send(to: Alerts, alerts: Sequence[Alert]) -> tuple[str, ...]:
    """Send each alert on every way that `to` names; gives what could not be sent, as sentences without secrets."""
    if not alerts:
        return ()
    failed = []
    try:
        if to.email is not None:
            failed += _mail(to.email, alerts)
        if to.webhook_url_env is not None:
            failed += _post(secret(to.webhook_url_env, "alerts.webhook.url_env"), alerts)
    except FixConfiguration as error:
        failed.append(str(error))
    return tuple(failed)


def _mail(to: Email, alerts: Sequence[Alert]) -> list[str]:
    try:
        with smtplib.SMTP(to.host, to.port, timeout=_TIMEOUT) as server:
            if to.starttls:
                server.starttls(context=ssl.create_default_context())
            if to.user_env is not None and to.password_env is not None:
                user = secret(to.user_env, "alerts.email.user_env")
                server.login(user, secret(to.password_env, "alerts.email.password_env"))
            for alert in alerts:
                server.send_message(_message(to, alert))
    except (OSError, smtplib.SMTPException) as error:
        # Not the error's text: a server's answer may repeat the account.
        what = type(error).__name__
        return [f"No e-mail went out by {to.host}:{to.port} ({what}). Check alerts.email in hub.yaml and that server."]
    return []


def _message(to: Email, alert: Alert) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = alert.subject
    message["From"] = to.sender
    message["To"] = ", ".join(to.to)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="hub.invalid")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(alert.text)
    return message


def _post(url: str, alerts: Sequence[Alert]) -> list[str]:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retry = Retry(
        total=3,
        backoff_factor=0.5,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods=("POST",),
        redirect=False,
        raise_on_status=False,
    )
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retry))
        session.mount("https://", HTTPAdapter(max_retries=retry))
        for alert in alerts:
            # `text` is what chat systems show; the rest is for programs.
            body = {"text": f"{alert.subject}\n{alert.text}"} | asdict(alert)
            try:
                answer = session.post(url, json=body, timeout=_TIMEOUT, allow_redirects=False)
            except requests.RequestException as error:
                what = type(error).__name__  # its text holds the address, which is a secret
            else:
                if answer.status_code < 300:
                    continue
                what = f"HTTP {answer.status_code}"
            return [f"The webhook could not be told ({what}). Check alerts.webhook in hub.yaml and its receiver."]
    return []


def _line(text: str) -> str:
    return name(str(legible(text)))[:200]
