"""Every kind of transport against every misbehaviour: the exact complete data, or a clear failure that leaves the last
good slice. A kind or a misbehaviour without a cell here fails the first test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from connectors import file_stages, list_stages
from connectors.google_server import google, key, key_file
from laws.night import make_specs

from hub import connectors
from hub.errors import HubError
from tests.connectors.hostile import CANARY
from tests.connectors.test_google_api import pull as google_pull
from tests.connectors.test_sftp import one_server

__all__ = ["google", "key", "key_file", "google_pull", "one_server"]

STAGES = {**list_stages.STAGES, **file_stages.STAGES}
FAULTS = (
    "429", "429-later", "500", "slow", "cut", "repeated", "grows", "shrinks", "clamps", "html", "error", "warning",
    "envelope", "relative", "foreign", "expired", "charset", "huge",
)  # fmt: skip
FILES = ("file", "download", "s3", "sftp")
_NO_PAGES = "one file has no pages"
_NO_STATUS = "nobody answers there with a status of HTTP, or with a page for people"
_EMPTY = "a file without rows says that there are none; the guard asks a person before rows go"
#: Cells in which nothing can happen, and why.
NEVER = {
    **{(kind, fault): _NO_PAGES for kind in FILES for fault in ("repeated", "clamps", "relative", "foreign")},
    **{(kind, "warning"): _EMPTY for kind in FILES},
    **{(kind, fault): _NO_STATUS for kind in ("file", "sftp", "sql") for fault in ("429", "429-later")},
    **{(kind, fault): "no link is followed: the next page is a number or a token"
       for kind in ("edfi", "google-api") for fault in ("relative", "foreign")},
    **{("sql", fault): "the rows of one statement have no pages, and its transaction sees one moment"
       for fault in ("repeated", "grows", "shrinks", "clamps", "relative", "foreign")},
    **{("sql", fault): _NO_STATUS for fault in ("html", "error")},
    ("sql", "slow"): "rows are waited for as long as the connection stands",
    ("sql", "expired"): "a login is asked for once a night; one that is refused is in test_sql.py",
    ("file", "slow"): "the system's own read waits",
    ("file", "expired"): "nobody logs in",
    ("google-api", "shrinks"): "without a total no client can notice it (docs/connectors.md)",
}  # fmt: skip
#: Cells in which everything comes all the same; in every other the night must fail and say why.
_PASSES = ("429", "500", "slow", "cut", "grows", "shrinks", "clamps", "expired", "charset")
WHOLE = {
    "http": (*_PASSES, "relative"),
    "edfi": (*_PASSES, "warning"),  # an empty page does not go on where the one before it ended: all is read again
    "google-api": ("429", "429-later", "500", "slow", "grows", "clamps", "expired", "huge"),
    "s3": ("slow", "huge"),
    "sftp": ("slow", "huge"),
    **dict.fromkeys(("sql", "file", "download"), ("huge",)),
}
CELLS = [cell for cell in product(STAGES, FAULTS) if cell not in NEVER]


def test_every_kind_and_every_misbehaviour_has_a_cell() -> None:
    assert STAGES.keys() == connectors._MODULES.keys()
    assert set(NEVER) < set(product(connectors._MODULES, FAULTS))
    assert {(kind, fault) for kind, faults in WHOLE.items() for fault in faults} <= set(CELLS)


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_specs(tmp_path_factory.mktemp("specs") / "schemas")


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    kind, fault = (request.node.callspec.params[word] for word in ("kind", "fault"))
    needs: dict[str, tuple[str, ...]] = dict.fromkeys(FILES, ("specs", "monkeypatch"))
    needs |= {"google-api": ("google", "google_pull"), "sftp": (*needs["sftp"], "one_server")}
    given = {name: request.getfixturevalue(name) for name in needs.get(kind, ())}
    with STAGES[kind](tmp_path=tmp_path, fault=fault, **given) as found:
        yield found


@pytest.mark.parametrize(("kind", "fault"), CELLS)
def test_the_exact_data_or_a_clear_failure_and_the_last_good_slice(kind: str, fault: str, stage: Any) -> None:
    good = stage.night()
    assert good == stage.there
    stage.add()
    before = stage.there
    stage.misbehave(fault)
    try:
        came = stage.night()
    except HubError as error:
        failed = error
    else:
        assert fault in WHOLE[kind]
        assert before & stage.there <= came <= before | stage.there
        return
    assert fault not in WHOLE[kind], failed
    assert failed.remedy.endswith(".")
    assert CANARY not in str(failed)
    assert stage.last() == good
    stage.behave()
    assert stage.night() == stage.there
