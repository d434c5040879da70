"""
Keeping Python itself from holding up an order: its lock between threads, and its collector of garbage.

A thread that wants the interpreter's lock asks for it after five milliseconds, as long as two thirds of what a
whole order takes. And a full collection looks at each of some 300,000 objects that imports, history and journal
have made, which takes a tenth of a second: at whatever moment, and all of them live as long as the run.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bt_run.core.quick_turns import quick_turns

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["prompt_interpreter", "spare_what_lives_on"]

SWITCH_S = 0.001


@contextmanager
def prompt_interpreter() -> Iterator[None]:
    """Let threads change places sooner while the block runs, and undo `spare_what_lives_on` at its end."""
    with quick_turns(SWITCH_S):
        try:
            yield
        finally:
            gc.unfreeze()


def spare_what_lives_on() -> None:
    """Collect garbage now, and let later collections look at what is made from here on alone."""
    gc.collect()
    gc.freeze()
