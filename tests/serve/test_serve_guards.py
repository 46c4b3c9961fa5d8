"""Who may ask, what a browser may do with the answer, and that no word of a client is ever a path or markup."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from lxml import html
from served import CANARY, Server

PAGES = ("/", "/validate", "/rules", "/rules/oneroster.type.date", "/checks/none", "/nowhere", "/static/hub.css")


def test_pages_allow_no_inline_script_and_every_answer_is_guarded(server: Server, feeds: dict[str, Path]) -> None:
    report = urlsplit(server.report(feeds["broken"]).url).path
    for path in (*PAGES, report, f"{report}.json"):
        answer = requests.get(f"{server.url}{path}", timeout=60)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert ("no-store" in answer.headers["cache-control"]) == (not path.startswith("/static"))
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers
        if "text/html" in answer.headers["content-type"]:
            tree = html.fromstring(answer.content)
            assert not tree.xpath("//style | //script[not(@src)] | //*[@style] | //@*[starts-with(name(), 'on')]")
            assert len(tree.xpath("//h1")) == 1
            assert len(tree.xpath("//main")) == 1


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example", "[::1", "a b"])
def test_a_name_that_is_not_ours_is_refused(server: Server, host: str) -> None:
    """DNS rebinding: a page of another site reaches loopback by its own name."""
    answer = requests.get(server.url, headers={"Host": host}, timeout=60)
    assert answer.status_code in (400, 421)  # 400 where HTTP itself forbids the header


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_addresses_and_localhost_are_ours(server: Server, host: str) -> None:
    assert requests.get(server.url, headers={"Host": host}, timeout=60).status_code == 200


def test_a_form_of_another_site_is_refused(server: Server, feeds: dict[str, Path]) -> None:
    theirs = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
              {"Sec-Fetch-Site": "same-site", "Origin": server.url})  # fmt: skip
    for headers in theirs:
        assert server.send(feeds["clean"], headers=headers).status_code == 403
    for headers in ({"Origin": server.url}, {"Sec-Fetch-Site": "same-origin"}):
        at = server.send(feeds["clean"], headers=headers)
        assert at.status_code == 303
        requests.post(f"{server.url}{at.headers['location']}/delete", timeout=60)


def test_names_of_a_client_are_neither_paths_nor_markup(server: Server, feeds: dict[str, Path]) -> None:
    with zipfile.ZipFile(feeds["clean"]) as archive:
        files = [("files", (f"../../{name}", archive.read(name))) for name in archive.namelist()]
    script = "<script>alert(1)</script>\u202e.csv"
    answer = server.post([*files, ("files", (f"/etc/{script}", b"a,b\n1,2\n"))])
    page = server.end(answer.headers["location"])
    assert "<script>alert" not in page.text
    assert "script&gt;⟨U+202E⟩.csv" in page.text
    assert "../" not in page.text
    assert "oneroster.package.unknown_file" in page.text
    assert not re.search(r"oneroster\.(?!package.unknown_file)[a-z.]+</code>", page.text)
    assert server.uploads() == []


@pytest.mark.parametrize(
    ("files", "fields", "status"),
    [
        ([], {"profile": "strict"}, 415),
        ([("files", ("", b""))], {}, 400),
        ([("other", ("a.csv", b"x"))], {}, 400),
        ([("files", ("a.csv", b"x"))], {"profile": "kind"}, 400),
        ([("files", ("a.csv", b"x"))], {"standard": "oneroster 9"}, 400),
        ([("files", ("a.csv", b"x"))] * 201, {}, 400),
        ([("files", ("a.csv", b"x"))], {"kind": "x" * 20_000}, 400),
    ],
    ids=["no form", "no file", "other field", "profile", "version", "many", "long field"],
)
def test_a_form_that_is_not_ours_is_answered_in_words(
    server: Server, files: list[tuple[str, tuple[str, bytes]]], fields: dict[str, str], status: int
) -> None:
    answer = server.post(files, **fields)
    assert answer.status_code == status
    assert "What to do:" in answer.text
    assert server.uploads() == []


def test_what_is_no_feed_is_said_so(server: Server) -> None:
    page = server.end(server.post([("files", ("letter.txt", CANARY.encode()))]).headers["location"])
    assert page.status_code == 422
    assert "This feed cannot be checked" in page.text
    assert CANARY not in page.text


def test_an_upload_that_breaks_off_in_its_form_is_answered(server: Server) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    answer = requests.post(f"{server.url}/checks", data=b"--edge\r\nno header", headers=kind, timeout=60)
    assert answer.status_code == 400
