"""The validator's page over real HTTP: the same verdict as the command line, and nothing left behind."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import requests
from served import CANARY, Server

from hub.standards import validate
from hub.standards.validation.formats import as_json


def canonical(found: str) -> object:
    return json.loads(found)


def test_the_report_is_that_of_the_command_line(server: Server, feeds: dict[str, Path]) -> None:
    page = server.report(feeds["broken"], profile="lenient")
    assert page.status_code == 200
    assert page.url.endswith("/report")
    assert "Does not conform." in page.text
    found = validate([feeds["broken"]], profile="lenient")
    forms = {form: requests.get(f"{page.url}.{form}", timeout=60) for form in ("html", "json", "csv", "junit")}
    assert canonical(forms["json"].text) == canonical(as_json(found))
    assert len(list(csv.DictReader(io.StringIO(forms["csv"].text)))) == len(found.findings)
    assert ET.fromstring(forms["junit"].content)[0].get("failures") == "2"
    assert "Does not conform." in forms["html"].text
    for form in forms.values():
        assert form.headers["content-disposition"].startswith('attachment; filename="feed-report.')


def test_every_rule_of_a_report_has_its_page(server: Server, feeds: dict[str, Path]) -> None:
    links = set(re.findall(r'href="(/rules/[^"]+)"', server.report(feeds["broken"]).text))
    assert "/rules/oneroster.type.date" in links
    for link in links:
        page = requests.get(f"{server.url}{link}", timeout=60)
        assert page.status_code == 200
        assert "What to do:" in page.text


def test_no_value_stays_in_a_page_a_log_or_a_folder(server: Server, feeds: dict[str, Path]) -> None:
    """Law 8."""
    page = server.report(feeds["broken"])
    pages = [page.text, *(requests.get(f"{page.url}.{f}", timeout=60).text for f in ("html", "json", "csv", "junit"))]
    assert not [p for p in pages if CANARY in p]
    assert CANARY in server.report(feeds["broken"], show_values="yes").text
    assert server.uploads() == []
    assert server.log.read_text().count("\n") == 3  # where the page is, and nothing else
