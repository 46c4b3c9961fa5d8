from __future__ import annotations

from laws.conftest import hub, specs

__all__ = ["hub", "specs"]
