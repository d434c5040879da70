"""A journal as a dead bot leaves it, and an exchange in memory that holds what is the bot's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from brokers.filters import Range, SymbolFilters
from brokers.gateway import FeeRates
from brokers.order_events import Accepted, Canceled, Event, Filled, TimedOut
from brokers.orders import Order
from brokers.reconciling.views import Balance, ExchangeOrder, ExchangeTrade
from bt_run.journal.journal import Journal
from bt_run.journal.records import FillRecord, OrderEvent, OrderRecord
from bt_run.run.panic.one_symbol import panic_symbol
from bt_run.run.panic.report import PanicReport

__all__ = ["T0", "Bot", "Exchange"]

D = Decimal
T0 = 1_789_000_000_000
STEP = D("0.001")
FILTERS = SymbolFilters(
    "BTCUSDT", "TRADING", "BTC", "USDT", 8, 8, frozenset({"MARKET", "LIMIT"}), (), True, True, True, True, True,
    True, lot=Range(STEP, D(100), STEP),
)  # fmt: skip


class Exchange:
    """A gateway to an exchange in memory; `on_place` and `on_cancel` may do and answer something else."""

    def __init__(self) -> None:
        self.orders: dict[str, ExchangeOrder] = {}
        self.made: list[ExchangeTrade] = []
        self.free = D(0)
        self.price = D(100)
        self.journal: Journal | None = None
        self.placed: list[Order] = []
        self.canceled: list[str] = []
        self.on_place: Callable[[Order], tuple[Event, ...] | None] = lambda order: None
        self.on_cancel: Callable[[Order], tuple[Event, ...] | None] = lambda order: None
        self.on_ask: Callable[[str], None] = lambda what: None

    def rest(self, client_id: str, side: str = "BUY", quantity: str = "1", **given: Any) -> None:
        """Let an order rest."""
        made = {
            "type": "LIMIT",
            "status": "NEW",
            "executed": D(0),
            "time_ms": T0,
            "update_ms": T0,
            "price": D(90),
        }
        number = len(self.orders) + 1
        self.orders[client_id] = ExchangeOrder(
            client_id, "BTCUSDT", number, side, quantity=D(quantity), **(made | given)
        )

    def trade(self, client_id: str, quantity: Decimal) -> Filled:
        """Execute a part of an order."""
        told = self.orders[client_id]
        done = told.executed + quantity
        status = "FILLED" if done == told.quantity else "PARTIALLY_FILLED"
        self.orders[client_id] = replace(told, executed=done, status=status)
        number = len(self.made) + 1000
        trade = ExchangeTrade(
            "BTCUSDT", number, told.exchange_id, quantity, self.price, D(0), "USDT", T0 + number, False
        )
        self.made.append(trade)
        self.free += quantity if told.side == "BUY" else -quantity
        return trade.filled(done if status == "FILLED" else None)

    # Gateway.

    def filters(self, symbol: str) -> SymbolFilters:
        self.on_ask("filters")
        return FILTERS

    def fees(self, symbol: str) -> FeeRates:
        return FeeRates(D(0), D(0))

    def balances(self) -> dict[str, Balance]:
        self.on_ask("balances")
        return {"BTC": Balance(self.free, D(0))}

    def server_time_ms(self) -> int:
        return T0

    def place(self, order: Order) -> tuple[Event, ...]:
        assert self.journal is not None
        written = self.journal.order(order.client_id)
        assert written is not None
        assert ("SENT", "SELL") == (written.state, written.side)
        self.placed.append(order)
        answer = self.on_place(order)
        return self.execute(order) if answer is None else answer

    def execute(self, order: Order, part: Decimal | None = None) -> tuple[Event, ...]:
        """Take an order, and fill it at once."""
        self.rest(order.client_id, "SELL", str(order.quantity), type="MARKET", price=None)
        filled = self.trade(order.client_id, order.quantity if part is None else part)
        return Accepted(self.orders[order.client_id].exchange_id, T0), filled

    def execute_in_silence(self, order: Order) -> tuple[Event, ...]:
        """Take an order and fill it, and lose the answer."""
        self.execute(order)
        return (TimedOut("no answer"),)

    def place_list(self, kind: Any, orders: Any) -> Any:
        raise AssertionError

    def cancel(self, order: Order) -> tuple[Event, ...]:
        self.canceled.append(order.client_id)
        answer = self.on_cancel(order)
        if answer is not None:
            return answer
        told = self.orders[order.client_id]
        gone = [one for one in self.orders.values() if one is told or (told.list_client_id and
            one.list_client_id == told.list_client_id)]  # fmt: skip
        for one in gone:
            self.orders[one.client_id] = replace(one, status="CANCELED")
        return (Canceled(T0, told.executed),)

    def query(self, symbol: str, client_id: str) -> ExchangeOrder | None:
        self.on_ask("query")
        return self.orders.get(client_id)

    def query_number(self, symbol: str, exchange_id: int) -> ExchangeOrder | None:
        names = (name for name, one in self.orders.items() if one.exchange_id == exchange_id)
        return next((self.query(symbol, name) for name in names), None)

    def open_orders(self, symbol: str) -> tuple[ExchangeOrder, ...]:
        self.on_ask("open_orders")
        return tuple(one for one in self.orders.values() if one.status in ("NEW", "PARTIALLY_FILLED"))

    def trades(self, symbol: str, *, since_trade_id: Any = None, exchange_id: Any = None) -> Any:
        return tuple(trade for trade in self.made if exchange_id in (None, trade.exchange_id))


class Bot:
    """A journal as a dead bot leaves it, and the exchange."""

    def __init__(self, journal: Journal, exchange: Exchange) -> None:
        self.journal = exchange.journal = journal
        self.exchange = exchange
        self.now = 0.0
        journal.begin_run(
            venue="testnet", symbol="BTCUSDT", interval="1m", strategy="sar", started_ms=T0, mode="live"
        )

    def order(self, client_id: str, state: str, side: str = "BUY", quantity: str = "1", **given: Any) -> None:
        """Write an order."""
        made: dict[str, Any] = {"type": "LIMIT", "price": D(90), "purpose": "entry"} | given
        record = OrderRecord(
            1,
            client_id,
            "BTCUSDT",
            side,
            quantity=D(quantity),
            created_ms=T0,
            updated_ms=T0,
            state=state,
            **made,
        )
        self.journal.write_order(record, OrderEvent("Test", T0))

    def holds(self, quantity: str, *, own: str = "0") -> None:
        """Let the bot have bought this much, and the user have some of his own."""
        self.exchange.rest("btr-bcd-00000001", quantity=quantity)
        fill = self.exchange.trade("btr-bcd-00000001", D(quantity))
        self.exchange.free += D(own)
        self.order("btr-bcd-00000001", "FILLED", quantity=quantity, exchange_id=1)
        self.journal.write_fill(
            FillRecord(
                1, "BTCUSDT", fill.trade_id, "btr-bcd-00000001", "BUY", D(quantity), D(100), D(0), "USDT", T0
            )
        )

    def panic(self, **options: Any) -> PanicReport:
        """Do it, in a time of its own."""

        def sleep(seconds: float) -> None:
            self.now += seconds

        return panic_symbol(
            self.journal, self.exchange, "BTCUSDT", venue="testnet", run=1, salt=7, sleep=sleep,
            steady=lambda: self.now, **options,
        )  # fmt: skip

    @property
    def sold(self) -> list[Decimal | None]:
        """What was sent to be sold."""
        return [order.quantity for order in self.exchange.placed]
