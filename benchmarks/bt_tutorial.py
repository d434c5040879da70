"""A strategy as tutorials write it: indicators in __init__, decisions in next()."""

from __future__ import annotations

import backtrader as bt

__all__ = ["TutorialRsi"]


class TutorialRsi(bt.Strategy):  # type: ignore[misc]  # backtrader ships no types
    """Buy when RSI(14) is below 30 and nothing is held, close when it is above 70."""

    def __init__(self) -> None:
        self.rsi = bt.talib.RSI(self.data.close, timeperiod=14)

    def next(self) -> None:
        """Decide at the close of a bar."""
        if not self.position:
            if self.rsi[0] < 30:
                self.buy()
        elif self.rsi[0] > 70:
            self.close()
