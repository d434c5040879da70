"""Orders as the exchange keeps them. Frozen: the matching replaces an order by its next state."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

__all__ = ["Balance", "Fill", "ListTicket", "Order", "OrderList", "OrderType", "Side", "Status", "Ticket"]

Side = Literal["BUY", "SELL"]
OrderType = Literal[
    "LIMIT", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "LIMIT_MAKER"
]
TimeInForce = Literal["GTC", "IOC", "FOK"]
Status = Literal[
    "PENDING_NEW", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "REJECTED", "EXPIRED_IN_MATCH"
]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ticket:
    """
    What a client asks for: one order, parsed and complete, not yet judged by filters or balances.

    `quantity` is None exactly where a MARKET order gives `quote_quantity`. `trailing_delta` in basis points.
    `client_order_id` is the client's, or made up by the exchange where it sent none.
    """

    symbol: str
    side: Side
    type: OrderType
    client_order_id: str
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    time_in_force: TimeInForce = "GTC"
    iceberg_quantity: Decimal | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    self_trade_prevention: str = "EXPIRE_MAKER"


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of an order. `trade_id` is unique per symbol; `commission` in `commission_asset`, >= 0."""

    trade_id: int
    symbol: str
    order_id: int
    list_id: int
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool


@dataclass(frozen=True, slots=True)
class Order:
    """
    An order and what became of it. Times are ms of the exchange's clock; -1 where it did not happen.

    `quantity` is 0 for a MARKET order by quote quantity until it is filled, then what was executed.
    `working_time` is when it came onto the book (-1: pending or a stop not triggered). `list_id` is -1 for an
    order that stands alone. `fills` are all trades so far.
    """

    ticket: Ticket
    order_id: int
    status: Status
    created: int
    updated: int
    quantity: Decimal
    list_id: int = -1
    executed: Decimal = _ZERO
    executed_quote: Decimal = _ZERO
    working_time: int = -1
    trailing_time: int | None = None
    fills: tuple[Fill, ...] = ()
    expiry_reason: str | None = None
    client_order_id: str = ""
    """The present client order id: the ticket's, unless an amendment changed it."""

    @property
    def is_open(self) -> bool:
        """Tell whether it can still be filled or wait for its turn."""
        return self.status in ("PENDING_NEW", "NEW", "PARTIALLY_FILLED")

    @property
    def is_working(self) -> bool:
        """Tell Binance's `isWorking`: whether it is, or was, on the book."""
        return self.working_time != -1

    @property
    def rest(self) -> Decimal:
        """Give the quantity that is not executed."""
        return self.quantity - self.executed


@dataclass(frozen=True, slots=True)
class ListTicket:
    """
    What a client asks for: an order list.

    OCO: `working` is None and `legs` are (above, below). OTO: `working` and one leg, placed when `working` is
    filled. OTOCO: `working` and (above, below). Binance calls the contingency of both of the latter ``OTO``.
    """

    kind: Literal["OCO", "OTO", "OTOCO"]
    client_list_id: str
    legs: tuple[Ticket, ...]
    working: Ticket | None = None


@dataclass(frozen=True, slots=True)
class OrderList:
    """`status_type` is EXEC_STARTED, UPDATED or ALL_DONE; `order_status` EXECUTING, ALL_DONE or REJECT."""

    list_id: int
    kind: Literal["OCO", "OTO", "OTOCO"]
    client_list_id: str
    symbol: str
    order_ids: tuple[int, ...]
    status_type: str
    order_status: str
    time: int

    @property
    def contingency(self) -> str:
        """Give Binance's `contingencyType`, which is OTO for OTOCO too."""
        return "OCO" if self.kind == "OCO" else "OTO"


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds of one asset; both >= 0. `locked` stands behind open orders."""

    free: Decimal = _ZERO
    locked: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        """Give free and locked together."""
        return self.free + self.locked
