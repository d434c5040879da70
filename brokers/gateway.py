"""
The border between the broker and whatever executes its orders: an exchange, or our own simulation of one.

Two ways lead over it. Requests go out in the thread that trades and come back as events of orders. What the
account's stream or a REST check tells comes in, from any thread, through an `Inbox`; the thread that trades
takes it out. Nothing here decides what follows from an event: `brokers.orders.apply` does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.order_events import Event
    from brokers.orders import Order
    from brokers.reconciling.views import Balance, ExchangeOrder, ExchangeTrade, Missing

__all__ = [
    "AccountEvent",
    "AccountReport",
    "BalancesSeen",
    "FeeRates",
    "Gateway",
    "Inbox",
    "MarketPrices",
    "OrderSeen",
    "StreamChanged",
]


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Commission as fractions of the traded amount; `discount_asset` is BNB where fees are paid in it."""

    maker: Decimal
    taker: Decimal
    discount_asset: str = ""


@dataclass(frozen=True, slots=True)
class MarketPrices:
    """
    Best prices and the last trade's, quote asset, all > 0.

    `average` is the exchange's own of some minutes, None where it tells none.
    """

    bid: Decimal
    ask: Decimal
    last: Decimal
    average: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """Something happened to an order, ours or not; `client_id` is the order's own, never the cancel's."""

    symbol: str
    client_id: str
    exchange_id: int
    event: Event
    execution_id: int = 0


@dataclass(frozen=True, slots=True)
class BalancesSeen:
    """Balances of some assets as of `time_ms` (the exchange's clock)."""

    balances: Mapping[str, Balance]
    time_ms: int


@dataclass(frozen=True, slots=True)
class StreamChanged:
    """The account's stream came up or went down. After `up` a check is due: nothing is replayed."""

    state: Literal["up", "down"]
    reason: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class AccountReport:
    """
    What a REST check found at `time_ms`: open orders and balances, orders asked for by client id, new trades.

    `asked` holds `Missing` for an order that the exchange does not know. `trades` are those since the last
    check, by symbol, complete and ascending. `lost` are trades by symbol that were known and that the exchange
    does not list any more, though they are older than any copy of its books lags.
    """

    time_ms: int
    open_orders: tuple[ExchangeOrder, ...]
    asked: Mapping[str, ExchangeOrder | Missing]
    trades: tuple[ExchangeTrade, ...]
    balances: Mapping[str, Balance]
    lost: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


AccountEvent = OrderSeen | BalancesSeen | StreamChanged | AccountReport


@dataclass(slots=True)
class Inbox:
    """Events for the thread that trades; `put` from any thread, `take` from that one only. Unbounded."""

    ring: Callable[[], None] = lambda: None
    """Called after each event was put, such as a `Bell`'s ring."""
    _waiting: deque[AccountEvent] = field(default_factory=deque)

    def put(self, event: AccountEvent) -> None:
        """Add an event and wake the thread that trades."""
        self._waiting.append(event)
        self.ring()

    def take(self) -> list[AccountEvent]:
        """Take all events that have come, oldest first."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def __len__(self) -> int:
        return len(self._waiting)


class Gateway(Protocol):
    """
    Requests, each answered before the call returns (or unknown after the time-out); from one thread only.

    What becomes of an order is never an exception: `place` and `cancel` give the events that follow from the
    answer, `TimedOut` included. Exceptions of `bt_run.core.errors` mean that a question was not answered.
    """

    def filters(self, symbol: str) -> SymbolFilters:
        """Give the symbol's rules. Raises UnknownSymbol, ExchangeError."""

    def fees(self, symbol: str) -> FeeRates:
        """Give what trading costs. Raises ExchangeError."""

    def balances(self) -> Mapping[str, Balance]:
        """Give all balances that are not zero. Raises ExchangeError."""

    def server_time_ms(self) -> int:
        """Give the exchange's time, ms since 1970 UTC, by the offset last measured; asks nobody."""

    def place(self, order: Order) -> tuple[Event, ...]:
        """Send an order once: Accepted and its trades, Rejected, or TimedOut. Never sends it twice."""

    def place_list(
        self, kind: Literal["OCO", "OTO", "OTOCO"], orders: Sequence[Order]
    ) -> Mapping[str, tuple[Event, ...]]:
        """
        Send an order list once; events by client id, for all its orders.

        OCO: (above, below). OTO: (working, pending). OTOCO: (working, pending above, pending below). All carry
        the same `list_client_id`.
        """

    def cancel(self, order: Order) -> tuple[Event, ...]:
        """Cancel an order, and with it the list that it belongs to: Canceled, CancelRefused or TimedOut."""

    def query(self, symbol: str, client_id: str) -> ExchangeOrder | None:
        """Ask for an order by client id; None where the exchange does not know it. Raises ExchangeError."""

    def query_number(self, symbol: str, exchange_id: int) -> ExchangeOrder | None:
        """Ask for an order by the exchange's number, whose ever it is; None and errors as of `query`."""

    def open_orders(self, symbol: str) -> tuple[ExchangeOrder, ...]:
        """Give all open orders of a symbol, foreign ones too. Raises ExchangeError."""

    def trades(
        self,
        symbol: str,
        *,
        since_trade_id: int | None = None,
        exchange_id: int | None = None,
        start_ms: int | None = None,
    ) -> tuple[ExchangeTrade, ...]:
        """Give the account's trades of a symbol, ascending and complete, from an id on, or of one order."""
