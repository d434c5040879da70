"""An account on a market whose book and prints the test writes down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from bt_run.practice.events import BalancesChanged, Executed, ListChanged, Print, Printed
from bt_run.practice.orders import ListTicket, Order, OrderList, Ticket
from bt_run.practice.refusal import Refusal
from bt_run.practice.rules import Fees, SymbolRules
from bt_run.practice.trading import Trading

D = Decimal
BALANCES = {"BTC": D(10), "USDT": D(10_000)}
NO_FEES = Fees(maker=D(0), taker=D(0))


@dataclass
class PaperMarket:
    """A market whose book stays as the test writes it; `average` is None where it is the last price."""

    rules: SymbolRules
    last_price: Decimal = D(100)
    asks: list[tuple[Any, Any]] | None = None
    bids: list[tuple[Any, Any]] | None = None
    average: Decimal | None = None

    def average_price(self, minutes: int, now: int) -> Decimal:
        assert minutes > 0
        return self.last_price if self.average is None else self.average

    def levels(self, side: str, now: int) -> Iterator[tuple[Decimal, Decimal]]:
        written = self.asks if side == "BUY" else self.bids
        if written is not None:
            return iter([(D(str(price)), D(str(quantity))) for price, quantity in written])
        step = D(1) if side == "BUY" else D(-1)
        return ((self.last_price + step * number, D(5)) for number in range(1, 4))


@dataclass
class Rig:
    """Trading on paper markets, with everything that it tells."""

    markets: dict[str, PaperMarket]
    trading: Trading
    now: int = 1_000
    events: list[Any] = field(default_factory=list)
    prints: int = 0
    names: int = 0

    def connect(self) -> None:
        self.trading.connect(self.markets, lambda: self.now, self.events.append)

    @property
    def market(self) -> PaperMarket:
        return self.markets["BTCUSDT"]

    def ticket(self, side: str, type_: str, quantity: Any = 1, **given: Any) -> Ticket:
        """Write a ticket; numbers may be int or text. Ids are c1, c2 ... unless given."""
        self.names += 1
        amounts = ("price", "stop_price", "quote_quantity", "iceberg_quantity")
        given = {
            key: D(str(value)) if key in amounts and value is not None else value
            for key, value in given.items()
        }
        return Ticket(
            symbol=given.pop("symbol", "BTCUSDT"),
            side=side,
            type=type_,
            client_order_id=given.pop("id", f"c{self.names}"),
            quantity=None if quantity is None else D(str(quantity)),
            **given,
        )

    def place(self, side: str, type_: str, quantity: Any = 1, **given: Any) -> Order:
        return self.trading.place(self.ticket(side, type_, quantity, **given))

    def oco(self, side: str, above: Ticket, below: Ticket, name: str = "list") -> OrderList:
        return self.trading.place_list(ListTicket("OCO", name, (above, below)))

    def print(self, price: Any, quantity: Any = 100, *, continuous: bool = True, symbol="BTCUSDT") -> None:
        """Let the market trade; by default the price moves there through all prices."""
        self.prints += 1
        self.now += 1_000
        self.markets[symbol].last_price = D(str(price))
        printed = Print(symbol, self.prints, self.now, D(str(price)), D(str(quantity)), False, continuous)
        self.trading.follow(Printed(printed))

    def order(self, order: Order) -> Order:
        """Give an order as it is now."""
        return self.trading.order(order.ticket.symbol, order.order_id)

    def money(self, asset: str) -> tuple[Decimal, Decimal]:
        found = self.trading.balances()[asset]
        return found.free, found.locked

    def told(self) -> list[str]:
        """Give what was told since the last call, in short."""
        events, self.events[:] = list(self.events), []
        return [short(event) for event in events]


def short(event: Any) -> str:
    """Write an event down as ``TRADE c1 FILLED``."""
    if isinstance(event, Executed):
        return f"{event.kind} {event.order.client_order_id} {event.order.status}"
    if isinstance(event, ListChanged):
        return f"LIST {event.order_list.status_type}"
    if isinstance(event, BalancesChanged):
        return "BALANCES"
    return type(event).__name__


@pytest.fixture
def make_rig():
    """Give a rig with these balances and rules; without fees unless given."""

    def make(balances: Mapping[str, Decimal] | None = None, *symbols: SymbolRules, **rules: Any) -> Rig:
        listed = symbols or (replace(SymbolRules(fees=NO_FEES), **rules),)
        markets = {rule.symbol: PaperMarket(rule) for rule in listed}
        rig = Rig(markets, Trading(BALANCES if balances is None else balances))
        rig.connect()
        return rig

    return make


@pytest.fixture
def rig(make_rig):
    return make_rig()


@pytest.fixture
def refused():
    """Give what a call is refused with, as (code, reason)."""

    def call(function, *args, **kwargs):
        with pytest.raises(Refusal) as info:
            function(*args, **kwargs)
        return info.value.code, info.value.reason

    return call
