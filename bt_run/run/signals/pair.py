"""The pair that a person names: whether the exchange has it, and its rules. No key is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brokers.filters import SymbolFilters
from bt_run.core.errors import ConfigError, UnknownSymbol
from feeds.binance_rest import BinanceRest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bt_run.core.venue import Market, Venue

__all__ = ["fetch_pairs", "futures_rules"]

_RULES = ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL")


def fetch_pairs(venue: Venue, symbols: Iterable[str], *, market: Market = "spot") -> dict[str, SymbolFilters]:
    """
    Ask for the rules of pairs.

    Raises:
        ConfigError: the exchange does not have one, with the nearest names; or it is not traded now.
        ExchangeError: it gives no answer.
    """
    rest = BinanceRest(venue, market=market)
    try:
        return {symbol: _rules_of(_told(rest, symbol, venue, market), market) for symbol in symbols}
    finally:
        rest.close()


def _told(rest: BinanceRest, symbol: str, venue: Venue, market: Market) -> Mapping[str, Any]:
    try:
        listed = rest.fetch_exchange_info(symbol).get("symbols", ())
    except UnknownSymbol as error:
        raise _stranger(error, venue) from None
    known: dict[str, Mapping[str, Any]] = {str(item.get("symbol")): item for item in listed}
    if symbol not in known:  # futures tell all contracts at once
        raise _stranger(UnknownSymbol(symbol, known, market=market), venue)
    told = known[symbol]
    if told.get("status") not in (None, "TRADING"):
        raise ConfigError(f"{symbol} is not traded now on {venue.name} (status {told['status']}).")
    return told


def _stranger(error: UnknownSymbol, venue: Venue) -> ConfigError:
    near = f" Did you mean {' or '.join(error.near)}?" if error.near else ""
    return ConfigError(f"{venue.name} has no {error.market} pair {error.symbol}.{near}")


def _rules_of(told: Mapping[str, Any], market: Market) -> SymbolFilters:
    return SymbolFilters.of(told if market == "spot" else futures_rules(told))


def futures_rules(told: Mapping[str, Any]) -> dict[str, Any]:
    """
    Write a contract of USD-M's exchangeInfo as spot would: the filters that size an order, under spot's names.

    USD-M calls the limit of MIN_NOTIONAL ``notional`` and applies it to market orders (2026-07).
    """
    filters = [dict(item) for item in told.get("filters", ()) if item.get("filterType") in _RULES]
    for item in filters:
        if item["filterType"] == "MIN_NOTIONAL":
            item.setdefault("minNotional", item.get("notional", "0"))
            item.update(applyToMarket=True, avgPriceMins=0)
    precision = told.get("quotePrecision", 8)
    return {
        "symbol": told["symbol"],
        "status": told.get("status", ""),
        "baseAsset": told["baseAsset"],
        "quoteAsset": told["quoteAsset"],
        "baseAssetPrecision": told.get("baseAssetPrecision", 8),
        "quoteAssetPrecision": precision,
        "filters": filters,
    }
