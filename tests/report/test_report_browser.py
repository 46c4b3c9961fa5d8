"""The page in a real browser: quiet, narrow, dark and on paper."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import report_browser as browser
import report_sample as sample

from hub.report import write

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser.binary() is None, reason="no Chromium is installed"),
    pytest.mark.skipif(importlib.util.find_spec("websockets") is None, reason="websockets is not installed"),
]


def test_the_page_is_quiet_fits_a_phone_follows_the_scheme_and_prints(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write(sample.run(), sample.history(), path, sample.NOW, sample.RULES, sample.HOURS)
    with browser.page() as tab:
        tab.open(path, 1200, 900)
        light = tab.picture()
        assert tab.value("document.documentElement.scrollWidth") == 1200
        tab.open(path, 1200, 900, dark=True)
        assert tab.picture() != light
        assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(16, 21, 27)"
        tab.open(path, 360, 740)
        assert tab.value("document.documentElement.scrollWidth") == 360
        assert tab.value("document.querySelector('.flow').closest('.scroll').scrollWidth") > 360
        tab.press_tab()
        assert tab.value("document.activeElement.className") == "skip"
        assert tab.value("document.querySelector('.skip').getBoundingClientRect().left >= 0")
        tab.open(path, 1000, 900, media="print")
        assert tab.value("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert tab.pdf().startswith(b"%PDF")
        assert tab.messages == []
