"""Parabolic stop and reverse: a stop that closes in on the price until it is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import talib

from strategies.base import Signals, SignalStrategy

if TYPE_CHECKING:
    from bt_run.core.market import Bars

__all__ = ["Sar"]


class Sar(SignalStrategy):
    """
    Buy while the close is above the parabolic SAR, close while it is below; shorts mirror it.

    With shorts allowed it is always in the market, as its inventor meant it. He traded at the touch of
    the stop; this acts on the close and trades at the next open, like every strategy here.

    Source: J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978, section II (TA-Lib SAR).
    """

    params: Any = (("acceleration", 0.02), ("maximum", 0.2))
    ranges = {"acceleration": (0.001, 0.5), "maximum": (0.001, 1.0)}

    @staticmethod
    def find_conflict(p: Any) -> str | None:
        """Refuse a step above the limit; TA-Lib would silently cut it down."""
        if p.acceleration <= p.maximum:
            return None
        return f"acceleration is {p.acceleration} and maximum is {p.maximum}; it must not be above maximum."

    @staticmethod
    def signals(bars: Bars, p: Any) -> Signals:
        """Compare the close with SAR(acceleration, maximum) of high and low."""
        sar = talib.SAR(bars.high, bars.low, p.acceleration, p.maximum)
        rising, falling = bars.close > sar, bars.close < sar
        return Signals(
            long_entry=rising,
            long_exit=falling,
            short_entry=falling,
            short_exit=rising,
            overlays={"SAR": sar},
        )
