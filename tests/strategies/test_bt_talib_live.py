"""`bt.talib` bar by bar gives what it gives in a backtest: every function, to the last bit."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import backtrader as bt
import numpy as np
import pytest
import talib
from talib import abstract

from bt_run.core.errors import StrategyError
from bt_run.core.market import BAR_COLUMNS, Bars, Interval
from feeds import ArrayFeed, read_bars
from strategies.bt_talib_live import mend_talib

DAY = Interval.parse("1d")
FUNCTIONS = talib.get_functions()
COLUMN = {"periods": "trades"}  # the second input of MAVP, which the bars of these tests carry there


class OneByOne(ArrayFeed):
    """Deliver bars as a live feed does: neither preloaded nor computed at once."""

    def islive(self):
        return True


class Warm(OneByOne):
    """A live feed that holds bars before it has delivered them; `held` says how many, given the delivered."""

    held = staticmethod(lambda delivered, whole: whole)

    @property
    def loaded(self):
        return self.shown[: self.held(len(self), len(self.shown))]

    @loaded.setter
    def loaded(self, _):
        """Stay as it is."""

    def start(self):
        super().start()
        self.shown = self.bars

    def load(self):
        return bt.feed.DataBase.load(self)


@pytest.fixture(scope="session")
def rough():
    """Give a function that makes a seeded random walk with wicks, gaps, volumes, and 2 to 29 as trades."""

    def make(n, *, seed=5):
        rng = np.random.default_rng(seed)
        close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, n)))
        opens = np.concatenate([close[:1], close[:-1]]) * np.exp(rng.normal(0, 0.003, n))
        return Bars.of(
            1_577_836_800_000 + 86_400_000 * np.arange(n),
            open=opens,
            high=np.maximum(opens, close) * (1 + rng.exponential(0.01, n)),
            low=np.minimum(opens, close) * (1 - rng.exponential(0.01, n)),
            close=close,
            volume=rng.lognormal(3, 1, n),
            trades=rng.integers(2, 30, n),
        )

    return make


@pytest.fixture(scope="session")
def sample(root):
    """Give the shipped daily bars, their trades replaced by 2 to 29."""
    bars = read_bars(root / "data" / "btc_1d.csv").bars
    return replace(bars, trades=2.0 + np.arange(len(bars)) % 28)


def inputs_of(name):
    """Name the input columns of a function in order."""
    given = abstract.Function(name).input_names.values()
    names = [name for group in given for name in ([group] if isinstance(group, str) else group)]
    return [COLUMN.get(name, name) for name in names]


def params_of(name, change):
    """Give a function other parameters than its defaults; averages of every type take their turn."""
    types = iter(range(FUNCTIONS.index(name) % 9, 99))
    found = {}
    for key, default in abstract.Function(name).parameters.items():
        if "matype" in key:
            found[key] = next(types) % 9
        else:
            found[key] = max(2, int(change * default)) if isinstance(default, int) else change * default
    return found


CHANGE = {"shorter": 0.4, "longer": 1.3}


class Every(bt.Strategy):
    """Hold every function that Backtrader wraps."""

    params = (("kind", "defaults"), ("names", tuple(FUNCTIONS)))

    def __init__(self):
        lines = {column: getattr(self.data, column) for column in BAR_COLUMNS[1:]}
        if self.p.kind == "of indicators":
            first = {column: bt.talib.EMA(line, timeperiod=4) for column, line in lines.items()}
            second = {column: bt.ind.SMA(line, period=9) for column, line in lines.items()}
        else:
            first = second = lines
        self.made = {}
        for name in self.p.names:
            inputs = [(second if place else first)[column] for place, column in enumerate(inputs_of(name))]
            params = params_of(name, CHANGE[self.p.kind]) if self.p.kind in CHANGE else {}
            self.made[name] = getattr(bt.talib, name)(*inputs, **params)


def run(cls, *feeds, how=None, **params):
    """Run a strategy without a broker's business; give the strategy."""
    cerebro = bt.Cerebro(stdstats=False)
    for feed in feeds:
        cerebro.adddata(feed)
    cerebro.addstrategy(cls, **params)
    (done,) = cerebro.run(**(how or {}))
    return done


