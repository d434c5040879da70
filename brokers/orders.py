"""
The life of an order: states, the table of what may follow, and `apply`, which alone sets a state.

Theory
------
An order is what was asked (fixed) and what is known about it (a state and the trades heard of so far). Nothing
is known but by events, and each event comes from one of three mouths: us (Submitted, CancelSent, TimedOut), the
answer to a request, and the account's stream. The last two tell the same things, in either order, sometimes
twice, sometimes only one of them. From this follow four rules.

1. Trades are the truth. `executed`, the average price and the fees are sums over distinct trade ids, never
   copies of a number that came with a status. So a repeated trade changes nothing, and no status can move a
   position.
2. A trade may come before the order was accepted, and after it was cancelled or expired. It counts too.
3. FILLED means: the trades add up to the whole. For an order by quantity that is the quantity. For an order by
   quote amount the exchange alone knows the whole, and tells it with its status FILLED (`Filled.total`).
4. Not knowing is a state. An order without an answer is UNKNOWN until the exchange was asked. It is never sent
   again. That it never arrived is a conclusion of ours; a word of the exchange revokes it.

TRANSITIONS holds what moves an order, RETURNS what moves one that was given up. ECHOES holds what may come late
or twice because the other mouth was quicker: it moves nothing, though the order may learn from it the
exchange's id or how much was executed. All else raises IllegalTransition: it is a bug of ours, or the exchange
and the journal no longer speak of the same order.
An order that the exchange drops after it had accepted it is Expired, not Rejected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from brokers.amounts import ZERO, minus, plus, ratio, times, total_of
from brokers.order_events import (
    Accepted,
    Canceled,
    CancelRefused,
    CancelSent,
    Event,
    Expired,
    Filled,
    NeverArrived,
    Rejected,
    Submitted,
    TimedOut,
)
from bt_run.core.errors import ConfigError, IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

__all__ = [
    "ECHOES",
    "RETURNS",
    "TERMINAL",
    "TRANSITIONS",
    "TRIGGERED",
    "Order",
    "OrderType",
    "Purpose",
    "Side",
    "State",
    "TimeInForce",
    "apply",
]

Side = Literal["BUY", "SELL"]
OrderType = Literal[
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"
]
TimeInForce = Literal["GTC", "IOC", "FOK"]
Purpose = Literal["entry", "exit", "stop_loss", "take_profit", "manual"]

PRICED: frozenset[str] = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
TRIGGERED: frozenset[str] = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
"""Types that wait for a trigger; the exchange counts them as algorithmic orders."""


class State(StrEnum):
    """Where an order stands."""

    NEW = "NEW"
    SENT = "SENT"
    OPEN = "OPEN"
    PARTIAL = "PARTIAL"
    CANCELING = "CANCELING"
    UNKNOWN = "UNKNOWN"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


TERMINAL: frozenset[State] = frozenset({State.FILLED, State.CANCELED, State.EXPIRED, State.REJECTED})

_FILL = (State.PARTIAL, State.FILLED)
_WORKING: dict[type[Event], tuple[State, ...]] = {
    Filled: _FILL,
    CancelSent: (State.CANCELING,),
    Canceled: (State.CANCELED,),
    Expired: (State.EXPIRED,),
}

TRANSITIONS: Mapping[State, Mapping[type[Event], tuple[State, ...]]] = {
    State.NEW: {Submitted: (State.SENT,)},
    State.SENT: {
        Accepted: (State.OPEN,),
        Rejected: (State.REJECTED,),
        TimedOut: (State.UNKNOWN,),
        Filled: _FILL,
    },
    State.OPEN: _WORKING,
    State.PARTIAL: _WORKING,
    State.CANCELING: {
        Filled: (State.CANCELING, State.FILLED),
        Canceled: (State.CANCELED,),
        CancelRefused: (State.OPEN, State.PARTIAL),
        Expired: (State.EXPIRED,),
    },
    State.UNKNOWN: {
        Accepted: (State.OPEN,),
        Filled: _FILL,
        Canceled: (State.CANCELED,),
        Expired: (State.EXPIRED,),
        Rejected: (State.REJECTED,),
        NeverArrived: (State.REJECTED,),
    },
    State.CANCELED: {Filled: (State.CANCELED,)},
    State.EXPIRED: {Filled: (State.EXPIRED,)},
    State.FILLED: {},
    State.REJECTED: {},
}
"""State, then kind of event, then the states that can follow."""

RETURNS: Mapping[type[Event], tuple[State, ...]] = {
    Accepted: (State.OPEN,),
    Filled: _FILL,
    Canceled: (State.CANCELED,),
    Expired: (State.EXPIRED,),
}
"""Kind of event, then the states that can follow where the order is REJECTED by NeverArrived alone."""

_LATE: frozenset[type[Event]] = frozenset({Accepted, TimedOut, CancelRefused})

ECHOES: Mapping[State, frozenset[type[Event]]] = {
    State.NEW: frozenset(),
    State.SENT: frozenset(),
    State.OPEN: _LATE,
    State.PARTIAL: _LATE,
    State.CANCELING: frozenset({Accepted, TimedOut, CancelSent}),
    State.UNKNOWN: frozenset({TimedOut}),
    State.FILLED: _LATE,
    State.CANCELED: _LATE | {Canceled},
    State.EXPIRED: _LATE | {Expired},
    State.REJECTED: frozenset({Rejected, NeverArrived, TimedOut}),
}
"""State, then kinds of event that say nothing new there."""


@dataclass(frozen=True, slots=True)
class Order:
    """
    An order: what was asked, and what is known about it.

    Asked: `quantity` in base asset, or `quote_quantity` (quoteOrderQty, MARKET only), or neither for the second
    leg of an OPO list, whose quantity the exchange sets. `price`, `stop_price` in quote; `trailing_delta` in
    basis points. `bracket` is the name that an entry and the orders protecting it share; empty where nothing
    shall protect it. `created_ms` is our time, ms since 1970 UTC.

    Known: `state`, `exchange_id` (Binance's orderId), `accepted_ms` (the exchange's time), `fills` (distinct
    trades in the order they came), `total` and `reported_executed` as the exchange told them, `reason` why it
    ended or is in doubt. `is_given_up`: REJECTED because the exchange did not know it, not by its word.

    Raises ConfigError where the fields do not make an order.
    """

    client_id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    time_in_force: TimeInForce | None = None
    list_client_id: str = ""
    bracket: str = ""
    purpose: Purpose = "manual"
    created_ms: int = 0
    state: State = State.NEW
    exchange_id: int | None = None
    accepted_ms: int | None = None
    fills: tuple[Filled, ...] = ()
    total: Decimal | None = None
    reported_executed: Decimal | None = None
    reason: str = ""
    is_given_up: bool = False

    def __post_init__(self) -> None:
        wrong = self._what_is_wrong()
        if wrong:
            raise ConfigError(f"Order {self.client_id} ({self.side} {self.symbol} {self.type}): {wrong}.")

    def _what_is_wrong(self) -> str:
        for amount in (self.quantity, self.quote_quantity, self.price, self.stop_price):
            if amount is not None and not amount > 0:
                return "amounts must be above 0"
        by_base, by_quote = self.quantity is not None, self.quote_quantity is not None
        untriggered = self.stop_price is None and self.trailing_delta is None
        rules = (
            (by_base and by_quote, "give a quantity or a quote quantity, not both"),
            (by_quote and self.type != "MARKET", "only a MARKET order can be given by quote quantity"),
            (not (by_base or by_quote or self.list_client_id), "it has no quantity"),
            (self.type in PRICED and self.price is None, "it needs a price"),
            (self.type not in PRICED and self.price is not None, "this type has no price"),
            (self.type in TRIGGERED and untriggered, "it needs a stop price or a trailing delta"),
        )
        for broken, text in rules:
            if broken:
                return text
        return ""

    @property
    def is_terminal(self) -> bool:
        """Whether the order is over; only late trades can still come."""
        return self.state in TERMINAL

    @property
    def whole(self) -> Decimal | None:
        """What must execute until it is FILLED, base asset; None while the exchange has not told."""
        return self.total if self.total is not None else self.quantity

    @property
    def executed(self) -> Decimal:
        """Base asset executed: the sum over distinct trades."""
        return total_of(fill.quantity for fill in self.fills)

    @property
    def executed_quote(self) -> Decimal:
        """Quote asset executed, without fees."""
        return total_of(times(fill.quantity, fill.price) for fill in self.fills)

    @property
    def average_price(self) -> Decimal | None:
        """Average price weighted by quantity, 28 digits; None before the first trade."""
        return ratio(self.executed_quote, self.executed) if self.fills else None

    @property
    def fees(self) -> dict[str, Decimal]:
        """Fees by asset, in the order in which the assets first came."""
        fees: dict[str, Decimal] = {}
        for fill in self.fills:
            if fill.fee:
                fees[fill.fee_asset] = plus(fees.get(fill.fee_asset, ZERO), fill.fee)
        return fees

    @property
    def missing(self) -> Decimal:
        """Base asset that the exchange says was executed and whose trades have not been heard; >= 0."""
        if self.reported_executed is None:  # asked of every order at every turn
            return ZERO
        return max(ZERO, minus(self.reported_executed, self.executed))

    def has_trade(self, trade_id: int) -> bool:
        """Whether this trade is counted already."""
        return any(fill.trade_id == trade_id for fill in self.fills)


def apply(order: Order, event: Event) -> Order:
    """
    Give the order after the event; nothing else may set a state.

    Raises IllegalTransition for what no table holds, and where trades would exceed the whole.
    """
    kind = type(event)
    if isinstance(event, Filled) and order.has_trade(event.trade_id):
        # The trade itself is old; only word of the whole can be news, and only while the order is not over.
        if event.total is None or order.total is not None or order.is_terminal:
            return order
    elif kind in ECHOES[order.state]:
        return _learn(order, event)
    allowed = (RETURNS if order.is_given_up else TRANSITIONS[order.state]).get(kind)
    if allowed is None:
        raise _illegal(order, event)
    known = _learn(order, event)
    state = _next(known, event, allowed)
    return replace(known, state=state, is_given_up=isinstance(event, NeverArrived))


def _next(order: Order, event: Event, allowed: tuple[State, ...]) -> State:
    """Choose among the states that the table allows; `order` has learnt from the event already."""
    if len(allowed) == 1:
        return allowed[0]
    if isinstance(event, Filled):
        return State.FILLED if order.executed == order.whole else allowed[0]
    return State.PARTIAL if order.fills else State.OPEN


def _learn(order: Order, event: Event) -> Order:
    """Take from the event what it says beside the state."""
    match event:
        case Filled():
            return _learn_fill(order, event)
        case Accepted():
            if order.exchange_id not in (None, event.exchange_id):
                raise _illegal(order, event, f"its exchange id is {order.exchange_id}")
            given = order.quantity is not None or order.quote_quantity is not None
            quantity = order.quantity if given else event.quantity
            since = event.time_ms if order.accepted_ms is None else order.accepted_ms
            return replace(order, exchange_id=event.exchange_id, accepted_ms=since, quantity=quantity)
        case Canceled() | Expired():
            told = max(order.reported_executed or ZERO, event.executed_quantity or ZERO)
            reason = event.reason if isinstance(event, Expired) else order.reason
            return replace(order, reported_executed=told, reason=order.reason if order.is_terminal else reason)
        case CancelRefused() | Rejected() | NeverArrived() | TimedOut():
            return order if type(event) in ECHOES[order.state] else replace(order, reason=event.reason)
        case _:
            return order


def _learn_fill(order: Order, fill: Filled) -> Order:
    if not (fill.quantity > 0 and fill.price > 0):
        raise _illegal(order, fill, "a trade has a quantity and a price above 0")
    fills = order.fills if order.has_trade(fill.trade_id) else (*order.fills, fill)
    known = replace(order, fills=fills, total=fill.total if fill.total is not None else order.total)
    limits = [limit for limit in (order.quantity, known.total) if limit is not None]
    if any(known.executed > limit for limit in limits):
        raise _illegal(order, fill, f"{known.executed} would be more than {min(limits)}")
    return known


def _illegal(order: Order, event: Event, why: str = "") -> IllegalTransition:
    return IllegalTransition(order.client_id, state=order.state, event=repr(event), why=why)
