"""Values that stand in the environment and nowhere else."""

from __future__ import annotations

import os

from hub.errors import FixConfiguration


def secret(name: str, key: str) -> str:
    """The environment variable `name`, which `key` of `hub.yaml` asks for. Raises FixConfiguration if it is not set."""
    value = os.environ.get(name, "")
    if not value:
        raise FixConfiguration(
            f"The environment variable {name} is not set; {key} asks for it.",
            f"Set {name} for the account that runs the hub, or remove {key} from hub.yaml.",
        )
    return value
