"""Trades and liquidations come over a connection of their own and meet the bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exchange_streams import StreamServer

from bt_run.core.background import BackgroundLoop, Bell
from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.core.stream_policy import StreamPolicy
from bt_run.core.venue import VENUES
from feeds.live.flow import FlowListener

MINUTE = 60_000
START = 1_700_000_040_000
TRADES, FORCED = "btcusdt@aggTrade", "btcusdt@forceOrder"


@pytest.fixture
def streams():
    """Give a server of streams."""
    with StreamServer() as server:
        yield server


@pytest.fixture
def listener(streams):
    """Give a listener that is connected."""
    venue = replace(VENUES["practice"], futures_stream_url=streams.url)
    policy = StreamPolicy(floor_s=0.01, healthy_s=0.01, close_s=0.1)
    listener = FlowListener(venue, ["BTCUSDT"], Interval.parse("1m"), policy=policy)
    with BackgroundLoop("test") as background:
        listener.start(background, Bell())
        streams.wait_for_listeners(1)
        streams.wait(lambda: listener.waiting == 1)  # it knows that it is connected
        yield listener


def _trade(second, quantity, *, sold, number):
    at = START + round(second * 1000)
    return {
        "e": "aggTrade", "E": at, "s": "BTCUSDT", "a": number, "p": "1", "q": str(quantity), "f": number,
        "l": number, "T": at, "m": sold, "st": 1,
    }  # fmt: skip


def _forced(second, side, quantity):
    at = START + round(second * 1000)
    order = {
        "s": "BTCUSDT", "S": side, "o": "LIMIT", "f": "IOC", "q": str(quantity), "p": "1", "ap": "1",
        "X": "FILLED", "l": str(quantity), "z": str(quantity), "T": at,
    }  # fmt: skip
    return {"e": "forceOrder", "E": at, "o": order}


def _bars(volumes):
    count = len(volumes)
    price = np.ones(count)
    return Bars.of(
        START + MINUTE * np.arange(count), open=price, high=price, low=price, close=price, volume=volumes,
        taker_buy_volume=[volume / 2 for volume in volumes],
    )  # fmt: skip


def test_the_stream_is_that_of_futures(streams, listener):
    """Trades and liquidations on the path for market data."""
    assert streams.paths[0].startswith("/market/stream?streams=")
    assert TRADES in streams.paths[0]
    assert FORCED in streams.paths[0]


def test_a_bar_waits_for_its_trades_and_takes_its_liquidations(streams, listener):
    """What was heard before the first message is unknown; from then on nothing is missing."""
    streams.send(TRADES, _trade(59, 1.0, sold=True, number=1))
    streams.send(TRADES, _trade(61, 3.0, sold=True, number=2))
    streams.send(FORCED, _forced(62, "SELL", 2.5))
    streams.send(TRADES, _trade(119, 1.0, sold=False, number=3))
    streams.wait(lambda: listener.waiting >= 2)
    flow = listener.join("BTCUSDT", _bars([2.0, 4.0])).flow

    assert [False, True] == flow.knows_liquidations.tolist()
    assert (3.0, 1.0, 2.5) == (flow.true_volume[1], flow.false_volume[1], flow.long_liquidation_volume[1])
    assert 1.0 == flow.false_volume[0]  # of its taker buy volume


def test_trades_that_never_come_are_waited_for_a_moment_only(streams, listener):
    """The bar's own taker buy volume is then used."""
    streams.send(TRADES, _trade(-1, 1.0, sold=True, number=1))
    streams.wait(lambda: listener.waiting == 2)
    flow = listener.join("BTCUSDT", _bars([8.0])).flow

    assert (4.0, 4.0) == (flow.true_volume[0], flow.false_volume[0])
    assert not flow.long_liquidations[0]


def test_a_bar_in_which_the_connection_broke_knows_no_liquidations(streams, listener):
    """The next whole bar does again."""
    streams.send(TRADES, _trade(-1, 1.0, sold=True, number=1))
    streams.send(TRADES, _trade(30, 1.0, sold=True, number=2))
    streams.cut()
    streams.wait_for_listeners(1, attempts=2, limit_s=20)
    streams.send(TRADES, _trade(45, 1.0, sold=True, number=3))
    streams.send(TRADES, _trade(61, 1.0, sold=True, number=4))
    streams.wait(lambda: listener.waiting == 7)  # two connections, a loss between them, four trades
    flow = listener.join("BTCUSDT", _bars([3.0, 1.0])).flow

    assert [False, True] == flow.knows_liquidations.tolist()


def test_bars_of_spot_take_liquidations_alone(streams):
    """Trades of futures are not theirs, and are not waited for."""
    venue = replace(VENUES["practice"], futures_stream_url=streams.url)
    listener = FlowListener(venue, ["BTCUSDT"], Interval.parse("1m"), counts_trades=False)
    with BackgroundLoop("test") as background:
        listener.start(background, Bell())
        streams.wait_for_listeners(1)
        streams.send(TRADES, _trade(-1, 9.0, sold=True, number=1))
        streams.send(TRADES, _trade(30, 8.0, sold=True, number=2))
        streams.send(FORCED, _forced(31, "BUY", 2.5))
        streams.wait(lambda: listener.waiting == 4)
        flow = listener.join("BTCUSDT", _bars([8.0])).flow

    assert (4.0, 4.0) == (flow.true_volume[0], flow.false_volume[0])
    assert 2.5 == flow.short_liquidation_volume[0]
