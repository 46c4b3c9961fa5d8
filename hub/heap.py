"""How often Python looks for garbage while much is imported, or many small values are made beside what was imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: Python's own (700, 10, 10) go through all that is held every few thousand new values. A night holds 300 MB of imports
#: and makes expressions by the hundred thousand: that was 0.6 of the 2.9 CPU seconds that its imports take.
_SELDOM = (100_000, 50, 1000)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Garbage is collected far less often, and what is held already is not looked through; as before at the end."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
