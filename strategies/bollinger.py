"""Bollinger bands: buy what has fallen unusually far, sell it when it is usual again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import talib

from strategies.base import Signals, SignalStrategy
from strategies.indicators import above

if TYPE_CHECKING:
    from bt_run.core.market import Bars

__all__ = ["Bollinger"]

_LIFT = 2.0**40
"""
Prices are multiplied by this before TA-Lib sees them, and the bands divided by it: exact for a power of two.

TA-Lib up to 0.6.5 takes a variance below 1e-14 for zero, which closes the bands of a coin that costs
0.00001. Held by test_bands_stay_open_for_tiny_prices.
"""


class Bollinger(SignalStrategy):
    """
    Buy while the close is below the lower band, close at the middle band; shorts mirror it at the upper band.

    It exits at the middle, not at the opposite band: a return to the average is what the rule bets on,
    and waiting for more gives most such returns away again.

    Source: John Bollinger, "Bollinger on Bollinger Bands", 2001 (TA-Lib BBANDS, simple average).
    """

    params: Any = (("period", 20), ("width", 2.0))
    ranges = {"period": (2, 500), "width": (0.1, 10.0)}

    @staticmethod
    def signals(bars: Bars, p: Any) -> Signals:
        """Compare the close with its SMA(period) and with `width` standard deviations around it."""
        lifted = talib.BBANDS(bars.close * _LIFT, p.period, p.width, p.width)
        upper, middle, lower = (band / _LIFT for band in lifted)
        return Signals(
            long_entry=above(lower, bars.close, price=bars.close),
            long_exit=bars.close >= middle,
            short_entry=above(bars.close, upper, price=bars.close),
            short_exit=bars.close <= middle,
            overlays={"Upper band": upper, "Middle band": middle, "Lower band": lower},
        )
