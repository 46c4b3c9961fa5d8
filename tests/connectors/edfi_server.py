"""A small Ed-Fi API that keeps to the contract: discovery, tokens, offset and cursor paging, change queries."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from hub.standards.bodies import Body, Property
from tests.connectors.hostile import Hostile


@dataclass
class EdFi:
    """`rows` by resource: each item with its change version; `gone` and `moved`: change version and id."""

    version: str = "7.1"
    data: str = "/data/v3"
    cap: int = 500
    rows: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    gone: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    moved: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    tells_deletes: bool = True  # whether the key has the action ReadChanges
    tells_tokens: bool = True  # whether no gateway takes headers away
    route: str = ""  # what the discovery document leaves open,
    within: str = ""  # and what stands there
    changes: int = 0
    oldest: int = 0
    has_changes: bool = True

    def put(self, resource: str, item: dict[str, Any]) -> str:
        """Creates an item or, where it has an id, replaces it: last in the list by change version, not by place."""
        self.changes += 1
        known = self.rows.setdefault(resource, [])
        if "id" in item:
            at = next(n for n, (_, old) in enumerate(known) if old["id"] == item["id"])
            known[at] = (self.changes, item)
        else:
            item = {"id": f"{self.changes:032x}", **item}
            known.append((self.changes, item))
        return str(item["id"])

    def delete(self, resource: str, number: int) -> None:
        self.changes += 1
        _, item = self.rows[resource].pop(number)
        self.gone.setdefault(resource, []).append((self.changes, item["id"]))

    def change_key(self, resource: str, number: int) -> None:
        self.put(resource, self.rows[resource][number][1])
        self.moved.setdefault(resource, []).append((self.changes, self.rows[resource][number][1]["id"]))

    def answer(self, server: Hostile, handler: Any, path: str, query: dict[str, str]) -> bool:
        if path == "/api/":
            urls = {
                "oauth": f"{server.url}/oauth/token",
                "dataManagementApi": f"{server.url}/api{self.route}{self.data}/",
            }
            urls["changeQueries"] = f"{server.url}/api/changeQueries/v1/"
            handler.say({"version": self.version, "urls": urls})
        elif path == "/api/changeQueries/v1/availableChangeVersions":
            named = ("oldestChangeVersion", "newestChangeVersion")
            said = dict(zip(named, (self.oldest, self.changes), strict=True))
            capitals = self.version < "6"
            said = {k[0].upper() + k[1:] if capitals else k: v for k, v in said.items()}
            handler.say(said if self.has_changes else {"message": "none"}, 200 if self.has_changes else 404)
        elif path.startswith(f"/api{self.within}{self.data}/ed-fi/"):
            self._resource(handler, path.split("/ed-fi/")[1], query)
        else:
            handler.say({"message": "not found"}, 404)
        return True

    def _resource(self, handler: Any, said: str, query: dict[str, str]) -> None:
        resource, _, part = said.partition("/")
        if resource in self.forbidden or resource not in self.rows:
            handler.say({"type": "urn:ed-fi:api:security:authorization"}, 403 if resource in self.forbidden else 404)
            return
        low, high = int(query.get("minChangeVersion", 0)), int(query.get("maxChangeVersion", 2**62))
        if part == "deletes" and not self.tells_deletes:
            handler.say({"type": "urn:ed-fi:api:security:authorization:access-denied:action"}, 403)
            return
        if part:
            found = {"deletes": self.gone, "keyChanges": self.moved}[part].get(resource, [])
            rows: list[Any] = [{"id": id_, "changeVersion": v, "keyValues": {}} for v, id_ in found if low <= v <= high]
        else:
            rows = [item for v, item in self.rows[resource] if low <= v <= high]
        self._page(handler, rows, query)

    def _page(self, handler: Any, rows: list[Any], query: dict[str, str]) -> None:
        limit = int(query.get("limit", query.get("pageSize", min(25, self.cap))))
        by_cursor = "pageToken" in query
        if (
            limit > self.cap
            or (by_cursor and {"limit", "offset"} & query.keys())
            or ("pageSize" in query and not by_cursor)
        ):
            handler.say({"type": "urn:ed-fi:api:bad-request:parameter-validation-failed"}, 400)
            return
        start = int(base64.b64decode(query["pageToken"])) if by_cursor else int(query.get("offset", 0))
        page = rows[start : start + limit]
        more = self.version >= "7.3" and self.tells_tokens and "offset" not in query and page
        token = {"Next-Page-Token": base64.b64encode(str(start + len(page)).encode()).decode()} if more else {}
        handler.say(page, 200, token)


def bodies(rows: list[dict[str, Any]], shape: Body) -> list[dict[str, Any]]:
    """Flat rows as the bodies of a resource: what `hub` makes flat, made deep again."""
    return [_deep(row, shape.properties) | {"_etag": "1", "_lastModifiedDate": "2026-09-01T00:00:00Z"} for row in rows]


def _deep(row: dict[str, Any], properties: tuple[Property, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for said in properties:
        name = said.column or said.name
        if said.form == "reference":
            parts = {p.name: _typed(row.get(p.column or p.flat), p) for p in said.within}
            if None not in parts.values():
                found[said.name] = {**parts, "link": {"rel": "x", "href": "/x"}}
        elif row.get(name) is None:
            continue
        elif said.form == "list":
            found[said.name] = [_deep(item, said.within) for item in row[name]]
        elif said.form == "object":
            found[said.name] = _deep(row[name], said.within)
        else:
            found[said.name] = _typed(row[name], said)
    return found


def _typed(value: Any, said: Property) -> Any:
    kind = said.field.type if said.field else "string"
    if value is None or kind not in ("integer", "number", "boolean"):
        return value
    return value in ("true", "1") if kind == "boolean" else int(value) if kind == "integer" else float(value)
