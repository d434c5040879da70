"""
Backtrader by itself, with the Python of its own environment; benchmarks/engines.py and sweep.py run it.

    python benchmarks/peer_backtrader.py run BARS.csv OUT.json
    python benchmarks/peer_backtrader.py sweep BARS.csv OUT.json

The same script runs backtrader_next, where that is what the environment has.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from typing import Any

from bt_generic_csv import generic_csv
from peer_work import CASH, COMMISSION, OVERBOUGHT, OVERSOLD, PERIOD, PERIODS, Found, main_of

__all__ = ["run", "sweep"]

NAME = "backtrader_next" if importlib.util.find_spec("backtrader_next") else "backtrader"
bt: Any = importlib.import_module(NAME)


class Rsi(bt.Strategy):  # type: ignore[misc]  # backtrader ships no types
    """Buy when RSI is below one level and nothing is held, close when it is above another."""

    params = (("period", PERIOD), ("oversold", OVERSOLD))

    def __init__(self) -> None:
        self.rsi = bt.talib.RSI(self.data.close, timeperiod=self.p.period)

    def next(self) -> None:
        """Decide at the close of a bar."""
        if not self.position:
            if self.rsi[0] < self.p.oversold:
                self.buy()
        elif self.rsi[0] > OVERBOUGHT:
            self.close()


class Worth(bt.Analyzer):  # type: ignore[misc]  # as above
    """Final equity and closed trades, for optstrategy, which gives back analyzers only."""

    def start(self) -> None:
        """Begin with nothing."""
        self.closed = 0

    def notify_trade(self, trade: Any) -> None:
        """Count what is closed."""
        self.closed += trade.isclosed

    def get_analysis(self) -> Any:
        """Give both, and the parameters."""
        return self.equity, self.closed, self.params_of

    def stop(self) -> None:
        """Look at the account at the end."""
        self.equity = self.strategy.broker.getvalue()
        self.params_of = (self.strategy.p.period, self.strategy.p.oversold)


def _cerebro(path: str, **how: Any) -> Any:
    cerebro = bt.Cerebro()
    for name, value in how.items():
        setattr(cerebro.p, name, value)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=COMMISSION)
    cerebro.addsizer(bt.sizers.FixedSize, stake=1)
    cerebro.adddata(generic_csv(bt, path))
    return cerebro


def run(path: str) -> Found:
    """Run once, with the observers and settings of a plain script."""
    cerebro = _cerebro(path)
    cerebro.addstrategy(Rsi)
    strategy = cerebro.run()[0]
    trades = [
        (trade.baropen - 1, trade.barclose - 1)
        for kept in strategy._trades[strategy.data].values()
        for trade in kept
        if trade.isclosed
    ]
    return {"equity_final": cerebro.broker.getvalue(), "trades": trades}


def sweep(path: str, oversolds: range, jobs: int) -> Found:
    """Run optstrategy over all periods and these levels, without observers."""
    cerebro = _cerebro(path, stdstats=False, maxcpus=jobs)
    cerebro.addanalyzer(Worth, _name="worth")
    cerebro.optstrategy(Rsi, period=PERIODS, oversold=oversolds)
    begun = time.perf_counter()
    found = [strategies[0].analyzers.worth.get_analysis() for strategies in cerebro.run()]
    return {"seconds": time.perf_counter() - begun, "results": found}


if __name__ == "__main__":
    main_of(run, sweep)
