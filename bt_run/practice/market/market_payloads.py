"""
Market data as Binance's spot REST and streams write it: JSON-ready, prices and quantities with 8 decimals.

Sources: rest-api.md and web-socket-streams.md of binance-spot-api-docs, read 2026-07-21. Times are ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.practice.market.units import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from bt_run.practice.events import Kline, Print
    from bt_run.practice.market.replay import Market
    from bt_run.practice.market.synthetic_book import Level

__all__ = [
    "agg_trade_frame",
    "agg_trade_row",
    "average_price",
    "average_price_frame",
    "book_ticker",
    "book_ticker_frame",
    "day_ticker",
    "depth",
    "depth_frame",
    "kline_frame",
    "kline_row",
    "mini_ticker_frame",
    "price_ticker",
    "text",
    "ticker_frame",
    "trade_frame",
    "trade_row",
]

Json = dict[str, Any]

_PERCENT_DECIMALS = 3


def text(number: Decimal) -> str:
    """Write a price or quantity with 8 decimals."""
    return f"{number:.8f}"


# REST.


def kline_row(kline: Kline) -> list[Any]:
    """Write the 12 columns of GET klines; the last means nothing."""
    return [
        kline.open_time,
        text(kline.open),
        text(kline.high),
        text(kline.low),
        text(kline.close),
        text(kline.volume),
        kline.close_time,
        text(kline.quote_volume),
        kline.trades,
        text(kline.taker_buy_volume),
        text(kline.taker_buy_quote_volume),
        "0",
    ]


def trade_row(trade: Print) -> Json:
    """Write an element of GET trades and historicalTrades."""
    return {
        "id": trade.trade_id,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.price * trade.quantity),
        "time": trade.time,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def agg_trade_row(trade: Print) -> Json:
    """Write an element of GET aggTrades; each print is an aggregate of one trade, under the same id."""
    return {
        "a": trade.trade_id,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.time,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def price_ticker(market: Market) -> Json:
    """Write GET ticker/price."""
    return {"symbol": market.symbol, "price": text(market.last_price)}


def book_ticker(market: Market, now: int) -> Json:
    """Write GET ticker/bookTicker."""
    bid, ask = _best(market, now)
    return {
        "symbol": market.symbol,
        "bidPrice": text(bid[0]),
        "bidQty": text(bid[1]),
        "askPrice": text(ask[0]),
        "askQty": text(ask[1]),
    }


def average_price(market: Market, now: int) -> Json:
    """Write GET avgPrice over the minutes of the symbol's filters."""
    minutes = market.rules.average_price_minutes
    price = text(market.average_price(minutes, now))
    return {"mins": minutes, "price": price, "closeTime": _last_trade_time(market)}


def depth(market: Market, limit: int, now: int) -> Json:
    """Write GET depth; the synthetic book has 20 levels at most."""
    bids, asks = market.book(limit, now)
    return {"lastUpdateId": market.update_id, "bids": _levels(bids), "asks": _levels(asks)}


