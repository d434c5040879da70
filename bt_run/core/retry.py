"""Ask again after errors that pass, with growing pauses and jitter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from bt_run.core.errors import Disconnected, RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

__all__ = ["ATTEMPTS", "retrying"]

ATTEMPTS = 6
"""How often one thing is asked: with the pauses between, about half a minute of a dead network."""

_BACKOFF = wait_exponential(multiplier=0.5, max=30.0) + wait_random(0.0, 0.5)


def retrying(sleep: Callable[[float], object] = time.sleep, *, attempts: int = ATTEMPTS) -> Retrying:
    """
    Give attempts to loop over; `Disconnected` and `RateLimited` lead to the next one, anything else is raised.

    ::

        for attempt in retrying(sleep):
            with attempt:
                return ask()

    The pauses are 0.5, 1, 2, 4, 8 s and up to half a second of jitter. After a `RateLimited` there is none:
    the weight budget waits as long as the exchange demands. The last error is raised as it is.
    """
    return Retrying(
        sleep=lambda seconds: _sleep(sleep, seconds),
        stop=stop_after_attempt(attempts),
        wait=_pause_s,
        retry=retry_if_exception_type((Disconnected, RateLimited)),
        reraise=True,
    )


def _sleep(sleep: Callable[[float], object], seconds: float) -> None:
    if seconds > 0:
        sleep(seconds)


def _pause_s(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome is not None else None
    return 0.0 if isinstance(failure, RateLimited) else _BACKOFF(state)
