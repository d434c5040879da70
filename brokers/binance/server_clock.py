"""The exchange's clock: how far it is ahead of ours, shared by all who sign."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["REFRESH_S", "ServerClock"]

REFRESH_S = 1800.0
"""After so many seconds it is measured anew: clocks of machines drift by up to 100 ms in that time."""

_SAMPLES = 5


class ServerClock:
    """
    The exchange's time by an offset to ours; reading it asks nobody.

    `offset_ms` is what to add to our time. `round_trip_ms` is that of the best sample, so the offset is wrong
    by half of it at most. Any thread may read; a measurement replaces the offset in one step.

    Args:
        clock: Gives our time, seconds since 1970.
        steady: Gives seconds that nobody sets.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self.offset_ms = 0.0
        self.round_trip_ms = 0.0
        self._clock = clock
        self._steady = steady
        self._measured_at: float | None = None

    @property
    def is_due(self) -> bool:
        """Tell whether it was never measured, or not for `REFRESH_S` seconds."""
        return self._measured_at is None or self._steady() - self._measured_at >= REFRESH_S

    def now_ms(self) -> int:
        """Give the exchange's time, ms since 1970 UTC, as far as it is known."""
        return int(self._clock() * 1000 + self.offset_ms)

    def measure(self, ask: Callable[[], int], *, samples: int = _SAMPLES) -> None:
        """
        Measure the offset: of some questions the one that was answered soonest tells it best.

        The exchange's time is taken as that of the middle of the round trip. `ask` gives serverTime in ms; what
        it raises ends the measurement, unless there is a sample already.
        """
        best: tuple[float, float] | None = None
        for _ in range(samples):
            began, steady = self._clock(), self._steady()
            try:
                told = ask()
            except Exception:
                if best is None:
                    raise
                break
            trip_ms = (self._steady() - steady) * 1000
            sample = (trip_ms, told - (began * 1000 + trip_ms / 2))
            best = min(best or sample, sample)
        if best is not None:
            self._set(*best)

    def note(self, told_ms: int, *, asked_s: float, trip_s: float) -> None:
        """Take one sample: what the exchange told to a question of `asked_s` that took `trip_s`, seconds."""
        self._set(trip_s * 1000, told_ms - (asked_s * 1000 + trip_s * 500))

    def _set(self, round_trip_ms: float, offset_ms: float) -> None:
        self.round_trip_ms, self.offset_ms = round_trip_ms, offset_ms
        self._measured_at = self._steady()
