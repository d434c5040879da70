"""The volume-weighted price of the last minutes, kept up with as time goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.practice.market.units import UNIT, ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from bt_run.practice.events import Print
    from bt_run.practice.market.print_log import PrintLog

__all__ = ["AveragePrice"]

_MINUTE_MS = 60_000


class AveragePrice:
    """
    A window over the last `minutes` of a log; every order asks for it, so only what comes and goes is counted.

    Times that step back are counted anew.
    """

    def __init__(self, log: PrintLog, minutes: int) -> None:
        self._log = log
        self._length = minutes * _MINUTE_MS
        self._first = self._end = 0
        self._volume = self._worth = ZERO

    def at(self, now: int) -> Decimal | None:
        """Give the price at a time (ms); None where nothing was traded in the window."""
        first, end = self._log.id_at(now - self._length + 1), self._log.next_id
        if not self._first <= first <= self._end <= end:
            self._first = self._end = first
            self._volume = self._worth = ZERO
        self._count(self._log.between(self._end, end), 1)
        self._count(self._log.between(self._first, first), -1)
        if first == end:
            self._volume = self._worth = ZERO
        self._first, self._end = first, end
        return (self._worth / self._volume).quantize(UNIT) if self._volume else None

    def _count(self, prints: Iterable[Print], sign: int) -> None:
        for trade in prints:
            self._volume += sign * trade.quantity
            self._worth += sign * trade.price * trade.quantity
