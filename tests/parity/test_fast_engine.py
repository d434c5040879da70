"""
The fast engine against the Backtrader engine: every fill, refusal and panel, and the account at every bar.

All is compared by ``==``, in plain Python and compiled: both sides take the same steps on the same floats.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bt_run.core.market import BarFile, Bars, Interval
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.fast import engine
from bt_run.fast.engine import run_fast, why_not_fast
from bt_run.run.bt_cerebro import run_cerebro
from feeds import read_bars
from strategies.base import Signals, SignalStrategy
from strategies.loader import LoadedStrategy, load_strategy
from strategies.registry import BUILT_IN

HOUR = 3_600_000


class Scripted(SignalStrategy):
    """Decide what the script says."""

    script: ClassVar[tuple[tuple[bool, bool, bool, bool], ...]] = ()

    @staticmethod
    def signals(bars, p):
        """Give the script's four columns."""
        columns = np.array(Scripted.script, dtype=np.bool_).reshape(len(bars), 4).T
        return Signals(*columns)


SCRIPTED = LoadedStrategy("scripted", Scripted, {}, Path(__file__))


def run_compiled(monkeypatch, strategy, data, told):
    """Run the fast engine's machine code, however few the bars."""
    with monkeypatch.context() as patched:
        patched.setattr(engine, "WORTH_COMPILED", 0)
        return run_fast(strategy, data, told)


def check_same(truth, found):
    """Compare two outcomes by ``==``, all that they hold."""
    assert truth.fills == found.fills
    assert truth.rejected == found.rejected
    for name in ("cash", "position", "equity"):
        assert getattr(truth.curve, name).tolist() == getattr(found.curve, name).tolist(), name
    for ours, theirs in ((truth.panels, found.panels), (truth.overlays, found.overlays)):
        assert list(ours) == list(theirs)
        for name, curve in ours.items():
            np.testing.assert_array_equal(curve, theirs[name])


def check_both(monkeypatch, strategy, data, told):
    """Compare the Backtrader engine with both ways of the fast one; gives the outcome."""
    assert why_not_fast(strategy, data, told) is None
    truth = run_cerebro(strategy, data, told)
    check_same(truth, run_fast(strategy, data, told))
    check_same(truth, run_compiled(monkeypatch, strategy, data, told))
    return truth


def file_of(bars):
    """Put bars into a file that is nowhere."""
    return BarFile(Path("drawn"), "BTCUSDT", Interval.parse("1h"), bars, sha256="")


@st.composite
def drawn_bars(draw):
    """Draw one bar or more, with gaps, flat bars and spikes, dear or cheap."""
    count = draw(st.one_of(st.just(1), st.just(2), st.integers(3, 40)))
    step = st.one_of(st.just(0.0), st.floats(-0.03, 0.03), st.floats(-0.5, 0.9))
    price = draw(st.sampled_from([100.0, 0.00001234, 65_432.1]))
    rows = []
    for _ in range(count):
        first = price * (1 + draw(step)) if draw(st.booleans()) else price
        price = first * (1 + draw(step))
        up, down = (abs(draw(step)) if draw(st.booleans()) else 0.0 for _ in range(2))
        rows.append((first, max(first, price) * (1 + up), min(first, price) * (1 - min(down, 0.9)), price))
    names = ("open", "high", "low", "close")
    columns = dict(zip(names, np.array(rows).T, strict=True))
    columns["volume"] = np.linspace(1.0, 9.0, count)
    columns["taker_buy_volume"] = np.array([draw(st.floats(0.0, 1.0)) for _ in rows])
    return Bars.of(np.arange(count) * HOUR, **columns)


