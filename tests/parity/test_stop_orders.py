"""
Stop-loss, take-profit and trailing stop against a plain script that places them itself.

The plain script places its orders in ``notify_order``, as Backtrader's documentation shows it. Backtrader
notifies after the bar was worked, so they work from the next bar; ours work on the entry bar too, as an
exchange's do (``docs/design/backtest-broker.md``). Where no entry bar touches a level both are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import backtrader as bt
import pytest

from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.run.backtest import run_backtest
from feeds import read_bars
from strategies.loader import LoadedStrategy


class Crossing(bt.Strategy):
    """
    In on a crossing of two averages, long or short; out when they lie the other way, but not on the entry bar.

    Backtrader ignores the cancelling of an order that was made at the same close. A plain script that leaves on
    the entry bar keeps its stop, which later opens a position of its own; ours takes it away.
    """

    params = (("fast", 5), ("slow", 20))

    def __init__(self):
        self.order, self.entered = None, 0
        self.gap = bt.ind.SMA(period=self.p.fast) - bt.ind.SMA(period=self.p.slow)
        self.cross = bt.ind.CrossOver(self.gap, 0.0)

    def notify_order(self, order):
        if order == self.order and not order.alive():
            self.order, self.entered = None, len(self)

    def next(self):
        if self.order is not None:
            return
        if not self.position:
            if self.cross[0]:
                self.order = self.buy() if self.cross[0] > 0 else self.sell()
        elif (self.gap[0] > 0) != (self.position.size > 0) and len(self) > self.entered:
            self.leave()

    def leave(self):
        self.order = self.close()


class CrossingWithStops(Crossing):
    """The same, placing its own stop and target once the entry is notified."""

    params = (("stop", None), ("target", None), ("trail", None))

    def __init__(self):
        super().__init__()
        self.guards = []

    def notify_order(self, order):
        super().notify_order(order)
        if order.status == order.Completed:
            self.guards = self.place() if self.position else []

    def place(self):
        held, price = self.position.size, self.position.price
        sign = 1 if held > 0 else -1
        out, best = (self.sell, max) if held > 0 else (self.buy, min)
        guards = []
        if self.p.stop:
            level = price * (1 - sign * self.p.stop / 100)
            guards.append(out(size=abs(held), exectype=bt.Order.Stop, price=level))
        if self.p.trail:
            start = best(price, self.data.close[0])
            trail = {"exectype": bt.Order.StopTrail, "trailpercent": self.p.trail / 100}
            guards.append(out(size=abs(held), price=start, **trail))
        if self.p.target:
            level = price * (1 + sign * self.p.target / 100)
            oco = guards[0] if guards else None
            guards.append(out(size=abs(held), exectype=bt.Order.Limit, price=level, oco=oco))
        return guards

    def leave(self):
        for guard in self.guards[:1]:
            self.cancel(guard)
        super().leave()


@dataclass(frozen=True)
class Levels:
    """Stop, target and trailing stop in percent of the price paid."""

    stop: float | None = None
    target: float | None = None
    trail: float | None = None

    def touches(self, trade, bars):
        """Say whether the entry bar reaches a level, so that the two ways of placing orders must differ."""
        sign = 1 if trade.side == "long" else -1
        against, along = bars.low[trade.entry_bar], bars.high[trade.entry_bar]
        if sign < 0:
            against, along = along, against
        worst, best = ((price / trade.entry_price - 1) * sign * 100 for price in (against, along))
        stop = self.stop or self.trail
        return bool((stop and worst <= -stop) or (self.target and best >= self.target))


def run_both(plain, shared, file, levels):
    """Run the rule with our protection, and the plain script that protects itself."""
    name, reader = file
    path = shared / "realdata/klines" / name
    settings = BacktestSettings(
        commission=0.001,
        slippage=0.0005,
        stake=Stake(0.01, "base"),
        protection=Protection(levels.stop, levels.target, levels.trail),
    )
    rule = LoadedStrategy("Crossing", Crossing, {}, Path(__file__))
    file = read_bars(path)
    ours = run_backtest(rule, replace(file, bars=file.bars[:BARS]), settings)
    theirs = plain.run(
        plain.feed(plain.read(path, reader)[:BARS]),
        CrossingWithStops,
        commission=0.001,
        slippage=0.0005,
        sizer=(bt.sizers.FixedSize, {"stake": 0.01}),
        stop=levels.stop,
        target=levels.target,
        trail=levels.trail,
    )
    return ours, theirs


DAILY = ("python-binance/BTCUSDT-2017-2020-1d.csv.gz", "seconds")
BARS = 2500
FOUR_HOURS = ("header-csv/BTCUSDT_4h-2018-2021.csv.gz", "table")


@pytest.mark.parametrize(
    ("file", "levels"),
    [
        (DAILY, Levels(stop=15, target=40)),
        (DAILY, Levels(target=20, trail=12)),
        (DAILY, Levels(trail=10)),
        (FOUR_HOURS, Levels(stop=10, target=15)),
        (FOUR_HOURS, Levels(target=20, trail=12)),
    ],
)
def test_both_are_the_same_where_no_entry_bar_touches_a_level(plain, shared, file, levels):
    """Trades, fills, cash and equity at every bar."""
    ours, theirs = run_both(plain, shared, file, levels)
    reasons = {trade.exit_reason for trade in ours.trades}

    assert not any(levels.touches(trade, ours.data.bars) for trade in ours.trades)
    assert len(reasons) > 1
    assert theirs.fills == [(fill.bar, fill.size, fill.price, fill.fee) for fill in ours.fills]
    assert (theirs.equity, theirs.cash) == (ours.curve.equity.tolist(), ours.curve.cash.tolist())
    assert [row[:4] for row in theirs.trades] == [head_of(trade) for trade in ours.trades]


@pytest.mark.parametrize(
    ("file", "levels"),
    [
        (DAILY, Levels(stop=5, target=10)),
        (DAILY, Levels(stop=2, target=2)),
        (DAILY, Levels(target=10, trail=5)),
        (FOUR_HOURS, Levels(stop=3, target=6)),
        (FOUR_HOURS, Levels(trail=4)),
    ],
)
def test_trades_differ_only_where_the_entry_bar_touches_a_level(plain, shared, file, levels):
    """Of the trades that both make, those differ whose entry bar reaches stop or target, and no other."""
    ours, theirs = run_both(plain, shared, file, levels)
    mine = {trade.entry_bar: trade for trade in ours.trades}
    plain_rows = {row[0]: row for row in theirs.trades}
    touched = {bar for bar, trade in mine.items() if levels.touches(trade, ours.data.bars)}
    both = mine.keys() & plain_rows.keys()
    differ = {bar for bar in both if plain_rows[bar][:4] != head_of(mine[bar])}

    assert touched
    assert differ <= touched
    assert len(both - touched) > 20
    assert all(mine[bar].exit_bar == bar for bar in touched)
    assert all(plain_rows[bar][1] > bar for bar in touched & both)
    for bar in both - touched:
        expected = pytest.approx(plain_rows[bar][4:], rel=1e-13, abs=1e-9)
        trade = mine[bar]

        assert expected == (trade.entry_price, trade.exit_price, trade.pnl, trade.fees)


def test_one_entry_bar_that_falls_through_the_stop(plain, shared):
    """
    10 June 2018: bitcoin opens at 7,491.73, its high, and falls to 6,622.81.

    A 5 % stop lies at 7,117.14. Ours sells there, less slippage. The plain script has no stop before the day is
    over and sells at the next open, 5 % lower still.
    """
    ours, theirs = run_both(plain, shared, DAILY, Levels(stop=5, target=10))
    bar = 297
    trade = next(trade for trade in ours.trades if trade.entry_bar == bar)
    row = next(row for row in theirs.trades if row[0] == bar)
    bars = ours.data.bars

    assert (7491.73, 7491.73, 6622.81) == (bars.open[bar], bars.high[bar], bars.low[bar])
    assert (bar, "stop_loss", 7491.73) == (trade.exit_bar, trade.exit_reason, round(trade.entry_price, 2))
    assert pytest.approx(7491.73 * 0.95 * 0.9995) == trade.exit_price
    assert (bar + 1, "long") == row[1:3]
    assert pytest.approx(6765.00 * 0.9995) == row[5]


def test_one_entry_bar_that_touches_the_stop_and_recovers(plain, shared):
    """29 September 2017: the low takes ours out; the plain script sees a good close and earns ten percent."""
    ours, theirs = run_both(plain, shared, DAILY, Levels(stop=5, target=10))
    trade = next(trade for trade in ours.trades if trade.entry_bar == 43)
    row = next(row for row in theirs.trades if row[0] == 43)

    assert ours.data.bars.low[43] < trade.entry_price * 0.95 < ours.data.bars.close[43]
    assert (43, "stop_loss") == (trade.exit_bar, trade.exit_reason)
    assert (52, pytest.approx(trade.entry_price * 1.1)) == (row[1], row[5])


def head_of(trade):
    """Give what must be the very same: bars, side and size."""
    return (trade.entry_bar, trade.exit_bar, trade.side, trade.size)
