"""Learning systems and SIS over HTTP: a server on loopback hands out each vendor's sample as the vendor would."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.connectors import Pull, fetch
from hub.errors import HubError, RetryLater
from hub.model import Slice, StreamEnd
from hub.standards.specs import SCHEMAS
from hub.standards.vendors.sources import load_source
from tests.connectors.token_server import CLIENT, SECRET, signed
from tests.sources.building import Built, pulled
from tests.sources.test_contract import outcome

Asked = dict[str, Any]  # path, query, form, json, headers, uri
YEAR = 2027


def sample(vendor: str, name: str) -> Any:
    return json.loads((SCHEMAS / "sources" / vendor / "sample" / name).read_text())


def canvas(asked: Asked) -> tuple[int, Any, dict[str, str]]:
    """A bare list in pages of one, with Canvas' Link header; ids are texts where they are asked for so."""
    if asked["headers"]["Authorization"] != f"Bearer {SECRET}" or "string-ids" not in asked["headers"]["Accept"]:
        return 401, {"errors": [{"message": "user authorization required"}]}, {}
    course, _, kind = asked["path"].removeprefix("/api/v1/courses/").partition("/")
    if asked["path"] == "/api/v1/accounts/self/courses":
        rows = sample("canvas", "courses.json")
    elif kind == "students/submissions":
        assert asked["query"]["student_ids[]"] == ["all"]
        rows = sample("canvas", "submissions/31/submissions-1.json")
    else:
        rows = [row for row in sample("canvas", f"{kind}.json") if row["course_id"] == course]
    page = int(asked["query"].get("page", ["1"])[0])
    here = f"http://{asked['headers']['Host']}{asked['path']}?per_page=1"
    more = "&student_ids[]=all" if "submissions" in kind else ""
    link = f'<{here}{more}&page=1>; rel="first"'
    if page < len(rows):
        link = f'<{here}{more}&page={page + 1}>; rel="next",{link}'
    return 200, rows[page - 1 : page], {"Link": link}


def moodle(asked: Asked) -> tuple[int, Any, dict[str, str]]:
    """One function each; a wrong token is an exception with status 200."""
    form = {name: values[0] for name, values in asked["form"].items()}
    if form.get("wstoken") != SECRET or asked["query"]:
        return 200, {"exception": "moodle_exception", "errorcode": "invalidtoken", "message": "Invalid token"}, {}
    assert form["moodlewsrestformat"] == "json"
    function = form["wsfunction"]
    if function == "core_course_get_courses":
        return 200, sample("moodle", "courses.json"), {}
    if function == "mod_assign_get_assignments":
        assert form["courseids[0]"] == "12"
        return 200, sample("moodle", "assignments/12/assignments-1.json"), {}
    assert (function, form["courseid"]) == ("gradereport_user_get_grade_items", "12")
    return 200, sample("moodle", "grades/12/grades-1.json"), {}


def schoology(asked: Asked) -> tuple[int, Any, dict[str, str]]:
    """Lists by start and limit, each request signed."""
    if not signed(asked["uri"], {"Authorization": asked["headers"].get("Authorization", "")}):
        return 401, {}, {}
    parts = asked["path"].removeprefix("/v1/").split("/")
    kind, folder = parts[-1], f"{parts[-1]}/{parts[1]}/" if len(parts) > 1 else ""
    body = sample("schoology", f"{folder}{kind}-1.json" if folder else f"{kind}.json")
    if kind == "grades":
        return 200, body, {}
    name = kind.removesuffix("s")
    start, limit = int(asked["query"]["start"][0]), int(asked["query"]["limit"][0])
    return 200, {name: body[name][start : start + limit], "total": body["total"]}, {}


