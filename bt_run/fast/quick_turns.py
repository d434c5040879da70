"""
Let threads wait for the interpreter for a shorter time than Python has them wait.

A thread that comes out of machine code needs the interpreter to take its next block of work. By default it asks
for it after five milliseconds, in which a sweep runs twenty combinations.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["quick_turns"]

_WAIT_S = 0.0001

_holding = threading.Lock()
_before: list[float] = []
"""What the process had before the first of those that hold it now; one entry each."""


@contextmanager
def quick_turns() -> Iterator[None]:
    """Let threads ask after a tenth of a millisecond until the block ends; several may hold it at once."""
    with _holding:
        _before.append(_before[0] if _before else sys.getswitchinterval())
        sys.setswitchinterval(_WAIT_S)
    try:
        yield
    finally:
        with _holding:
            wait_s = _before.pop()
            if not _before:
                sys.setswitchinterval(wait_s)
