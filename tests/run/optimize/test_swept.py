"""The kernel of a sweep gives the numbers of a backtest."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_run.core.interval import Interval
from bt_run.core.market import BarFile, Bars
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.core.trial import Candidate
from bt_run.reports.swept_metrics import SWEPT
from bt_run.run.backtest import run_backtest
from bt_run.run.optimize import swept as swept_module
from bt_run.run.optimize.measure import Measurer
from bt_run.run.optimize.search import search
from bt_run.run.optimize.swept import ALWAYS, SweptMeasurer, why_not_swept
from strategies.built_in import BUILT_IN
from strategies.loader import load_strategy

PICKY = """import numpy as np
import talib
from strategies.base import Signals, SignalStrategy


class Picky(SignalStrategy):
    params = (("period", 14), ("level", 30.0))
    ranges = {"period": (2, 100), "level": (0.0, 50.0)}

    @staticmethod
    def signals(bars, p):
        rsi = talib.RSI(bars.close, p.period)
        BODY
        return Signals(long_entry=rsi < p.level, long_exit=rsi > 60)
"""


def swept(request):
    measurer = Measurer.load(request)
    assert why_not_swept(request, measurer) is None
    return SweptMeasurer(request, measurer)


def random_bars(rng, count, minutes=240):
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.03, count)))
    open_ = np.concatenate(([100.0], close[:-1])) * np.exp(rng.choice([0.0, 0.02, -0.02], count))
    high = np.maximum(open_, close) * (1.0 + rng.choice([0.0, 0.01, 0.1], count))
    low = np.minimum(open_, close) * (1.0 - rng.choice([0.0, 0.01, 0.1], count))
    times = 1_700_000_000_000 + 60_000 * minutes * np.arange(count)
    return Bars.of(times, open=open_, high=high, low=low, close=close)


def file_of(bars, root, interval="4h"):
    return BarFile(root / "x.csv", "BTCUSDT", Interval.parse(interval), bars, sha256="0")


def assert_same(found, expected):
    """To the last bit, None included."""
    assert {name: expected[name] for name in found} == found


_STAKES = st.sampled_from(
    [Stake(95.0, "percent"), Stake(1.0, "base"), Stake(5000.0, "quote"), Stake(100.0, "percent")]
)
_GUARDS = st.sampled_from(
    [
        Protection(),
        Protection(stop_loss_pct=5.0),
        Protection(take_profit_pct=8.0),
        Protection(stop_loss_pct=4.0, take_profit_pct=8.0),
        Protection(take_profit_pct=9.0, trailing_stop_pct=5.0),
    ]
)
_SETTINGS = st.builds(
    BacktestSettings,
    commission=st.sampled_from([0.0, 0.001, 0.002]),
    slippage=st.sampled_from([0.0, 0.001]),
    stake=_STAKES,
    protection=_GUARDS,
    allow_short=st.booleans(),
)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.sampled_from([1, 2, 30, 300]),
    spec=st.sampled_from(sorted({*BUILT_IN} - {"order_flow"})),
    told=_SETTINGS,
)
def test_every_metric_equals_that_of_stock_backtrader(request_of, *, root, seed, count, spec, told):
    """Random bars with gaps and spikes; every strategy of bars, stake, protection, side and cost."""
    data = file_of(random_bars(np.random.default_rng(seed), count), root)
    loaded = load_strategy(spec)
    name, value = next(iter(loaded.defaults.items()))
    request = request_of(spec, f"{name}={value}", data=data, settings=told, metrics=tuple(SWEPT))
    expected = run_backtest(loaded, data, dataclasses.replace(told, engine="backtrader")).metrics
    with swept(request) as measurer:
        (trial,) = measurer.measure([Candidate(0, request.space.combination(0))])

    assert {*trial.metrics} == {*SWEPT}
    assert_same(trial.metrics, expected)


@pytest.mark.slow
@pytest.mark.parametrize("guard", [Protection(5.0, 9.0), Protection()])
@pytest.mark.parametrize("allow_short", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        ("rsi", "period=3:20", "oversold=20:45:5"),  # made from levels, compared in machine code
        ("bollinger", "period=3:20", "width=0.5:2:0.5"),
    ],
)
def test_compiled_and_plain_kernel_give_the_same_floats(  # noqa: PLR0917
    request_of, root, monkeypatch, guard, allow_short, words
):
    """One source, run both ways, bar by bar where orders wait and by leaps where none do; in threads too."""
    data = file_of(random_bars(np.random.default_rng(1), 3000), root)
    told = BacktestSettings(slippage=0.001, protection=guard, allow_short=allow_short)
    plain = request_of(*words, data=data, settings=told, jobs=1, metrics=tuple(SWEPT))
    trials = search(plain).trials
    monkeypatch.setattr(swept_module, "WORTH_COMPILED", 0)
    monkeypatch.setattr(swept_module, "_BARS_AT_ONCE", 15_000)
    for jobs in (1, 2):
        found = search(dataclasses.replace(plain, jobs=jobs)).trials
        assert trials == found
        assert [each.returns.tolist() for each in trials] == [each.returns.tolist() for each in found]


def test_the_daily_returns_are_those_of_a_backtest(request_of):
    """To the last bit, and so the Sharpe ratio; kept with the trial, and found again by another run."""
    request = request_of("rsi", "period=5:6")
    plain = Measurer.load(request)
    with swept(request) as measurer:
        mine = measurer.measure([Candidate(0, request.space.combination(0))])[0]
        again = measurer.returns_and_profits(mine.params)
    returns, profits = plain.returns_and_profits(mine.params)

    assert mine.returns.tolist() == again[0].tolist() == returns.tolist()
    assert again[1].tolist() == profits.tolist()
    assert len(profits) == mine.metrics["trades"]


def test_an_even_sample_keeps_its_returns(request_of):
    """Of a thousand combinations every fifth, whatever came of them."""
    request = request_of("rsi", "period=2:101", "oversold=20:29:1")
    trials = search(dataclasses.replace(request, timeout_s=1.0)).trials

    assert request.sample_step == 5
    assert {trial.number % 5 == 0 for trial in trials if trial.returns is not None} == {True}
    assert {trial.number % 5 == 0 for trial in trials if trial.returns is None} == {False}


def test_a_metric_of_the_whole_curve_takes_whole_backtests(request_of):
    """And so do another engine and a hand-written strategy."""
    cases = [
        request_of("rsi", "period=5:6", metrics=("avg_drawdown",)),
        request_of("rsi", "period=5:6", settings=BacktestSettings(engine="backtrader")),
    ]
    for request in cases:
        measurer = Measurer.load(request)
        assert why_not_swept(request, measurer)
        assert all("avg_drawdown_pct" in trial.metrics for trial in search(request).trials)


def test_a_sweep_keeps_the_usual_metrics_and_what_was_asked(request_of):
    """Nothing else, because each costs time."""
    trial = search(request_of("rsi", "period=5", metrics=("sortino",))).trials[0]

    assert [*trial.metrics] == [*ALWAYS, "sortino"]
    assert trial.engine == "fast"


@pytest.mark.parametrize(
    "body", ["rsi[:20] = np.nan", "bars.close.sum()", "rsi = np.nan_to_num(rsi, copy=False, nan=50.0)"]
)
def test_a_strategy_that_writes_into_its_indicators_gets_its_own(request_of, tmp_path, body):
    """It gives what it gives alone: two runs with the same period must not see each other's writing."""
    file = tmp_path / "picky.py"
    file.write_text(PICKY.replace("BODY", body))
    request = request_of(str(file), "period=5:7", "level=20,30,40")
    for trial in search(request).trials:
        strategy = dataclasses.replace(load_strategy(str(file)), params=trial.params)
        expected = run_backtest(strategy, request.data, request.settings).metrics
        assert not trial.error
        assert_same(trial.metrics, expected)


