"""Moving average convergence/divergence: follow a move that gathers speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import talib

from strategies.base import Signals, SignalStrategy
from strategies.indicators import crossings
from strategies.params import find_disorder

if TYPE_CHECKING:
    from bt_run.core.market import Bars

__all__ = ["Macd"]


class Macd(SignalStrategy):
    """
    Buy when the MACD line crosses above its signal line, close when it crosses below; shorts mirror it.

    Source: Gerald Appel, "The Moving Average Convergence-Divergence Trading Method", 1979 (TA-Lib MACD).
    """

    params: Any = (("fast", 12), ("slow", 26), ("signal", 9))
    ranges = {"fast": (2, 200), "slow": (3, 400), "signal": (1, 200)}

    @staticmethod
    def find_conflict(p: Any) -> str | None:
        """Refuse a fast average that is not faster; TA-Lib would silently swap the two."""
        return find_disorder(p, "fast", "slow")

    @staticmethod
    def signals(bars: Bars, p: Any) -> Signals:
        """Find where MACD(fast, slow) of the close crosses its own EMA(signal)."""
        line, signal, histogram = talib.MACD(bars.close, p.fast, p.slow, p.signal)
        up, down = crossings(line, signal, price=bars.close)
        return Signals(
            long_entry=up,
            long_exit=down,
            short_entry=down,
            short_exit=up,
            panels={"MACD": line, "MACD signal": signal, "MACD histogram": histogram},
        )
