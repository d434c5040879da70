"""The exchange's clock: how far it is ahead of ours, shared by all who sign."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bt_run.core.steady_time import SteadyTime

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["JUMP_S", "REFRESH_S", "ServerClock"]

REFRESH_S = 1800.0
"""After so many seconds it is measured anew: clocks of machines drift by up to 100 ms in that time."""

JUMP_S = 1.0
"""A machine's clock that moves by so many seconds against a steady one was set; less is NTP's daily work."""

_SAMPLES = 5


class ServerClock:
    """
    The exchange's time by an offset to ours; reading it asks nobody.

    Our time is steady: where somebody sets this machine's clock, the exchange's stays as it was measured, and
    is due to be measured again. `offset_ms` is what to add to our time. `round_trip_ms` is that of the best
    sample, so the offset is wrong by half of it at most. Any thread may read; a measurement replaces the offset
    in one step.

    Args:
        clock: Gives our time, seconds since 1970; steady by default.
        wall: Gives this machine's time, seconds since 1970.
    """

    def __init__(
        self, *, clock: Callable[[], float] | None = None, wall: Callable[[], float] = time.time
    ) -> None:
        self.offset_ms = 0.0
        self.round_trip_ms = 0.0
        self._clock = clock or SteadyTime(wall=wall)
        self._wall = wall
        self._measured_at: float | None = None
        self._set_forward_s = self.wall_ahead_s()

    @property
    def is_due(self) -> bool:
        """Tell whether it was never measured, not for `REFRESH_S` seconds, or not since a jump."""
        is_old = self._measured_at is None or self._clock() - self._measured_at >= REFRESH_S
        return is_old or abs(self.wall_ahead_s() - self._set_forward_s) >= JUMP_S

    def our_s(self) -> float:
        """Give our time, seconds since 1970."""
        return self._clock()

    def wall_ahead_s(self) -> float:
        """Give how far this machine's clock is ahead of our time, seconds: by how much it was set since."""
        return self._wall() - self._clock()

    def now_ms(self) -> int:
        """Give the exchange's time, ms since 1970 UTC, as far as it is known."""
        return int(self._clock() * 1000 + self.offset_ms)

    def wall_offset_ms(self) -> float:
        """Give what to add to this machine's time now, for whoever signs with that."""
        return self.offset_ms - self.wall_ahead_s() * 1000

    def measure(self, ask: Callable[[], int], *, samples: int = _SAMPLES) -> None:
        """
        Measure the offset: of some questions the one that was answered soonest tells it best.

        The exchange's time is taken as that of the middle of the round trip. `ask` gives serverTime in ms; what
        it raises ends the measurement, unless there is a sample already.
        """
        best: tuple[float, float] | None = None
        for _ in range(samples):
            began = self._clock()
            try:
                told = ask()
            except Exception:
                if best is None:
                    raise
                break
            trip_ms = (self._clock() - began) * 1000
            sample = (trip_ms, told - (began * 1000 + trip_ms / 2))
            best = min(best or sample, sample)
        if best is not None:
            self._set(*best)

    def note(self, told_ms: int, *, asked_s: float, trip_s: float) -> None:
        """Take one sample: what the exchange told to a question of `asked_s` (`our_s`) that took `trip_s`."""
        self._set(trip_s * 1000, told_ms - (asked_s * 1000 + trip_s * 500))

    def _set(self, round_trip_ms: float, offset_ms: float) -> None:
        self.round_trip_ms, self.offset_ms = round_trip_ms, offset_ms
        self._measured_at, self._set_forward_s = self._clock(), self.wall_ahead_s()
