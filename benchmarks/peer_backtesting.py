"""
backtesting.py, with the Python of its own environment; benchmarks/engines.py and sweep.py run it.

    python benchmarks/peer_backtesting.py run BARS.csv OUT.json
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import talib
from backtesting import Backtest, Strategy

from peer_work import CASH, COMMISSION, OVERBOUGHT, OVERSOLD, PERIOD, PERIODS, Found, main_of

__all__ = ["run", "sweep"]


def rsi(close: Any, period: int) -> Any:
    """
    Give RSI, 50 while it warms up.

    backtesting.py makes no decision at the first bar on which all indicators have a value; with this it does,
    as the others do.
    """
    return np.nan_to_num(talib.RSI(close, period), nan=50.0)


class Rsi(Strategy):  # type: ignore[misc]  # it is not installed where this is checked
    """Buy when RSI is below one level and nothing is held, close when it is above another."""

    period = PERIOD
    oversold = OVERSOLD

    def init(self) -> None:
        """Declare the indicator."""
        self.rsi = self.I(rsi, self.data.Close, self.period)

    def next(self) -> None:
        """Decide at the close of a bar."""
        if not self.position:
            if self.rsi[-1] < self.oversold:
                self.buy(size=1)
        elif self.rsi[-1] > OVERBOUGHT:
            self.position.close()


def _backtest(path: str) -> Any:
    names = {name: name.title() for name in ("open", "high", "low", "close", "volume")}
    frame = pd.read_csv(path, usecols=["open_time", *names]).rename(columns=names)
    frame.index = pd.to_datetime(frame.pop("open_time"), unit="ms")
    return Backtest(frame, Rsi, cash=CASH, commission=COMMISSION)


def run(path: str) -> Found:
    """Run once; its statistics are always reckoned."""
    stats = _backtest(path).run()
    trades = stats["_trades"]
    return {
        "equity_final": stats["Equity Final [$]"],
        "trades": [
            (int(entry), int(left)) for entry, left in zip(trades.EntryBar, trades.ExitBar, strict=True)
        ],
    }


def sweep(path: str, oversolds: range, jobs: int) -> Found:
    """Run its optimize(), which takes as many processes as it likes."""
    backtest = _backtest(path)
    begun = time.perf_counter()
    _, heatmap = backtest.optimize(
        period=list(PERIODS), oversold=list(oversolds), maximize="Equity Final [$]", return_heatmap=True
    )
    seconds = time.perf_counter() - begun
    results = [(value, None, (int(period), int(level))) for (period, level), value in heatmap.items()]
    return {"seconds": seconds, "results": results}


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # that trades are open at the end
    main_of(run, sweep)