def arrays(indicator):
    return [np.array(line.array) for line in indicator.lines]


def differing(expected, found):
    """Name the functions whose lines are not the same at every bar, and say at how many."""
    wrong = {}
    for name, indicator in expected.made.items():
        for first, second in zip(arrays(indicator), arrays(found.made[name]), strict=True):
            assert first.shape == second.shape
            differ = int(np.sum((first != second) & ~(np.isnan(first) & np.isnan(second))))
            if differ:
                wrong[name] = wrong.get(name, 0) + differ
    return wrong


def compare_all(bars, kind):
    """Run all functions at once and bar by bar; give the differences."""
    expected = run(Every, ArrayFeed(bars, interval=DAY), kind=kind)
    with mend_talib():
        found = run(Every, OneByOne(bars, interval=DAY), kind=kind)
    assert set(FUNCTIONS) == set(found.made)
    return differing(expected, found)


KINDS = ("defaults", "shorter", "longer", "of indicators")


@pytest.mark.parametrize("kind", KINDS)
def test_every_function_gives_the_values_of_a_backtest(rough, kind):
    """Same floats, NaN and 0 at the same bars, with other parameters and as indicators of indicators."""
    assert {} == compare_all(rough(160), kind)


def test_every_function_on_real_bars_that_begin_unknown(sample):
    """Each column begins with another number of NaN, which TA-Lib passes over."""
    bars = sample[1000:1150]
    blank = {
        name: np.where(np.arange(len(bars)) < first, np.nan, getattr(bars, name))
        for name, first in {"open": 3, "high": 30, "low": 12, "close": 21, "volume": 40, "trades": 7}.items()
    }
    assert {} == compare_all(replace(bars, **blank), "defaults")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", ["walk", "sample"])
def test_every_function_over_long_data(rough, sample, data, kind):
    """A longer walk, and the whole shipped file."""
    assert {} == compare_all(rough(600, seed=6) if data == "walk" else sample, kind)


def test_without_the_mending_the_values_are_wrong(sample):
    """The comparison notices what Backtrader does by itself: far more than rounding in these."""
    bars, names = sample[:600], ("MACD", "TEMA", "STOCHRSI", "OBV", "AD", "TRIX", "RSI", "EMA")
    expected = run(Every, ArrayFeed(bars, interval=DAY), names=names)
    found = run(Every, OneByOne(bars, interval=DAY), names=names)
    true, stock = (np.array(side.made["MACD"].macd.array)[33:] for side in (expected, found))

    assert {"MACD", "TEMA", "STOCHRSI", "OBV", "AD", "TRIX"} == set(differing(expected, found))
    assert np.sum(np.sign(true) != np.sign(stock)) > 30
    assert np.median(np.abs(stock / true - 1)) > 0.1


def test_no_function_looks_ahead(rough):
    """The values of the first k bars are the first k values: the reason why the last one can be trusted."""
    bars = rough(220, seed=7)
    for name in FUNCTIONS:
        inputs = [getattr(bars, column) for column in inputs_of(name)]
        whole = np.atleast_2d(getattr(talib, name)(*inputs))
        for size in range(1, len(bars)):
            part = np.atleast_2d(getattr(talib, name)(*(values[:size] for values in inputs)))
            assert np.array_equal(whole[:, :size], part, equal_nan=True), f"{name} at {size}"


# Inputs of other kinds than a feed's line


