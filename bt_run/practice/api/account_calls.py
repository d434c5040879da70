"""Methods about the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.practice.api import account_payloads as tell
from bt_run.practice.api.methods import Method, flat
from bt_run.practice.api.order_payloads import own_trade
from bt_run.practice.api.time_range import TIME_NAMES, bad_combination, read_day
from bt_run.practice.market.symbols import exchange_info_symbol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.api.parameters import Parameters

__all__ = ["METHODS"]


def account(gateway: Gateway, params: Parameters) -> Any:
    """Give balances and commissions."""
    trading = gateway.exchange.trading
    first = next(iter(gateway.exchange.markets))
    return tell.account(
        trading.balances(),
        trading.fees(first),
        updated=gateway.balances_changed,
        omit_zeros=params.truth("omitZeroBalances"),
    )


def my_trades(gateway: Gateway, params: Parameters) -> Any:
    """Give a page of the account's trades."""
    symbol = _symbol(gateway, params)
    start, end = read_day(params)
    from_id = params.whole("fromId")
    if from_id is not None and (start is not None or end is not None):
        raise bad_combination()
    found = gateway.exchange.trading.fills(
        symbol,
        order_id=params.whole("orderId"),
        start=start,
        end=end,
        from_id=from_id,
        limit=params.limit(),
    )
    return [own_trade(fill) for fill in found]


def commission(gateway: Gateway, params: Parameters) -> Any:
    """Give what trading a symbol costs."""
    symbol = _symbol(gateway, params)
    return tell.commission(symbol, gateway.exchange.trading.fees(symbol))


def order_limits(gateway: Gateway, params: Parameters) -> Any:
    """Give how many unfilled orders are counted."""
    return gateway.limits.orders_payload()


def my_filters(gateway: Gateway, params: Parameters) -> Any:
    """Give the filters that concern this account on a symbol."""
    rules = gateway.exchange.market(_symbol(gateway, params)).rules
    filters = exchange_info_symbol(rules)["filters"]
    return {"exchangeFilters": [], "symbolFilters": filters, "assetFilters": []}


def prevented_matches(gateway: Gateway, params: Parameters) -> Any:
    """Give nothing: the account's orders never meet each other."""
    _symbol(gateway, params)
    return []


def _symbol(gateway: Gateway, params: Parameters) -> str:
    return gateway.exchange.market(params.symbol() or "").rules.symbol


def _ask(
    name: str,
    path: str,
    handler: Callable[[Gateway, Parameters], Any],
    names: tuple[tuple[str, ...], tuple[str, ...]],
    *,
    weight: Callable[[Mapping[str, str]], int],
) -> Method:
    return Method(name, "GET", path, handler, *names, security="USER_DATA", weight=weight)


_SYMBOL = (("symbol",), ())

METHODS = (
    _ask("account.status", "/api/v3/account", account, ((), ("omitZeroBalances",)), weight=flat(20)),
    _ask(
        "myTrades",
        "/api/v3/myTrades",
        my_trades,
        (("symbol",), ("orderId", *TIME_NAMES, "fromId", "limit")),
        weight=lambda sent: 5 if "orderId" in sent else 20,
    ),
    _ask("account.commission", "/api/v3/account/commission", commission, _SYMBOL, weight=flat(20)),
    _ask("account.rateLimits.orders", "/api/v3/rateLimit/order", order_limits, ((), ()), weight=flat(40)),
    _ask("myFilters", "/api/v3/myFilters", my_filters, _SYMBOL, weight=flat(40)),
    _ask(
        "myPreventedMatches",
        "/api/v3/myPreventedMatches",
        prevented_matches,
        (("symbol",), ("preventedMatchId", "orderId", "fromPreventedMatchId", "limit")),
        weight=flat(2),
    ),
)
