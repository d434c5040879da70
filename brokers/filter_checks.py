"""Whether an order passes the rules of its symbol: asked before it is sent, in words that say what to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, floor_to, plus, text_of, times
from brokers.orders import TRIGGERED, Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from brokers.filters import Notional, PercentPrice, Range, SymbolFilters

__all__ = ["Conditions", "Violation", "check", "too_small_to_sell"]


@dataclass(frozen=True, slots=True)
class Violation:
    """
    One rule that an order breaks.

    `filter` is Binance's name (LOT_SIZE), or the field of exchangeInfo (orderTypes). `what` of the order is
    `value`, which `rule` the `limit` forbids; `advice` says what to do.
    """

    filter: str
    what: str
    value: str
    rule: str
    limit: str
    advice: str

    def __str__(self) -> str:
        return f"{self.filter}: the {self.what} {self.value} {self.rule} {self.limit}. {self.advice}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    What some rules look at beside the order. A rule whose input is None or absent is not checked.

    `average_price` is the exchange's (GET /api/v3/avgPrice), `last_price` the last trade's. `base_held` is free
    and locked together, `open_buys` the quantity of open BUY orders, both in base asset. `open_counts` says how
    many are open now, by the filter's name (MAX_NUM_ORDERS, ...).
    """

    last_price: Decimal | None = None
    average_price: Decimal | None = None
    base_held: Decimal | None = None
    open_buys: Decimal = ZERO
    open_counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def reference(self, minutes: int) -> Decimal | None:
        """Give the price that a rule over so many minutes compares with."""
        return self.average_price if minutes else self.last_price


def check(filters: SymbolFilters, order: Order, conditions: Conditions | None = None) -> list[Violation]:
    """
    Find every rule that the order breaks; an empty list means that nothing known speaks against it.

    The exchange decides in the end: what is not known here (an average price, an open count) is left to it, and
    a refusal by it costs nothing.
    """
    seen = conditions or Conditions()
    found = [*_permissions(filters, order)]
    # Most orders are at market, and most symbols have few rules: what cannot break is not begun.
    if order.price is not None or order.stop_price is not None:
        found += _prices(filters, order, seen)
    found += _quantities(filters, order)
    found += _notionals(filters, order, seen)
    if order.trailing_delta is not None:
        found += _trailing(filters, order)
    if filters.max_position is not None:
        found += _position(filters, order, seen)
    if seen.open_counts:
        found += _counts(filters, order, seen)
    if filters.max_assets:
        found += _assets(filters, order, seen)
    return found


def too_small_to_sell(filters: SymbolFilters, quantity: Decimal, price: Decimal | None) -> Violation | None:
    """
    Say why no MARKET order can sell this holding (dust), None where one can.

    `quantity` >= 0 in base asset is rounded down first. `price` is the reference price in quote asset; without
    it the value is not looked at.
    """
    rounded = filters.round_quantity(quantity, "MARKET")
    if not rounded:
        step = text_of(filters.step_of("MARKET"))
        return Violation("LOT_SIZE", "quantity", text_of(quantity), "is below the step", step, _KEEP)
    sale = Order("dust", filters.symbol, "SELL", "MARKET", quantity=rounded)
    found = [
        *_quantities(filters, sale),
        *_notionals(filters, sale, Conditions(last_price=price, average_price=price)),
    ]
    too_small = next((broken for broken in found if broken.rule == _BELOW), None)
    return too_small and replace(too_small, advice=_KEEP)


_BELOW = "is below the minimum"
_ABOVE = "is above the maximum"
_NO_MULTIPLE = "is not a multiple of"
_KEEP = "It cannot be sold by itself; it is kept until there is more."


def _permissions(filters: SymbolFilters, order: Order) -> Iterator[Violation]:
    if filters.status and filters.status != "TRADING":
        yield Violation("status", "symbol", filters.symbol, "is", filters.status, "Wait until it trades.")
    if not filters.is_spot_allowed:
        yield Violation(
            "isSpotTradingAllowed", "symbol", filters.symbol, "is not for", "spot", "Choose another symbol."
        )
    if filters.order_types and order.type not in filters.order_types:
        known = ", ".join(sorted(filters.order_types))
        yield Violation("orderTypes", "type", order.type, "is not one of", known, "Use one of these.")
    if order.quote_quantity is not None and not filters.is_quote_quantity_allowed:
        amount = text_of(order.quote_quantity)
        advice = "Give a quantity in base asset."
        yield Violation(
            "quoteOrderQtyMarketAllowed", "quote quantity", amount, "is not taken by", filters.symbol, advice
        )
    if order.trailing_delta is not None and not filters.is_trailing_allowed:
        delta = str(order.trailing_delta)
        advice = "Use a fixed stop price."
        yield Violation("allowTrailingStop", "trailing delta", delta, "is not taken by", filters.symbol, advice)


def _prices(filters: SymbolFilters, order: Order, seen: Conditions) -> Iterator[Violation]:
    for what, price in (("price", order.price), ("stop price", order.stop_price)):
        if price is None:
            continue
        if filters.price:
            yield from _in_range("PRICE_FILTER", what, price, filters.price)
        yield from _precise("quoteAssetPrecision", what, price, filters.quote_precision)
    if order.price is not None:
        for rule in filters.percent_price:
            yield from _near(rule, order, order.price, seen.reference(rule.minutes))


def _near(rule: PercentPrice, order: Order, price: Decimal, reference: Decimal | None) -> Iterator[Violation]:
    if reference is None:
        return
    buys = order.side == "BUY"
    high = times(reference, rule.buy_up if buys else rule.sell_up)
    low = times(reference, rule.buy_down if buys else rule.sell_down)
    advice = f"Prices must lie between {text_of(low)} and {text_of(high)} now."
    if price > high:
        yield Violation(rule.name, "price", text_of(price), _ABOVE, text_of(high), advice)
    if price < low:
        yield Violation(rule.name, "price", text_of(price), _BELOW, text_of(low), advice)


