"""Metrics to search for, and limits to keep."""

from __future__ import annotations

import pytest

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.run.optimize.goal import BETTER, Constraint, Goal


def test_every_metric_has_a_direction(root):
    """Beside buy and hold, which no parameter changes."""
    import json

    from bt_run.core.settings import BacktestSettings
    from bt_run.run.backtest import run_backtest
    from bt_run.run.data import DataRequest, load_data
    from strategies.loader import load_strategy

    data = load_data(DataRequest(str(root / "data" / "btcusd_1d_2021.csv")))
    metrics = run_backtest(load_strategy("rsi"), data, BacktestSettings()).metrics

    assert {*metrics} - {"buy_hold_return_pct"} == {*BETTER}, json.dumps(dict(metrics))


def test_a_unit_may_be_left_out_and_a_direction_given():
    """win_rate is win_rate_pct; a drawdown is better when it is less."""
    assert Goal.parse("win_rate") == Goal("win_rate_pct", 1)
    assert Goal.parse("max_drawdown") == Goal("max_drawdown_pct", -1)
    assert Goal.parse("min:trades") == Goal("trades", -1)
    assert [str(Goal.parse(text)) for text in ("min:trades", "max:trades")] == ["min:trades", "trades"]


def test_a_score_is_better_when_it_is_more():
    """And None where the run does not define the metric."""
    goal = Goal.parse("max_drawdown")

    assert goal.score({"max_drawdown_pct": 12.5}) == -12.5
    assert goal.score({"max_drawdown_pct": None}) is None


def test_a_metric_that_does_not_exist_is_answered_with_the_nearest():
    """Did you mean."""
    with pytest.raises(UnknownName, match="Did you mean 'sharpe'"):
        Goal.parse("sharp")
    with pytest.raises(ConfigError, match="Write sharpe, min:sharpe or max:sharpe"):
        Goal.parse("best:sharpe")


def test_constraints_hold_at_their_limit_and_not_beyond():
    """An undefined metric keeps no limit."""
    least = Constraint.parse("trades >= 30")
    most = Constraint.parse("max_drawdown<=25.5")

    assert [least.holds({"trades": count}) for count in (29, 30)] == [False, True]
    assert [most.holds({"max_drawdown_pct": value}) for value in (25.5, 25.6, None)] == [True, False, False]
    assert [str(least), str(most)] == ["trades>=30", "max_drawdown_pct<=25.5"]
    assert least.excess({"trades": 20}) == 10


@pytest.mark.parametrize("text", ["trades", "trades>30", "trades>=x", "trades>=", ">=3"])
def test_a_wrong_constraint_is_refused(text):
    """With an example."""
    with pytest.raises(ConfigError, match="sharpe>=1"):
        Constraint.parse(text)
