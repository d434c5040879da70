"""Trades, klines and liquidations of futures become order flow, and what is not known stays unknown."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.core.order_flow import FLOW_COLUMNS, OrderFlow
from feeds.codec import parse_frame
from feeds.order_flow import FlowBook
from feeds.recording.capture_bars import read_capture
from feeds.recording.capture_writer import CaptureWriter
from feeds.resample import resample
from feeds.wire.messages import AggTrade, KlineFrame, Liquidation
from feeds.wire.stream_events import Connected, Disconnected, Frame

MINUTE = 60_000
START = 1_700_000_040_000  # a whole minute
ONE = Interval.parse("1m")


def _bars(volumes, bought):
    price = np.ones(len(volumes))
    return Bars.of(
        START + MINUTE * np.arange(len(volumes)),
        open=price, high=price, low=price, close=price, volume=volumes, taker_buy_volume=bought,
    )  # fmt: skip


def _trade(second, quantity, *, sold, symbol="BTCUSDT", number=1):
    return AggTrade(symbol, number, 1.0, quantity, number, number, START + round(second * 1000), sold)


def _liquidation(second, side, quantity, *, symbol="BTCUSDT", coin_m=False):
    at = START + round(second * 1000)
    return Liquidation(symbol, side, quantity, 1.0, 1.0, quantity, "FILLED", at, coin_m=coin_m)


def test_trades_and_liquidations_fall_into_their_bars():
    """A sale by force is a long that was liquidated."""
    book = FlowBook("BTCUSDT", ONE)
    book.connected(START)
    for message in (
        _trade(1, 2.0, sold=True),
        _trade(2, 3.0, sold=False),
        _liquidation(3, "SELL", 0.5),
        _liquidation(4, "SELL", 1.5),
        _liquidation(65, "BUY", 4.0),
        _trade(3, 9.0, sold=True, symbol="ETHUSDT"),
        _liquidation(5, "SELL", 9.0, symbol="ETHUSDT"),
        _liquidation(5, "SELL", 9.0, coin_m=True),
    ):
        book.take(message)
    flow = book.flow_of(_bars([5.0, 7.0, 1.0], [3.0, 6.0, 1.0]))

    assert [2.0, 1.0, 0.0] == flow.true_volume.tolist()  # the second bar has no trades: its taker buys tell
    assert [3.0, 6.0, 1.0] == flow.false_volume.tolist()
    assert [2.0, 0.0, 0.0] == flow.long_liquidation_volume.tolist()
    assert [0.0, 4.0, 0.0] == flow.short_liquidation_volume.tolist()
    assert [2.0, 0.0, 0.0] == flow.long_liquidations.tolist()
    assert [1.5, 4.0, 0.0] == flow.largest_liquidation.tolist()


def test_a_bar_in_which_nobody_listened_knows_no_liquidations():
    """Zero is knowledge; a connection that began or ended within a bar gives none."""
    book = FlowBook("BTCUSDT", ONE)
    book.connected(START + 30_000)
    book.take(_liquidation(40, "SELL", 1.0))
    book.disconnected(START + 3 * MINUTE + 1)
    book.connected(START + 4 * MINUTE)
    flow = book.flow_of(_bars([1.0] * 6, [0.5] * 6))

    assert [False, True, True, False, True, True] == flow.knows_liquidations.tolist()
    assert np.isnan(flow.largest_liquidation[0])


def test_trades_that_are_not_whole_give_way_to_taker_buy_volume():
    """What adds up to the volume counts; the bar is named."""
    book = FlowBook("BTCUSDT", ONE)
    book.take(_trade(1, 2.0, sold=True))
    bars = _bars([5.0, 1.0], [3.5, np.nan])
    flow = book.flow_of(bars)

    assert [START] == book.torn(bars)
    assert (1.5, 3.5) == (flow.true_volume[0], flow.false_volume[0])
    assert np.isnan(flow.true_volume[1])


def test_a_liquidation_that_came_twice_counts_once():
    """Captures of two connections repeat it."""
    book = FlowBook("BTCUSDT", ONE)
    book.connected(START)
    for _ in range(2):
        book.take(_liquidation(3, "BUY", 2.0))

    assert [2.0] == book.flow_of(_bars([1.0], [1.0])).short_liquidation_volume.tolist()


@given(st.lists(st.tuples(st.integers(0, 299), st.floats(0.001, 100.0), st.booleans()), max_size=60))
def test_true_and_false_volume_add_up_to_all_trades(trades):
    """However the trades fall, nothing is lost between the bars."""
    book = FlowBook("BTCUSDT", ONE)
    volumes, bought = np.zeros(5), np.zeros(5)
    for second, quantity, sold in trades:
        book.take(_trade(second, quantity, sold=sold))
        volumes[second // 60] += quantity
        bought[second // 60] += 0.0 if sold else quantity
    flow = book.flow_of(_bars(volumes, bought))

    np.testing.assert_allclose(flow.true_volume + flow.false_volume, volumes)
    np.testing.assert_allclose(flow.false_volume, bought)


def test_longer_bars_sum_up_the_flow_and_keep_the_largest():
    """As volumes do; a sum with an unknown in it is unknown."""
    bars = _bars([1.0] * 4, [0.5] * 4)
    rows = {name: [1.0, 2.0, 3.0, np.nan] for name in FLOW_COLUMNS}
    joined = resample(bars.with_flow(OrderFlow.of(4, **rows)), source=ONE, target=Interval.parse("2m"))

    assert joined.flow is not None
    assert [3.0] == joined.flow.true_volume[:1].tolist()
    assert [2.0] == joined.flow.largest_liquidation[:1].tolist()
    assert np.isnan(joined.flow.true_volume[1])


def test_real_trades_add_up_to_the_klines_beside_them(cryptofeed):
    """Where all trade ids of a kline were recorded, volume and taker buys agree."""
    checked = 0
    klines: dict[tuple[str, int], KlineFrame] = {}
    trades: dict[str, list[AggTrade]] = {}
    for _, text in cryptofeed["futures/cryptofeed-BINANCE_FUTURES-20210722.ws.txt.gz"]:
        for message in parse_frame(text):
            if isinstance(message, KlineFrame) and message.last_id >= 0:
                klines[message.symbol, message.open_time] = message
            elif isinstance(message, AggTrade):
                trades.setdefault(message.symbol, []).append(message)
    for (symbol, opened), kline in klines.items():
        mine = [one for one in trades.get(symbol, ()) if kline.first_id <= one.first_id <= kline.last_id]
        if not mine or mine[0].first_id != kline.first_id or mine[-1].last_id != kline.last_id:
            continue
        book = FlowBook(symbol, ONE)
        for one in mine:
            book.take(one)
        one_bar = Bars.of(
            [opened], open=[kline.open], high=[kline.high], low=[kline.low], close=[kline.close],
            volume=[kline.volume], taker_buy_volume=[kline.taker_buy_volume],
        )  # fmt: skip
        flow = book.flow_of(one_bar)
        assert not book.torn(one_bar), symbol
        assert flow.false_volume[0] == pytest.approx(kline.taker_buy_volume, abs=1e-9)
        assert flow.true_volume[0] == pytest.approx(kline.volume - kline.taker_buy_volume, abs=1e-9)
        checked += 1

    assert checked >= 2


def test_real_liquidations_are_understood(single_messages):
    """Every recorded USD-M liquidation counts on its side, those in coin do not."""
    found = [
        message
        for text in single_messages
        if '"forceOrder"' in text
        for message in parse_frame(text)
        if isinstance(message, Liquidation)
    ]
    assert len(found) >= 4
    for order in found:
        opened = order.time_ms - order.time_ms % MINUTE
        book = FlowBook(order.symbol, ONE)
        book.connected(opened)
        book.take(order)
        price = [1.0]
        bars = Bars.of([opened], open=price, high=price, low=price, close=price, volume=[1.0])
        flow = book.flow_of(bars)
        expected = 0.0 if order.coin_m else order.filled
        side = flow.long_liquidation_volume if order.side == "SELL" else flow.short_liquidation_volume
        assert [expected] == side.tolist()


def _payload(event, stream):
    return Frame(event["E"], stream, json.dumps(event))


def _kline(minute, volume, bought):
    opened = START + minute * MINUTE
    bar = {
        "t": opened, "T": opened + MINUTE - 1, "i": "1m", "f": 1, "L": 2, "o": "1", "h": "1", "l": "1",
        "c": "1", "v": str(volume), "n": 2, "x": True, "q": "1", "V": str(bought), "Q": "1",
    }  # fmt: skip
    return _payload({"e": "kline", "E": opened + MINUTE, "s": "BTCUSDT", "k": bar}, "btcusdt@kline_1m")


def _force(second, side, quantity, symbol="BTCUSDT"):
    at = START + second * 1000
    order = {
        "s": symbol, "S": side, "o": "LIMIT", "f": "IOC", "q": str(quantity), "p": "1", "ap": "1",
        "X": "FILLED", "l": str(quantity), "z": str(quantity), "T": at,
    }  # fmt: skip
    return _payload({"e": "forceOrder", "E": at, "o": order}, f"{symbol.lower()}@forceOrder")


def test_a_capture_of_futures_has_order_flow(tmp_path):
    """Known while the connection was open, unknown in the bar in which it broke."""
    streams = ["btcusdt@kline_1m", "btcusdt@forceOrder"]
    writer = CaptureWriter(tmp_path / "c", symbols=["BTCUSDT"], streams=streams, market="futures")
    for event in (
        Connected(START - 5, "wss://x"),
        _force(10, "SELL", 2.0),
        _force(11, "SELL", 9.0, symbol="ETHUSDT"),
        _kline(0, 5.0, 3.0),
        _kline(1, 6.0, 1.0),
        Disconnected(START + 2 * MINUTE + 500, "lost"),
        Connected(START + 2 * MINUTE + 900, "wss://x"),
        _kline(2, 1.0, 1.0),
        _force(190, "BUY", 3.0),
        _kline(3, 1.0, 0.0),
    ):
        writer.write(event)
    writer.close()
    file = read_capture(tmp_path / "c", symbol="BTCUSDT")
    flow = file.bars.flow

    assert flow is not None
    assert [True, True, False, True] == flow.knows_liquidations.tolist()
    assert [2.0, 0.0, 0.0] == flow.long_liquidation_volume[[0, 1, 3]].tolist()
    assert 3.0 == flow.short_liquidation_volume[3]
    assert [1.0, -4.0, 1.0, -1.0] == flow.difference.tolist()


def test_a_capture_without_liquidations_knows_none(tmp_path):
    """Not recorded is not the same as none."""
    writer = CaptureWriter(tmp_path / "c", symbols=["BTCUSDT"], streams=["btcusdt@kline_1m"], market="futures")
    for event in (Connected(START - 5, "wss://x"), _kline(0, 5.0, 3.0)):
        writer.write(event)
    writer.close()
    flow = read_capture(tmp_path / "c").bars.flow

    assert flow is not None
    assert not flow.knows_liquidations.any()
    assert [1.0] == flow.difference.tolist()


def test_a_recording_of_a_replay_goes_by_the_market_s_time(tmp_path):
    """Our clock is years ahead of the exchange's: listening begins with its first message."""
    streams = ["btcusdt@kline_1m", "btcusdt@forceOrder"]
    writer = CaptureWriter(tmp_path / "c", symbols=["BTCUSDT"], streams=streams, market="futures")
    late = 10**11
    for event in (
        Connected(START + late, "wss://x"),
        _force(10, "SELL", 2.0),
        _kline(0, 5.0, 3.0),
        _force(70, "BUY", 4.0),
        _kline(1, 6.0, 1.0),
        _kline(2, 1.0, 1.0),
    ):
        moved = replace(event, receive_ms=event.receive_ms + late) if isinstance(event, Frame) else event
        writer.write(moved)
    writer.close()
    flow = read_capture(tmp_path / "c").bars.flow

    assert [False, True, True] == flow.knows_liquidations.tolist()
    assert [4.0, 0.0] == flow.short_liquidation_volume[1:].tolist()
