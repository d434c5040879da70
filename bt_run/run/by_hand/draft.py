"""
From a wish to the orders that would be sent, and all that speaks against them. Pure.

Quantities are rounded down; a price to buy at down, a price to sell at up: never against who ordered.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, ratio, text_of, times
from brokers.filter_checks import Conditions, check
from brokers.hand_ids import hand_id, hand_list_id
from brokers.live.paper_rules import Quote, crossed_price, needed, oco_is_possible, trigger_is_reached
from brokers.orders import TRIGGERED, Order
from bt_run.core.errors import ConfigError
from bt_run.run.by_hand.rows import short_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from brokers.filters import SymbolFilters
    from brokers.gateway import FeeRates, MarketPrices
    from brokers.orders import OrderType
    from brokers.reconciling.views import Balance
    from bt_run.run.by_hand.limits import HandLimits
    from bt_run.run.by_hand.wish import Wish

__all__ = ["Draft", "Market", "draft_of"]

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Market:
    """What a draft looks at: the symbol's rules and prices, what is free, what trading costs, what is open."""

    filters: SymbolFilters
    prices: MarketPrices
    balances: Mapping[str, Balance]
    fees: FeeRates
    open_counts: Mapping[str, int]

    def free(self, asset: str) -> Decimal:
        """Give how much of an asset may be used."""
        return self.balances[asset].free if asset in self.balances else ZERO


@dataclass(frozen=True, slots=True)
class Draft:
    """
    What would be sent: one order, or (above, below) of an OCO. None where the amount rounds down to nothing.

    `problems` are sentences; nothing is sent while there is one. `price`, `worth` and `fee` are estimates in
    quote asset: of a market order by the best price now.
    """

    orders: tuple[Order, ...]
    problems: tuple[str, ...]
    price: Decimal
    worth: Decimal | None
    fee: Decimal | None
    quote_asset: str


def draft_of(wish: Wish, market: Market, limits: HandLimits, *, venue: str, key: str, now_ms: int) -> Draft:
    """
    Make the orders of a wish and find what speaks against them.

    Args:
        wish: What is wanted.
        market: How the symbol and the account stand.
        limits: What no order may be.
        venue, key: Name the wish; the orders' ids follow from them.
        now_ms: Our time, ms since 1970 UTC.
    """
    price = _expected_price(wish, market)
    fee_rate = market.fees.maker if wish.post_only else market.fees.taker
    try:
        orders = _orders(wish, market, price, venue=venue, key=key, now_ms=now_ms)
    except ConfigError as error:
        return Draft((), (str(error),), price, None, None, market.filters.quote_asset)
    worth = orders[0].quote_quantity or times(orders[0].quantity or ZERO, price)
    problems = (
        *_broken_rules(orders, market),
        *_market_problems(wish, orders, market),
        *limits.refusals(orders, worth=worth, last=market.prices.last, asset=market.filters.quote_asset),
        *_lacks(wish, orders, market),
    )
    fee = times(worth, fee_rate)
    return Draft(orders, tuple(dict.fromkeys(problems)), price, worth, fee, market.filters.quote_asset)


# The orders.


def _orders(
    wish: Wish, market: Market, price: Decimal, *, venue: str, key: str, now_ms: int
) -> tuple[Order, ...]:
    """Make them. Raises ConfigError where nothing is left of the amount or of the price."""
    if not price:
        raise ConfigError(f"The price rounds down to 0; {market.filters.symbol} has fewer decimals.")
    quantity, quote = _amount(wish, market, price)
    legs = _legs(wish)
    list_id = hand_list_id(venue, key) if len(legs) > 1 else ""
    rounded = [
        [None if given is None else market.filters.round_price(given, wish.side) for given in prices]
        for _, *prices in legs
    ]
    return tuple(
        Order(
            hand_id(venue, key, leg),
            wish.symbol,
            wish.side,
            order_type,
            quantity=quantity,
            quote_quantity=quote,
            price=limit,
            stop_price=stop,
            time_in_force=wish.time_in_force if order_type == "LIMIT" else None,
            list_client_id=list_id,
            created_ms=now_ms,
        )
        for leg, ((order_type, *_), (limit, stop)) in enumerate(zip(legs, rounded, strict=True))
    )


