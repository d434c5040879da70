"""Ending a live run from outside: SIGTERM and Ctrl-C ask for the end, and see to it that it comes in time."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bt_run.run.live.turns import Stop

__all__ = ["CUT_S", "INTERRUPT", "stopping_on_signals"]

INTERRUPT = "Ctrl-C"
"""Why the run ended, where a person at the terminal wanted it."""

CUT_S = 2.0
"""So long a request that is under way may still take after a signal; then it is cut, and its fate asked for."""


@contextmanager
def stopping_on_signals(stop: Stop, *, wake: Callable[[], object], cut: Callable[[], object]) -> Iterator[None]:
    """
    Let SIGINT and SIGTERM ask for the end while the block runs; a second one interrupts whatever is done.

    `wake` lets the loop turn, `cut` ends a request that blocks. Other threads than the main one get no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    timers: list[threading.Timer] = []

    def ask(number: int, frame: Any) -> None:
        if stop.reason:
            raise KeyboardInterrupt
        stop.ask(INTERRUPT if number == signal.SIGINT else signal.Signals(number).name)
        timer = threading.Timer(CUT_S, cut)
        timer.daemon = True
        timer.start()
        timers.append(timer)
        wake()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for timer in timers:
            timer.cancel()
