"""Strategies that are good, and strategies that are bad in one way each, in files as users write them."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from bt_run.core.market import BarFile, Bars, Interval
from bt_run.core.settings import BacktestSettings
from bt_run.run.strategy_check.subject import Subject
from strategies.loader import load_strategy

_HEAD = """
import backtrader as bt
import numpy as np
from strategies.base import Signals, SignalStrategy

def ma(x, n):
    out = np.full(len(x), np.nan)
    if len(x) >= n:
        out[n - 1:] = np.lib.stride_tricks.sliding_window_view(x, n).mean(axis=1)
    return out
"""


def _walk(n, *, seed=1):
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, n)))
    open_ = np.concatenate([close[:1], close[:-1]])
    return Bars.of(
        np.arange(n) * 86_400_000 + 1_577_836_800_000,
        open=open_,
        high=np.maximum(open_, close) * 1.01,
        low=np.minimum(open_, close) * 0.99,
        close=close,
        volume=np.full(n, 10.0),
    )


@pytest.fixture
def data_of(tmp_path):
    """Give a function that makes so many random days."""

    def make(n=400, **told):
        return BarFile(tmp_path / "walk.csv", "BTCUSDT", Interval.parse("1d"), _walk(n, **told), "0" * 64)

    return make


@pytest.fixture
def subject_of(tmp_path, data_of):
    """Give a function that makes a subject of a strategy's code."""

    def make(code, *, bars=400, history=5000, name="mine", **told):
        path = tmp_path / f"{name}.py"
        path.write_text(_HEAD + textwrap.dedent(code))
        return Subject(load_strategy(f"{path}:Mine"), data_of(bars, **told), BacktestSettings(), history)

    return make


@pytest.fixture
def signals_of(subject_of):
    """Give a function that makes a subject whose `signals` has this body."""

    def make(body, *, around="", **told):
        code = f"class Mine(SignalStrategy):\n{textwrap.indent(textwrap.dedent(around), '    ')}\n"
        code += (
            f"    @staticmethod\n    def signals(bars, p):\n{textwrap.indent(textwrap.dedent(body), ' ' * 8)}\n"
        )
        return subject_of(code, **told)

    return make
