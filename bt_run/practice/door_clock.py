"""
Whether a signed request is of now, on an exchange whose clock does not run as the client's does.

A client signs with its own clock, or with the exchange's as it was told a moment ago. At ``--speed 60`` that
moment is a minute of the exchange; at ``--speed max`` it jumps. So a timestamp is right when it is right by any
clock that the client can know: the wall clock, the exchange's now, and each clock that the exchange has handed
out, real time running on from there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AHEAD_MS", "DEFAULT_WINDOW_MS", "MAX_WINDOW_MS", "DoorClock"]

DEFAULT_WINDOW_MS = 5000.0
MAX_WINDOW_MS = 60_000.0
AHEAD_MS = 1000.0
"""How far a timestamp may be ahead of the clock; not quite so far."""

_REMEMBERED = 300


def _wall_ms() -> float:
    return time.time() * 1000


def _steady_ms() -> float:
    return time.monotonic() * 1000


class DoorClock:
    """
    Judges timestamps, and hands out the exchange's time.

    Args:
        now: The exchange's clock, ms since 1970 UTC.
        wall: The real clock, ms since 1970 UTC.
        steady: A real clock that nobody sets, ms from anywhere.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        wall: Callable[[], float] = _wall_ms,
        steady: Callable[[], float] = _steady_ms,
    ) -> None:
        self._now = now
        self._wall = wall
        self._steady = steady
        self._handed_out: dict[int, None] = {}

    def hand_out(self) -> int:
        """Give the exchange's time in ms, and let clients count on from it."""
        now = int(self._now())
        offset = round(now - self._steady())
        self._handed_out.pop(offset, None)
        self._handed_out[offset] = None
        if len(self._handed_out) > _REMEMBERED:
            del self._handed_out[next(iter(self._handed_out))]
        return now

    def check(self, timestamp: float, window: float = DEFAULT_WINDOW_MS) -> None:
        """
        Refuse a timestamp that no clock agrees with.

        Args:
            timestamp: When the client signed, in ms since 1970 UTC; µs are its decimals.
            window: For how many ms after that the request may arrive (`recvWindow`), 0 to 60000.

        Raises:
            Refusal: -1021, in the words of the clock that comes nearest; -1131 for the window.
        """
        if window > MAX_WINDOW_MS:
            raise Refusal(-1131, "recvWindow must be less than 60000.")
        lags = self._lags(timestamp)
        if any(-AHEAD_MS < lag <= window for lag in lags):
            return
        if min(lags, key=abs) < 0:
            raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")

    def _lags(self, timestamp: float) -> list[float]:
        """Give how far each clock is ahead of the timestamp, in ms."""
        since = timestamp - self._steady()
        handed_out = [offset - since for offset in self._handed_out]
        return [self._wall() - timestamp, self._now() - timestamp, *handed_out]
