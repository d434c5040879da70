"""Relative strength index: buy weakness, sell strength."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import talib

from strategies.base import SignalStrategy
from strategies.levels import Levels, from_levels

if TYPE_CHECKING:
    from bt_run.core.market import Bars

__all__ = ["Rsi"]


class Rsi(SignalStrategy):
    """
    Buy while RSI is below oversold, close while it is above overbought; shorts mirror it.

    As long as the price has not moved at all TA-Lib gives 0, which counts as oversold.

    Source: J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978, section VI (TA-Lib RSI).
    """

    params: Any = (("period", 14), ("oversold", 30.0), ("overbought", 70.0))
    ranges = {"period": (2, 200), "oversold": (1.0, 50.0), "overbought": (50.0, 99.0)}

    @staticmethod
    @from_levels
    def signals(bars: Bars, p: Any) -> Levels:
        """Compare RSI(period) of the close with the two thresholds."""
        return Levels("RSI", talib.RSI(bars.close, p.period), low=p.oversold, high=p.overbought)