class Kinds(bt.Strategy):
    """Inputs that are arithmetic, delayed, a whole feed, and a function inside an indicator of the user's."""

    class Inner(bt.Indicator):
        """Compute from a function of its own."""

        lines = ("twice",)

        def __init__(self):
            self.rsi = bt.talib.RSI(self.data, timeperiod=9)

        def next(self):
            self.lines.twice[0] = 2 * self.rsi[0]

    def __init__(self):
        high, low, close = self.data.high, self.data.low, self.data.close
        self.made = {
            "arithmetic": bt.talib.SMA(high - low, timeperiod=7),
            "delayed": bt.talib.MACD(close(-3)),
            "a feed": bt.talib.TEMA(self.data, timeperiod=6),
            "inside": self.Inner(self.data),
            "of a candle": bt.talib.EMA(bt.talib.CDLDOJI(self.data.open, high, low, close), timeperiod=5),
            "below": bt.ind.SMA(bt.talib.OBV(close, self.data.volume), period=4),
            "three deep": bt.talib.RSI(bt.talib.STOCHRSI(bt.ind.EMA(close, period=8)).fastd),
        }


@pytest.mark.parametrize("feed", [OneByOne, Warm])
def test_any_line_may_be_an_input(rough, feed):
    """Whatever it is made of, and whether or not the feed holds bars beforehand."""
    bars = rough(200, seed=8)
    expected = run(Kinds, ArrayFeed(bars, interval=DAY))
    with mend_talib():
        found = run(Kinds, feed(bars, interval=DAY))

    assert {} == differing(expected, found)


def test_the_inputs_are_the_memory_of_the_lines(rough):
    """No bar is copied; and a line can grow again after the call."""
    shared = []

    class Watch(bt.Strategy):
        def __init__(self):
            self.sma = bt.talib.SMA(self.data, timeperiod=3)
            stock = self.sma._tafunc

            def watched(values, **params):
                shared.append(values.__array_interface__["data"][0] == self.data.close.array.buffer_info()[0])
                return stock(values, **params)

            self.sma._tafunc = watched

    with mend_talib():
        run(Watch, OneByOne(rough(50), interval=DAY))

    assert [True] * 50 == shared


# Bars that a feed holds before it delivers them

SOME = ("MACD", "ATR", "OBV", "CDLENGULFING", "STOCHRSI", "MAVP", "HT_TRENDMODE", "BETA")


def counted(calls):
    """Make a strategy that counts the calls of TA-Lib by each indicator."""

    class Counted(Every):
        def __init__(self):
            super().__init__()
            for name, indicator in self.made.items():
                indicator._tafunc = self.counting(name, indicator._tafunc)

        def counting(self, name, stock):
            def call(*inputs, **params):
                calls[name] = calls.get(name, 0) + 1
                return stock(*inputs, **params)

            return call

    return Counted


def run_warm(bars, held, *, calls, change=None):
    """Run on a feed that holds bars beforehand; `change` alters what it says that it holds."""

    class Holding(Warm):
        def start(self):
            super().start()
            self.shown = change(self.bars) if change else self.bars

    Holding.held = staticmethod(held)
    with mend_talib():
        return run(counted(calls), Holding(bars, interval=DAY), names=SOME)


