"""The best, the front and the neighbours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.trial import Trial
from bt_run.run.optimize.goal import Constraint, Goal
from bt_run.run.optimize.ranking import best_trial, find_neighbours, pareto_front, rank
from bt_run.run.optimize.space import Axis, Space

SHARPE, DRAWDOWN = Goal.parse("sharpe"), Goal.parse("max_drawdown")


def trial(number, sharpe, drawdown=10.0, trades=50, **params):
    return Trial(number, params, {"sharpe": sharpe, "max_drawdown_pct": drawdown, "trades": trades})


def test_the_best_come_first_and_equals_by_number():
    """What failed or has no Sharpe ratio is left out."""
    trials = [trial(0, 1.0), trial(1, None), trial(2, 2.0), Trial(3, {}, {}, error="raised"), trial(4, 2.0)]

    assert [2, 4, 0] == [each.number for each in rank(trials, SHARPE, count=5)]
    assert [2] == [each.number for each in rank(trials, SHARPE, count=1)]


def test_a_constraint_takes_the_best_away():
    """At least thirty trades."""
    trials = [trial(0, 3.0, trades=2), trial(1, 1.0)]

    assert best_trial(trials, SHARPE, [Constraint.parse("trades>=30")]).number == 1
    assert best_trial(trials, SHARPE, [Constraint.parse("trades>=60")]) is None


_VALUES = st.integers(0, 4).map(float)


@given(st.lists(st.tuples(_VALUES, _VALUES), max_size=25))
def test_the_front_holds_exactly_what_nothing_beats(values):
    """Against the definition, checked pair by pair; equal points are shown once."""
    trials = [trial(number, sharpe, drawdown) for number, (sharpe, drawdown) in enumerate(values)]
    unbeaten = {
        (s, d) for s, d in values if not any((s2 >= s and d2 <= d) and (s2, d2) != (s, d) for s2, d2 in values)
    }
    front = pareto_front(trials, (SHARPE, DRAWDOWN))
    points = [(each.metrics["sharpe"], each.metrics["max_drawdown_pct"]) for each in front]

    assert sorted(unbeaten, reverse=True) == points
    assert all(each.number == values.index(point) for each, point in zip(front, points, strict=True))


def test_neighbours_are_one_step_away_on_each_axis():
    """At an edge there is one; a list of texts has all others."""
    space = Space((Axis("period", (5, 6, 7)), Axis("kind", ("sma", "ema", "wma")), Axis("k", (1,))), {})
    trials = [trial(0, 1.5, period=6, kind="sma", k=1), trial(1, 0.5, period=5, kind="wma", k=1)]
    found = find_neighbours(trials, space, {"period": 5, "kind": "sma", "k": 1})

    assert [("period", 6, 0), ("kind", "ema", None), ("kind", "wma", 1)] == [
        (each.axis, each.value, each.trial and each.trial.number) for each in found
    ]
