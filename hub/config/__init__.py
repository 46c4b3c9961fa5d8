"""`hub.yaml` and the environment become `Settings`. The only reader of the environment."""

from __future__ import annotations

from hub.config.load import SCHEMAS, config_path, extend_environment, line_of, load, operator, process_environment
from hub.config.secrets import secret
from hub.config.settings import (
    Alerts,
    District,
    Email,
    Guard,
    Schedule,
    Settings,
    SourceSettings,
    Window,
)

__all__ = [
    "load",
    "line_of",
    "config_path",
    "secret",
    "operator",
    "process_environment",
    "extend_environment",
    "SCHEMAS",
    "Settings",
    "District",
    "SourceSettings",
    "Window",
    "Guard",
    "Schedule",
    "Alerts",
    "Email",
]
