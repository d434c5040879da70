"""Trades are counted as Backtrader counts them."""

from __future__ import annotations

import random

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.ledger import round_trips
from bt_run.core.market import Bars
from bt_run.core.results import Fill

DAY = 86_400_000
FEE = 0.001


def bars_of(opens, *, highs=None, lows=None, closes=None) -> Bars:
    opens = np.asarray(opens, dtype=float)
    closes = opens if closes is None else np.asarray(closes, dtype=float)
    return Bars.of(
        np.arange(len(opens)) * DAY,
        open=opens,
        high=np.maximum(opens, closes) if highs is None else highs,
        low=np.minimum(opens, closes) if lows is None else lows,
        close=closes,
        volume=np.ones(len(opens)),
    )


def fill(bar, size, price, fee=0.0, tag="signal") -> Fill:
    return Fill(bar=bar, time_ms=bar * DAY, size=size, price=price, fee=fee, position=float("nan"), tag=tag)


def test_no_fills_give_no_trades():
    """Nothing traded is nothing counted, whatever the bars."""
    found = round_trips([], bars_of([]))

    assert ((), None) == found


def test_a_long_trade_is_net_of_both_fees():
    """Two units from 100 to 110 earn 20, less 3 of fees, on a cost of 200."""
    fills = [fill(1, 2.0, 100.0, 1.0, "dip"), fill(3, -2.0, 110.0, 2.0, "stop_loss")]

    (trade,), held = round_trips(fills, bars_of([100, 100, 105, 110]))

    assert held is None
    assert (17.0, 8.5, 3.0, "long") == (trade.pnl, trade.pnl_pct, trade.fees, trade.side)
    assert (1, 3, DAY, 3 * DAY) == (trade.entry_bar, trade.exit_bar, trade.entry_ms, trade.exit_ms)
    assert ("dip", "stop_loss") == (trade.entry_tag, trade.exit_reason)
    assert 2 * 86_400 == trade.duration_s


def test_a_short_trade_earns_when_the_price_falls():
    """One unit sold at 100 and bought back at 90 earns ten."""
    (trade,), _ = round_trips([fill(0, -1.0, 100.0), fill(2, 1.0, 90.0)], bars_of([100, 95, 90]))

    assert ("short", 1.0, 10.0, 10.0) == (trade.side, trade.size, trade.pnl, trade.pnl_pct)


def test_several_entries_average_the_price_by_quantity():
    """One at 100 and three at 120 cost 115 each; the largest holding is four."""
    fills = [fill(0, 1.0, 100.0), fill(1, 3.0, 120.0), fill(2, -4.0, 125.0)]

    (trade,), _ = round_trips(fills, bars_of([100, 120, 125]))

    assert (4.0, 115.0, 125.0, 40.0) == (trade.size, trade.entry_price, trade.exit_price, trade.pnl)


def test_a_partial_exit_keeps_the_trade_open():
    """Selling half does not end the trade and does not change the price of the rest."""
    fills = [fill(0, 4.0, 100.0, 4.0), fill(1, -2.0, 110.0, 2.0)]

    trades, held = round_trips(fills, bars_of([100, 110], closes=[100, 120]))

    assert () == trades
    assert held is not None
    assert (2.0, 100.0, 120.0) == (held.size, held.entry_price, held.last_price)
    assert 20.0 + 40.0 - 6.0 == held.pnl
    assert 54.0 / 400.0 * 100.0 == held.pnl_pct


def test_a_partial_exit_counts_in_the_average_exit_price():
    """One out at 110 and three out at 90 leave at 95 on average."""
    fills = [fill(0, 4.0, 100.0), fill(1, -1.0, 110.0), fill(2, -3.0, 90.0, tag="stop_loss")]

    (trade,), _ = round_trips(fills, bars_of([100, 110, 90]))

    assert (95.0, -20.0, -5.0, "stop_loss") == (trade.exit_price, trade.pnl, trade.pnl_pct, trade.exit_reason)


def test_a_fill_across_zero_closes_one_trade_and_opens_the_next():
    """Selling three of one held closes the long with a third of the fee and opens a short of two."""
    fills = [fill(0, 1.0, 100.0, 0.5), fill(1, -3.0, 110.0, 3.0, "turn"), fill(2, 2.0, 100.0, 0.25)]

    (long, short), held = round_trips(fills, bars_of([100, 110, 100]))

    assert held is None
    assert ("long", 1.0, 10.0 - 1.5) == (long.side, long.size, long.pnl)
    assert ("short", 2.0, 20.0 - 2.25) == (short.side, short.size, short.pnl)
    assert ("turn", "turn") == (long.exit_reason, short.entry_tag)
    assert long.exit_bar == short.entry_bar


def test_dust_of_float_sums_ends_the_trade_and_opens_none():
    """0.1 + 0.2 - 0.3 is 5.6e-17: the trade is closed, and no open position is reported."""
    fills = [fill(0, 0.1, 10.0), fill(1, 0.2, 10.0), fill(2, -0.3, 10.0)]

    trades, held = round_trips(fills, bars_of([10, 10, 10]))

    assert 1 == len(trades)
    assert held is None


def test_dust_on_the_other_side_opens_no_trade():
    """A sale that exceeds the holding by rounding is a close, not a reversal."""
    fills = [fill(0, 0.3, 10.0), fill(1, -(0.1 + 0.2), 10.0), fill(2, 1.0, 10.0), fill(3, -1.0, 11.0)]

    trades, held = round_trips(fills, bars_of([10, 10, 10, 11]))

    assert [0.3, 1.0] == [trade.size for trade in trades]
    assert held is None


