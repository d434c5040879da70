"""What the exchange says has the keys and types of what was recorded from Binance."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bt_run.core.market import Bars, Interval
from bt_run.practice.events import Print, Printed
from bt_run.practice.market import Market
from bt_run.practice.market import futures_payloads as futures
from bt_run.practice.market import market_payloads as spot
from bt_run.practice.market.liquidations import Liquidation, LiquidationMaker
from bt_run.practice.rules import SymbolRules

D = Decimal


def kinds(value: Any) -> Any:
    """Give the shape of a JSON value: keys and the types of what they hold."""
    if isinstance(value, dict):
        return {key: kinds(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [kinds(inner) for inner in value]
    return type(value).__name__


@pytest.fixture
def market(minutes: Bars) -> Market:
    """Give a market in its 2000th bar."""
    found = Market.from_bars(minutes, Interval.parse("1m"), SymbolRules(), at=2000)
    for _ in range(5):
        found.step()
    return found


@pytest.fixture(scope="session")
def routes(shared: Path) -> dict[str, Any]:
    """Give recorded REST answers: path to data."""
    with gzip.open(shared / "realdata" / "rest" / "gct-recorded-http.json.gz", "rt") as stream:
        found = json.load(stream)["routes"]
    return {path: calls["GET"][0]["data"] for path, calls in found.items() if "GET" in calls}


def first(answer: Any) -> Any:
    return answer[0] if isinstance(answer, list) else answer


# REST.


def test_rest_answers_have_the_recorded_shape(market: Market, routes: dict[str, Any]) -> None:
    trade, now = market.trades(1)[0], market.now
    ours = {
        "ticker/price": spot.price_ticker(market),
        "ticker/bookTicker": spot.book_ticker(market, now),
        "ticker/24hr": spot.day_ticker(market, now),
        "aggTrades": spot.agg_trade_row(trade),
        "historicalTrades": spot.trade_row(trade),
        "klines": spot.kline_row(market.klines("1m", now=now)[0]),
    }
    for path, answer in ours.items():
        assert kinds(answer) == kinds(first(routes[f"/api/v3/{path}"])), path
        assert json.loads(json.dumps(answer)) == answer


def test_the_average_price_has_its_time_since_2023(market: Market, routes: dict[str, Any]) -> None:
    ours = kinds(spot.average_price(market, market.now))

    assert ours.pop("closeTime") == "int"
    assert ours == kinds(routes["/api/v3/avgPrice"])


def test_depth_has_the_recorded_shape(market: Market, routes: dict[str, Any]) -> None:
    theirs, ours = routes["/api/v3/depth"], spot.depth(market, 5, market.now)

    assert ours.keys() == theirs.keys()
    assert kinds(ours["bids"]) == kinds(theirs["bids"][:5]) == [["str", "str"]] * 5
    assert float(ours["bids"][0][0]) < float(ours["asks"][0][0])


def test_numbers_have_eight_decimals(market: Market) -> None:
    row = spot.kline_row(market.klines("1m", now=market.now)[0])

    assert all(len(cell.partition(".")[2]) == 8 for cell in row[1:6])
    assert spot.text(D("1E-8")) == "0.00000001"
    assert spot.text(D(12)) == "12.00000000"


# Streams.


def frames(path: Path) -> list[dict[str, Any]]:
    """Give the payloads of a recording, without the names of their streams."""
    found = []
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as stream:
        for line in stream:
            begin = line.find("{")
            if begin < 0:
                continue
            frame = json.loads(line[begin:])
            frame = frame.get("payload", frame)
            frame = frame.get("data", frame) if isinstance(frame, dict) else {}
            found.append(frame if isinstance(frame, dict) else {})
    return found


@pytest.fixture(scope="session")
def recorded(shared: Path) -> list[dict[str, Any]]:
    """Give recorded frames of spot."""
    folder = shared / "realdata" / "frames"
    names = ("spot/cryptofeed-BINANCE-20210814.ws.txt.gz", "userdata/roq-spot-messages.jsonl")
    return [frame for name in names for frame in frames(folder / name)]


@pytest.fixture(scope="session")
def recorded_futures(shared: Path) -> list[dict[str, Any]]:
    """Give recorded frames of futures, and those of spot among them that no other file has."""
    folder = shared / "realdata" / "frames"
    names = ("futures/cryptofeed-BINANCE_FUTURES-20210722.ws.txt.gz", "futures/unicorn-fy-messages.jsonl")
    return [frame for name in names for frame in frames(folder / name)]


def test_spot_frames_have_the_recorded_shape(
    market: Market, recorded: list[dict[str, Any]], recorded_futures: list[dict[str, Any]]
) -> None:
    trade, now = market.trades(1)[0], market.now
    kline = market.klines("1m", now=now, limit=1)[0]
    ours = {
        "kline": spot.kline_frame(kline, False, now),
        "aggTrade": spot.agg_trade_frame(trade, now),
        "24hrMiniTicker": spot.mini_ticker_frame(market, now),
        "24hrTicker": spot.ticker_frame(market, now),
    }
    for name, frame in ours.items():
        theirs = [
            one
            for one in (*recorded, *recorded_futures)
            if one.get("e") == name and "ps" not in one and ("x" in one or name != "24hrTicker")
        ]
        spot_only = [one for one in theirs if one.get("M") is not None] if name == "aggTrade" else theirs
        assert spot_only, name
        assert kinds(frame) == kinds(spot_only[0]), name
    best = [one for one in recorded if {"u", "s", "b", "B", "a", "A"} == one.keys()]
    assert kinds(spot.book_ticker_frame(market, now)) == kinds(best[0])


def test_trade_frames_have_the_documented_shape(market: Market) -> None:
    trade = market.trades(1)[0]
    frame = spot.trade_frame(trade, market.now)

    assert list(frame) == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]
    assert (frame["t"], frame["T"], frame["M"]) == (trade.trade_id, trade.time, True)
    assert list(spot.average_price_frame(market, market.now)) == ["e", "E", "s", "i", "w", "T"]
    assert spot.depth_frame(market, 10, market.now) == spot.depth(market, 10, market.now)


def test_a_kline_frame_tells_the_bar(market: Market) -> None:
    kline = market.klines("5m", now=market.now, limit=2)[0]
    frame = spot.kline_frame(kline, True, kline.close_time + 1)
    bar = frame["k"]

    assert frame["E"] == kline.close_time + 1
    assert (bar["x"], bar["i"], bar["t"], bar["T"]) == (True, "5m", kline.open_time, kline.close_time)
    assert [D(bar[key]) for key in "ohlcvqVQ"] == [
        kline.open, kline.high, kline.low, kline.close, kline.volume, kline.quote_volume,
        kline.taker_buy_volume, kline.taker_buy_quote_volume,
    ]  # fmt: skip


def test_futures_frames_have_the_recorded_shape(market: Market, recorded_futures: list[dict[str, Any]]) -> None:
    trade, now = market.trades(1)[0], market.now
    kline = market.klines("1m", now=now, limit=1)[0]
    order = Liquidation("BTCUSDT", "SELL", D("0.5"), D(90), now)
    ours = {
        "kline": futures.futures_kline_frame(kline, False, now),
        "continuous_kline": futures.continuous_kline_frame(kline, False, now),
        "forceOrder": futures.force_order_frame(order, now),
    }
    for name, frame in ours.items():
        theirs = next(one for one in recorded_futures if one.get("e") == name)
        assert kinds(frame) == kinds(theirs), name
    agg = kinds(futures.futures_agg_trade_frame(trade, now))
    assert (agg.pop("nq"), agg.pop("st")) == ("str", "int")  # since 2025-12-31 and 2026-06-30
    assert agg == kinds(next(one for one in recorded_futures if one.get("e") == "aggTrade" and "M" not in one))
    merged = futures.force_order_frame(order, now, all_market=True)
    assert (merged["ps"], merged["st"], merged["o"]["q"]) == ("BTCUSDT", 1, "0.5")


@pytest.mark.parametrize(
    ("number", "text"),
    [("0.50000000", "0.5"), ("100.00000000", "100"), ("1E+2", "100"), ("1E-8", "0.00000001")],
)
def test_futures_numbers_are_not_padded(number: str, text: str) -> None:
    assert futures.plain(D(number)) == text


# Liquidations.


def test_large_prints_are_liquidations_once_a_second(minutes: Bars) -> None:
    def found(count: int) -> list[Liquidation]:
        market, maker = Market.from_bars(minutes, Interval.parse("1m"), SymbolRules()), LiquidationMaker()
        events = [market.step() for _ in range(count)]
        made = [maker.note(event.print) for event in events if isinstance(event, Printed)]
        return [one for one in made if one is not None]

    orders = found(2000)
    assert 100 < len(orders) < 1500
    assert orders == found(2000)
    assert {order.side for order in orders} == {"BUY", "SELL"}
    assert all(after.time - before.time >= 1000 for before, after in pairwise(orders))


def test_of_large_prints_in_one_second_the_first_counts() -> None:
    maker = LiquidationMaker()
    sizes = [(0, "1"), (10, "9"), (900, "9"), (1009, "9"), (1010, "9"), (5000, "0.5")]
    made = [
        maker.note(Print("BTCUSDT", number, time, D(100), D(size), number % 2 == 0))
        for number, (time, size) in enumerate(sizes)
    ]

    assert [None if one is None else (one.time, one.side) for one in made] == [
        None, (10, "BUY"), None, None, (1010, "SELL"), None,
    ]  # fmt: skip
    assert made[1] is not None
    assert made[1].quantity == D("0.900")
