"""Three opinions on the trend, and a vote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import talib

from strategies.base import Signals, SignalStrategy
from strategies.indicators import sides
from strategies.params import find_disorder

if TYPE_CHECKING:
    import numpy.typing as npt

    from bt_run.core.market import Bars

__all__ = ["Combined"]


class Combined(SignalStrategy):
    """
    Buy while enough of RSI, moving averages and MACD point up, close while as many point down.

    RSI votes up above `rsi_level` and down below 100 minus it: as a sign of strength, because an oversold
    RSI almost never meets rising averages, and three votes would then never agree. The averages vote by
    which is above, MACD by the side of its signal line. `votes` are needed, and more than the other side has.
    Shorts mirror it.

    Source: John J. Murphy, "Technical Analysis of the Financial Markets", 1999 (indicators that confirm
    each other); the parts as in strategies rsi, ma_cross and macd.
    """

    params: Any = (
        ("votes", 2),
        ("rsi_period", 14),
        ("rsi_level", 50.0),
        ("fast", 10),
        ("slow", 30),
        ("macd_fast", 12),
        ("macd_slow", 26),
        ("macd_signal", 9),
    )
    ranges = {
        "votes": (1, 3),
        "rsi_period": (2, 200),
        "rsi_level": (50.0, 90.0),
        "fast": (2, 500),
        "slow": (3, 1000),
        "macd_fast": (2, 200),
        "macd_slow": (3, 400),
        "macd_signal": (1, 200),
    }

    @staticmethod
    def find_conflict(p: Any) -> str | None:
        """Refuse averages that are not in order."""
        return find_disorder(p, "fast", "slow") or find_disorder(p, "macd_fast", "macd_slow")

    @staticmethod
    def signals(bars: Bars, p: Any) -> Signals:
        """Count the votes of the three; nobody votes before all three can."""
        close = bars.close
        rsi = talib.RSI(close, p.rsi_period)
        fast, slow = talib.SMA(close, p.fast), talib.SMA(close, p.slow)
        line, signal, _ = talib.MACD(close, p.macd_fast, p.macd_slow, p.macd_signal)
        rising, falling = sides(fast, slow, price=close)
        over, under = sides(line, signal, price=close)
        is_warm = ~np.isnan(rsi + slow + signal)
        votes_up = _count(rsi > p.rsi_level, rising, over)
        votes_down = _count(rsi < 100.0 - p.rsi_level, falling, under)
        lead = (votes_up - votes_down).astype(np.float64)
        buy = is_warm & (votes_up >= p.votes) & (votes_up > votes_down)
        leave = is_warm & (votes_down >= p.votes) & (votes_down > votes_up)
        return Signals(
            long_entry=buy,
            long_exit=leave,
            short_entry=leave,
            short_exit=buy,
            panels={"RSI": rsi, "MACD": line, "MACD signal": signal, "Votes": lead},
            overlays={f"SMA {p.fast}": fast, f"SMA {p.slow}": slow},
        )


def _count(*votes: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    """Count the votes at each bar; the bytes of truths are 0 and 1."""
    first, second, third = (vote.view(np.int8) for vote in votes)
    return first + second + third