def test_a_strategy_that_imports_its_indicators_by_name_shares_them(request_of, tmp_path):
    """Both runs look at one array; afterwards the file has its own function again."""
    file = tmp_path / "named.py"
    text = PICKY.replace("import talib\n", "from talib import RSI\n\nSEEN = []\n").replace("talib.RSI", "RSI")
    file.write_text(text.replace("BODY", "SEEN.append(rsi)"))
    request = request_of(f"{file}:Picky", "period=9", "level=25:30:5")
    names = Measurer.load(request).strategy.cls.signals.__globals__
    before = names["RSI"]
    with swept(request) as measurer:
        names = measurer._strategy.cls.signals.__globals__
        measurer.measure([Candidate(number, request.space.combination(number)) for number in (0, 1)])
    first, second = names["SEEN"][-2:]

    assert first is second
    assert before is names["RSI"]


def test_a_strategy_that_raises_is_recorded(request_of, tmp_path):
    """With the others run."""
    file = tmp_path / "picky.py"
    file.write_text(PICKY.replace("BODY", "if p.period == 6: raise RuntimeError('six')"))
    trials = search(request_of(str(file), "period=5:7")).trials

    assert [not trial.error for trial in trials] == [True, False, True]
    assert "RuntimeError: six" in trials[1].error
