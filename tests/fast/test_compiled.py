"""Plain functions and their machine code give the same."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.fast import compiled as compiling
from bt_run.fast.compiled import compiled
from bt_run.fast.engine import terms_of
from bt_run.fast.steps import Bar, stake_size

LIMIT = 3.0


def doubled(value):
    """Be called."""
    return value * 2.0


def limited(bar):
    """Call another function, use a constant, take and give a tuple."""
    return Bar(min(doubled(bar.open), LIMIT), doubled(bar.high), bar.low, bar.close)


@pytest.fixture
def in_room(monkeypatch):
    """Let the functions of this file count as those of the room."""
    monkeypatch.setitem(sys.modules, "bt_run.fast.tested", sys.modules[__name__])
    for function in (doubled, limited):
        monkeypatch.setattr(function, "__module__", "bt_run.fast.tested")


def test_a_function_is_compiled_with_what_it_calls(in_room):
    """Its callees need no mark of their own, and the plain ones stay plain."""
    bar = Bar(1.0, 5.0, 0.5, 2.0)

    assert limited(bar) == compiled(limited)(bar)
    assert 2.0 == limited.__globals__["doubled"](1.0)
    assert "doubled" in limited.__code__.co_names


def test_a_function_is_compiled_once():
    """The second caller gets the same."""
    assert compiled(stake_size) is compiled(stake_size)


def test_kept_machine_code_is_named_after_all_the_code_in_it(in_room, monkeypatch):
    """A callee or a constant that changes makes another name, so that nothing stale is ever run."""
    names = {compiling._fingerprint(limited)}
    monkeypatch.setitem(limited.__globals__, "LIMIT", 4.0)
    names.add(compiling._fingerprint(limited))
    monkeypatch.setattr(doubled, "__code__", (lambda value: value * 3.0).__code__)
    names.add(compiling._fingerprint(limited))

    assert 3 == len(names)


@settings(deadline=None)
@given(
    wanted=st.floats(0.0, 1e12),
    step=st.sampled_from([1e-15, 1e-8, 0.001, 0.3, 0.7, 1.0, 3.0, 250.0]),
    close=st.floats(1e-6, 1e6),
    stake=st.sampled_from(["95%", "0.37", "123USDT"]),
)
def test_stakes_are_rounded_as_in_every_engine(wanted, step, close, stake):
    """`Stake.size` rounds with integers of any length, the kernel with floats alone: the same float."""
    told = BacktestSettings(stake=Stake.parse(stake), lot_step=step)
    expected = told.stake.size(equity=wanted, close=close, lot_step=step)

    assert expected == stake_size(wanted, close, terms_of(told))
    assert expected == compiled(stake_size)(wanted, close, terms_of(told))


def test_numba_is_imported_only_where_it_is_used():
    """A run over few bars starts without it."""
    code = """
import sys
from pathlib import Path
from bt_run.core.settings import BacktestSettings
from bt_run.run.backtest import run_backtest
from feeds import read_bars
from strategies.loader import load_strategy

result = run_backtest(load_strategy("rsi"), read_bars(Path("data/btc_1d.csv")), BacktestSettings())
print(result.engine, "numba" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)

    assert "fast False\n" == done.stdout
