"""Whatever befalls the orders of a live run, the amounts of the differences add up to that of the equities."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_journal import Done, LiveRun, exact, play, write_run

from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.journal.journal import Journal
from bt_run.run.parity.check import run_parity
from bt_run.run.parity.compare import Comparison, compare
from bt_run.run.parity.sides import LOUD, Cause, Scene, Side, SideOrder
from feeds.csv_file import read_bars
from strategies.loader import load_strategy

D = Decimal
DAY = 86_400_000
NOTHING: dict[str, Any] = {
    "quantity": 0.0, "price": float("nan"), "fee": 0.0, "first_bar": -1, "last_bar": -1
}  # fmt: skip
FIXED = BacktestSettings(
    cash=100_000.0, stake=Stake.parse("0.5"), lot_step=1e-5, protection=Protection(stop_loss_pct=5)
)


@pytest.fixture(scope="module")
def played(root: Path) -> LiveRun:
    """Give one run, made once."""
    bars = read_bars(root / "data" / "btc_1d.csv").bars[:250]
    return play(bars, load_strategy("sar"), FIXED, history=40)


def side_of(run: LiveRun, orders: list[SideOrder]) -> Side:
    """Count the account of a list of orders."""
    cash, coins = np.zeros(len(run.bars)), np.zeros(len(run.bars))
    for order in orders:
        if order.quantity:
            cash[order.last_bar] -= order.size * order.price + order.fee
            coins[order.last_bar] += order.change
    position = np.cumsum(coins)
    return Side(tuple(orders), float(run.cash) + np.cumsum(cash) + position * run.bars.close, position)


def order_of(run: LiveRun, done: Done) -> SideOrder:
    """Give an order as a side has it."""
    ((size, price, fee, _, time),) = done.fills
    bar = int(np.searchsorted(run.bars.open_time, time, side="right")) - 1
    role = done.purpose if done.purpose == "stop_loss" else "signal"
    return SideOrder(
        "", done.bar, "buy" if done.side == "BUY" else "sell", "market", role, float(done.quantity),
        float(size), float(price), float(fee), first_bar=bar, last_bar=bar, state="filled",
    )  # fmt: skip


def compared(run: LiveRun, live: list[SideOrder], backtest: list[SideOrder]) -> Comparison:
    """Compare two lists of orders over the same bars."""
    scene = Scene(run.bars, Interval.parse("1d"), run.tradable, 1e-5, 0.01, 0.001, FIXED.stake)
    return compare(side_of(run, live), side_of(run, backtest), scene)


def test_equal_lists_have_no_difference(played: LiveRun):
    orders = [order_of(played, done) for done in played.orders]
    found = compared(played, orders, orders)

    assert () == found.differences
    assert 0 == found.difference == found.residual
    assert len(orders) > 20


fate = st.sampled_from(
    ["same", "price", "size", "partial", "gone", "refused", "late", "base fee", "no fee", "manual"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_the_amounts_add_up_whatever_happens(played: LiveRun, data: st.DataObject):
    orders = [order_of(played, done) for done in played.orders]
    live = []
    for order in orders:
        changed = _befall(order, data, last=len(played.bars) - 1)
        live += [] if changed is None else [changed]
    found = compared(played, live, orders)
    scale = max(abs(found.live_equity), abs(found.backtest_equity))

    assert abs(found.residual) <= 1e-9 * scale
    assert found.difference == pytest.approx(sum(each.amount for each in found.differences), abs=1e-8 * scale)
    assert sum(total.amount for total in found.totals) == pytest.approx(
        sum(each.amount for each in found.differences), abs=1e-8 * scale
    )
    assert sum(total.count for total in found.totals) == len(found.differences)


def _befall(order: SideOrder, data: st.DataObject, *, last: int) -> SideOrder | None:
    """Let something happen to an order."""
    what = data.draw(fate)
    factor = data.draw(st.floats(0.2, 1.8))
    late = min(order.last_bar + data.draw(st.integers(1, 9)), last)
    changes: dict[str, dict[str, Any]] = {
        "same": {},
        "price": {"price": order.price * factor, "fee": order.fee * factor},
        "size": {"quantity": order.quantity * factor, "fee": order.fee * factor},
        "partial": {"quantity": order.quantity * factor / 2, "fee": order.fee * factor / 2},
        "refused": NOTHING | {"refusal": "no"},
        "late": {"first_bar": late, "last_bar": late},
        "base fee": {"fee": 0.0, "base_fee": order.quantity * 0.001},
        "no fee": {"fee": 0.0, "other_fees": {"BNB": 0.01}},
        "manual": {"role": "manual"},
    }
    return None if what == "gone" else replace(order, **changes[what])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_what_an_exchange_does_every_day_is_always_explained(played: LiveRun, data: st.DataObject):
    """Other prices, refusals with a reason and stops that slip never end in SIGNAL or UNEXPLAINED."""
    orders = [order_of(played, done) for done in played.orders]
    live = []
    skips = False  # a refused entry leaves nothing to sell
    for order in orders:
        if order.side == "buy":
            skips = data.draw(st.booleans())
        if skips:
            if order.side == "buy":
                live.append(replace(order, **NOTHING, refusal="limit"))
            continue
        factor = data.draw(st.floats(0.99, 1.01))
        live.append(replace(order, price=order.price * factor, fee=order.fee * factor))
    found = compared(played, live, orders)

    assert not LOUD & {each.cause for each in found.differences}
    assert {each.cause for each in found.differences} <= {
        Cause.FILL_PRICE, Cause.REJECTED, Cause.PROTECTION
    }  # fmt: skip
    assert found.is_explained


names = st.sampled_from(["sar", "rsi", "macd", "ma_cross", "bollinger", "combined"])


@st.composite
def random_bars(draw: st.DrawFn) -> Bars:
    """Make bars that walk at random, in whole cents."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(60, 160))
    close = np.round(1000 * np.exp(np.cumsum(rng.normal(0, 0.03, count))), 2)
    opened = np.round(np.concatenate(([1000.0], close[:-1])) * np.exp(rng.normal(0, 0.004, count)), 2)
    high = np.round(np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.01, count))), 2)
    low = np.round(np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.01, count))), 2)
    return Bars.of(1_700_006_400_000 + DAY * np.arange(count), open=opened, high=high, low=low, close=close)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    bars=random_bars(),
    name=names,
    stake=st.sampled_from(["95%", "0.3", "500USDT"]),
    history=st.integers(0, 50),
    guard=st.sampled_from(
        [Protection(), Protection(stop_loss_pct=3), Protection(2, 5), Protection(trailing_stop_pct=4)]
    ),
)
def test_a_journal_made_from_a_backtest_has_no_difference(
    tmp_path: Path, *, bars: Bars, name: str, stake: str, history: int, guard: Protection
):
    told = BacktestSettings(stake=Stake.parse(stake), lot_step=1e-5, protection=guard)
    live = play(bars, load_strategy(name), told, history=history)
    with Journal(tmp_path / f"{uuid4()}.sqlite") as journal:
        report = run_parity(journal, journal.run(write_run(journal, live)))

    assert () == report.comparison.differences
    assert report.comparison.is_equal
    assert exact(report.settings.cash) == live.cash
