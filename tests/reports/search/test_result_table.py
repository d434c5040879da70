"""The best of a search at 80 columns."""

from __future__ import annotations

import pytest

from bt_run.core.trial import Trial
from bt_run.reports.numbers import UNKNOWN
from bt_run.reports.search.result_table import neighbour_table, neighbour_words, trial_table
from bt_run.reports.tables import render_text

METRICS = {
    "sharpe": 1.234, "return_pct": 22.25, "max_drawdown_pct": 8.4, "trades": 41, "win_rate_pct": 55.0,
    "profit_factor": None, "max_drawdown_duration_s": 90_000.0, "equity_final": 12_345.6,
}  # fmt: skip


def trial(number=0, **params):
    return Trial(number, params, METRICS)


def test_what_was_searched_for_comes_first():
    """Then the usual ones; a drawdown has its minus, what is not defined is a dash."""
    text = render_text(
        trial_table([trial(period=5, level=0.25)], names=["period", "level"], metrics=["profit_factor"])
    )

    assert [line.split() for line in text.splitlines()] == [
        ["#", "period", "level", "PF", "Return", "Sharpe", "Max", "DD", "Trades", "Win"],
        ["1", "5", "0.25", UNKNOWN, "+22.2%", "1.23", "-8.4%", "41", "55.0%"],
    ]


def test_many_parameters_push_the_usual_columns_out():
    """Not those that were searched for; no line is wider than the terminal."""
    names = [f"parameter_{place}" for place in range(4)]
    rows = [trial(**dict.fromkeys(names, 3))]
    lines = render_text(trial_table(rows, names=names, metrics=["max_drawdown_duration_s"])).splitlines()

    assert max(map(len, lines)) <= 80
    assert "1d 1h" in lines[-1]
    assert "41" not in lines[-1]


def test_neighbours_stand_below_the_best():
    """What was not tried and what failed says so."""
    failed = Trial(3, {}, {}, error="raised")
    text = render_text(
        neighbour_table(trial(), [("a", 4, trial(1)), ("a", 6, None), ("b", "x", failed)], metrics=["sharpe"])
    )

    assert [line.split()[0:3] for line in text.splitlines()[1:]] == [
        ["the", "best", "1.23"], ["a=4", "1.23", "+22.2%"], ["a=6", "not", "tried"], ["b=x", "failed", UNKNOWN],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("around", "words"),
    [
        ([0.95, 1.1], "plateau: Sharpe 1.00, its neighbours' middle 1.02"),
        ([0.6, 0.7], "slope"),
        ([0.1, -0.2, 0.3], "peak alone"),
        ([], "No neighbour"),
    ],
)
def test_words_say_plateau_slope_or_peak(around, words):
    """By how much of the best the neighbours keep."""
    assert words in neighbour_words(1.0, around, metric="sharpe")
