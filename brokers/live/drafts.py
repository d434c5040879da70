"""
What a strategy wishes, as an order that the exchange knows; or why there is none.

A wish is never turned into another: what Binance cannot do as it was asked is refused with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brokers.amounts import exact, text_of, times
from brokers.orders import Order
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.orders import OrderType, Purpose, Side, TimeInForce

__all__ = ["Draft", "Refusal", "Wish", "draft_of"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order is not sent. `margin`: for lack of cash, which Backtrader has a status of its own for."""

    reason: str
    margin: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """
    An order in Backtrader's words; `kind` is the name of its exectype, `close` the last close.

    `size` > 0 in base asset; `quote_quantity` where the order is by quote amount. `trail_percent` is a fraction
    (0.02 is 2 %). `time_in_force` and `post_only` are for Limit.
    """

    side: Side
    kind: str
    size: float
    close: float
    price: float | None = None
    limit: float | None = None
    trail_amount: float | None = None
    trail_percent: float | None = None
    quote_quantity: Decimal | float | str | None = None
    time_in_force: str | None = None
    post_only: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An order without a name yet; fields as in `brokers.orders.Order`."""

    side: Side
    type: OrderType
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    time_in_force: TimeInForce | None = None

    def order(
        self,
        client_id: str,
        symbol: str,
        *,
        list_client_id: str = "",
        bracket: str = "",
        purpose: Purpose = "manual",
        created_ms: int = 0,
    ) -> Order:
        """Name it. Raises ConfigError where the fields do not make an order."""
        return Order(
            client_id,
            symbol,
            self.side,
            self.type,
            quantity=self.quantity,
            quote_quantity=self.quote_quantity,
            price=self.price,
            stop_price=self.stop_price,
            trailing_delta=self.trailing_delta,
            time_in_force=self.time_in_force,
            list_client_id=list_client_id,
            bracket=bracket,
            purpose=purpose,
            created_ms=created_ms,
        )

    def sized(self, quantity: Decimal) -> Draft:
        """Give the same order of another quantity."""
        return Draft(
            self.side,
            self.type,
            quantity,
            self.quote_quantity,
            self.price,
            self.stop_price,
            self.trailing_delta,
            self.time_in_force,
        )


def draft_of(wish: Wish, filters: SymbolFilters) -> Draft | Refusal:
    """Translate a wish, with quantity and prices rounded to the symbol's steps."""
    makers = {
        "Market": _market,
        "Limit": _limit,
        "Stop": _stop,
        "StopLimit": _stop_limit,
        "StopTrail": _trail,
    }
    wrong = _what_is_wrong(wish, makers)
    if wrong:
        return Refusal(wrong)
    try:
        made = makers[wish.kind](wish, filters)
    except ConfigError as error:
        return Refusal(str(error))
    if isinstance(made, Refusal) or wish.quote_quantity is not None:
        return made
    quantity = filters.round_quantity(exact(wish.size), made.type)
    if not quantity:
        step = text_of(filters.step_of(made.type))
        return Refusal(f"LOT_SIZE: the size {wish.size:g} is below the step {step} of {filters.symbol}.")
    return made.sized(quantity)


def _what_is_wrong(wish: Wish, makers: Collection[str]) -> str:
    if wish.kind not in makers:
        return _CANNOT.get(wish.kind, f"Binance spot has no order of the kind {wish.kind}.")
    if wish.quote_quantity is not None and wish.kind != "Market":
        return "Only a market order can be given by quote amount; give this one a size in base asset."
    if (wish.time_in_force or wish.post_only) and wish.kind != "Limit":
        return "time_in_force and post_only are for limit orders only."
    return ""


_CANNOT = {
    "Close": "Binance spot has no market-on-close order; it never closes. Use Market.",
    "StopTrailLimit": "Binance's trailing stop-limit has a fixed limit price, Backtrader's moves along; "
    "use StopTrail, or StopLimit.",
    "Historical": "A live broker cannot execute orders of the past.",
}


def _market(wish: Wish, filters: SymbolFilters) -> Draft | Refusal:
    if wish.quote_quantity is None:
        return Draft(wish.side, "MARKET")
    if wish.side == "SELL":
        return Refusal(
            "What a quote amount sells is not known beforehand and could be more than is held; "
            "give the sale a size in base asset."
        )
    amount = filters.round_quote(exact(wish.quote_quantity))
    if not amount > 0:
        return Refusal(f"The quote amount {wish.quote_quantity} is not above 0.")
    return Draft(wish.side, "MARKET", quote_quantity=amount)


def _limit(wish: Wish, filters: SymbolFilters) -> Draft | Refusal:
    price = _price(wish.price, "price", wish, filters)
    if isinstance(price, Refusal):
        return price
    if wish.post_only:
        if wish.time_in_force:
            return Refusal("A post-only order has no time in force; give one of the two.")
        return Draft(wish.side, "LIMIT_MAKER", price=price)
    lasts: dict[str, TimeInForce] = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK"}
    lasting = lasts.get(wish.time_in_force or "GTC")
    if lasting is None:
        return Refusal(f"time_in_force is {wish.time_in_force!r}; it is GTC, IOC or FOK.")
    return Draft(wish.side, "LIMIT", price=price, time_in_force=lasting)


def _stop(wish: Wish, filters: SymbolFilters) -> Draft | Refusal:
    trigger = _price(wish.price, "price", wish, filters)
    if isinstance(trigger, Refusal):
        return trigger
    if "STOP_LOSS" not in filters.order_types:
        return Refusal(
            f"{filters.symbol} takes no stop order that sells or buys at market (STOP_LOSS); "
            f"use StopLimit with a limit price."
        )
    return Draft(wish.side, "STOP_LOSS", stop_price=trigger)


def _stop_limit(wish: Wish, filters: SymbolFilters) -> Draft | Refusal:
    trigger = _price(wish.price, "price", wish, filters)
    limit = _price(wish.limit, "plimit", wish, filters)
    if isinstance(trigger, Refusal):
        return trigger
    if isinstance(limit, Refusal):
        return limit
    return Draft(wish.side, "STOP_LOSS_LIMIT", price=limit, stop_price=trigger, time_in_force="GTC")


def _trail(wish: Wish, filters: SymbolFilters) -> Draft | Refusal:
    if wish.trail_amount:
        return Refusal("Binance trails by a share of the price, not by an amount; give trailpercent.")
    if not wish.trail_percent:
        return Refusal("A trailing stop needs trailpercent, such as 0.02 for 2 %.")
    if wish.price and wish.price != wish.close:
        return Refusal("Binance trails from the price at which the order arrives; leave the price out.")
    points = times(exact(wish.trail_percent), exact("10000"))
    if points != points.to_integral_value():
        return Refusal(
            f"trailpercent {wish.trail_percent:g} is {points.normalize():f} basis points; "
            f"Binance takes whole ones, such as {int(points)}."
        )
    if "STOP_LOSS" not in filters.order_types:
        return Refusal(f"{filters.symbol} takes no stop order at market, so none that trails.")
    return Draft(wish.side, "STOP_LOSS", trailing_delta=int(points))


def _price(given: float | None, name: str, wish: Wish, filters: SymbolFilters) -> Decimal | Refusal:
    if given is None:
        return Refusal(f"A {wish.kind} order needs a {name}.")
    price = exact(given)
    if not price > 0:
        return Refusal(f"The {name} {given:g} is not above 0.")
    rounded = filters.round_price(price, wish.side)
    return rounded if rounded else Refusal(f"The {name} {given:g} is below the tick of {filters.symbol}.")
