"""What `dagster` loads: the hub of the hub.yaml that HUB_CONFIG names, else of the one in the current folder."""

from __future__ import annotations

from hub.assets.graph import definitions
from hub.config import config_path, load

defs = definitions(load(config_path()))
