"""Python's collector of garbage, out of the way of one short run."""

from __future__ import annotations

import atexit
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["rare_collection", "skip_last_collection"]

_NEW_OBJECTS = 100_000


@contextmanager
def rare_collection() -> Iterator[None]:
    """
    Look for garbage after 100,000 new objects, not 700, while the block runs; as a decorator, the function.

    Tens of thousands of fills and trades, none of them garbage, make Python look through all of them and
    through all that was imported again and again: a fifth of the time of a run over millions of bars.
    """
    before = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def skip_last_collection() -> None:
    """
    Let this process end without a last look for garbage, which takes 0.3 s after numba and Backtrader.

    Only for runs in which no code of a user's has been loaded: what hangs in a ring of references, such as a
    file that a strategy keeps open, is closed by that last look.
    """
    atexit.unregister(gc.freeze)  # once is enough
    atexit.register(gc.freeze)