def test_excursions_leave_out_what_the_exit_bar_did_after_the_exit():
    """The exit at the open of bar 2 has not seen that bar's low of 50 or high of 200."""
    bars = bars_of([100, 100, 105, 100], lows=[1, 90, 50, 1], highs=[999, 120, 200, 999])

    (trade,), _ = round_trips([fill(1, 1.0, 100.0), fill(2, -1.0, 105.0)], bars)

    assert pytest.approx(-10.0) == trade.mae_pct
    assert pytest.approx(20.0) == trade.mfe_pct


def test_excursions_of_a_short_are_mirrored():
    """A rise hurts a short and a fall favours it."""
    bars = bars_of([100, 100, 105], lows=[1, 90, 50], highs=[999, 120, 200])

    (trade,), _ = round_trips([fill(1, -1.0, 100.0), fill(2, 1.0, 105.0)], bars)

    assert pytest.approx(-20.0) == trade.mae_pct
    assert pytest.approx(10.0) == trade.mfe_pct


def test_a_trade_inside_one_bar_knows_its_fills_alone():
    """Entry at 100 and stop at 95 in the same bar: the fall is 5 %, and no rise is known."""
    bars = bars_of([100, 100], lows=[90, 90], highs=[120, 120])

    (trade,), _ = round_trips([fill(0, 1.0, 100.0), fill(0, -1.0, 95.0, tag="stop_loss")], bars)

    assert pytest.approx(-5.0) == trade.mae_pct
    assert 0.0 == trade.mfe_pct


prices = st.floats(1.0, 1e5)
sizes = st.floats(1e-6, 1e6).flatmap(lambda size: st.sampled_from([size, -size]))


@given(st.lists(st.tuples(sizes, prices), max_size=30), prices)
def test_trades_and_open_position_add_up_to_the_change_of_equity(orders, last):
    """No fee and no profit is lost or counted twice, whatever the sequence of fills."""
    fills = [fill(bar, size, price, abs(size) * price * FEE) for bar, (size, price) in enumerate(orders)]
    bars = bars_of([price for _, price in orders] + [last])

    trades, held = round_trips(fills, bars)

    cash = -sum(f.size * f.price + f.fee for f in fills)
    equity = cash + sum(f.size for f in fills) * last
    volume = sum(abs(f.size) * max(f.price, last) for f in fills)
    counted = sum(trade.pnl for trade in trades) + (held.pnl if held else 0.0)
    assert pytest.approx(equity, abs=1e-9 * volume + 1e-9) == counted
    assert pytest.approx(sum(f.fee for f in fills)) == sum(t.fees for t in trades) + (
        held.fees if held else 0.0
    )
    assert all(trade.mae_pct <= 0.0 <= trade.mfe_pct for trade in trades)


class RandomOrders(bt.Strategy):
    """Send a market order of a random eighth on about every second bar; keep what Backtrader reports."""

    params = (("seed", 0),)

    def start(self):
        self.random = random.Random(self.p.seed)
        self.fills = []
        self.closed = []

    def next(self):
        draw = self.random.random()
        if draw < 0.1:
            self.close()
        elif draw < 0.5:
            size = self.random.randint(1, 40) / 8.0
            (self.buy if self.random.random() < 0.5 else self.sell)(size=size)

    def notify_order(self, order):
        if order.status == order.Completed:
            done = order.executed
            self.fills.append(fill(len(self.data) - 1, done.size, done.price, done.comm))

    def notify_trade(self, trade):
        if trade.isclosed:
            self.closed.append(trade)


def run_random_orders(seed, *, slippage):
    rng = np.random.default_rng(seed)
    count = 400
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    opens = closes * np.exp(rng.normal(0, 0.005, count))
    frame = pd.DataFrame(
        {
            "open": opens,
            "high": np.maximum(opens, closes) * 1.01,
            "low": np.minimum(opens, closes) * 0.99,
            "close": closes,
            "volume": 1.0,
        },
        index=pd.date_range("2020-01-01", periods=count),
    )
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(RandomOrders, seed=seed)
    cerebro.broker.setcash(100_000.0)
    cerebro.broker.setcommission(commission=FEE)
    cerebro.broker.set_slippage_perc(slippage, slip_open=True)
    (strategy,) = cerebro.run()
    bars = bars_of(frame.open, highs=frame.high, lows=frame.low, closes=frame.close)
    return strategy, cerebro.broker, bars


@pytest.mark.parametrize(("seed", "slippage"), [(1, 0.0), (2, 0.001), (3, 0.0), (4, 0.01)])
def test_trades_equal_those_of_a_real_backtrader_run(seed, slippage):
    """Count, bars, sides and profits of random orders, reversals among them, are Backtrader's."""
    strategy, broker, bars = run_random_orders(seed, slippage=slippage)

    trades, held = round_trips(strategy.fills, bars)

    theirs = strategy.closed
    assert len(theirs) > 10
    assert len(theirs) == len(trades)
    assert [(t.baropen - 1, t.barclose - 1) for t in theirs] == [(t.entry_bar, t.exit_bar) for t in trades]
    assert ["long" if t.long else "short" for t in theirs] == [t.side for t in trades]
    assert [t.pnl for t in theirs] == pytest.approx([t.pnl + t.fees for t in trades], rel=1e-12, abs=1e-9)
    assert [t.pnlcomm for t in theirs] == pytest.approx([t.pnl for t in trades], rel=1e-12, abs=1e-9)
    change = broker.getvalue() - 100_000.0
    assert pytest.approx(change) == sum(t.pnl for t in trades) + (held.pnl if held else 0.0)
    position = broker.getposition(strategy.data)
    signed = 0.0 if held is None else held.size if held.side == "long" else -held.size
    assert position.size == signed
    assert (position.price if signed else None) == (held.entry_price if held else None)