def _legs(wish: Wish) -> list[tuple[OrderType, Decimal | None, Decimal | None]]:
    """Give type, price and stop price of each order; of an OCO (above, below)."""
    match wish.kind:
        case "market":
            return [("MARKET", None, None)]
        case "limit":
            return [("LIMIT_MAKER" if wish.post_only else "LIMIT", wish.price, None)]
        case "stop_loss":
            return [("STOP_LOSS_LIMIT" if wish.price else "STOP_LOSS", wish.price, wish.stop_price)]
        case "take_profit":
            return [("TAKE_PROFIT_LIMIT" if wish.price else "TAKE_PROFIT", wish.price, wish.stop_price)]
        case "oco":
            target: tuple[OrderType, Decimal | None, Decimal | None] = ("LIMIT_MAKER", wish.price, None)
            kind: OrderType = "STOP_LOSS_LIMIT" if wish.stop_limit_price else "STOP_LOSS"
            stop: tuple[OrderType, Decimal | None, Decimal | None] = (
                kind,
                wish.stop_limit_price,
                wish.stop_price,
            )
            return [target, stop] if wish.side == "SELL" else [stop, target]


def _amount(wish: Wish, market: Market, price: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Give the quantity or the amount of quote asset, rounded down. Raises ConfigError for nothing."""
    filters, quote = market.filters, wish.quote_quantity
    quantity = wish.quantity
    if wish.percent is not None:
        asset = filters.quote_asset if wish.side == "BUY" else filters.base_asset
        part = ratio(times(market.free(asset), wish.percent), _HUNDRED)
        quantity, quote = (None, part) if wish.side == "BUY" else (part, None)
    if quote is not None and wish.kind == "market":
        rounded = filters.round_quote(quote)
        if not rounded:
            raise ConfigError(f"{text_of(quote)} {filters.quote_asset} round down to nothing.")
        return None, rounded
    wanted = quantity if quantity is not None else ratio(quote or ZERO, price)
    rounded = filters.round_quantity(wanted, "MARKET" if wish.kind == "market" else "LIMIT")
    if not rounded:
        step = text_of(filters.step_of("MARKET" if wish.kind == "market" else "LIMIT"))
        raise ConfigError(
            f"{text_of(wanted)} {filters.base_asset} round down to nothing; the step of {filters.symbol} "
            f"is {step}."
        )
    return rounded, None


def _expected_price(wish: Wish, market: Market) -> Decimal:
    """Give the price by which the order is valued: its own, the dearest of several to buy, or the market's."""
    given = [
        market.filters.round_price(price, wish.side)
        for price in (wish.price, wish.stop_limit_price, wish.stop_price)
        if price is not None
    ]
    if wish.kind in ("stop_loss", "take_profit") and wish.price is not None:
        return given[0]
    if given:
        return max(given) if wish.side == "BUY" else given[0]
    return market.prices.ask if wish.side == "BUY" else market.prices.bid


# What speaks against them.


def _broken_rules(orders: tuple[Order, ...], market: Market) -> Iterator[str]:
    base = market.balances.get(market.filters.base_asset)
    conditions = Conditions(
        last_price=market.prices.last,
        average_price=market.prices.average,
        base_held=base.total if base is not None else ZERO,
        open_counts=market.open_counts,
    )
    for order in orders:
        for broken in check(market.filters, order, conditions):
            yield str(broken)


def _market_problems(wish: Wish, orders: tuple[Order, ...], market: Market) -> Iterator[str]:
    """Find what the exchange would refuse because of where the price is."""
    last = market.prices.last
    quote = Quote(market.prices.bid, market.prices.ask, last)
    if len(orders) > 1:
        if not market.filters.is_oco_allowed:
            yield f"{market.filters.symbol} takes no OCO orders."
        if not oco_is_possible(orders[0], orders[1], last):
            yield f"The two prices of an OCO lie on both sides of the last trade of {text_of(last)}."
        return
    order = orders[0]
    if order.type in TRIGGERED and trigger_is_reached(order, last, None):
        where = "above" if order.stop_price is not None and order.stop_price < last else "at or below"
        yield f"The stop price would set it off at once: the last trade of {text_of(last)} is {where} it."
    if wish.post_only and crossed_price(order, quote) is not None:
        at = text_of(order.price or ZERO)
        yield f"A post-only order at {at} would trade at once, so it would be refused."


def _lacks(wish: Wish, orders: tuple[Order, ...], market: Market) -> Iterator[str]:
    """Say what the account has too little of."""
    quote = Quote(market.prices.bid, market.prices.ask, market.prices.last)
    asset = market.filters.quote_asset if wish.side == "BUY" else market.filters.base_asset
    if wish.side == "SELL" and orders[0].quote_quantity is not None:
        want = ratio(orders[0].quote_quantity, market.prices.bid)
    else:
        want = max(needed(order, quote) for order in orders)
    free = market.free(asset)
    if want > free:
        yield f"It needs {short_text(want)} {asset}; {short_text(free)} are free."