def day_ticker(market: Market, now: int) -> Json:
    """Write GET ticker/24hr (type FULL)."""
    day = market.day(now)
    bid, ask = _best(market, now)
    return {
        "symbol": day.symbol,
        "priceChange": text(day.change),
        "priceChangePercent": f"{day.change_percent:.{_PERCENT_DECIMALS}f}",
        "weightedAvgPrice": text(day.average),
        "prevClosePrice": text(day.previous_close),
        "lastPrice": text(day.last),
        "lastQty": text(day.last_quantity),
        "bidPrice": text(bid[0]),
        "bidQty": text(bid[1]),
        "askPrice": text(ask[0]),
        "askQty": text(ask[1]),
        "openPrice": text(day.open),
        "highPrice": text(day.high),
        "lowPrice": text(day.low),
        "volume": text(day.volume),
        "quoteVolume": text(day.quote_volume),
        "openTime": day.open_time,
        "closeTime": day.close_time,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


# Streams.


def kline_frame(kline: Kline, closed: bool, event_time: int) -> Json:
    """Write ``<symbol>@kline_<interval>``."""
    bar = {
        "t": kline.open_time, "T": kline.close_time, "s": kline.symbol, "i": kline.interval,
        "f": kline.first_id, "L": kline.last_id, "o": text(kline.open), "c": text(kline.close),
        "h": text(kline.high), "l": text(kline.low), "v": text(kline.volume), "n": kline.trades, "x": closed,
        "q": text(kline.quote_volume), "V": text(kline.taker_buy_volume),
        "Q": text(kline.taker_buy_quote_volume), "B": "0",
    }  # fmt: skip
    return {"e": "kline", "E": event_time, "s": kline.symbol, "k": bar}


def trade_frame(trade: Print, event_time: int) -> Json:
    """Write ``<symbol>@trade``."""
    return {
        "e": "trade", "E": event_time, "s": trade.symbol, "t": trade.trade_id, "p": text(trade.price),
        "q": text(trade.quantity), "T": trade.time, "m": trade.buyer_is_maker, "M": True,
    }  # fmt: skip


def agg_trade_frame(trade: Print, event_time: int) -> Json:
    """Write ``<symbol>@aggTrade``."""
    return {"e": "aggTrade", "E": event_time, "s": trade.symbol, **agg_trade_row(trade)}


def book_ticker_frame(market: Market, now: int) -> Json:
    """Write ``<symbol>@bookTicker``, which has neither event type nor time."""
    bid, ask = _best(market, now)
    return {
        "u": market.update_id, "s": market.symbol, "b": text(bid[0]), "B": text(bid[1]),
        "a": text(ask[0]), "A": text(ask[1]),
    }  # fmt: skip


def depth_frame(market: Market, limit: int, now: int) -> Json:
    """Write ``<symbol>@depth5``, ``@depth10`` and ``@depth20``."""
    return depth(market, limit, now)


def mini_ticker_frame(market: Market, now: int) -> Json:
    """Write ``<symbol>@miniTicker``."""
    day = market.day(now)
    return {
        "e": "24hrMiniTicker", "E": now, "s": day.symbol, "c": text(day.last), "o": text(day.open),
        "h": text(day.high), "l": text(day.low), "v": text(day.volume), "q": text(day.quote_volume),
    }  # fmt: skip


def ticker_frame(market: Market, now: int) -> Json:
    """Write ``<symbol>@ticker``."""
    day = market.day(now)
    bid, ask = _best(market, now)
    return {
        "e": "24hrTicker", "E": now, "s": day.symbol, "p": text(day.change),
        "P": f"{day.change_percent:.{_PERCENT_DECIMALS}f}", "w": text(day.average),
        "x": text(day.previous_close), "c": text(day.last), "Q": text(day.last_quantity),
        "b": text(bid[0]), "B": text(bid[1]), "a": text(ask[0]), "A": text(ask[1]), "o": text(day.open),
        "h": text(day.high), "l": text(day.low), "v": text(day.volume), "q": text(day.quote_volume),
        "O": day.open_time, "C": day.close_time, "F": day.first_id, "L": day.last_id, "n": day.trades,
    }  # fmt: skip


def average_price_frame(market: Market, now: int) -> Json:
    """Write ``<symbol>@avgPrice``."""
    minutes = market.rules.average_price_minutes
    return {
        "e": "avgPrice", "E": now, "s": market.symbol, "i": f"{minutes}m",
        "w": text(market.average_price(minutes, now)), "T": _last_trade_time(market),
    }  # fmt: skip


def _best(market: Market, now: int) -> tuple[Level, Level]:
    bids, asks = market.book(1, now)
    nothing = (ZERO, ZERO)  # how Binance shows an empty side
    return bids[0] if bids else nothing, asks[0] if asks else nothing


def _levels(levels: Iterable[Level]) -> list[list[str]]:
    return [[text(price), text(quantity)] for price, quantity in levels]


def _last_trade_time(market: Market) -> int:
    return market.last_print.time if market.last_print is not None else market.now
