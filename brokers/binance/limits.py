"""
How much may be asked, and when nothing may: shared by all clients of one address, in all threads.

Binance counts weight by address and full minute, and tells the sum with every answer. Whoever goes on after
HTTP 429 is banned (418), so its pause holds for all requests: orders are refused by us meanwhile, cancels wait
some seconds, questions wait. The pause of -1015 (too many orders) holds for new orders alone.
Source: binance-spot-api-docs, rest-api.md, "Limits" (read 2026-07-21).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Hold", "RequestLimits"]

_LIMIT = 6000
_SHARE = 0.9
_MINUTE_S = 60.0
_SLACK_S = 0.5


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing may be asked for `wait_s` more seconds; `is_ban` after HTTP 418."""

    wait_s: float
    reason: str
    is_ban: bool = False


class RequestLimits:
    """
    The pauses and the weight of one address.

    Args:
        limit: Weight a minute; the exchange's own word (exchangeInfo) replaces it.
        share: How much of it questions may use, in (0, 1]; the rest is for orders and cancels, which never wait
            for weight, and for other programs.
        clock: Gives seconds since 1970, for the exchange's minutes.
        steady: Gives seconds that nobody sets, for the pauses.
    """

    def __init__(
        self,
        limit: int = _LIMIT,
        *,
        share: float = _SHARE,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self._share = share
        self._clock = clock
        self._steady = steady
        self._lock = threading.Lock()
        self._minute = 0
        self._used = 0
        self._all = (0.0, "", False)
        self._orders = (0.0, "", False)

    @property
    def used(self) -> int:
        """Give the weight used in this minute, as far as it is known."""
        with self._lock:
            self._turn()
            return self._used

    def note_used(self, used: int) -> None:
        """Take the exchange's own sum; it counts where it is higher than ours."""
        with self._lock:
            self._turn()
            self._used = max(self._used, used)

    def pause(self, seconds: float, reason: str, *, orders_only: bool = False, is_ban: bool = False) -> None:
        """Let nothing, or no new order, leave for some seconds; a longer pause stays."""
        until = self._steady() + seconds
        with self._lock:
            if orders_only:
                self._orders = max(self._orders, (until, reason, is_ban))
            else:
                self._all = max(self._all, (until, reason, is_ban))

    def hold(self, *, new_order: bool = False) -> Hold | None:
        """Tell whether a pause is on; None where a request may leave."""
        until, reason, is_ban = max(self._all, self._orders) if new_order else self._all
        if not until:
            return None
        wait_s = until - self._steady()
        return Hold(wait_s, reason, is_ban) if wait_s > 0 else None

    def room_s(self, weight: int, *, urgent: bool = False) -> float:
        """
        Reserve the weight of a question and give 0, or give how many seconds to wait before asking again.

        `urgent` ones, such as the fate of an order, may use the whole limit.
        """
        with self._lock:
            self._turn()
            most = self.limit if urgent else self.limit * self._share
            if self._used and self._used + weight > most:
                return _MINUTE_S - self._clock() % _MINUTE_S + _SLACK_S
            self._used += weight
            return 0.0

    def _turn(self) -> None:
        minute = int(self._clock() // _MINUTE_S)
        if minute != self._minute:
            self._minute, self._used = minute, 0