@pytest.mark.parametrize(
    ("held", "most"),
    [
        (lambda delivered, whole: whole, 1),
        (lambda delivered, whole: min(whole, (delivered // 50 + 1) * 50), 9),
        (lambda delivered, whole: max(150, delivered), 151),
        (lambda delivered, whole: delivered, 300),
    ],
    ids=["all at once", "in portions", "warm-up, then live", "never ahead"],
)
def test_bars_that_are_held_are_computed_at_once(rough, held, most):
    """The values are those of a backtest, and TA-Lib is called once for each portion."""
    bars, calls = rough(300, seed=9), {}
    found = run_warm(bars, held, calls=calls)

    assert {} == differing(run(Every, ArrayFeed(bars, interval=DAY), names=SOME), found)
    assert set(SOME) == set(calls)
    assert max(calls.values()) <= most


@pytest.mark.parametrize("bar", [0, 1, 60, 119])
def test_lines_are_believed_where_the_held_bars_differ(rough, bar):
    """One number that is not what the feed delivers, and the values come from the lines from there on."""
    bars, calls = rough(120, seed=10), {}

    def alter(held):
        changed = {
            name: getattr(held, name).copy() for name in ("high", "low", "close", "open", "volume", "trades")
        }
        for values in changed.values():
            values[bar] *= 1.5
        return replace(held, **changed)

    found = run_warm(bars, lambda delivered, whole: whole, calls=calls, change=alter)

    assert {} == differing(run(Every, ArrayFeed(bars, interval=DAY), names=SOME), found)


def test_a_column_that_is_never_known_gives_nothing(rough):
    """TA-Lib gives 0 for the last of bars without a volume, which is no value; held or not, it is NaN."""
    bars = replace(rough(40, seed=18), volume=np.full(40, np.nan))
    for feed in (OneByOne, Warm):
        with mend_talib():
            found = run(Every, feed(bars, interval=DAY), names=("AD", "NVI", "PVI", "VWAP", "OBV"))
        for name, indicator in found.made.items():
            assert np.isnan(indicator.lines[0].array).all(), name


def test_a_feed_may_hold_nothing(rough):
    """`loaded` may be None all along."""
    bars = rough(60, seed=11)

    class Nothing(Warm):
        loaded = None

    with mend_talib():
        found = run(Every, Nothing(bars, interval=DAY), names=SOME)

    assert {} == differing(run(Every, ArrayFeed(bars, interval=DAY), names=SOME), found)


# Several feeds, and bars that change


class Weekly(bt.Strategy):
    """Write down what indicators of the second feed are at each step, with the closes that it shows."""

    def __init__(self):
        self.macd = bt.talib.MACD(self.datas[-1], fastperiod=3, slowperiod=7, signalperiod=3)
        self.obv = bt.talib.OBV(self.datas[-1].close, self.datas[-1].volume)
        self.seen = []

    def next(self):
        data = self.datas[-1]
        closes, volumes = (np.array(line.get(size=len(data))) for line in (data.close, data.volume))
        self.seen.append((closes, volumes, self.macd.macdsignal[0], self.obv[0]))

    def check(self):
        for closes, volumes, signal, obv in self.seen:
            assert talib.MACD(closes, 3, 7, 3)[1][-1] == signal
            assert talib.OBV(closes, volumes)[-1] == obv
        return [len(closes) for closes, *_ in self.seen]


@pytest.mark.parametrize("feed", [ArrayFeed, OneByOne, Warm])
def test_a_resampled_feed(rough, feed):
    """Weeks made of days: at each day the values of the weeks that are over. A backtest resamples so, too."""
    made = feed(rough(300, seed=12), interval=DAY)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(made)
    cerebro.resampledata(made, timeframe=bt.TimeFrame.Weeks)
    cerebro.addstrategy(Weekly)
    with mend_talib():
        (found,) = cerebro.run()
    lengths = found.check()

    assert lengths[-1] >= 300 // 7
    assert len(set(lengths)) < len(lengths) / 5
    expected = talib.MACD(np.array(found.data1.close.array), 3, 7, 3)
    np.testing.assert_array_equal(expected, arrays(found.macd))


def test_a_replayed_feed(rough):
    """A week that changes with each day counts once, as it stands."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.replaydata(ArrayFeed(rough(300, seed=13), interval=DAY), timeframe=bt.TimeFrame.Weeks)
    cerebro.addstrategy(Weekly)
    with mend_talib():
        (found,) = cerebro.run()
    lengths = found.check()

    assert len(lengths) > 5 * len(set(lengths)) > 5 * 30


class Two(bt.Strategy):
    """A function of two feeds, and one of each."""

    def __init__(self):
        first, second = self.datas
        self.made = {
            "BETA": bt.talib.BETA(first.close, second.close, timeperiod=4),
            "CORREL": bt.talib.CORREL(second.close, first.close, timeperiod=6),
            "MACD": bt.talib.MACD(second),
            "OBV": bt.talib.OBV(first.close, first.volume),
        }
        self.seen = []

    def next(self):
        self.seen.append((len(self.data0), len(self.data1), self.made["BETA"][0]))


@pytest.mark.parametrize("feed", [OneByOne, Warm])
def test_two_feeds(rough, feed):
    """Paired by the number of the bar, as in a backtest."""
    both = rough(150, seed=14), rough(150, seed=15)
    expected = run(Two, *(ArrayFeed(bars, interval=DAY) for bars in both))
    with mend_talib():
        found = run(Two, *(feed(bars, interval=DAY) for bars in both))

    assert {} == differing(expected, found)


def test_a_feed_that_comes_later_is_unknown_until_it_comes(rough):
    """The bar is NaN while one feed lacks it, and right when it has arrived."""
    both = rough(60, seed=16), rough(60, seed=17)

    class Late(OneByOne):
        """Have nothing to deliver half of the time; Backtrader asks twice."""

        asked = 0

        def _load(self):
            self.asked += 1
            return None if self.asked % 4 in {1, 2} else super()._load()

    with mend_talib():
        found = run(Two, OneByOne(both[0], interval=DAY), Late(both[1], interval=DAY))
    beta = talib.BETA(both[0].close, both[1].close, 4)
    early = [value for first, second, value in found.seen if second < first]
    whole = {first: value for first, second, value in found.seen if second >= first}

    assert early
    assert np.isnan(early).all()
    assert {size: beta[size - 1] for size in whole} == whole
    assert list(range(34, 61)) == sorted(whole)
    np.testing.assert_array_equal(talib.OBV(both[0].close, both[0].volume), found.made["OBV"].lines[0].array)


# Runs that forget, and the mending itself


def test_a_run_that_forgets_old_bars_is_refused(rough):
    """Over a window the values would come out wrong; the error names the function."""
    with (
        mend_talib(),
        pytest.raises(StrategyError, match=r"bt\.talib\.MACD needs every bar.*without exactbars"),
    ):
        run(Every, ArrayFeed(rough(80), interval=DAY), names=("MACD",), how={"exactbars": 1})


def test_a_run_that_keeps_its_feeds_is_not_refused(rough):
    """``exactbars=-1`` drops the values of line arithmetic only."""
    bars, names = rough(80), ("MACD", "OBV", "ATR")
    expected = run(Every, ArrayFeed(bars, interval=DAY), names=names)
    with mend_talib():
        found = run(Every, ArrayFeed(bars, interval=DAY), names=names, how={"exactbars": -1})
        with pytest.raises(StrategyError, match=r"bt\.talib\.SMA needs every bar"):
            run(Kinds, ArrayFeed(bars, interval=DAY), how={"exactbars": -1})

    assert {} == differing(expected, found)


def test_importing_changes_nothing_and_closing_puts_all_back():
    """Any number may hold the mending; the last one to close ends it, in whatever order."""
    code = (
        "import backtrader as bt; before = dict(vars(bt.talib._TALibIndicator)); "
        "import strategies.bt_talib_live; assert before == dict(vars(bt.talib._TALibIndicator))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    base = bt.talib._TALibIndicator
    stock, inherited = base.next, base.prenext
    first, second = mend_talib(), mend_talib()
    mended = base.next
    first.close()
    first.close()

    assert stock is not mended
    assert (mended, mended) == (base.next, base.prenext)
    second.close()
    assert (stock, inherited) == (base.next, base.prenext)
    assert "prenext" not in vars(base)


def test_a_backtest_never_comes_here(rough, monkeypatch):
    """Where all is computed at once the mended methods are not called."""
    monkeypatch.setattr("strategies.bt_talib_live._row", None)
    with mend_talib():
        found = run(Every, ArrayFeed(rough(90), interval=DAY), names=SOME)

    assert 90 == len(found)
