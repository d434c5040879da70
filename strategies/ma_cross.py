"""Two moving averages: follow the trend that the faster one shows first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import talib

from strategies.base import Signals, SignalStrategy
from strategies.indicators import crossings
from strategies.params import find_disorder

if TYPE_CHECKING:
    from bt_run.core.market import Bars

__all__ = ["MaCross"]


class MaCross(SignalStrategy):
    """
    Buy when the fast moving average crosses above the slow one, close when it crosses below; shorts mirror it.

    Source: W. Brock, J. Lakonishok, B. LeBaron, "Simple Technical Trading Rules and the Stochastic
    Properties of Stock Returns", Journal of Finance 47, 1992 (TA-Lib SMA and EMA).
    """

    params: Any = (("fast", 10), ("slow", 30), ("kind", "sma"))
    ranges = {"fast": (2, 500), "slow": (3, 1000)}
    choices = {"kind": ("sma", "ema")}

    @staticmethod
    def find_conflict(p: Any) -> str | None:
        """Refuse a fast average that is not faster: it would turn every signal round."""
        return find_disorder(p, "fast", "slow")

    @staticmethod
    def signals(bars: Bars, p: Any) -> Signals:
        """Find where the averages of the close, simple or exponential, cross."""
        average = talib.EMA if p.kind == "ema" else talib.SMA
        fast, slow = average(bars.close, p.fast), average(bars.close, p.slow)
        up, down = crossings(fast, slow, price=bars.close)
        name = p.kind.upper()
        return Signals(
            long_entry=up,
            long_exit=down,
            short_entry=down,
            short_exit=up,
            overlays={f"{name} {p.fast}": fast, f"{name} {p.slow}": slow},
        )
