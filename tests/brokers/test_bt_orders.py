"""Orders made for an exchange are Backtrader's, attribute by attribute."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import backtrader as bt
import pandas as pd
import pytest

from brokers.bt_orders import ORDER_TERMS, copy_order, make_live_order

ANOTHER = object()  # stands for an order that this one depends on
BEFORE_MIDNIGHT = time(23, 59, 59, 999990)


def facts(order):
    """Give all that an order tells, but for its number."""
    names = (
        "ordtype",
        "status",
        "triggered",
        "dteos",
        "plimit",
        "position",
        "broker",
        "comminfo",
        "_limitoffset",
    )
    sides = [
        tuple((name, value) for name, value in sorted(vars(side).items()) if name != "exbits")
        for side in (order.created, order.executed)
    ]
    own = {name: getattr(order, name) for name in (*names, *ORDER_TERMS)}
    told = (dict(order.info), order.active(), order.alive(), len(order.executed))
    return (own, order.p._getkwargs(), sides, told)


@pytest.fixture(params=[BEFORE_MIDNIGHT, time(10, 0)])
def feed(request):
    """Give a feed that stands at its last bar, before the end of its session or after it."""
    index = pd.date_range("2026-01-01 00:00", periods=3, freq="9h")
    frame = pd.DataFrame({"open": 1.0, "high": 3.0, "low": 0.5, "close": [1.5, 2.0, 2.5], "volume": 9}, index)
    data = bt.feeds.PandasData(dataname=frame, sessionend=request.param, tz="America/New_York")
    cerebro = bt.Cerebro(stdstats=False, runonce=False, preload=False)
    cerebro.adddata(data)
    cerebro.addstrategy(bt.Strategy)
    cerebro.run()
    assert 2.5 == data.close[0]
    return data


ASKED = [
    {},
    {"size": 2.5, "exectype": bt.Order.Market, "tradeid": 3, "transmit": False},
    {"price": 7.0},
    {"pricelimit": 6.0},
    {"parent": ANOTHER, "trailamount": 1.0, "trailpercent": 0.1},
    {"exectype": bt.Order.Limit, "price": 7.0, "pricelimit": 8.0},
    {"exectype": bt.Order.StopTrail, "price": 7.0, "trailpercent": 0.1},
    {"exectype": bt.Order.Market, "valid": timedelta(0)},
    {"valid": datetime(2026, 2, 1)},  # noqa: DTZ001 - Backtrader puts its own zone to it
]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_live_order_is_backtrader_s(feed, side, asked):
    """At market or not, for ever or not, and its copies too."""
    asked = {"owner": None, "data": feed, "size": 1.5} | asked
    kind = bt.BuyOrder if side == "BUY" else bt.SellOrder
    made, expected = make_live_order(side, asked), kind(**asked)
    for order in (made, expected):
        order.submit("broker")

    assert isinstance(made, kind)
    assert expected.ref == made.ref + 1
    assert facts(expected) == facts(made)
    assert facts(expected.clone()) == facts(copy_order(made)) == facts(made.clone())
