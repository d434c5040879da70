"""Plain data about a strategy, for lists and help."""

from __future__ import annotations

import backtrader as bt

from strategies.description import ParamInfo, describe
from strategies.ma_cross import MaCross
from strategies.rsi import Rsi


def test_one_of_ours_is_described_in_full():
    """Sentence, source, parameters with range or choices."""
    info = describe(MaCross, name="ma_cross")

    assert "ma_cross" == info.name
    assert info.summary.startswith("Buy when the fast moving average crosses above the slow one")
    assert info.source.startswith("W. Brock, J. Lakonishok, B. LeBaron")
    assert (
        ParamInfo("fast", 10, (2, 500)),
        ParamInfo("slow", 30, (3, 1000)),
        ParamInfo("kind", "sma", None, ("sma", "ema")),
    ) == info.params


def test_the_summary_is_the_first_paragraph_on_one_line():
    """Line breaks of the docstring do not show."""

    class Wrapped(Rsi):
        """
        Buy here and
        sell there.

        More.
        """

    assert "Buy here and sell there." == describe(Wrapped).summary
    assert "" == describe(Wrapped).source


def test_a_hand_written_strategy_without_docstring_is_described_by_its_parameters():
    """Backtrader's own docstring is not shown as if it were the user's."""

    class Mine(bt.Strategy):
        params = (("period", 5), ("log", None))

    info = describe(Mine)

    assert ("Mine", "", "") == (info.name, info.summary, info.source)
    assert (ParamInfo("period", 5), ParamInfo("log", None)) == info.params


def test_a_strategy_without_parameters_has_none():
    """An empty tuple, not an error."""

    class Bare(bt.Strategy):
        pass

    assert () == describe(Bare).params
