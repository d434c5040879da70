"""A search gives for each combination what a backtest gives, whatever the method and the workers."""

from __future__ import annotations

import dataclasses
from itertools import count

import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.run.backtest import run_backtest
from bt_run.run.optimize.goal import Constraint
from bt_run.run.optimize.search import search, stream_trials
from strategies.loader import load_strategy

MOODY = """import backtrader as bt


class Moody(bt.Strategy):
    params = (("period", 10), ("mood", 1))

    def next(self):
        if self.p.mood == 2:
            raise ValueError("not today")
        if len(self) % self.p.period == 0:
            self.close() if self.position else self.buy()
"""


@pytest.fixture
def moody(tmp_path):
    """Give a hand-written strategy that raises in one of its moods."""
    file = tmp_path / "moody.py"
    file.write_text(MOODY)
    return str(file)


def test_a_grid_gives_what_backtests_give(request_of, daily):
    """Every metric, to the last bit, under costs and shorts."""
    settings = BacktestSettings(commission=0.002, slippage=0.001, allow_short=True)
    found = search(request_of("rsi:overbought=65", "period=5:7", "oversold=25,35", settings=settings))

    assert [0, 1, 2, 3, 4, 5] == [trial.number for trial in found.trials]
    for trial in found.trials:
        strategy = dataclasses.replace(load_strategy("rsi"), params=trial.params)
        expected = run_backtest(strategy, daily, settings).metrics
        assert {name: expected[name] for name in trial.metrics} == trial.metrics


def test_combinations_in_conflict_are_left_out(request_of):
    """ma_cross with fast not below slow is no combination."""
    found = search(request_of("ma_cross", "fast=5,10,20", "slow=10,20"))

    assert [(5, 10), (5, 20), (10, 20)] == [(t.params["fast"], t.params["slow"]) for t in found.trials]


@pytest.mark.parametrize("method", ["grid", "random", "tpe"])
def test_no_combination_at_all_is_an_error(request_of, method):
    """And the first conflict is told."""
    with pytest.raises(ConfigError, match=r"No combination is left to try.*fast is 30"):
        search(request_of("ma_cross", "fast=30:40", "slow=20,25", method=method))


def test_random_draws_each_combination_once(request_of):
    """Asked for more than there are, it gives all; the same seed gives the same ones."""
    everything = search(request_of("rsi", "period=5:7", "oversold=25,35", method="random", trials=50, seed=3))
    some = [
        search(request_of("rsi", "period=5:30", "oversold=20:40", method="random", trials=3, seed=seed)).trials
        for seed in (3, 3, 4)
    ]

    assert {(p, o) for p in (5, 6, 7) for o in (25.0, 35.0)} == {
        (trial.params["period"], trial.params["oversold"]) for trial in everything.trials
    }
    assert some[0] == some[1]
    assert [trial.params for trial in some[0]] != [trial.params for trial in some[2]]


@pytest.mark.parametrize(("method", "metrics"), [("tpe", ["sharpe"]), ("nsga2", ["return", "max_drawdown"])])
def test_the_methods_that_learn_repeat_with_their_seed(request_of, method, metrics):
    """Also with constraints, a continuous axis and combinations in conflict."""
    request = request_of(
        "macd", "fast=5:20", "slow=10:30", "signal=9",
        metrics=metrics, method=method, trials=8, seed=11, constraints=(Constraint.parse("trades>=3"),),
    )  # fmt: skip
    first, second = search(request), search(request)

    assert first.trials == second.trials
    assert [*range(8)] == [trial.number for trial in first.trials]
    assert all(trial.params["fast"] < trial.params["slow"] for trial in first.trials)
    assert all(trial.params["signal"] == 9 for trial in first.trials)


def test_an_earlier_run_is_learned_from_and_not_repeated(request_of):
    """A search of eight goes on after five."""
    request = request_of("rsi", "period=5:20", "oversold=20:40", method="tpe", trials=8, seed=2)
    five = search(dataclasses.replace(request, trials=5)).trials
    more = [each for batch in stream_trials(request, seed=2, earlier=lambda: five) for each in batch]

    assert [5, 6, 7] == [trial.number for trial in more]


