"""
USD-M futures market streams: market data only, under the prices of the spot replay.

Binance writes futures numbers without padding. Sources: developers.binance.com, derivatives, USD-M streams, and
the models of binance-connector-python (read 2026-07-21): aggTrade has `nq` and `st` since 2025-12 and 2026-06.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.practice.market.market_payloads import kline_frame

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.events import Kline, Print
    from bt_run.practice.market.liquidations import Liquidation

__all__ = [
    "coin_force_order_frame",
    "continuous_kline_frame",
    "force_order_frame",
    "futures_agg_trade_frame",
    "futures_kline_frame",
    "plain",
]

Json = dict[str, Any]

_USD_M, _COIN_M = 1, 2
"""`st`: settled in USD or in coin. The streams of all markets send both since 2026-06-30."""

_CONTRACT_USD = {"BTC": 100}
_SMALL_CONTRACT_USD = 10


def plain(number: Decimal) -> str:
    """Write a number without zeros at its end and without an exponent."""
    written = f"{number:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def futures_agg_trade_frame(trade: Print, event_time: int) -> Json:
    """Write ``<symbol>@aggTrade``; nothing is traded through retail price improvement orders here."""
    quantity = plain(trade.quantity)
    return {
        "e": "aggTrade", "E": event_time, "s": trade.symbol, "a": trade.trade_id, "p": plain(trade.price),
        "q": quantity, "nq": quantity, "f": trade.trade_id, "l": trade.trade_id, "T": trade.time,
        "m": trade.buyer_is_maker, "st": _USD_M,
    }  # fmt: skip


def futures_kline_frame(kline: Kline, closed: bool, event_time: int) -> Json:
    """Write ``<symbol>@kline_<interval>``: the keys of spot."""
    frame = kline_frame(kline, closed, event_time)
    frame["k"] |= _plain_numbers(kline)
    return frame


def continuous_kline_frame(kline: Kline, closed: bool, event_time: int) -> Json:
    """Write ``<pair>_perpetual@continuousKline_<interval>``, whose bar has no symbol."""
    bar = futures_kline_frame(kline, closed, event_time)["k"]
    del bar["s"]
    return {"e": "continuous_kline", "E": event_time, "ps": kline.symbol, "ct": "PERPETUAL", "k": bar}


def force_order_frame(liquidation: Liquidation, event_time: int, *, all_market: bool = False) -> Json:
    """Write ``<symbol>@forceOrder``; with `all_market` ``!forceOrder@arr``, which has `ps` and `st` too."""
    quantity, price = plain(liquidation.quantity), plain(liquidation.price)
    order = {
        "s": liquidation.symbol, "S": liquidation.side, "o": "LIMIT", "f": "IOC", "q": quantity, "p": price,
        "ap": price, "X": "FILLED", "l": quantity, "z": quantity, "T": liquidation.time,
    }  # fmt: skip
    frame: Json = {"e": "forceOrder", "E": event_time, "o": order}
    return {**frame, "ps": liquidation.symbol, "st": _USD_M} if all_market else frame


def coin_force_order_frame(liquidation: Liquidation, event_time: int, base: str) -> Json:
    """
    Write the liquidation as one of the contract settled in coin, as ``!forceOrder@arr`` sends it too.

    Its quantity is a whole number of contracts, of 100 USD for BTC and of 10 USD for others.
    """
    frame = force_order_frame(liquidation, event_time, all_market=True)
    worth = liquidation.quantity * liquidation.price / _CONTRACT_USD.get(base, _SMALL_CONTRACT_USD)
    contracts = str(max(1, round(worth)))
    order = frame["o"] | {"s": f"{base}USD_PERP", "q": contracts, "l": contracts, "z": contracts}
    return frame | {"o": order, "ps": f"{base}USD", "st": _COIN_M}


def _plain_numbers(kline: Kline) -> dict[str, str]:
    return {
        "o": plain(kline.open), "c": plain(kline.close), "h": plain(kline.high), "l": plain(kline.low),
        "v": plain(kline.volume), "q": plain(kline.quote_volume), "V": plain(kline.taker_buy_volume),
        "Q": plain(kline.taker_buy_quote_volume),
    }  # fmt: skip
