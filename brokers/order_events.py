"""What can happen to an order, as plain data. `brokers.orders.apply` alone says what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = [
    "EVENTS",
    "REFUSED_AT_ENTRY",
    "Accepted",
    "CancelRefused",
    "CancelSent",
    "Canceled",
    "Event",
    "Expired",
    "Filled",
    "NeverArrived",
    "Rejected",
    "Submitted",
    "TimedOut",
]

_NO_ORDER = -2010  # NEW_ORDER_REJECTED; errors.md of binance-spot-api-docs, read 2026-07-21


REFUSED_AT_ENTRY = "REJECTED"
"""Binance's reason (expiryReason) why an order expired that waited in a list and could then not be placed."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The request leaves now; the journal has it already."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    The exchange has the order: it rests, waits for its trigger, or for the order before it in a list.

    `quantity` is told for orders whose quantity the exchange sets (the second leg of an OPO list), else None.
    """

    exchange_id: int
    time_ms: int
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """
    One trade of the order. `quantity` > 0 in base asset, `price` > 0 in quote; `fee` in `fee_asset`.

    `trade_id` is unique within a symbol: the same id is the same trade, however often and wherever it is told.
    `total` is the executed quantity of the whole order. It comes only with the exchange's status FILLED, and it
    alone can end an order that was given by quote amount, whose quantity nobody else knows.
    """

    trade_id: int
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    time_ms: int
    is_maker: bool
    total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CancelSent:
    """A request to cancel leaves now. It may be sent again: a second cancel does nothing more."""


@dataclass(frozen=True, slots=True)
class Canceled:
    """The exchange cancelled the rest; `executed_quantity`: what it says was executed, None where not told."""

    time_ms: int
    executed_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """The exchange did not cancel (-2011), or a cancel is known not to have arrived."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The exchange ended it: rest of an IOC, thin book, other leg of an OCO, ...; `time_ms` 0 if not known."""

    reason: str
    time_ms: int
    executed_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The exchange never took the order. `code` is Binance's (negative), None where not told."""

    code: int | None
    reason: str

    @property
    def lacks_balance(self) -> bool:
        """Whether the account does not have what the order needs; -2010 stands for other reasons too."""
        return self.code == _NO_ORDER and "insufficient" in self.reason.lower()


@dataclass(frozen=True, slots=True)
class TimedOut:
    """No answer, HTTP 5xx, -1006, -1007: nobody knows whether the order was taken."""

    reason: str


@dataclass(frozen=True, slots=True)
class NeverArrived:
    """Asked long enough, the exchange still does not know the order (-2013)."""

    reason: str


Event = (
    Submitted
    | Accepted
    | Filled
    | CancelSent
    | Canceled
    | CancelRefused
    | Expired
    | Rejected
    | TimedOut
    | NeverArrived
)

EVENTS: tuple[type[Event], ...] = (
    Submitted,
    Accepted,
    Filled,
    CancelSent,
    Canceled,
    CancelRefused,
    Expired,
    Rejected,
    TimedOut,
    NeverArrived,
)
"""Every kind of event, for whoever writes them down and reads them back by name."""
