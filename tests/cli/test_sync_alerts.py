"""A `hub sync` that stops before it has a run tells people as a night of Dagster does."""

from __future__ import annotations

from pathlib import Path

import pytest
from played import Hub
from pytest_httpserver import HTTPServer

from hub import pipeline
from hub.errors import RetryLater

CANARY = "Quetzalinda-31"


@pytest.fixture
def hook(folder: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    settings = folder / "hub.yaml"
    settings.write_text(settings.read_text() + "alerts: {webhook: {url_env: HUB_TEST_WEBHOOK}}\n")
    monkeypatch.setenv("HUB_TEST_WEBHOOK", httpserver.url_for("/hook"))
    httpserver.expect_request("/hook").respond_with_data("ok")
    return httpserver


@pytest.mark.parametrize(
    ("error", "sentence", "code"),
    [
        (RetryLater("The database is away.", "Start it."), "The database is away. Start it.", 1),
        (OSError(28, "No space left on device", "/data/part"), "The disk of /data/part is full", 1),
        (ValueError(CANARY), "A defect of the hub, not of the data: ValueError", 70),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
@pytest.mark.parametrize("district", ["maple-hollow", ""])
def test_what_stopped_is_told_with_its_remedy(
    hub: Hub,
    hook: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    sentence: str,
    code: int,
    district: str,
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "sync", stopped, raising=False)
    assert hub("sync", *(["--district", district] if district else [])).exit_code == code
    bodies = [request.get_json() for request, _ in hook.log]
    assert bodies[0]["district"] == "maple-hollow"
    assert bodies[0]["title"] == "The run stopped"
    assert sentence in bodies[0]["sentence"]
    assert CANARY not in str(bodies)
    # what is no defect leaves the other district its night
    assert len(bodies) == (2 if not district and isinstance(error, RetryLater) else 1)
