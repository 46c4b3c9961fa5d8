from __future__ import annotations

from pathlib import Path

import pytest

from .night import Hub, a_hub, make_specs


@pytest.fixture(scope="session")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small schemas folder; do not write to it."""
    return make_specs(tmp_path_factory.mktemp("specs") / "schemas")


@pytest.fixture
def hub(tmp_path: Path, specs: Path) -> Hub:
    """A district with a SIS, an LMS and an assessment vendor; nothing has been sent yet."""
    return a_hub(tmp_path / "hub", specs)
