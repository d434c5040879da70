"""The metrics of a run: the keys of the contract, the units, and what is undefined."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.core.results import EquityCurve, Fill, Trade
from bt_run.reports.metrics import buy_and_hold_curve, compute_metrics, exposure_pct

DAY = 86_400_000

CONTRACT = """
equity_final equity_peak return_pct buy_hold_return_pct return_ann_pct cagr_pct volatility_ann_pct sharpe
sortino calmar alpha_pct beta max_drawdown_pct avg_drawdown_pct max_drawdown_duration_s
avg_drawdown_duration_s exposure_pct trades win_rate_pct best_trade_pct worst_trade_pct avg_trade_pct
avg_trade_duration_s max_trade_duration_s profit_factor expectancy_pct sqn kelly fees_paid
"""
KEYS = CONTRACT.split()


def bars_of(closes) -> Bars:
    closes = np.asarray(closes, dtype=float)
    return Bars.of(np.arange(len(closes)) * DAY, open=closes, high=closes, low=closes, close=closes)


def curve_of(equity, position=None) -> EquityCurve:
    equity = np.asarray(equity, dtype=float)
    held = np.zeros(len(equity)) if position is None else np.asarray(position, dtype=float)
    return EquityCurve(equity, equity, held)


def trade(pnl, pct, days=1) -> Trade:
    return Trade(
        entry_ms=0, exit_ms=days * DAY, entry_bar=0, exit_bar=days, side="long", size=1.0, entry_price=100.0,
        exit_price=100.0 + pnl, pnl=pnl, pnl_pct=pct, fees=0.0, entry_tag="signal", exit_reason="signal",
        mae_pct=0.0, mfe_pct=0.0,
    )  # fmt: skip


def metrics_of(equity, closes, *, position=None, trades=(), fills=(), cash=100.0):
    return compute_metrics(
        curve=curve_of(equity, position),
        bars=bars_of(closes),
        trades=trades,
        fills=fills,
        cash=cash,
        interval=Interval(1, "d"),
    )


def test_the_keys_are_those_of_the_contract_in_order():
    """Readers of the result file rely on the names."""
    assert KEYS == list(metrics_of([100.0], [1.0]))


def test_the_documentation_names_exactly_the_keys(root):
    """Each metric has a heading in docs/metrics.md, in the order of the result file."""
    text = (root / "docs" / "metrics.md").read_text(encoding="utf-8")

    assert KEYS == re.findall(r"^### `(\w+)`$", text, flags=re.MULTILINE)


def test_a_run_by_hand():
    """Four days: the account goes 100, 110, 99, 121 and the price 10, 11, 9, 12."""
    fills = [Fill(1, DAY, 1.0, 10.0, 0.25, 1.0), Fill(2, 2 * DAY, -1.0, 11.0, 0.5, 0.0)]
    trades = [trade(10.0, 5.0, days=1), trade(-5.0, -2.5, days=3)]

    found = metrics_of([100, 110, 99, 121], [10, 11, 9, 12], position=[0, 1, 1, 0], trades=trades, fills=fills)

    daily = np.array([0.0, 0.1, -0.1, 121 / 99 - 1])
    expected = {
        "equity_final": 121.0,
        "equity_peak": 121.0,
        "return_pct": 21.0,
        "buy_hold_return_pct": 20.0,
        "return_ann_pct": (1.21 ** (365 / 4) - 1) * 100,
        "cagr_pct": (1.21 ** (365.25 / 3) - 1) * 100,
        "volatility_ann_pct": daily.std(ddof=1) * 365**0.5 * 100,
        "sharpe": daily.mean() / daily.std(ddof=1) * 365**0.5,
        "sortino": daily.mean() / (0.1 / 2) * 365**0.5,
        "calmar": (1.21 ** (365 / 4) - 1) * 100 / 10,
        "max_drawdown_pct": 10.0,
        "avg_drawdown_pct": 10.0,
        "max_drawdown_duration_s": 2 * 86_400.0,
        "avg_drawdown_duration_s": 2 * 86_400.0,
        "exposure_pct": 50.0,
        "trades": 2,
        "win_rate_pct": 50.0,
        "best_trade_pct": 5.0,
        "worst_trade_pct": -2.5,
        "avg_trade_pct": ((1.05 * 0.975) ** 0.5 - 1) * 100,
        "avg_trade_duration_s": 2 * 86_400.0,
        "max_trade_duration_s": 3 * 86_400.0,
        "profit_factor": 2.0,
        "expectancy_pct": 1.25,
        "sqn": 2**0.5 * 2.5 / 7.5,
        "kelly": 0.5 - 0.5 / 2.0,
        "fees_paid": 0.75,
    }
    assert pytest.approx(expected) == {name: found[name] for name in expected}


def test_nothing_traded_leaves_only_what_is_known():
    """An account that never moved has no Sharpe, no Sortino and no trade, but a return of zero."""
    found = metrics_of([100.0] * 5, [10, 11, 12, 11, 10])

    zero = {"return_pct", "buy_hold_return_pct", "return_ann_pct", "cagr_pct", "volatility_ann_pct", "beta",
            "alpha_pct", "max_drawdown_pct", "max_drawdown_duration_s", "exposure_pct", "trades",
            "fees_paid"}  # fmt: skip
    assert zero == {name for name, value in found.items() if value == 0}
    assert {"equity_final", "equity_peak"} == {name for name, value in found.items() if value}


def test_one_bar_is_enough_to_be_asked():
    """What needs a span of time is undefined there, and nothing raises."""
    found = metrics_of([100.0], [10.0])

    assert 0.0 == found["return_pct"]
    assert found["cagr_pct"] is None
    assert found["sharpe"] is None


def test_buy_and_hold_has_beta_one_and_no_alpha():
    """The market measured against itself."""
    closes = [10, 12, 9, 11, 15]
    held = buy_and_hold_curve(bars_of(closes), 100.0)

    found = metrics_of(held.equity, closes, position=held.position)

    assert pytest.approx(1.0) == found["beta"]
    assert pytest.approx(0.0, abs=1e-9) == found["alpha_pct"]
    assert pytest.approx(found["buy_hold_return_pct"]) == found["return_pct"]
    assert 100.0 == found["exposure_pct"]


def test_buy_and_hold_starts_with_the_cash_at_the_first_close():
    """All cash becomes position; marked at the close it is worth the cash still."""
    held = buy_and_hold_curve(bars_of([20, 30]), 100.0)

    assert [100.0, 150.0] == held.equity.tolist()
    assert [5.0, 5.0] == held.position.tolist()
    assert [0.0, 0.0] == held.cash.tolist()


def test_dust_is_not_exposure():
    """0.1 + 0.2 - 0.3 is no position."""
    assert 50.0 == exposure_pct(np.array([0.3, 0.1 + 0.2 - 0.3]))


def test_a_ruined_account_has_no_annual_numbers():
    """Below zero nothing compounds; the return and the drawdown still say what happened."""
    found = metrics_of([100, -20, -30], [10, 11, 12])

    assert pytest.approx(-130.0) == found["return_pct"]
    assert pytest.approx(130.0) == found["max_drawdown_pct"]
    assert [None] * 5 == [found[name] for name in ("return_ann_pct", "cagr_pct", "sharpe", "sortino", "calmar")]


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e9), st.floats(1e-6, 1e6)), min_size=1, max_size=40),
    st.lists(st.floats(-1e6, 1e6), max_size=10),
)
def test_no_metric_is_ever_nan_or_infinite(points, results):
    """Whatever the account and the trades did, a value is a finite number or None."""
    equity, closes = zip(*points, strict=True)

    found = metrics_of(equity, closes, trades=[trade(pnl, pnl / 10) for pnl in results])

    assert all(value is None or math.isfinite(value) for value in found.values())
