"""Which strategies the fast engine takes, and what it says of those it does not. Parity is in tests/parity."""

from __future__ import annotations

from pathlib import Path

import backtrader as bt
import numpy as np
import pytest

from bt_run.core.errors import ParamError, StrategyError
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.fast.engine import compute_levels, compute_signals, run_fast, terms_of, why_not_fast
from bt_run.fast.steps import BASE, PERCENT, QUOTE
from feeds import read_bars
from strategies.base import Signals, SignalStrategy
from strategies.loader import LoadedStrategy, load_strategy
from strategies.registry import BUILT_IN
from strategies.rsi import Rsi

SETTINGS = BacktestSettings()


class HandWritten(bt.Strategy):
    """A strategy that only Backtrader can run."""


class OwnNext(Rsi):
    """Signals, and something beside them."""

    def next(self):
        """Be patient."""
        super().next()


class Mixin:
    """Something that a strategy may inherit from elsewhere."""

    def notify_order(self, order):
        """Take note."""


class OwnNotices(Mixin, Rsi):
    """Overrides by way of another class."""


class OwnStart(OwnNext):
    """Inherits one change, and makes another."""

    def start(self):
        """Begin with a sizer of its own."""
        super().start()
        self.setsizer(bt.sizers.FixedSize())


class Helped(SignalStrategy):
    """Has helpers, ranges and a check of its own, which is what a strategy of signals is free to have."""

    params = (("length", 3),)
    ranges = {"length": (1, 9)}
    note = "kept"

    @staticmethod
    def find_conflict(p):
        """Refuse one length."""
        return "7 is unlucky" if p.length == 7 else None

    @staticmethod
    def shifted(values, by):
        """Help."""
        return np.roll(values, by)

    @staticmethod
    def signals(bars, p):
        """Compare with an earlier close."""
        up = bars.close > Helped.shifted(bars.close, p.length)
        return Signals(long_entry=up, long_exit=~up)


class Broken(SignalStrategy):
    """Fails in its signals."""

    @staticmethod
    def signals(bars, p):
        """Raise."""
        return bars.clsoe


def loaded(cls, **params):
    """Load a class of this file."""
    return LoadedStrategy(cls.__name__, cls, params, Path(__file__))


@pytest.fixture(scope="module")
def data(root):
    """Give the shipped bars."""
    return read_bars(root / "data/btc_1d.csv")


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_strategy_that_ships_is_covered(data, name):
    """None of ours falls back."""
    assert why_not_fast(load_strategy(name), data, SETTINGS) is None


def test_what_a_strategy_of_signals_may_have_of_its_own_does_not_matter(data):
    """Parameters, ranges, find_conflict, helpers, attributes."""
    assert why_not_fast(loaded(Helped), data, SETTINGS) is None


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (HandWritten, "HandWritten is not a SignalStrategy"),
        (OwnNext, "OwnNext has its own next"),
        (OwnNotices, "OwnNotices has its own notify_order"),
        (OwnStart, "OwnStart has its own next and start"),
    ],
)
def test_the_reason_names_what_only_backtrader_can_run(data, cls, reason):
    """Changes count wherever in the class's ancestry they were made."""
    assert reason in why_not_fast(loaded(cls), data, SETTINGS)


def test_an_error_in_signals_is_the_strategys_and_shows_its_line(data):
    """As in every engine: a StrategyError with the user's traceback."""
    with pytest.raises(StrategyError, match="Broken raised AttributeError in its signals") as caught:
        run_fast(loaded(Broken), data, SETTINGS)

    assert "return bars.clsoe" in caught.value.story


def test_a_wrong_parameter_is_refused(data):
    """The check is that of every engine."""
    with pytest.raises(ParamError, match="1 to 9"):
        run_fast(loaded(Helped, length=99), data, SETTINGS)


def test_progress_ends_with_all_bars(data):
    """There is no time to tell more."""
    told = []
    run_fast(loaded(Helped), data, SETTINGS, progress=told.append)

    assert [len(data.bars)] == told


@pytest.mark.parametrize(("stake", "kind"), [("0.5", BASE), ("100USDT", QUOTE), ("95%", PERCENT)])
def test_settings_become_numbers(stake, kind):
    """Percentages become fractions, lot steps below one whole numbers of lots."""
    told = BacktestSettings(stake=Stake.parse(stake), lot_step=0.001, protection=Protection(5.0, 12.5))
    terms = terms_of(told)

    assert (kind, told.stake.amount) == (terms.stake_kind, terms.stake)
    assert (0.05, 0.125, 0.0) == (terms.stop, terms.target, terms.trail)
    assert 1000.0 == terms.lots_per_unit


LEVELLED = """import numpy as np
from strategies.base import SignalStrategy
from strategies.levels import Levels, from_levels


class Levelled(SignalStrategy):
    params = (("low", 30.0),)
    ranges = {"low": (0.0, 50.0)}

    @staticmethod
    @from_levels
    def signals(bars, p):
        BODY
"""


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return bars", "must return Levels"),
        ("return Levels('X', bars.close[1:], low=p.low, high=70.0)", "one value a bar"),
        ("raise RuntimeError('no')", "Levelled raised RuntimeError in its signals"),
    ],
)
def test_levels_that_do_not_fit_are_refused(tmp_path, root, body, problem):
    """As signals are, by the sweep that asks for them and by the run that compares them."""
    file = tmp_path / "levelled.py"
    file.write_text(LEVELLED.replace("BODY", body))
    strategy = load_strategy(str(file))
    bars = read_bars(root / "data" / "btc_1d.csv").bars[:20]
    with pytest.raises(StrategyError, match=problem):
        compute_levels(strategy, bars)
    with pytest.raises(StrategyError):
        compute_signals(strategy, bars)


def test_signals_of_another_kind_have_no_levels(root):
    """To ask for them is a bug."""
    bars = read_bars(root / "data" / "btc_1d.csv").bars[:20]
    with pytest.raises(TypeError, match="not made from levels"):
        compute_levels(load_strategy("macd"), bars)
