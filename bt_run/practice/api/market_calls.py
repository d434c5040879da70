"""Methods about the market: whoever asks, without a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bt_run.practice.api.general_calls import read_status
from bt_run.practice.api.methods import Method, by_limit, flat
from bt_run.practice.api.time_range import TIME_NAMES, bad_combination, read_range
from bt_run.practice.market import market_payloads as tell
from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.api.parameters import Parameters
    from bt_run.practice.market import Market

__all__ = ["METHODS", "read_market"]

_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::(\d{2}))?")
_MINUTE_MS = 60_000
_EARLIEST, _LATEST = -12 * 60, 14 * 60
_DEEPEST = 5000
_MINI = (
    *("symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"),
    *("openTime", "closeTime", "firstId", "lastId", "count"),
)


def read_market(gateway: Gateway, params: Parameters) -> Market:
    """Find the market of `symbol`; raises Refusal -1100, -1121."""
    return gateway.exchange.market(params.symbol() or "")


def klines(gateway: Gateway, params: Parameters) -> Any:
    """Give bars, oldest first."""
    market = read_market(gateway, params)
    start, end = read_range(params)
    rows = market.klines(
        params.needed("interval"),
        start=start,
        end=end,
        limit=params.limit(),
        now=gateway.exchange.now,
        offset_ms=_zone(params),
    )
    return [tell.kline_row(kline) for kline in rows]


def trades(gateway: Gateway, params: Parameters) -> Any:
    """Give the last trades of the market."""
    rows = read_market(gateway, params).trades(params.limit())
    return [tell.trade_row(trade) for trade in rows]


def historical_trades(gateway: Gateway, params: Parameters) -> Any:
    """Give trades of the market from an id on."""
    rows = read_market(gateway, params).trades(params.limit(), from_id=params.whole("fromId"))
    return [tell.trade_row(trade) for trade in rows]


def agg_trades(gateway: Gateway, params: Parameters) -> Any:
    """Give aggregate trades."""
    market = read_market(gateway, params)
    start, end = read_range(params)
    from_id = params.whole("fromId")
    if from_id is not None and (start is not None or end is not None):
        raise bad_combination()
    rows = market.agg_trades(from_id, start, end, params.limit())
    return [tell.agg_trade_row(trade) for trade in rows]


def depth(gateway: Gateway, params: Parameters) -> Any:
    """Give the order book."""
    _check_status(params)
    limit = params.limit(default=100, most=_DEEPEST)
    return tell.depth(read_market(gateway, params), limit, gateway.exchange.now)


def average_price(gateway: Gateway, params: Parameters) -> Any:
    """Give the average price of the last minutes."""
    return tell.average_price(read_market(gateway, params), gateway.exchange.now)


def price_ticker(gateway: Gateway, params: Parameters) -> Any:
    """Give last prices."""
    return _of_each(gateway, params, tell.price_ticker)


def book_ticker(gateway: Gateway, params: Parameters) -> Any:
    """Give best bids and asks."""
    return _of_each(gateway, params, lambda market: tell.book_ticker(market, gateway.exchange.now))


def day_ticker(gateway: Gateway, params: Parameters) -> Any:
    """Give the numbers of the last 24 hours."""
    kind = params.choice("type", ("FULL", "MINI"), Refusal(-1139, "Invalid ticker type."))

    def told(market: Market) -> dict[str, Any]:
        full = tell.day_ticker(market, gateway.exchange.now)
        return {name: full[name] for name in _MINI} if kind == "MINI" else full

    return _of_each(gateway, params, told)


def _of_each(
    gateway: Gateway, params: Parameters, told: Callable[[Market], dict[str, Any]]
) -> dict[str, Any] | list[dict[str, Any]]:
    """Tell of one symbol, or in a list of several or of all."""
    symbols = params.symbols()
    if "symbol" in params:
        if symbols is not None:
            raise bad_combination()
        market = read_market(gateway, params)
        _check_status(params)
        return told(market)
    names = gateway.exchange.markets if symbols is None else symbols
    markets = [gateway.exchange.market(name) for name in names]
    return [told(market) for market in markets] if read_status(params) in (None, "TRADING") else []


def _check_status(params: Parameters) -> None:
    """Refuse a symbol that has not the status asked for: all of ours trade."""
    if read_status(params) not in (None, "TRADING"):
        raise Refusal(-1220, "The symbol's status does not match the requested symbolStatus.")


def _zone(params: Parameters) -> int:
    """Read `timeZone`, such as ``8``, ``-1:00`` or ``05:45``; gives how far it is ahead of UTC, in ms."""
    value = params.text("timeZone")
    if value is None:
        return 0
    found = _ZONE.fullmatch(value)
    minutes = 0 if found is None else int(found[2]) * 60 + int(found[3] or 0)
    if found is not None and found[1] == "-":
        minutes = -minutes
    if found is None or not _EARLIEST <= minutes <= _LATEST or int(found[3] or 0) >= 60:
        raise Refusal(-1130, "Data sent for parameter 'timeZone' is not valid.")
    return minutes * _MINUTE_MS


def _by_symbols(one: int, several: int) -> Callable[[Mapping[str, str]], int]:
    return lambda sent: one if "symbol" in sent else several


def _of_day(sent: Mapping[str, str]) -> int:
    if "symbol" in sent:
        return 2
    names = sent.get("symbols", "").count(",") + 1 if "symbols" in sent else 101
    return next((weight for most, weight in ((20, 2), (100, 40)) if names <= most), 80)


_KLINE_NAMES = (("symbol", "interval"), (*TIME_NAMES, "timeZone", "limit"))
_TICKER_NAMES = ("symbol", "symbols", "symbolStatus")

METHODS = (
    Method("klines", "GET", "/api/v3/klines", klines, *_KLINE_NAMES, weight=flat(2)),
    Method("uiKlines", "GET", "/api/v3/uiKlines", klines, *_KLINE_NAMES, weight=flat(2)),
    Method("trades.recent", "GET", "/api/v3/trades", trades, ("symbol",), ("limit",), weight=flat(25)),
    Method(
        "trades.historical",
        "GET",
        "/api/v3/historicalTrades",
        historical_trades,
        ("symbol",),
        ("limit", "fromId"),
        weight=flat(25),
    ),
    Method(
        "trades.aggregate",
        "GET",
        "/api/v3/aggTrades",
        agg_trades,
        ("symbol",),
        ("fromId", *TIME_NAMES, "limit"),
        weight=flat(4),
    ),
    Method(
        "depth",
        "GET",
        "/api/v3/depth",
        depth,
        ("symbol",),
        ("limit", "symbolStatus"),
        weight=by_limit((100, 5), (500, 25), (1000, 50), (_DEEPEST, 250)),
    ),
    Method("avgPrice", "GET", "/api/v3/avgPrice", average_price, ("symbol",), weight=flat(2)),
    Method(
        "ticker.price",
        "GET",
        "/api/v3/ticker/price",
        price_ticker,
        (),
        _TICKER_NAMES,
        weight=_by_symbols(2, 4),
    ),
    Method(
        "ticker.book",
        "GET",
        "/api/v3/ticker/bookTicker",
        book_ticker,
        (),
        _TICKER_NAMES,
        weight=_by_symbols(2, 4),
    ),
    Method(
        "ticker.24hr",
        "GET",
        "/api/v3/ticker/24hr",
        day_ticker,
        (),
        (*_TICKER_NAMES, "type"),
        weight=_of_day,
    ),
)
