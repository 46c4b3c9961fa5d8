"""The fictional OneRoster package as a REST provider answers with it: 1.1 and 1.2 objects on the hostile server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.config import Settings, load
from tests.connectors.hostile import Hostile, List
from tests.connectors.token_server import CLIENT, SECRET
from tests.sources.oneroster_package import Row, Tables

_LISTS = ("grades", "subjects", "subjectCodes", "periods")
_REFERENCES = {
    "parentSourcedId": "parent", "orgSourcedId": "org", "courseSourcedId": "course", "schoolSourcedId": "school",
    "classSourcedId": "class", "userSourcedId": "user", "lineItemSourcedId": "lineItem", "studentSourcedId": "student",
    "categorySourcedId": "category", "gradingPeriodSourcedId": "gradingPeriod", "primaryOrgSourcedId": "primaryOrg",
    "academicSessionSourcedId": "academicSession",
}  # fmt: skip
_MANY = {"termSourcedIds": "terms", "orgSourcedIds": "orgs", "agentSourcedIds": "agents"}
_ROOTS = {
    "1.1": dict.fromkeys(("rostering", "gradebook", "resources"), "/ims/oneroster/v1p1"),
    "1.2": {s: f"/ims/oneroster/{s}/v1p2" for s in ("rostering", "gradebook", "resources")},
}
_SERVICE = {"categories": "gradebook", "lineItems": "gradebook", "results": "gradebook", "resources": "resources"}
NAMES = (
    "academicSessions", "orgs", "courses", "classes", "users", "demographics", "enrollments", "categories",
    "lineItems", "results", "resources",
)  # fmt: skip


def item(row: Row) -> dict[str, Any]:
    """A row of the CSV binding as the object of the REST binding."""
    found: dict[str, Any] = {"status": "active", "dateLastModified": "2026-09-01T00:00:00.000Z", "metadata": None}
    for column, value in row.items():
        if not value:
            continue
        if column in _REFERENCES:
            found[_REFERENCES[column]] = {"href": f"/x/{value}", "sourcedId": value, "type": "any"}
        elif column in _MANY:
            found[_MANY[column]] = [{"href": f"/x/{v}", "sourcedId": v, "type": "any"} for v in value.split(",")]
        elif column in _LISTS:
            found[column] = value.split(",")
        elif column == "userIds":
            pairs = [pair.strip("{}").split(":") for pair in value.split(",")]
            found[column] = [{"type": kind, "identifier": code} for kind, code in pairs]
        elif column in ("score", "resultValueMin", "resultValueMax"):
            found[column] = float(value)
        else:
            found[column] = value
    return found


def lists(tables: Tables, version: str = "1.1") -> dict[str, List]:
    """Every collection of the standard by path; those without rows are empty."""
    made = {name: [item(row) for row in sorted(tables.get(name, []), key=lambda r: r["sourcedId"])] for name in NAMES}
    for user in made["users"]:
        if version == "1.2":
            mine = [r for r in tables["roles"] if r["userSourcedId"] == user["sourcedId"]]
            user["roles"] = [{k: v for k, v in item(r).items() if k not in ("sourcedId", "user")} for r in mine]
    roots = _ROOTS[version]
    return {f"{roots[_SERVICE.get(n, 'rostering')]}/{n}": List(rows, n) for n, rows in made.items()}


def path_of(name: str, version: str = "1.1") -> str:
    return f"{_ROOTS[version][_SERVICE.get(name, 'rostering')]}/{name}"


def district(folder: Path, server: Hostile, version: str = "1.1", size: int = 3, changes: str = "false") -> Settings:
    """A hub.yaml whose one source is the server."""
    vendor = {"1.1": "oneroster-rest", "1.2": "oneroster-rest-v1p2"}[version]
    base = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster"}[version]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "hub.yaml"
    path.write_text(
        f"""state: ./state
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 1001
    years: [2027]
    sources:
      sis:
        vendor: {vendor}
        url: {server.url}{base}
        auth: {{client_id_env: SIS_ID, client_secret_env: SIS_SECRET, token_url: "{server.url}/token"}}
        timeout: 2
        transport:
          paging: {{size: {size}}}
          retry: {{times: 2, backoff: 0}}
          changes: {{use: {changes}}}
          per_second: 1000
          max_bytes: 1000000
"""
    )
    return load(path)


ENVIRONMENT = {"SIS_ID": CLIENT, "SIS_SECRET": SECRET}