STAKES = ["95%", "100%", "1%", "1", "0.037", "500", "4000USDT", "9990USDT", "30000USDT"]
PCT = st.sampled_from([0.1, 2.0, 5.0, 33.0, 99.0])
PROTECTIONS = st.one_of(
    st.just(Protection()),
    st.builds(Protection, stop_loss_pct=PCT),
    st.builds(Protection, take_profit_pct=PCT),
    st.builds(Protection, stop_loss_pct=PCT, take_profit_pct=PCT),
    st.builds(Protection, trailing_stop_pct=PCT),
    st.builds(Protection, trailing_stop_pct=PCT, take_profit_pct=PCT),
)
SETTINGS = st.builds(
    BacktestSettings,
    cash=st.sampled_from([10_000.0, 100.0, 1.5]),
    commission=st.sampled_from([0.0, 0.001, 0.00075, 0.3]),
    slippage=st.sampled_from([0.0, 0.0005, 0.07]),
    stake=st.sampled_from(STAKES).map(Stake.parse),
    lot_step=st.sampled_from([1e-8, 1e-15, 0.001, 0.3, 1.0, 7.0]),
    protection=PROTECTIONS,
    allow_short=st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(bars=drawn_bars(), told=SETTINGS, data=st.data())
def test_any_decisions_over_any_bars_give_backtraders_numbers(bars, told, data):
    """Random decisions, costs, stakes, stops, longs and shorts, and accounts that cannot pay."""
    each = st.tuples(*[st.booleans()] * 4)
    Scripted.script = tuple(data.draw(st.lists(each, min_size=len(bars), max_size=len(bars))))
    with pytest.MonkeyPatch.context() as patched:
        check_both(patched, SCRIPTED, file_of(bars), told)


@pytest.mark.slow
@settings(max_examples=8000, deadline=None)
@given(bars=drawn_bars(), told=SETTINGS, data=st.data())
def test_any_decisions_over_any_bars_give_backtraders_numbers_at_length(bars, told, data):
    """The same, forty times as often."""
    each = st.tuples(*[st.booleans()] * 4)
    Scripted.script = tuple(data.draw(st.lists(each, min_size=len(bars), max_size=len(bars))))
    with pytest.MonkeyPatch.context() as patched:
        check_both(patched, SCRIPTED, file_of(bars), told)


SHORT_PERIODS = {
    "rsi": "rsi:period=3,oversold=40,overbought=60",
    "macd": "macd:fast=3,slow=6,signal=3",
    "ma_cross": "ma_cross:fast=2,slow=5",
    "sar": "sar",
    "bollinger": "bollinger:period=4,width=1",
    "combined": "combined:votes=1",
    "order_flow": "order_flow:window=2,difference_ratio=0.5,cool_down=0,hold=2",
}


@settings(max_examples=60, deadline=None)
@given(bars=drawn_bars(), told=SETTINGS, name=st.sampled_from(sorted(SHORT_PERIODS)))
@example(bars=Bars.of([0], open=[1.0], high=[1.0], low=[1.0], close=[1.0]), told=BacktestSettings(), name="rsi")
def test_every_strategy_over_any_bars_gives_backtraders_numbers(bars, told, name):
    """All that ship, on one bar too."""
    with pytest.MonkeyPatch.context() as patched:
        check_both(patched, load_strategy(SHORT_PERIODS[name]), file_of(bars), told)


def test_the_short_periods_are_those_of_all_strategies():
    """A new strategy comes into this file."""
    assert sorted(BUILT_IN) == sorted(SHORT_PERIODS)


@pytest.mark.parametrize("name", sorted(SHORT_PERIODS))
@pytest.mark.parametrize(
    "told",
    [
        BacktestSettings(),
        BacktestSettings(allow_short=True, slippage=0.001, protection=Protection(5.0, 12.0)),
        BacktestSettings(allow_short=True, stake=Stake.parse("100%"), protection=Protection(None, None, 4.0)),
    ],
    ids=["defaults", "shorts, stops", "all in, trailing"],
)
def test_the_shipped_file_gives_backtraders_numbers(root, monkeypatch, name, told):
    """3,000 days of bitcoin; everything that can happen happens."""
    outcome = check_both(monkeypatch, load_strategy(name), read_bars(root / "data/btc_1d.csv"), told)

    assert outcome.fills


FOLDER = Path(__file__).parents[3] / "shared/realdata/klines"
REFUSED = ("um-futures-BTCUSDT-5m-2022-07-excel-mangled.csv.gz", "gct-BTCUSDT-1d-2019.csv.gz")  # by our readers
PATHS = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.name not in REFUSED)
SHORT = [path for path in PATHS if path.stat().st_size < 60_000]
COSTS = BacktestSettings(allow_short=True, slippage=0.0005, protection=Protection(4.0, 9.0))
HELD = BacktestSettings(stake=Stake(0.3, "base"), protection=Protection(None, None, 3.0))


def strategy_for(path, step):
    """Choose a strategy by the place of a file in the list, among those that prices are enough for."""
    names = sorted(set(BUILT_IN) - {"order_flow"})
    return load_strategy(names[(PATHS.index(path) + step) % len(names)])


def test_the_real_files_are_there(shared):
    """What the next two tests take their cases from."""
    assert len(PATHS) == 53


@pytest.mark.parametrize("path", SHORT, ids=lambda path: path.name)
def test_a_short_real_file_gives_backtraders_numbers(monkeypatch, path):
    """Each with one strategy, costs, shorts and stops."""
    check_both(monkeypatch, strategy_for(path, 0), read_bars(path), COSTS)


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_real_file_gives_backtraders_numbers(monkeypatch, path):
    """All of them, each with three strategies and three accounts."""
    file = read_bars(path)
    for step, told in ((1, COSTS), (2, HELD), (4, BacktestSettings())):
        check_both(monkeypatch, strategy_for(path, step), file, told)
