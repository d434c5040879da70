"""The state of a simulated exchange, as plain data that can be kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brokers.amounts import ZERO
from brokers.reconciling.views import ExchangeOrder

if TYPE_CHECKING:
    from decimal import Decimal

    from brokers.orders import Order
    from brokers.reconciling.views import ExchangeTrade

__all__ = ["PaperAccount", "PaperOrder"]


@dataclass(slots=True)
class PaperOrder:
    """An order as the simulated exchange has it; `best` is for one that trails, `status` as Binance's."""

    order: Order
    exchange_id: int
    time_ms: int
    status: str = "NEW"
    executed: Decimal = ZERO
    best: Decimal | None = None
    triggered: bool = False
    update_ms: int = 0

    @property
    def works(self) -> bool:
        """Whether it can execute."""
        return self.status in ("NEW", "PARTIALLY_FILLED")

    def told(self) -> ExchangeOrder:
        """Give it as an answer of the exchange tells it."""
        return ExchangeOrder(
            self.order.client_id,
            self.order.symbol,
            self.exchange_id,
            self.order.side,
            self.order.type,
            self.status,
            self.order.quantity if self.order.quantity is not None else self.executed,
            self.executed,
            self.time_ms,
            self.update_ms or self.time_ms,
            price=self.order.price,
            stop_price=self.order.stop_price,
            trailing_delta=self.order.trailing_delta,
            quote_quantity=self.order.quote_quantity,
            time_in_force=self.order.time_in_force,
            list_client_id=self.order.list_client_id,
        )


@dataclass(slots=True)
class PaperAccount:
    """
    All state of a simulation, for whoever wants to keep it: totals by asset, orders by client id, trades.

    `last_id` is the last order or trade id that was given; ids go on from the clock where it is behind, so that
    two runs never give the same.
    """

    totals: dict[str, Decimal]
    orders: dict[str, PaperOrder] = field(default_factory=dict)
    trades: list[ExchangeTrade] = field(default_factory=list)
    last_id: int = 0
