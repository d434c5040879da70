"""Relative strength index: buy weakness, sell strength."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import talib

from strategies.base import Signals, SignalStrategy

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
    def signals(bars: Bars, p: Any) -> Signals:
        """Compare RSI(period) of the close with the two thresholds."""
        rsi = talib.RSI(bars.close, p.period)
        weak, strong = rsi < p.oversold, rsi > p.overbought
        return Signals(
            long_entry=weak,
            long_exit=strong,
            short_entry=strong,
            short_exit=weak,
            panels={
                "RSI": rsi,
                "RSI oversold": np.broadcast_to(float(p.oversold), len(bars)),
                "RSI overbought": np.broadcast_to(float(p.overbought), len(bars)),
            },
        )
