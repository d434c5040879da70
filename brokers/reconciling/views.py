"""The two sides of a comparison, as plain data: what we believe, and what the exchange says."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from brokers.amounts import plus
from brokers.client_ids import ClientId
from brokers.order_events import Filled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from brokers.holdings import Ledger
    from brokers.orders import Order, OrderType, Side, TimeInForce

__all__ = [
    "ENDED",
    "WORKING",
    "Balance",
    "Belief",
    "ExchangeOrder",
    "ExchangeTrade",
    "ExchangeView",
    "Missing",
]

WORKING: frozenset[str] = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"})
"""Statuses of orders that can execute; PENDING_NEW cannot: it waits for the order before it in a list."""

ENDED: frozenset[str] = frozenset({"CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"})
"""Statuses that end an order other than by its trades."""


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """
    An order as GET /api/v3/openOrders and /order tell it. Times in ms since 1970 UTC.

    `quantity` is origQty, None where it is 0; `executed` is executedQty. `list_client_id` is empty where not
    known: the answer itself holds only a number.
    """

    client_id: str
    symbol: str
    exchange_id: int
    side: Side
    type: OrderType
    status: str
    quantity: Decimal | None
    executed: Decimal
    time_ms: int
    update_ms: int
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    quote_quantity: Decimal | None = None
    time_in_force: TimeInForce | None = None
    list_client_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExchangeTrade:
    """A trade as GET /api/v3/myTrades tells it; `exchange_id` is its order's id."""

    symbol: str
    trade_id: int
    exchange_id: int
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    time_ms: int
    is_maker: bool

    def filled(self, total: Decimal | None = None) -> Filled:
        """Give the event; `total` where the order's status is FILLED."""
        return Filled(
            self.trade_id,
            self.quantity,
            self.price,
            self.fee,
            self.fee_asset,
            self.time_ms,
            self.is_maker,
            total,
        )


@dataclass(frozen=True, slots=True)
class Missing:
    """
    The exchange's answer that it does not know an order.

    `code` is -2013 (does not exist: perhaps not yet) or -2026 (archived: ended without trades long ago).
    `asked_s` is for how many seconds it has been asked and has answered so every time.
    """

    client_id: str
    asked_s: float
    code: int = -2013


@dataclass(frozen=True, slots=True)
class Balance:
    """An asset on the account; what open orders lock is not free."""

    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        """All there is."""
        return plus(self.free, self.locked)


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """
    What the exchange says.

    `open_orders` are all of the account. `queried` and `missing` are the answers for single orders, asked after
    `open_orders`: where both know an order, the single answer counts; what one of them knows is not missing.
    `trades` are those asked for; where `complete_ms` names a symbol they are all of its trades from the first
    time to the second. Leave out the last minute: new trades come late. `balances` are asked for last; None:
    not asked.
    """

    open_orders: tuple[ExchangeOrder, ...] = ()
    queried: tuple[ExchangeOrder, ...] = ()
    missing: tuple[Missing, ...] = ()
    trades: tuple[ExchangeTrade, ...] = ()
    complete_ms: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    balances: Mapping[str, Balance] | None = None

    def order_of(self, client_id: str) -> ExchangeOrder | None:
        """Give the newest word on an order."""
        for told in (*self.queried, *self.open_orders):
            if told.client_id == client_id:
                return told
        return None

    def was_queried(self, client_id: str) -> bool:
        """Whether the order was asked for by itself, and is there."""
        return any(told.client_id == client_id for told in self.queried)

    def missing_of(self, client_id: str) -> Missing | None:
        """Give the answer that the order is not known; None where another word knows it."""
        if self.order_of(client_id) is not None:
            return None
        return next((told for told in self.missing if told.client_id == client_id), None)


@dataclass(frozen=True, slots=True)
class Belief:
    """
    What the journal believes.

    `orders` are ours by client id: all that are not over, and those over for which late trades may come.
    `ledger` holds the books. `run_tags` are the runs of this strategy, by which its client ids are known.
    `steps` are the quantity steps by symbol; less than a step is dust and needs no protection.
    """

    orders: Mapping[str, Order]
    ledger: Ledger
    run_tags: frozenset[str]
    steps: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))

    def is_ours(self, client_id: str) -> bool:
        """Whether the order is one of this strategy's, be it in the journal or not."""
        known = ClientId.parse(client_id)
        return client_id in self.orders or (known is not None and known.run in self.run_tags)
