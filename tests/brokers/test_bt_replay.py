"""The replay broker: what it refuses, what it lets go on, what it writes down."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest

from brokers.bt_backtest import BacktestBroker
from brokers.bt_replay import HISTORY, ReplayBroker
from bt_run.core.market import Bars, Interval
from bt_run.core.settings import Protection
from feeds import ArrayFeed

DAY = 86_400_000


class Scripted(bt.Strategy):
    """Buy or close as the script says, and keep what it was told of each order."""

    params = (("script", ""), ("size", 2.0), ("limit", None))

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def next(self) -> None:
        """Do one letter."""
        word = self.p.script[len(self) - 1]
        if word == "b":
            kind = {} if self.p.limit is None else {"exectype": bt.Order.Limit, "price": self.p.limit}
            self.buy(size=self.p.size, **kind)
        elif word == "c":
            self.close()

    def notify_order(self, order: Any) -> None:
        """Note the state."""
        self.told.append((len(self) - 1, order.getstatusname()))


def bars(*closes: float) -> Bars:
    close = np.array(closes)
    opened = np.concatenate(([close[0]], close[:-1]))
    return Bars.of(
        np.arange(len(close)) * DAY, open=opened, high=np.maximum(opened, close) + 1,
        low=np.minimum(opened, close) - 1, close=close,
    )  # fmt: skip


def play(
    kind: type[BacktestBroker], data: Bars, script: str, *, strategy: dict[str, Any] | None = None, **told: Any
) -> tuple[Any, Any]:
    cerebro = bt.Cerebro(stdstats=False)
    broker = kind(bars=data, **told)
    cerebro.setbroker(broker)
    broker.setcash(10_000.0)
    broker.setcommission(commission=0.001)
    cerebro.adddata(ArrayFeed(data, interval=Interval.parse("1d")))
    cerebro.addstrategy(Scripted, script=script, **(strategy or {}))
    return broker, cerebro.run()[0]


def on(text: str) -> np.ndarray:
    return np.array([letter == "x" for letter in text])


PRICES = (100.0, 102.0, 101.0, 104.0, 103.0, 99.0)


def test_where_all_is_tradable_it_is_the_backtest_broker():
    data = bars(*PRICES)
    plain, _ = play(BacktestBroker, data, "b.c.b.", protection=Protection(stop_loss_pct=3))
    replay, _ = play(
        ReplayBroker, data, "b.c.b.", tradable=on("xxxxxx"), protection=Protection(stop_loss_pct=3)
    )

    assert plain.fills == replay.fills
    assert len(plain.fills) == 4
    assert plain.curve.equity.tolist() == replay.curve.equity.tolist()


def test_an_order_on_history_is_refused_and_the_strategy_is_told():
    broker, strategy = play(ReplayBroker, bars(*PRICES), "bb....", tradable=on(".xxxxx"))

    assert [(0, HISTORY), (1, "")] == [(order.bar, order.reason) for order in broker.placed]
    assert [(0, HISTORY)] == [(refused.bar, refused.reason) for refused in broker.rejected]
    assert [(2, 2.0)] == [(fill.bar, fill.size) for fill in broker.fills]
    assert [name for _, name in strategy.told][:2] == ["Submitted", "Rejected"]


@pytest.mark.parametrize(
    ("script", "tradable", "made_up", "fills"),
    [
        ("b.c....", "xx..xxx", True, [(1, 2.0), (5, -2.0)]),
        ("b.c....", "xx..xxx", False, [(1, 2.0)]),
        ("b.cc...", "xx..xxx", True, [(1, 2.0), (5, -2.0)]),
        ("b.cb...", "xx..xxx", True, [(1, 2.0)]),
        ("b.c.c..", "xx..xxx", True, [(1, 2.0), (5, -2.0)]),
        ("b.c.b..", "xx..xxx", True, [(1, 2.0), (5, 2.0)]),
        ("..b....", "xx..xxx", True, []),
        ("b.c....", "xx.....", True, [(1, 2.0)]),
    ],
    ids=["exit", "not asked for", "twice", "and in again", "again in time", "more in time", "entry", "no end"],
)
def test_an_exit_on_a_missed_bar_is_made_up_for_at_the_first_tradable_one(script, tradable, made_up, fills):
    """Its order belongs to that bar, and fills at the next open."""
    prices = (*PRICES, PRICES[-1])
    broker, _ = play(ReplayBroker, bars(*prices), script, tradable=on(tradable), missed_exits=made_up)

    assert fills == [(fill.bar, fill.size) for fill in broker.fills]


def test_an_exit_in_the_warm_up_is_not_made_up_for():
    broker, _ = play(
        ReplayBroker, bars(*PRICES), "c.....", tradable=on("..xxxx"), missed_exits=True, opening=(3.0, 90.0)
    )

    assert () == broker.fills


def test_a_sale_is_not_taken_back_on_a_missed_bar():
    """Live it protects what is held, and the strategy may have died over a decision of the past."""

    class Fickle(Scripted):
        def next(self) -> None:
            if len(self) == 1:
                self.buy(size=1)
            elif len(self) == 2:
                self.guard = self.sell(size=1, exectype=bt.Order.Stop, price=98.5)
            else:
                self.told.append((len(self), str(self.broker.cancel(self.guard))))

    cerebro = bt.Cerebro(stdstats=False)
    data = bars(*PRICES)
    broker = ReplayBroker(bars=data, tradable=on("xx.x.."))
    cerebro.setbroker(broker)
    cerebro.adddata(ArrayFeed(data, interval=Interval.parse("1d")))
    cerebro.addstrategy(Fickle)
    (strategy,) = cerebro.run()

    assert [(3, "False"), (4, "True")] == [told for told in strategy.told if told[1] in ("True", "False")][:2]


def test_what_was_ordered_before_goes_on_over_history():
    """A market order fills at the next open, a resting one later, protection works: the exchange has them."""
    broker, _ = play(
        ReplayBroker, bars(*PRICES), "b.....", tradable=on("x....."), protection=Protection(stop_loss_pct=2)
    )

    assert [(1, 2.0, "signal"), (5, -2.0, "stop_loss")] == [(f.bar, f.size, f.tag) for f in broker.fills]
    assert [("market", "", (0,)), ("stop", "stop_loss", (1,))] == [
        (order.kind, order.tag, order.fills) for order in broker.placed
    ]


def test_a_resting_order_of_the_strategy_fills_on_history():
    broker, _ = play(ReplayBroker, bars(*PRICES), "b.....", tradable=on("x....."), strategy={"limit": 98.5})

    assert [(5, 98.5)] == [(fill.bar, fill.price) for fill in broker.fills]


def test_a_tag_of_the_strategy_does_not_pass_for_protection():
    class Sly(Scripted):
        def next(self) -> None:
            if len(self) == 1:
                self.buy(size=1, tag="stop_loss")

    cerebro = bt.Cerebro(stdstats=False)
    data = bars(*PRICES)
    broker = ReplayBroker(bars=data, tradable=on("......"))
    cerebro.setbroker(broker)
    cerebro.adddata(ArrayFeed(data, interval=Interval.parse("1d")))
    cerebro.addstrategy(Sly)
    cerebro.run()

    assert () == broker.fills
    assert [HISTORY] == [order.reason for order in broker.placed]


def test_an_order_that_cash_cannot_pay_says_so():
    broker, _ = play(ReplayBroker, bars(*PRICES), "b.....", tradable=on("xxxxxx"), strategy={"size": 200.0})

    assert broker.placed[0].reason.startswith("not enough cash")


def test_a_holding_from_before_is_there_from_the_first_bar():
    broker, _ = play(ReplayBroker, bars(*PRICES), "...c..", tradable=on("xxxxxx"), opening=(3.0, 90.0))

    assert [3.0, 3.0, 3.0, 3.0, 0.0, 0.0] == broker.curve.position.tolist()
    assert broker.curve.equity[0] == 10_000.0 + 3 * 100
    assert broker.curve.equity[-1] == pytest.approx(10_000 + 3 * 104 * 0.999)