def test_what_was_done_is_left_out(request_of):
    """In a grid and at random alike, the other candidates are the same."""
    for method in ("grid", "random"):
        request = request_of("rsi", "period=5:7", "oversold=25,35", method=method, seed=1)
        whole = search(request).trials
        rest = [each for batch in stream_trials(request, seed=1, is_done={0, 2}.__contains__) for each in batch]

        assert [trial for trial in whole if trial.number not in (0, 2)] == rest


def test_a_strategy_that_raises_is_recorded_and_the_search_goes_on(request_of, moody):
    """With what it raised and at which bar; in other processes too."""
    for jobs in (1, 2):
        trials = search(request_of(moody, "period=10,20", "mood=1:3", jobs=jobs)).trials

        assert ["", "raised", ""] * 2 == ["raised" if trial.error else "" for trial in trials]
        assert "Moody raised ValueError at bar 0" in trials[1].error
        assert trials[1].error.endswith("ValueError: not today")
        assert not trials[1].metrics


def test_threads_give_the_same_trials(request_of):
    """Whatever comes back first."""
    one, two = (search(request_of("rsi", "period=5:8", jobs=jobs)) for jobs in (1, 2))

    assert one.trials == two.trials
    assert one.best == two.best


def test_processes_of_the_kernel_give_the_same_trials(request_of, monkeypatch):
    """Chunk by chunk, with the daily returns that are kept; a search is sent to them where it is long."""
    from bt_run.run.optimize import search as module
    from bt_run.run.optimize.workers import Processes

    made = []
    monkeypatch.setattr(module, "_WORTH_KERNELS", 0)
    monkeypatch.setattr(module, "_WORTH_TWO_KERNELS", 0)
    monkeypatch.setattr(module, "Processes", lambda *a, **k: made.append(Processes(*a, **k)) or made[-1])
    words = ("period=5:40", "oversold=20:30:5")
    one, two = (search(request_of("rsi", *words, jobs=jobs)) for jobs in (1, 2))

    assert [2] == [each.width for each in made]
    assert one.trials == two.trials
    assert {"fast"} == {trial.engine for trial in two.trials}
    assert one.best == two.best


def test_a_second_thread_is_taken_where_it_pays(request_of):
    """By the bars in all; not by methods that learn, whose trials would depend on the machine."""
    from bt_run.run.optimize.search import _kernel_jobs

    grid, learning = request_of("rsi", "period=5:8"), request_of("rsi", "period=5:8", method="tpe")

    assert [1, 2, 8] == [_kernel_jobs(grid, bars=10**at, cores=8) for at in (6, 8, 10)]
    assert [1, 1, 8] == [_kernel_jobs(learning, bars=10**at, cores=8) for at in (6, 8, 10)]
    assert 1 == _kernel_jobs(grid, bars=10**8, cores=1)


def test_no_run_begins_after_the_time_out(request_of):
    """A clock that gains a second each time it is read."""
    seconds = count()
    request = request_of("rsi", "period=5:30", timeout_s=4.5, jobs=1)
    trials = [each for batch in stream_trials(request, seed=0, clock=lambda: next(seconds)) for each in batch]

    assert [0, 1, 2, 3] == [trial.number for trial in trials]


def test_a_request_that_cannot_be_meant_is_refused(request_of):
    """No goal, a goal twice, trials for a grid, a stake in the base asset."""
    with pytest.raises(ConfigError, match="--metric"):
        request_of("rsi", "period=5:6", metrics=())
    with pytest.raises(ConfigError, match="twice"):
        request_of("rsi", "period=5:6", metrics=("sharpe", "min:sharpe"))
    with pytest.raises(ConfigError, match="--method random"):
        request_of("rsi", "period=5:6", trials=5)
    with pytest.raises(ConfigError, match="base asset"):
        search(request_of("rsi", "period=5:6", settings=BacktestSettings(stake=Stake(1.0, "quote", "BTC"))))
