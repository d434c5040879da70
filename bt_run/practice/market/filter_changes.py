"""Filters as exchangeInfo writes them, as changes of a symbol's rules."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.practice.rules import SymbolRules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["EVERY", "read_filters"]

EVERY = "*"
"""Stands for every symbol."""

_FIELDS: Mapping[str, Mapping[str, str]] = {
    "PRICE_FILTER": {"minPrice": "min_price", "maxPrice": "max_price", "tickSize": "tick_size"},
    "LOT_SIZE": {"minQty": "min_quantity", "maxQty": "max_quantity", "stepSize": "step_size"},
    "MARKET_LOT_SIZE": {
        "minQty": "market_min_quantity",
        "maxQty": "market_max_quantity",
        "stepSize": "market_step_size",
    },
    "NOTIONAL": {
        "minNotional": "min_notional",
        "maxNotional": "max_notional",
        "applyMinToMarket": "apply_min_to_market",
        "applyMaxToMarket": "apply_max_to_market",
        "avgPriceMins": "average_price_minutes",
    },
    "PERCENT_PRICE_BY_SIDE": {
        "bidMultiplierUp": "bid_multiplier_up",
        "bidMultiplierDown": "bid_multiplier_down",
        "askMultiplierUp": "ask_multiplier_up",
        "askMultiplierDown": "ask_multiplier_down",
        "avgPriceMins": "average_price_minutes",
    },
    "TRAILING_DELTA": {
        "minTrailingAboveDelta": "min_trailing_delta",
        "minTrailingBelowDelta": "min_trailing_delta",
        "maxTrailingAboveDelta": "max_trailing_delta",
        "maxTrailingBelowDelta": "max_trailing_delta",
    },
    "ICEBERG_PARTS": {"limit": "iceberg_parts"},
    "MAX_NUM_ORDERS": {"maxNumOrders": "max_orders", "limit": "max_orders"},
    "MAX_NUM_ALGO_ORDERS": {"maxNumAlgoOrders": "max_algo_orders"},
    "MAX_NUM_ORDER_LISTS": {"maxNumOrderLists": "max_order_lists"},
    "MAX_NUM_ORDER_AMENDS": {"maxNumOrderAmends": "max_amends"},
    "MAX_POSITION": {"maxPosition": "max_position"},
}

_DEFAULTS = {field.name: field.default for field in fields(SymbolRules)}


def read_filters(path: Path) -> dict[str, dict[str, Any]]:
    """
    Read changes of filters by symbol; ``*`` stands for every symbol.

    The file is JSON: ``{"BTCUSDT": {"NOTIONAL": {"minNotional": "10"}}}``, or for a symbol a list of filters
    as exchangeInfo has them. Gives the changed fields of `SymbolRules`.

    Raises:
        ConfigError: not such a file; names it.
    """
    try:
        return _by_symbol(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}.") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _by_symbol(told: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(told, dict):
        raise ConfigError('Write an object by symbol: {"BTCUSDT": {"NOTIONAL": {"minNotional": "10"}}}.')
    return {symbol.upper(): _changes(symbol, filters) for symbol, filters in told.items()}


def _changes(symbol: str, filters: Any) -> dict[str, Any]:
    if isinstance(filters, list):
        filters = {str(item.get("filterType")): item for item in filters if isinstance(item, dict)}
    if not isinstance(filters, dict):
        raise ConfigError(f"The filters of {symbol} must be an object by filter, or a list as in exchangeInfo.")
    changes: dict[str, Any] = {}
    for kind, values in filters.items():
        known = _FIELDS.get(kind)
        if known is None:
            raise UnknownName("filter", kind, _FIELDS)
        if not isinstance(values, dict):
            raise ConfigError(f"{kind} of {symbol} must be an object such as {{{next(iter(known))!r}: ...}}.")
        for name, value in values.items():
            if name == "filterType":
                continue
            if name not in known:
                raise UnknownName(f"field of {kind}", name, known)
            changes[known[name]] = _value(f"{kind}.{name}", known[name], value)
    return changes


def _value(what: str, field: str, value: Any) -> Any:
    default = _DEFAULTS[field]
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise ConfigError(f"{what} is {json.dumps(value)}; it must be true or false.")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise ConfigError(f"{what} is {json.dumps(value)}; it must be a number, 0 or more.")
    if isinstance(default, Decimal):
        return number
    if number != number.to_integral_value():
        raise ConfigError(f"{what} is {json.dumps(value)}; it must be a whole number.")
    return int(number)
