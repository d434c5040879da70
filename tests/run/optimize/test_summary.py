"""What a search found, read in passes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.run.backtest import run_backtest
from bt_run.run.optimize.goal import Constraint
from bt_run.run.optimize.search import search
from bt_run.run.optimize.summary import map_of, read_map_axes, summarise, try_neighbours
from strategies.loader import load_strategy


def summary_of(request, top=3):
    trials = search(request).trials
    return trials, summarise(request, lambda: iter(trials), top=top)


def test_counts_best_and_neighbours(request_of):
    """The best keep the constraints; a single goal has no front."""
    least = Constraint.parse("trades>=2")
    request = request_of("rsi", "period=5:9", "oversold=25:35:5", constraints=(least,))
    trials, found = summary_of(request)
    taken = [trial for trial in trials if least.holds(trial.metrics) and trial.metrics["sharpe"] is not None]

    assert (15, 0, len(taken)) == (found.counts.tried, found.counts.failed, found.counts.eligible)
    assert sorted((t.metrics["sharpe"] for t in taken), reverse=True)[:3] == [
        trial.metrics["sharpe"] for trial in found.best
    ]
    assert not found.front
    assert all(each.trial is not None for each in found.neighbours)


def test_neighbours_that_were_passed_by_are_run(request_of, daily):
    """Beside a continuous axis too; they have the numbers of a backtest."""
    request = request_of("rsi", "period=5:20", "oversold=20:40", method="random", trials=5, seed=1)
    _, found = summary_of(request)
    completed = try_neighbours(request, found)

    assert any(each.trial is None for each in found.neighbours)
    assert {"period", "oversold"} == {each.axis for each in completed.neighbours}
    for each in completed.neighbours:
        params = {**found.best[0].params, each.axis: each.value}
        strategy = dataclasses.replace(load_strategy("rsi"), params=params)
        expected = run_backtest(strategy, daily, request.settings).metrics
        assert each.trial.metrics == {name: expected[name] for name in each.trial.metrics}


def test_neighbours_in_conflict_stay_untried(request_of):
    """fast=9 beside slow=9."""
    request = request_of("ma_cross", "fast=8,9", "slow=9,30")
    trials, _ = summary_of(request)
    edge = [trial for trial in trials if trial.params == {"fast": 8, "slow": 9}]
    found = try_neighbours(request, summarise(request, lambda: iter(edge), top=1))

    assert [("fast", True), ("slow", False)] == [(each.axis, each.trial is None) for each in found.neighbours]


def test_the_map_leaves_out_what_may_not_be_chosen(request_of):
    """And takes the first two parameters that move, or those named."""
    request = request_of("rsi", "period=5:7", "oversold=25,35", "overbought=70,75")
    trials, _ = summary_of(request)
    none = dataclasses.replace(request, constraints=(Constraint.parse("trades>=100000"),))
    axes = read_map_axes(request, ())
    heat = map_of(request, trials, axes, columns=10, rows=10)

    assert ["period", "oversold"] == [axis.name for axis in axes]
    assert ["overbought", "period"] == [axis.name for axis in read_map_axes(request, ("overbought", "period"))]
    assert np.nanmax(heat.values) == max(trial.metrics["sharpe"] for trial in trials)
    assert map_of(none, trials, axes, columns=10, rows=10).best is None
    with pytest.raises(UnknownName, match="Did you mean 'oversold'"):
        read_map_axes(request, ("overslod",))
    with pytest.raises(ConfigError, match="--map period,oversold"):
        read_map_axes(request, ("period", "period"))
