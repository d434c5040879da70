"""
Let threads wait for the interpreter for a shorter time than Python has them wait.

A thread that wants the interpreter, such as one that comes out of machine code or off a socket, asks for it
after five milliseconds by default. The time is the whole process's, so there is one place that sets it.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["quick_turns"]

_holding = threading.Lock()
_wanted: list[float] = []
"""What the process had before the first of those that hold it now, and what each of them wants; else empty."""


@contextmanager
def quick_turns(wait_s: float) -> Iterator[None]:
    """Let threads ask after `wait_s` seconds until the block ends; of several the quickest has its way."""
    with _holding:
        _wanted.extend([wait_s] if _wanted else [sys.getswitchinterval(), wait_s])
        sys.setswitchinterval(min(_wanted))
    try:
        yield
    finally:
        with _holding:
            _wanted.remove(wait_s)
            sys.setswitchinterval(min(_wanted))
            if len(_wanted) == 1:
                _wanted.clear()
