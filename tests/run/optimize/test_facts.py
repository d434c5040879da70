"""What a search tells to those who judge it."""

from __future__ import annotations

import math

import numpy as np

from bt_run.core.settings import BacktestSettings
from bt_run.reports.returns import sharpe
from bt_run.run.optimize.facts import facts_of_search
from bt_run.run.optimize.search import search


def facts(request):
    found = search(request)
    kept = [trial.returns for trial in found.trials if trial.returns is not None]
    return found, facts_of_search(request, found.trials, kept, found.best)


def test_the_kernel_and_a_whole_backtest_tell_the_same(request_of):
    """The returns give the Sharpe ratios of the trials, the profits the number of trades."""
    words = ("period=5:8", "oversold=25,35")
    for engine in ("auto", "backtrader"):
        found, told = facts(request_of("rsi", *words, settings=BacktestSettings(engine=engine)))

        assert told.trials == 8
        assert told.sharpes.tolist() == [trial.metrics["sharpe"] for trial in found.trials]
        assert told.daily.shape == (len(told.best_daily), 8)
        assert [sharpe(column, periods=told.periods) for column in told.daily.T] == told.sharpes.tolist()
        assert sharpe(told.best_daily, periods=told.periods) == found.best.metrics["sharpe"]
        assert len(told.best_profits) == found.best.metrics["trades"]


def test_what_failed_counts_as_a_try(request_of, tmp_path):
    """It has no Sharpe ratio and no returns."""
    file = tmp_path / "moody.py"
    file.write_text(
        "import backtrader as bt\n\n\nclass Moody(bt.Strategy):\n    params = (('mood', 1),)\n\n"
        "    def next(self):\n        if self.p.mood == 2:\n            raise ValueError('not today')\n"
        "        if len(self) % 9 == 0:\n            self.close() if self.position else self.buy()\n"
    )
    _, told = facts(request_of(str(file), "mood=1:3", jobs=1))

    assert told.trials == 3
    assert math.isnan(told.sharpes[1])
    assert told.daily.shape[1] == 2
    assert np.isfinite(told.daily).all()