def clever(asked: Asked) -> tuple[int, Any, dict[str, str]]:
    """Lists in pages of one: the link to the next is among others in the body."""
    if asked["headers"]["Authorization"] != f"Bearer {SECRET}":
        return 401, {}, {}
    kind = asked["path"].removeprefix("/v3.0/")
    role = asked["query"].get("role", [""])[0]
    people = {"student": "students", "teacher": "staff", "contact": "contacts"}
    body = sample("clever", f"{people.get(role, kind)}.json")
    ids = [row["data"]["id"] for row in body["data"]]
    after = asked["query"].get("starting_after", [""])[0]
    at = ids.index(after) + 1 if after else 0
    links = [{"rel": "self", "uri": f"/v3.0/{kind}"}]
    if at + 1 < len(ids):
        more = f"&role={role}" if role else ""
        links.append({"rel": "next", "uri": f"/v3.0/{kind}?limit=1{more}&starting_after={ids[at]}"})
    return 200, {"data": body["data"][at : at + 1], "links": links}, {}


def aeries(asked: Asked) -> tuple[int, Any, dict[str, str]]:
    """Bare lists; students by the numbers of the first and last record."""
    if asked["headers"].get("AERIES-CERT") != SECRET:
        return 401, {"Message": "Unauthorized"}, {}
    parts = asked["path"].removeprefix("/aeries/api/v5/").split("/")
    if len(parts) == 1:
        return 200, sample("aeries", f"{parts[0]}.json"), {}
    name = {"classes": "seats", "attendance": "absences", "AbsenceCodes": "codes"}.get(parts[2], parts[2])
    rows = sample("aeries", f"{name}/301/{name}-1.json")
    if name == "students":
        rows = rows[int(asked["query"]["StartingRecord"][0]) - 1 : int(asked["query"]["EndingRecord"][0])]
    return 200, rows, {}


def powerschool(asked: Asked) -> tuple[int, Any, dict[str, str]]:
    """A token first; then pages by number, of which those past the end have no list, and a PowerQuery by POST."""
    if asked["path"] == "/oauth/access_token":
        known = f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"
        if asked["headers"]["Authorization"] != known:
            return 401, {"error": "invalid_client"}, {}
        return 200, {"access_token": "t0ken", "token_type": "Bearer", "expires_in": "3600"}, {}
    if asked["headers"]["Authorization"] != "Bearer t0ken":
        return 401, {}, {}
    page = int(asked["query"]["page"][0])
    if asked["path"].startswith("/ws/schema/query/"):
        name = {"seats": "seats", "contacts": "contacts", "attendance": "absences"}[asked["path"].rsplit(".", 1)[1]]
        return 200, sample("powerschool", f"{name}.json") if page == 1 else {"name": "cc"}, {}
    kind = asked["path"].rsplit("/", 1)[1]
    name = kind if kind == "staff" else f"{kind}s"
    body = sample("powerschool", f"{name}.json" if kind == "school" else f"{name}/31/{name}-1.json")
    return 200, body if page == 1 else {next(iter(body)): {"@expansions": ""}}, {}


def kolibri(asked: Asked) -> tuple[int, Any, dict[str, str]]:
    """A sign-in first; then bare lists, which are empty for whom the server does not know."""
    cookies = asked["headers"].get("Cookie", "")
    if asked["path"] == "/api/auth/session/":
        assert not cookies  # with a session a sign-in would need a token against forgery
        if asked["json"] != {"username": CLIENT, "password": SECRET}:
            return 401, [{"id": "INVALID_CREDENTIALS", "metadata": {}}], {}
        return 200, {"username": CLIENT, "kind": ["admin"]}, {"Set-Cookie": "kolibri=s3ssion; HttpOnly; Path=/"}
    if asked["path"].startswith("/coach/"):
        if cookies != "kolibri=s3ssion":
            return 403, [{"id": "NOT_AUTHENTICATED", "metadata": {}}], {}
        return 200, sample("kolibri", f"seats/{asked['path'].split('/')[4]}/seats-1.json"), {}
    name = {"/api/auth/classroom/": "classes", "/api/auth/facilityuser/": "users"}[asked["path"]]
    return 200, sample("kolibri", f"{name}.json") if cookies == "kolibri=s3ssion" else [], {}


