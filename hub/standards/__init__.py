"""The standards: specs, mappings, checks, and `validate`, which is imported only when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.standards.validation import validate

__all__ = ["validate"]


def __getattr__(name: str) -> Any:
    if name == "validate":
        from hub.standards.validation import validate

        return validate
    raise AttributeError(name)