def _quantities(filters: SymbolFilters, order: Order) -> Iterator[Violation]:
    if order.quote_quantity is not None:
        precision = filters.quote_precision
        yield from _precise("quoteAssetPrecision", "quote quantity", order.quote_quantity, precision)
    if order.quantity is None:
        return
    if filters.lot:
        yield from _in_range("LOT_SIZE", "quantity", order.quantity, filters.lot)
    if filters.market_lot and order.type == "MARKET":
        yield from _in_range("MARKET_LOT_SIZE", "quantity", order.quantity, filters.market_lot)
    yield from _precise("baseAssetPrecision", "quantity", order.quantity, filters.base_precision)


def _in_range(name: str, what: str, value: Decimal, allowed: Range) -> Iterator[Violation]:
    if allowed.minimum and value < allowed.minimum:
        advice = f"Use at least {text_of(allowed.minimum)}."
        yield Violation(name, what, text_of(value), _BELOW, text_of(allowed.minimum), advice)
    if allowed.maximum and value > allowed.maximum:
        advice = f"Use at most {text_of(allowed.maximum)}."
        yield Violation(name, what, text_of(value), _ABOVE, text_of(allowed.maximum), advice)
    if allowed.step and value != (below := floor_to(value, allowed.step)):
        advice = f"The one below is {text_of(below)}."
        yield Violation(name, what, text_of(value), _NO_MULTIPLE, text_of(allowed.step), advice)


def _precise(name: str, what: str, value: Decimal, digits: int) -> Iterator[Violation]:
    text = text_of(value)
    if len(text.partition(".")[2]) > digits:
        yield Violation(name, what, text, "has more decimals than", str(digits), "Round it to so many.")


def _notionals(filters: SymbolFilters, order: Order, seen: Conditions) -> Iterator[Violation]:
    for rule in filters.notional:
        value = _value_of(order, seen.reference(rule.minutes))
        if value is not None:
            yield from _worth(rule, order, value, filters.quote_asset)


def _worth(rule: Notional, order: Order, value: Decimal, asset: str) -> Iterator[Violation]:
    at_market = order.type == "MARKET"
    if value < rule.minimum and (rule.minimum_to_market or not at_market):
        advice = f"Order for at least {text_of(rule.minimum)} {asset}."
        yield Violation(rule.name, "value", text_of(value), _BELOW, text_of(rule.minimum), advice)
    if rule.maximum and value > rule.maximum and (rule.maximum_to_market or not at_market):
        advice = f"Order for at most {text_of(rule.maximum)} {asset}."
        yield Violation(rule.name, "value", text_of(value), _ABOVE, text_of(rule.maximum), advice)


def _value_of(order: Order, reference: Decimal | None) -> Decimal | None:
    """Give the order's value in quote asset; None where it hangs on a price that nobody knows."""
    if order.quote_quantity is not None:
        return order.quote_quantity
    price = order.price if order.price is not None else reference if order.type == "MARKET" else None
    return None if price is None or order.quantity is None else times(price, order.quantity)


def _trailing(filters: SymbolFilters, order: Order) -> Iterator[Violation]:
    if order.trailing_delta is None or filters.trailing is None:
        return
    above = order.type.startswith("STOP_LOSS") == (order.side == "BUY")
    low, high = filters.trailing.above if above else filters.trailing.below
    delta = str(order.trailing_delta)
    advice = f"Use {low} to {high} basis points."
    if order.trailing_delta < low:
        yield Violation("TRAILING_DELTA", "trailing delta", delta, _BELOW, str(low), advice)
    if order.trailing_delta > high:
        yield Violation("TRAILING_DELTA", "trailing delta", delta, _ABOVE, str(high), advice)


def _position(filters: SymbolFilters, order: Order, seen: Conditions) -> Iterator[Violation]:
    if filters.max_position is None or seen.base_held is None or order.quantity is None or order.side != "BUY":
        return
    reached = plus(plus(seen.base_held, seen.open_buys), order.quantity)
    if reached > filters.max_position:
        advice = "Buy less, or cancel an open BUY order."
        limit = text_of(filters.max_position)
        yield Violation("MAX_POSITION", "position after it", text_of(reached), _ABOVE, limit, advice)


def _counts(filters: SymbolFilters, order: Order, seen: Conditions) -> Iterator[Violation]:
    for name, limit in filters.counts:
        now = seen.open_counts.get(name)
        if now is None or not _counts_to(name, order):
            continue
        if now + 1 > limit:
            advice = "Cancel one that is not needed."
            yield Violation(name, "number of open orders with it", str(now + 1), _ABOVE, str(limit), advice)


def _counts_to(name: str, order: Order) -> bool:
    if name.endswith("ALGO_ORDERS"):
        return order.type in TRIGGERED
    if name.endswith("ORDER_LISTS"):
        return bool(order.list_client_id)
    return name.endswith("MAX_NUM_ORDERS")


def _assets(filters: SymbolFilters, order: Order, seen: Conditions) -> Iterator[Violation]:
    amounts = {
        filters.base_asset: order.quantity,
        filters.quote_asset: _value_of(order, seen.average_price),
    }
    for asset, limit in filters.max_assets:
        amount = amounts.get(asset)
        if amount is not None and amount > limit:
            advice = f"Order for at most {text_of(limit)} {asset}."
            yield Violation("MAX_ASSET", f"amount of {asset}", text_of(amount), _ABOVE, text_of(limit), advice)
