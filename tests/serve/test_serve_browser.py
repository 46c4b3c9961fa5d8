"""The validator's page in a real browser: dropped files, keyboard only, no scripts, what a screen reader is told."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from served import CANARY, Server

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
import report_browser as browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser.binary() is None, reason="no Chromium is installed"),
    pytest.mark.skipif(importlib.util.find_spec("websockets") is None, reason="websockets is not installed"),
]
#: Keeps every text that the status lines showed, over pages.
WATCH = """
addEventListener("DOMContentLoaded", () => {
  const seen = () => { for (const e of document.querySelectorAll("[role=status]")) if (e.textContent)
    sessionStorage.seen = (sessionStorage.seen || "") + e.textContent + "\\n"; };
  seen();
  new MutationObserver(seen).observe(document, {subtree: true, childList: true, characterData: true});
});
"""


@pytest.fixture(scope="module")
def opened() -> Iterator[browser.Page]:
    with browser.page() as found:
        found.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        found.call("Page.setInterceptFileChooserDialog", enabled=True)
        yield found


@pytest.fixture
def tab(opened: browser.Page) -> Iterator[browser.Page]:
    yield opened
    opened.call("Emulation.setScriptExecutionDisabled", value=False)
    opened.messages.clear()


@pytest.fixture(scope="module")
def broken(server: Server, feeds: dict[str, Path]) -> str:
    """The path of a report."""
    return server.report(feeds["broken"]).url.removeprefix(server.url)


def report(tab: browser.Page) -> str:
    tab.until("location.pathname.endsWith('/report') && document.readyState == 'complete'")
    return str(tab.value("document.body.innerText"))


def test_a_dropped_feed_is_sent_watched_and_read(tab: browser.Page, server: Server, feeds: dict[str, Path]) -> None:
    tab.visit(f"{server.url}/validate")
    tab.drop("[data-drop=files]", feeds["broken"])
    assert "broken.zip" in tab.until("document.getElementById('files-chosen').textContent")
    tab.value("document.querySelector('button[type=submit]').click()")
    text = report(tab)
    assert "Does not conform." in text
    assert "oneroster.type.date" in text
    assert CANARY not in text
    assert tab.value("document.activeElement.id") == "verdict"
    seen = tab.value("sessionStorage.seen").splitlines()
    assert "Sending the files" in seen
    assert any(line.startswith(("Opening", "Reading", "Keys", "What", "Writing", "Starting")) for line in seen)
    tab.value("document.querySelector('.broken a').click()")
    tab.until("location.pathname.startsWith('/rules/')")
    assert "What to do:" in tab.until("document.body.innerText")
    assert tab.messages == []


def test_keyboard_only(tab: browser.Page, server: Server, feeds: dict[str, Path]) -> None:
    tab.visit(f"{server.url}/validate")
    tab.press_tab()
    assert tab.value("document.activeElement.className") == "skip"
    way = []
    for _ in range(12):
        tab.press_tab()
        way.append(
            tab.value("document.activeElement.id || document.activeElement.value || document.activeElement.tagName")
        )
        here = way[-1]
        if here == "files":
            tab.press(" ", 32, " ")
            tab.choose(feeds["broken"])
        elif here == "strict":
            tab.press("ArrowRight", 39)
        elif tab.value("document.activeElement.type") == "submit":
            tab.press("Enter", 13, "\r")
            break
    assert way == ["A", "A", "A", "files", "strict", "standard", "SUMMARY", "BUTTON"]
    assert "Profile lenient" in report(tab)
    assert tab.messages == []


def test_it_works_without_scripts(tab: browser.Page, server: Server, feeds: dict[str, Path]) -> None:
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.visit(f"{server.url}/validate")
    tab.call("DOM.getDocument", depth=-1)
    root = tab.call("DOM.getDocument")["root"]["nodeId"]
    node = tab.call("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]
    tab.call("DOM.setFileInputFiles", files=[str(feeds["broken"])], nodeId=node)
    tab.call("DOM.focus", nodeId=tab.call("DOM.querySelector", nodeId=root, selector="button")["nodeId"])
    tab.press("Enter", 13, "\r")
    assert "Does not conform" in report(tab)


def test_too_large_is_said_before_anything_is_sent(tab: browser.Page, server: Server, tmp_path: Path) -> None:
    large = tmp_path / "large.zip"
    with large.open("wb") as file:
        file.truncate(600 * 10**6)
    tab.visit(f"{server.url}/validate")
    tab.drop("[data-drop=files]", large)
    tab.until("document.getElementById('files-chosen').textContent")
    tab.value("document.querySelector('button[type=submit]').click()")
    assert "This page takes up to 500 MB" in tab.until("document.getElementById('trouble').textContent")


def test_what_a_screen_reader_is_told(tab: browser.Page, server: Server, broken: str) -> None:
    for path in ("/", "/validate", "/rules", "/rules/oneroster.type.date", "/nowhere", broken):
        tab.visit(f"{server.url}{path}")
        tree = tab.tree()
        unnamed = [n for n in tree if n.get("focusable") == "true" and not n["name"] and n["role"] != "main"]
        assert not [n for n in unnamed if n["role"] not in ("RootWebArea", "banner", "generic")], (path, unnamed)
        assert [n["role"] for n in tree].count("main") == 1
        assert any(n["role"] == "navigation" and n["name"] == "Hub" for n in tree)
        levels = [int(n["level"]) for n in tree if n["role"] == "heading"]
        assert levels[0] == 1
        assert all(b - a <= 1 for a, b in pairwise(levels)), (path, levels)
    tab.visit(f"{server.url}/validate")
    roles = {(n["role"], n["name"].split(" Drop")[0]) for n in tab.tree()}
    assert ("radio", "strict As a certification would judge") in roles
    assert ("group", "Profile") in roles
    assert ("combobox", "Standard") in roles


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_fit_a_phone_and_a_wide_screen(tab: browser.Page, server: Server, broken: str, dark: bool) -> None:
    for path in ("/", "/validate", "/rules", "/rules/oneroster.type.date", broken):
        for width in (360, 1440):
            tab.visit(f"{server.url}{path}", width, 800, dark)
            assert tab.value("document.documentElement.scrollWidth") == width, path
            paper = tab.value("getComputedStyle(document.body).backgroundColor")
            assert paper == ("rgb(16, 21, 27)" if dark else "rgb(245, 246, 248)")
    tab.visit(f"{server.url}{broken}", 1000, 800, media="print")
    hidden = "[...document.querySelectorAll('.site, .tools, .contents')].map(e => getComputedStyle(e).display).join()"
    assert tab.value(hidden) == "none,none,none"
    assert tab.pdf().startswith(b"%PDF")
    assert tab.messages == []
