"""Methods about the exchange itself: whether it is there, its time, its rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bt_run.practice.api.methods import Method, flat
from bt_run.practice.api.time_range import bad_combination
from bt_run.practice.market.symbols import exchange_info_symbol
from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.api.parameters import Parameters

__all__ = ["METHODS", "ping", "read_status", "server_time"]

STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")


def ping(gateway: Gateway, params: Parameters) -> Any:
    """Be there."""
    return {}


def server_time(gateway: Gateway, params: Parameters) -> Any:
    """Tell the exchange's time; a client may count on from it."""
    return {"serverTime": gateway.clock.hand_out()}


def exchange_info(gateway: Gateway, params: Parameters) -> Any:
    """Tell the limits, and the rules of one symbol, of some, or of all."""
    symbol, symbols = params.symbol(), params.symbols()
    status = read_status(params)
    chosen = [item for item in (symbol, symbols, status, params.text("permissions")) if item is not None]
    if len(chosen) > 1 and not (symbol is None and symbols is None):
        raise bad_combination()
    names = [symbol] if symbol is not None else symbols
    if names is None:
        names = list(gateway.exchange.markets) if status in (None, "TRADING") else []
    rows = [exchange_info_symbol(gateway.exchange.market(name).rules) for name in names]
    wanted = _permissions(params)
    if wanted:
        rows = [row for row in rows if wanted & {item for group in row["permissionSets"] for item in group}]
    if "showPermissionSets" in params and not params.truth("showPermissionSets"):
        rows = [row | {"permissionSets": []} for row in rows]
    return {
        "timezone": "UTC",
        "serverTime": gateway.clock.hand_out(),
        "rateLimits": gateway.limits.rules.payload(),
        "exchangeFilters": [],
        "symbols": rows,
    }


def read_status(params: Parameters) -> str | None:
    """Read the status that symbols must have to be told; raises Refusal -1122."""
    return params.choice("symbolStatus", STATUSES, Refusal(-1122, "Invalid symbolStatus."))


def _permissions(params: Parameters) -> set[str]:
    """Read one permission, or a JSON array of them; none where all shall be told."""
    value = params.text("permissions")
    if value is None:
        return set()
    if not value.startswith("["):
        return {value}
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise Refusal(-1130, "Data sent for parameter 'permissions' is not valid.") from error
    return {str(item) for item in found}


METHODS = (
    Method("ping", "GET", "/api/v3/ping", ping),
    Method("time", "GET", "/api/v3/time", server_time),
    Method(
        "exchangeInfo",
        "GET",
        "/api/v3/exchangeInfo",
        exchange_info,
        (),
        ("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"),
        weight=flat(20),
    ),
)
