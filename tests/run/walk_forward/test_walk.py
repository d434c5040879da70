"""A walk as a whole: each window chooses on its past alone, and money is carried on."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from bt_run.core.errors import ConfigError, StrategyError
from bt_run.core.market import Bars
from bt_run.core.settings import BacktestSettings
from bt_run.run.backtest import run_backtest
from bt_run.run.optimize.goal import Constraint, Goal
from bt_run.run.walk_forward.walk import plan_walk
from strategies.loader import load_strategy


def walk_of(request, *, train="200d", test="60d", anchored=False):
    """Run a walk to its end."""
    walk = plan_walk(request, train=train, test=test, anchored=anchored)
    return walk.summarise(list(walk.run()))


def test_each_window_chooses_the_best_of_its_training(request_of, data_of):
    """By hand: every combination is run on the training bars, and the choice is the best of them."""
    data = data_of()
    found = walk_of(request_of(data=data))
    for each in found.windows:
        training = dataclasses.replace(data, bars=data.bars[each.window.train : each.window.test])
        results = {
            (fast, slow): run_backtest(
                load_strategy("ma_cross", params=[f"fast={fast}", f"slow={slow}"]), training, BacktestSettings()
            ).metrics["return_pct"]
            for fast in (3, 6, 9)
            for slow in (12, 20)
        }

        assert max(results.values()) == each.in_sample["return_pct"]
        assert results[each.params["fast"], each.params["slow"]] == each.in_sample["return_pct"]
        assert "return_ann_pct" in each.in_sample
        assert (6, 0) == (each.tried, each.failed)


def test_money_is_carried_over_the_seams(request_of):
    """Each window begins with what the one before left, and the stitched account is one."""
    found = walk_of(request_of())
    ends = [float(each.run.curve.equity[-1]) for each in found.windows]
    begins = [each.run.settings.cash for each in found.windows]

    assert 10_000.0 == begins[0]
    assert ends[:-1] == begins[1:]
    stitched = found.stitched
    assert 200 == len(stitched.curve.equity) == len(stitched.data.bars)
    assert ends[-1] == stitched.curve.equity[-1] == stitched.metrics["equity_final"]
    assert pytest.approx(ends[-1] - 10_000.0) == sum(trade.pnl for trade in stitched.trades)
    assert sum(len(each.run.trades) for each in found.windows) == len(stitched.trades)


def test_stitched_fills_stand_at_their_bars(request_of):
    """Position and time agree on the bars of the whole."""
    stitched = walk_of(request_of()).stitched

    assert len(stitched.fills) > 4
    assert all(fill.time_ms == stitched.data.bars.open_time[fill.bar] for fill in stitched.fills)
    assert [fill.bar for fill in stitched.fills] == sorted(fill.bar for fill in stitched.fills)


def test_the_future_changes_no_window_before_it(request_of, data_of):
    """Other prices from bar 320 on: the windows that end there are the same, parameters and account."""
    data = data_of()
    bars = data.bars
    spoiled = {
        name: np.concatenate([getattr(bars, name)[:320], getattr(bars, name)[320:] * 3.0])
        for name in ("open", "high", "low", "close")
    }
    other = dataclasses.replace(data, bars=Bars.of(bars.open_time, **spoiled))
    first, second = walk_of(request_of(data=data)), walk_of(request_of(data=other))

    for a, b in zip(first.windows[:2], second.windows[:2], strict=True):
        assert a.params == b.params
        np.testing.assert_array_equal(a.run.curve.equity, b.run.curve.equity)
    assert first.windows[2].run.metrics != second.windows[2].run.metrics


def test_anchored_windows_train_on_more(request_of):
    """The first window is the same, and later ones begin at the first bar."""
    rolling, anchored = walk_of(request_of()), walk_of(request_of(), anchored=True)

    assert rolling.windows[0].params == anchored.windows[0].params
    assert {0} == {each.window.train for each in anchored.windows}


def test_a_walk_is_repeatable_with_a_seed(request_of):
    """Random combinations, too: each window draws the same ones."""
    first, second = (
        walk_of(request_of("rsi", "period=5:30", "oversold=20:40:1", method="random", trials=5, seed=3))
        for _ in range(2)
    )

    assert [each.params for each in first.windows] == [each.params for each in second.windows]
    assert first.stitched.metrics == second.stitched.metrics


def test_a_window_without_a_choice_trades_nothing(request_of):
    """No combination keeps a constraint that cannot be kept; the money stays."""
    request = dataclasses.replace(request_of(), constraints=(Constraint("trades", ">=", 10_000.0),))
    found = walk_of(request)

    assert all(each.params is None for each in found.windows)
    assert 10_000.0 == found.stitched.metrics["equity_final"]
    assert found.efficiency is None


def test_a_ruined_account_ends_the_walk(request_of, data_of, tmp_path):
    """A short through a rise of a hundred times: no window is run with less than nothing."""
    path = tmp_path / "short.py"
    path.write_text(
        "import numpy as np\nfrom strategies.base import Signals, SignalStrategy\n"
        "class Mine(SignalStrategy):\n"
        "    params = (('level', 1),)\n    ranges = {'level': (1, 2)}\n"
        "    @staticmethod\n"
        "    def signals(bars, p):\n"
        "        yes = np.ones(len(bars), dtype=bool)\n"
        "        return Signals(~yes, ~yes, yes, ~yes)\n"
    )
    data = data_of()
    rise = np.concatenate([np.ones(230), np.full(170, 100.0)])
    bars = Bars.of(
        data.bars.open_time,
        **{name: getattr(data.bars, name) * rise for name in ("open", "high", "low", "close")},
    )
    settings = BacktestSettings(allow_short=True)
    request = request_of(
        f"{path}:Mine", "level=1:2", data=dataclasses.replace(data, bars=bars), settings=settings
    )
    found = walk_of(request)

    assert (1, 4) == (len(found.windows), found.total)
    assert found.stitched.curve.equity[-1] < 0


def test_a_strategy_that_always_fails_is_an_error(request_of, tmp_path):
    """Every combination of a window failed: the first error is told."""
    path = tmp_path / "bad.py"
    path.write_text(
        "from strategies.base import SignalStrategy\n"
        "class Mine(SignalStrategy):\n    params = (('level', 1),)\n    ranges = {'level': (1, 2)}\n"
        "    @staticmethod\n    def signals(bars, p):\n        return 1 / 0\n"
    )
    with pytest.raises(StrategyError, match=r"Every combination failed in window 1.*ZeroDivisionError"):
        walk_of(request_of(f"{path}:Mine", "level=1:2"))


def test_progress_counts_every_run_and_ends_full(request_of):
    """It never goes back, and ends at the number that was announced."""
    seen = []
    walk = plan_walk(request_of(), train="200d", test="60d", anchored=False)
    list(walk.run(progress=seen.append))

    assert all(a <= b for a, b in pairwise(seen))
    assert walk.steps == seen[-1] == 4 * 7


def test_two_metrics_are_refused(request_of):
    """A Pareto front does not choose."""
    request = dataclasses.replace(request_of(), goals=(Goal.parse("sharpe"), Goal.parse("return")))
    with pytest.raises(ConfigError, match="one metric"):
        plan_walk(request, train="200d", test="60d", anchored=False)


def test_the_promise_is_weighed_by_the_test_bars(request_of, data_of):
    """By hand; the efficiency is what was kept of it."""
    found = walk_of(request_of(data=data_of(seed=3)))
    bars = [60, 60, 60, 20]
    rates = [each.in_sample["return_ann_pct"] for each in found.windows]
    promised = sum(rate * count for rate, count in zip(rates, bars, strict=True)) / 200

    assert promised > 0.0
    assert pytest.approx(promised) == found.promise("return_ann_pct")
    assert pytest.approx(found.stitched.metrics["return_ann_pct"] / promised) == found.efficiency


def test_buy_and_hold_covers_the_same_bars(request_of, data_of):
    """From the first test bar to the last."""
    data = data_of()
    found = walk_of(request_of(data=data))

    assert pytest.approx((data.bars.close[-1] / data.bars.close[200] - 1) * 100) == found.hold["return_pct"]


@pytest.mark.slow
def test_processes_find_what_one_process_finds(request_of):
    """The number of jobs changes how long it takes, nothing else; stock Backtrader runs in processes."""
    one = walk_of(request_of(settings=BacktestSettings(engine="backtrader")))
    two = walk_of(dataclasses.replace(request_of(settings=BacktestSettings(engine="backtrader")), jobs=2))

    assert [each.params for each in one.windows] == [each.params for each in two.windows]
    assert one.stitched.metrics == two.stitched.metrics
