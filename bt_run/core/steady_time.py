"""Time that no hand sets: by it a step of this machine's clock (NTP, a person, a resume) is no step of ours."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SteadyTime", "steady_s"]


def steady_s() -> float:
    """Give seconds that nobody sets and that go on while the machine sleeps, from any beginning."""
    return _source()()


@cache
def _source() -> Callable[[], float]:
    """
    Choose the clock: ``time.monotonic`` stands still while Linux or macOS sleeps, these do not.

    Source: clock_gettime(2) of Linux, "CLOCK_BOOTTIME"; clock_gettime(3) of macOS, "CLOCK_MONOTONIC".
    """
    clock = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    if clock is None:
        return time.monotonic
    try:
        time.clock_gettime(clock)
    except OSError:  # a sandbox that has not all clocks
        return time.monotonic
    return lambda: time.clock_gettime(clock)


class SteadyTime:
    """
    Our time in seconds since 1970, as this machine's clock told it when this was made, and steady from then on.

    Args:
        wall: The machine's clock.
        steady: Seconds that nobody sets.
    """

    def __init__(
        self, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = steady_s
    ) -> None:
        self._steady = steady
        self._began = wall() - steady()

    def __call__(self) -> float:
        """Give the time."""
        return self._began + self._steady()
