"""
Methods of USD-M futures: market data only, under the prices of the spot replay.

Numbers are written without padding. Source: the market data pages of the derivatives documentation (2026-07).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.practice.api.general_calls import ping, server_time
from bt_run.practice.api.market_calls import read_market
from bt_run.practice.api.methods import Method, by_limit, flat
from bt_run.practice.api.time_range import TIME_NAMES, bad_combination, read_range
from bt_run.practice.market.futures_payloads import plain
from bt_run.practice.market.symbols import exchange_info_symbol
from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.api.parameters import Parameters
    from bt_run.practice.events import Kline
    from bt_run.practice.rules import SymbolRules

__all__ = ["METHODS"]

_WEIGHT_1M = 2400
_MOST_KLINES = 1500
_NO_END_MS = 4_133_404_800_000
"""When a perpetual contract is delivered, as Binance writes it: 2100-12-25."""


def exchange_info(gateway: Gateway, params: Parameters) -> Any:
    """Tell the contracts, shortly."""
    return {
        "exchangeFilters": [],
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": _WEIGHT_1M}
        ],
        "serverTime": gateway.clock.hand_out(),
        "assets": [],
        "symbols": [_contract(market.rules) for market in gateway.exchange.markets.values()],
        "timezone": "UTC",
    }


def klines(gateway: Gateway, params: Parameters) -> Any:
    """Give bars, oldest first; futures have none of a second."""
    market = read_market(gateway, params)
    start, end = read_range(params)
    limit = params.limit(most=_MOST_KLINES, strict=True)
    interval = params.needed("interval")
    if interval == "1s":
        raise Refusal(-1120, "Invalid interval.")
    rows = market.klines(interval, start=start, end=end, limit=limit, now=gateway.exchange.now)
    return [_kline(kline) for kline in rows]


def agg_trades(gateway: Gateway, params: Parameters) -> Any:
    """Give aggregate trades; those of futures have no `M`."""
    market = read_market(gateway, params)
    start, end = read_range(params)
    from_id = params.whole("fromId")
    if from_id is not None and (start is not None or end is not None):
        raise bad_combination()
    rows = market.agg_trades(from_id, start, end, params.limit(strict=True))
    return [
        {
            "a": trade.trade_id,
            "p": plain(trade.price),
            "q": plain(trade.quantity),
            "nq": plain(trade.quantity),
            "f": trade.trade_id,
            "l": trade.trade_id,
            "T": trade.time,
            "m": trade.buyer_is_maker,
        }
        for trade in rows
    ]


def _kline(kline: Kline) -> list[Any]:
    prices = (kline.open, kline.high, kline.low, kline.close, kline.volume)
    return [
        kline.open_time,
        *(plain(number) for number in prices),
        kline.close_time,
        plain(kline.quote_volume),
        kline.trades,
        plain(kline.taker_buy_volume),
        plain(kline.taker_buy_quote_volume),
        "0",
    ]


def _contract(rules: SymbolRules) -> dict[str, Any]:
    spot = exchange_info_symbol(rules)
    wanted = ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MAX_NUM_ORDERS")
    return {
        "symbol": rules.symbol,
        "pair": rules.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _NO_END_MS,
        "onboardDate": 0,
        "status": "TRADING",
        "baseAsset": rules.base,
        "quoteAsset": rules.quote,
        "marginAsset": rules.quote,
        "pricePrecision": _decimals(f"{rules.tick_size:f}"),
        "quantityPrecision": _decimals(f"{rules.step_size:f}"),
        "baseAssetPrecision": rules.precision,
        "quotePrecision": rules.precision,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "filters": [item for item in spot["filters"] if item["filterType"] in wanted],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK"],
    }


def _decimals(step: str) -> int:
    return len(step.rstrip("0").partition(".")[2])


_KLINES_WEIGHT = by_limit((99, 1), (499, 2), (1000, 5), (_MOST_KLINES, 10))

METHODS = (
    Method("", "GET", "/fapi/v1/ping", ping),
    Method("", "GET", "/fapi/v1/time", server_time),
    Method("", "GET", "/fapi/v1/exchangeInfo", exchange_info),
    Method(
        "",
        "GET",
        "/fapi/v1/klines",
        klines,
        ("symbol", "interval"),
        (*TIME_NAMES, "limit"),
        weight=lambda sent: _KLINES_WEIGHT({"limit": "500"} | dict(sent)),
    ),
    Method(
        "",
        "GET",
        "/fapi/v1/aggTrades",
        agg_trades,
        ("symbol",),
        ("fromId", *TIME_NAMES, "limit"),
        weight=flat(20),
    ),
)
