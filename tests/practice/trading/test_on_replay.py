"""Trading on the replayed market itself, through the exchange."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.practice.events import BarClosed
from bt_run.practice.exchange import Exchange
from bt_run.practice.market import Market
from bt_run.practice.orders import Ticket
from bt_run.practice.rules import SymbolRules
from bt_run.practice.trading import Trading

D = Decimal


@pytest.fixture
def exchange():
    """Three bars to come after one of history: up to 106, down to 94, down to 90."""
    bars = Bars.of(
        np.arange(4) * 60_000,
        open=np.array([100.0, 101.0, 105.5, 95.0]),
        high=np.array([102.0, 106.0, 108.0, 97.0]),
        low=np.array([99.0, 100.0, 94.0, 90.0]),
        close=np.array([101.0, 105.0, 96.0, 91.0]),
        volume=np.full(4, 50.0),
    )
    market = Market.from_bars(bars, Interval.parse("1m"), SymbolRules(), at=1)
    return Exchange({"BTCUSDT": market}, Trading({"USDT": D(10_000), "BTC": D(1)}))


def order(name, side, kind, **given):
    return Ticket("BTCUSDT", side, kind, name, quantity=D(1), **given)


def test_a_market_order_at_a_bars_close_gets_the_next_open(exchange):
    """As in a backtest: decided at the close of 105, done at the open of 105.50."""
    while not isinstance(exchange.step(), BarClosed):
        pass
    placed = exchange.trading.place(order("a", "BUY", "MARKET"))
    assert [D("105.5")] == [fill.price for fill in placed.fills]


def test_stops_and_limits_inside_a_bar_fill_at_their_level(exchange):
    """No print need be there: the path inside a bar goes through all prices."""
    exchange.trading.place(order("stop", "SELL", "STOP_LOSS", stop_price=D("98.37")))
    exchange.trading.place(order("limit", "BUY", "LIMIT", price=D("91.23")))
    exchange.advance(10**9)
    assert [("98.37", False), ("91.23", True)] == [
        (f"{fill.price:.2f}", fill.is_maker) for fill in exchange.trading.fills("BTCUSDT")
    ]