SYSTEMS: dict[str, tuple[Callable[[Asked], tuple[int, Any, dict[str, str]]], str, dict[str, str]]] = {
    "canvas": (canvas, "/api/v1", {"token_env": "TOKEN"}),
    "moodle": (moodle, "", {"token_env": "TOKEN"}),
    "schoology": (schoology, "/v1", {"client_id_env": "ID", "client_secret_env": "TOKEN"}),
    "clever": (clever, "/v3.0", {"token_env": "TOKEN"}),
    "aeries": (aeries, "/aeries/api/v5", {"key_env": "TOKEN"}),
    "kolibri": (kolibri, "", {"user_env": "ID", "password_env": "TOKEN"}),
    "powerschool": (powerschool, "", {"client_id_env": "ID", "client_secret_env": "TOKEN"}),
}


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        host = f"http://{self.headers['Host']}"
        asked = {"path": address.path, "query": parse_qs(address.query), "form": parse_qs(body), "json": _json(body),
                 "headers": self.headers, "uri": host + self.path}  # fmt: skip
        status, answer, headers = self.server.system(asked)
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


def _json(body: str) -> Any:
    return json.loads(body) if body.startswith("{") else None


@pytest.fixture
def server() -> Iterator[Any]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def pull(server: Any, vendor: str, secret: str = SECRET) -> Pull:
    server.system, base, auth = SYSTEMS[vendor]
    source = load_source(vendor)
    words = {**source.transport, "url": f"http://127.0.0.1:{server.server_port}{base}"}
    words |= {"auth": {**source.transport["auth"], **auth}, "per_second": 1000}
    return Pull(
        "lms", Slice("birch", YEAR), words, source.streams, secret=lambda name, _: CLIENT if name == "ID" else secret
    )


@pytest.mark.parametrize("vendor", SYSTEMS)
def test_what_the_system_hands_out_is_what_the_sample_says(server: Any, vendor: str, tmp_path: Path) -> None:
    pieces = list(fetch(pull(server, vendor)))
    assert {p.stream for p in pieces if isinstance(p, StreamEnd)} == {
        s.name for s in load_source(vendor).streams if "request" in s.options
    }
    state = pulled(vendor, YEAR, pieces, tmp_path)
    expected = sample(vendor, "expected.json")
    assert outcome(state, YEAR)["accepted"] == expected["accepted"]
    for count in state.summary.counts:
        assert count.rows_in == count.accepted + count.held + sum(count.ignored.values())


def test_what_is_not_carried_has_its_true_reason(state_of: Callable[[str], Built]) -> None:
    assert reasons(state_of("clever"), "sections") == {"sis.section.no_term": 1, "sis.other_year": 1}
    assert reasons(state_of("sis-api"), "absences") == {"sis.other_year": 1}
    held = {(row, rule) for stream, row, *_, rule in state_of("sis-api").held if stream == "absences"}
    assert held == {(3, "type.date"), (3, "reference.unresolved"), (4, "reference.unresolved")}  # no term
    assert {row["sessionName"] for row in state_of("sis-api").rows["StudentSchoolAttendanceEvent"]} == {"Fall"}


def reasons(state: Built, stream: str) -> dict[str, int]:
    """Why rows of a stream became no entity, over its pages."""
    counts: Counter[str] = Counter()
    for count in state.summary.counts:
        counts.update(count.ignored if count.stream == stream else {})
    return dict(counts)


def test_a_system_that_is_asked_too_often_is_asked_again_whatever_its_status(server: Any) -> None:
    given = pull(server, "canvas")
    given = replace(given, transport={**given.transport, "retry": {**given.transport["retry"], "backoff": 0}})
    plain, refusals = server.system, [2]

    def throttled(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        if refusals[0]:
            refusals[0] -= 1
            return 403, "403 Forbidden (Rate Limit Exceeded)", {}
        return plain(asked)  # type: ignore[no-any-return]

    server.system = throttled
    assert [p for p in fetch(given) if isinstance(p, StreamEnd)]
    refusals[0] = 100
    with pytest.raises(RetryLater, match="too often"):
        list(fetch(given))


@pytest.mark.parametrize("vendor", SYSTEMS)
def test_a_wrong_secret_is_refused_in_words_that_hold_none(server: Any, vendor: str) -> None:
    with pytest.raises(HubError) as refused:
        list(fetch(pull(server, vendor, secret="wr0ng canary")))
    assert "canary" not in str(refused.value)
    assert "lms" in str(refused.value)
