"""
Ending a live run from outside: SIGTERM and Ctrl-C ask for the end, and see to it that it comes in time.

Three times count from the signal. What is under way may still take `INTERRUPT_S`; then its request is cut, and
the end begins: what becomes of orders and position. The end may use the connection until `END_S`; then that is
cut for good, so that nothing waits longer. What was done is written down, and until `OVER_S` messages may
still be sent and connections be closed politely; what is not done by then is left undone.

What still does not end, such as a strategy that never returns, is abandoned `LEAVE_S` after SIGTERM: the
process ends as if killed, which the journal bears at any instant. After Ctrl-C a person can press it again.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bt_run.run.live.turns import Stop

__all__ = ["AGAIN_S", "END_S", "INTERRUPT", "INTERRUPT_S", "LEAVE_S", "OVER_S", "stopping_on_signals"]

INTERRUPT = "Ctrl-C"
"""Why the run ended, where a person at the terminal wanted it."""

INTERRUPT_S = 1.5
"""So long a request of the strategy's may still take after a signal; its fate is then asked for."""

END_S = 3.0
"""So long after a signal the exchange is talked to."""

OVER_S = 4.0
"""So long after a signal anybody is waited for; a second is left for the report and the end of the process."""

LEAVE_S = 4.7
"""So long after SIGTERM the process lives at most."""

AGAIN_S = 0.5
"""Signals within this time are one: ``timeout`` sends SIGTERM to the command and to its group as well."""


@contextmanager
def stopping_on_signals(
    stop: Stop,
    *,
    wake: Callable[[], object],
    cut: Callable[[], object],
    interrupt: Callable[[], object] = lambda: None,
    abandon: Callable[[], object] = lambda: None,
) -> Iterator[None]:
    """
    Let SIGINT and SIGTERM ask for the end while the block runs; a later one interrupts whatever is done.

    `wake` lets the loop turn, `interrupt` ends a request that blocks, `cut` ends all requests and those to
    come; `abandon` ends the process where the block still runs long after SIGTERM. All but `wake` are called in
    threads of their own. Other threads than the main one get no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    timers: list[threading.Timer] = []
    first: list[float] = []

    def interrupt_if_waiting() -> None:
        if not stop.has_begun:
            interrupt()

    def ask(number: int, frame: Any) -> None:
        now = time.monotonic()
        if first:
            if now - first[0] < AGAIN_S:
                return
            raise KeyboardInterrupt
        first.append(now)
        stop.ask(INTERRUPT if number == signal.SIGINT else signal.Signals(number).name)
        stop.soon, stop.until, stop.over = now + INTERRUPT_S, now + END_S, now + OVER_S
        steps: list[tuple[float, Callable[[], object]]] = [(INTERRUPT_S, interrupt_if_waiting), (END_S, cut)]
        if number == signal.SIGTERM:
            steps.append((LEAVE_S, abandon))
        for wait_s, act in steps:
            timer = threading.Timer(wait_s, act)
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
