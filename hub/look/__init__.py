"""How every page of the hub looks: one style sheet, and text that cannot mislead its reader."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

STYLE = "look.css"

#: Controls, direction overrides, lone surrogates and non-characters: they would break the page, or make a file name
#: read as another one.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


def legible(value: object) -> object:
    """A plain string with every unseen character spelt out as ⟨U+202E⟩; anything else as it is."""
    if type(value) is not str:
        return value
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", value)


def pages(package: str) -> Any:
    """A Jinja environment for the templates of `package`: everything escaped and legible, a missing value an error.

    The style sheet is a template of it by the name `STYLE`.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("hub.look")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=legible,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def style() -> str:
    """The style sheet by itself."""
    return files("hub.look").joinpath("templates", STYLE).read_text(encoding="utf-8")
