"""Stay under the exchange's weight limit: one budget that all threads of a run share."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.errors import Banned

__all__ = ["FUTURES_LIMIT", "SPOT_LIMIT", "WeightBudget"]

SPOT_LIMIT = 6000
FUTURES_LIMIT = 2400
"""Request weight a minute and address (exchangeInfo, captured 2026-08); the exchange's own word replaces it."""

_MINUTE_S = 60.0
_SLACK_S = 0.5


class WeightBudget:
    """
    The weight that may be used in this minute, by this address, over all threads.

    Binance counts by full minutes and tells the sum in the header X-MBX-USED-WEIGHT-1M, in which other
    programs of the same address count too. `take` waits where the next request would go over `limit` less
    `margin` (a share of it, in [0, 1)), and while a 429 asks to wait. After a ban it raises at once, in
    every thread.

    Args:
        limit: Weight a minute.
        margin: Kept free for what others use, and for a clock that differs from the exchange's.
        clock: Gives seconds since 1970.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        limit: int = SPOT_LIMIT,
        *,
        margin: float = 0.1,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.limit = limit
        self.margin = margin
        self.waited_s = 0.0
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._minute = 0
        self._used = 0
        self._paused_until = 0.0
        self._ban: Banned | None = None

    @property
    def used(self) -> int:
        """Give the weight used in this minute, as far as it is known."""
        with self._lock:
            self._turn(self._clock())
            return self._used

    def take(self, weight: int) -> None:
        """Reserve the weight of one request; wait first where it must. Raises Banned."""
        while True:
            with self._lock:
                if self._ban is not None:
                    raise self._ban
                wait_s = self._wait_s(self._clock(), weight)
                if wait_s <= 0:
                    self._used += weight
                    return
                self.waited_s += wait_s
            self._sleep(wait_s)

    def note(self, used: int) -> None:
        """Take the exchange's own sum; it counts where it is higher than ours."""
        with self._lock:
            self._turn(self._clock())
            self._used = max(self._used, used)

    def pause(self, seconds: float) -> None:
        """Let nobody ask for some seconds, as a 429 demands."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def stop(self, ban: Banned) -> None:
        """Let nobody ask any more: every later `take` raises this ban."""
        with self._lock:
            self._ban = ban

    def _wait_s(self, now: float, weight: int) -> float:
        if now < self._paused_until:
            return self._paused_until - now
        self._turn(now)
        # A single request heavier than the limit must get through some time: it goes first in a minute.
        if self._used and self._used + weight > self.limit * (1 - self.margin):
            return _MINUTE_S - now % _MINUTE_S + _SLACK_S
        return 0.0

    def _turn(self, now: float) -> None:
        minute = int(now // _MINUTE_S)
        if minute != self._minute:
            self._minute, self._used = minute, 0
