"""The live broker: Backtrader's orders on an exchange, or on our own simulation of one."""

from __future__ import annotations

import logging
import secrets
import time
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.client_ids import ClientId, run_tag
from brokers.gateway import AccountReport, BalancesSeen, OrderSeen, StreamChanged
from brokers.guard import NoGuard
from brokers.holdings import Ledger
from brokers.live.book_check import BookCheck
from brokers.live.bt_closing import Closing
from brokers.live.bt_dispatch import Dispatch
from brokers.live.bt_inheritance import Inheritance, Traded
from brokers.live.bt_intake import Intake
from brokers.live.bt_own_orders import Behalf, OwnOrders
from brokers.live.bt_positions import Positions
from brokers.live.bt_protection import Protector
from brokers.live.bt_returns import Returns
from brokers.live.bt_session import Names, Session
from brokers.live.bt_symbols import BoundData
from brokers.live.bt_tickets import Stage, Tickets
from brokers.live.desk import Desk
from brokers.live.inquiry import Inquiry, Waits
from brokers.live.markets import Markets
from brokers.live.opening import new_ledger
from brokers.live.protection import check_protection
from brokers.live.rule_watch import RuleWatch
from brokers.order_events import Rejected
from brokers.recorder import NoRecord
from bt_run.core.errors import ConfigError
from bt_run.core.settings import Protection

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from brokers.gateway import Gateway, Inbox
    from brokers.guard import Guard
    from brokers.holdings import Holding
    from brokers.order_events import Event, Filled
    from brokers.orders import Order
    from brokers.recorder import Recorder

__all__ = ["BinanceBroker"]

_log = logging.getLogger(__name__)


def _is_live(data: Any) -> bool:
    return bool(getattr(data, "last_is_live", True))


class BinanceBroker(bt.BrokerBase):  # type: ignore[misc]  # backtrader ships no types
    """
    A Backtrader broker that trades spot, long only.

    ``cerebro.setbroker(BinanceBroker(gateway=gateway, inbox=inbox))``. Give the inbox the `ring` of the bell
    on which the feeds wait, and orders and notifications go through at once instead of within a second.

    Everything runs in the thread that trades. A market order is sent inside ``buy`` or ``sell`` and is filled,
    as a rule, when they return; other orders leave before the next bar, so that those that belong together
    (`oco`, brackets) go as one list. Beside Backtrader's own arguments ``buy`` and ``sell`` take
    `quote_quantity` (market, in quote asset), `post_only`, `time_in_force` (GTC, IOC, FOK) and `replaces`, an
    order that is cancelled first. What cannot be is notified as Rejected or Margin; ``order.info['reason']``
    says why.

    ``getposition(data).size`` is what can be sold; what is too little for that stays in ledger and value.

    Args:
        gateway: Who executes.
        inbox: Where events of the account arrive.
        symbols: Symbol by data feed or by its name; without it a feed's own `symbol`, else its name.
        cash: Own cash at the start in quote asset; None: all that is free.
        protection: Stop-loss, take-profit and trailing stop for every holding, placed on the exchange.
        adopt_position: What of the account's holdings is the strategy's from the start: symbol to
            (quantity, price paid). All others are not touched.
        guard: May forbid entries.
        recorder: Is told of everything, before a request leaves.
        first_id: The first client id to give; by default that of a new run. Earlier runs are `run_tags`.
        fee_price: Gives the price in quote of an asset in which fees are paid, such as BNB.
        is_live: Tells whether a feed's current bar is live; on others nothing is traded or cancelled.
        clock: Seconds that only grow.

    Raises:
        ConfigError: at the start, for symbols, cash, holdings or protection that cannot be.
    """

    def __init__(
        self,
        *,
        gateway: Gateway,
        inbox: Inbox,
        symbols: Mapping[Any, str] | None = None,
        cash: Decimal | float | str | None = None,
        protection: Protection | None = None,
        adopt_position: Mapping[str, tuple[Any, Any]] | None = None,
        guard: Guard | None = None,
        recorder: Recorder | None = None,
        first_id: ClientId | None = None,
        run_tags: Iterable[str] = (),
        fee_price: Callable[[str], Decimal | None] | None = None,
        is_live: Callable[[Any], bool] = _is_live,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._gateway = gateway
        self._inbox = inbox
        self._bound = BoundData(symbols or {})
        self._own_cash = cash
        self._protection = protection or Protection()
        self._adopt_position = dict(adopt_position or {})
        self._recorder = recorder or NoRecord()
        self._clock = clock
        self._is_tradable = is_live
        self._in_turn = False
        self._restored: tuple[tuple[Order, ...], Ledger | None] = ((), None)
        self._started = False
        self.asks: tuple[tuple[str, str], ...] = ()
        first = first_id or ClientId(run_tag(gateway.server_time_ms(), secrets.randbelow(24_389)), 1)
        markets = Markets(gateway, fee_price)
        desk = Desk(
            gateway, Ledger("", Decimal(0)), recorder=self._recorder, listener=self, fee_price=markets.fee_price
        )
        inquiry = Inquiry(desk, gateway, clock, note=self._recorder.note)
        self._session = Session(
            gateway,
            desk,
            inquiry,
            Waits(desk, inquiry, clock),
            markets,
            Tickets(self, desk.orders, self._wake),
            Positions(markets),
            guard or NoGuard(),
            self._recorder,
            Names(first),
            self._wake,
        )
        self._dispatch = Dispatch(self._session)
        self._dispatch.brackets.protects = bool(self._protection)
        self._inheritance = Inheritance(self, self._session, self._bound)
        own = OwnOrders(self._session, self._dispatch, self._inheritance)
        self._protector = Protector(self._session, own, self._dispatch.brackets, self._protection, clock)
        self._closing = Closing(self._session, own, self._strategies, clock)
        self._rules = RuleWatch(markets, clock, self._rules_changed)
        self._intake = Intake(self, self._session, self._dispatch, self._bound, is_live)
        self._returns = Returns(
            self._session, self._dispatch, self._closing, is_protecting=lambda: self._protector.is_on
        )
        self._check = BookCheck(
            desk,
            gateway,
            recorder=self._recorder,
            run_tags=frozenset({first.run, *run_tags}),
            steps=lambda: {name: f.step_of("MARKET") for name, f in markets.filters.items()},
            forget=self._forget,
            clock=clock,
        )

    # Life cycle.

    def restore(self, orders: Iterable[Order], ledger: Ledger) -> None:
        """
        Take over orders and books of an earlier run, as they are after reconciling; before the start.

        At the first bar the strategy is told of the holding, by an order with ``info['restored']``, and of each
        open order, so that its positions, orders and trades are what they were. What such an order had executed
        before is in the holding, not in its `executed`. Give a `first_id` that no earlier run has given.
        """
        if self._started:
            raise ConfigError("Orders and books are restored before Cerebro runs, not while it does.")
        self._restored = (tuple(orders), ledger)

    def buy_nothing(self, why: str) -> None:
        """Refuse entries until a report finds that the account has what the books say; before the start."""
        self._session.desk.complain(why)

    def start(self) -> None:
        """Ask for rules, fees and balances; called by Cerebro. Raises ConfigError, ExchangeError."""
        super().start()
        session = self._session
        session.markets.close_sources()
        for data, symbol in self._bound.bind(self.cerebro.datas):
            session.markets.open(symbol, self._bound.price_source(data))
        for holding in self._restored[1].holdings.values() if self._restored[1] else ():
            session.markets.open(holding.symbol)
        for data, symbol in self._bound.bound():
            if None not in self.comminfo or data._name not in self.comminfo:
                self.setcommission(commission=float(session.markets.fees[symbol].taker), name=data._name)
        if not self._started:
            self._started = True
            self._open_books()
        self.startingcash = self.getcash()
        self.startingvalue = self.getvalue()

    def _open_books(self) -> None:
        session, desk = self._session, self._session.desk
        filters = session.markets.filters
        for symbol in self._bound.symbols() if self._protection else ():
            told = check_protection(self._protection, filters[symbol])
            if told:
                self._recorder.note(told)
        orders, ledger = self._restored
        if ledger is not None and self._adopt_position:
            raise ConfigError("The books of an earlier run are restored; adopt_position is for new books only.")
        desk.ledger = ledger or new_ledger(
            filters, self._gateway.balances(), cash=self._own_cash, adopt_position=self._adopt_position
        )
        for symbol, rules in filters.items():
            desk.ledger = desk.ledger.with_symbol(symbol, rules.base_asset, rules.quote_asset)
        for order in orders:
            self._dispatch.brackets.remember(order)
            desk.adopt(order)
        for holding in desk.ledger.holdings.values():
            session.positions.show(holding)
            if session.held(holding.symbol):
                self._inheritance.holdings.append(holding.symbol)
                self._protector.took_over(holding.symbol, None, self._bound.data_of(holding.symbol))

    # Cerebro's turn.

    def next(self) -> None:
        """Take what has come, send what was kept, and bring all in step; called at every turn of Cerebro."""
        session = self._session
        self._in_turn = True
        try:
            self._inheritance.introduce(self._strategies(), self._protector)
            for event in self._inbox.take():
                self._hear(event)
            session.inquiry.pump()
            self._rules.pump()
            session.waits.pump()
            self._dispatch.flush()
            self._expire()
            self._settle()
            self._recorder.check()
        finally:
            self._in_turn = False

    def _hear(self, event: Any) -> None:
        if isinstance(event, OrderSeen):
            self._session.desk.hear(event)
        elif isinstance(event, AccountReport):
            self.report(event)
        elif isinstance(event, BalancesSeen):
            self._recorder.balances(event)
        elif isinstance(event, StreamChanged):
            self._recorder.stream(event)

    def report(self, report: AccountReport) -> None:
        """Compare a report with orders and books, and learn from it."""
        self._check.examine(report)
        self._recorder.balances(BalancesSeen(report.balances, report.time_ms))

    def _settle(self) -> None:
        for ticket in self._session.tickets.released():
            self._dispatch.families.release(ticket)
        self._returns.settle()
        self._closing.settle()
        for symbol in self._bound.symbols():
            self._protector.settle(symbol)
        self.asks = tuple((order.symbol, order.client_id) for order in self._session.desk.doubtful())

    def _expire(self) -> None:
        for ticket in self._session.tickets.alive():
            order = ticket.order
            if not order.valid or ticket.expires or order.exectype == bt.Order.Market:
                continue
            if self._bound.has_passed(order, self._gateway.server_time_ms()):
                ticket.expires = True
                if ticket.stage is Stage.SENT:
                    self._dispatch.cancel(ticket)
                else:
                    self._dispatch.drop(ticket, "its time (valid) is over", bt.Order.Expired)

    def close_bare(self, symbol: str, quantity: Decimal, bracket: str) -> bool:
        """
        Sell at market what a bracket of an earlier run bought and not all of its orders cover; needs no bar.

        Tells whether so much is held that it can be sold.
        """
        return self._closing.close(Behalf(symbol, bracket, None, self._bound.data_of(symbol)), quantity)

    def _strategies(self) -> Sequence[Any]:
        found: Sequence[Any] = getattr(self.cerebro, "runningstrats", ())
        return found

    def _wake(self) -> None:
        if not self._in_turn:
            self._inbox.ring()

    def get_notification(self) -> Any:
        """Give the next order to tell a strategy of, None where there is none."""
        waiting = self._session.tickets.notifications
        return waiting.popleft() if waiting else None

    # What the desk has learnt.

    def trade_booked(self, order: Order, fill: Filled, before: Holding, after: Holding) -> None:
        """Move the position and write the execution into Backtrader's order."""
        session = self._session
        session.markets.saw_trade(order.symbol, fill.price)
        for other in session.desk.ledger.holdings.values() if fill.fee else ():
            if other.base_asset == fill.fee_asset and other.symbol != order.symbol:
                session.positions.shrink(other)
        ticket = session.tickets.of_client(order.client_id)
        if ticket is None:
            traded = Traded(order, fill, before, after)
            if self._inheritance.tell_trade(traded, self._strategies(), self._protector):
                return
            session.positions.show(after)
            if order.side == "BUY" and self._inheritance.bought(order.symbol):
                self._protector.bought(order.symbol, None, self._bound.data_of(order.symbol))
            return
        if not ticket.is_over:
            session.tickets.accepted(ticket)
        session.positions.execute(ticket, order, fill, before, after)
        session.tickets.show_size(ticket)
        if order.side == "BUY":
            self._protector.bought(order.symbol, ticket.order.owner, ticket.order.data)

    def order_changed(self, before: Order, after: Order, event: Event) -> None:
        """Bring Backtrader's order to where the exchange's is."""
        if isinstance(event, Rejected):
            self._rules.rejected(after.symbol, event)
        ticket = self._session.tickets.of_client(after.client_id)
        if before.is_given_up and not after.is_given_up:
            self._returns.came_back(after, ticket)
            if ticket is None:
                self._inheritance.orders.append(after)
        if ticket is not None and self._dispatch.families.takes_back(ticket, after):
            return
        if ticket is not None and ticket.client_id == after.client_id:
            self._session.tickets.follow(ticket, after, event)
        elif ticket is not None:
            self._session.tickets.tell_late(ticket)

    def _rules_changed(self, symbol: str) -> None:
        self._protector.rules_changed(symbol)
        self._recorder.note(f"{symbol}: the exchange has changed its rules; orders follow the new ones.")

    def order_adopted(self, order: Order) -> None:
        """Keep an order of an earlier run until there is a bar to make Backtrader's order on."""
        self._inheritance.orders.append(order)

    def adopt(self, order: Order) -> None:
        """Take in an order of ours that somebody found; the first strategy owns it."""
        self._session.desk.adopt(order)

    def _forget(self, client_ids: Collection[str]) -> None:
        self._session.desk.forget(client_ids)
        for client_id in client_ids:
            self._session.tickets.forget(client_id)

    # Orders.

    def buy(self, owner: Any, data: Any, size: float, *args: Any, **kwargs: Any) -> Any:
        """Buy; arguments as in Backtrader, and those of the class."""
        return self._order("BUY", owner, data, size, *args, **kwargs)

    def sell(self, owner: Any, data: Any, size: float, *args: Any, **kwargs: Any) -> Any:
        """Sell; arguments as in Backtrader, and those of the class."""
        return self._order("SELL", owner, data, size, *args, **kwargs)

    def _order(self, *args: Any, **kwargs: Any) -> Any:
        order = self._intake.take(*args, **kwargs)
        if not self._in_turn:
            self._settle()
            self._recorder.check()
        return order

    def cancel(self, order: Any) -> bool:
        """
        Cancel an order; tells whether there was one to cancel. Its list, if any, ends with it.

        On a bar that is history nothing is cancelled: a strategy that meets its past again would take away what
        protects it now.
        """
        ticket = self._session.tickets.of_order(order)
        if ticket is None or not self._may_cancel(ticket.order):
            return False
        done = self._dispatch.cancel(ticket)
        self._settle()
        self._recorder.check()
        return done

    def _may_cancel(self, order: Any) -> bool:
        return self._is_tradable(order.data)

    def protect(self, *, wanted: bool) -> None:
        """Go on protecting holdings, or place no protection any more; what rests on the exchange stays."""
        self._protector.is_on = wanted and bool(self._protection)

    def stop(self) -> None:
        """End the run: what was not sent is not sent any more, what rests on the exchange stays there."""
        for ticket in self._session.tickets.alive():
            if ticket.stage is not Stage.SENT:
                self._dispatch.drop(ticket, "the run ended before it was sent")
                self._recorder.refused(ticket.symbol, ticket.wish(), "the run ended before it was sent")
        super().stop()

    # What strategies look at.

    def getposition(self, data: Any) -> Any:
        """Give Backtrader's position of a feed's symbol; empty for a feed that is not traded."""
        symbol = self._bound.symbol_of(data)
        return bt.Position() if symbol is None else self._session.positions.of(symbol)

    def getcash(self) -> float:
        """Give the strategy's own cash, quote asset; what open orders need is in it, as in a backtest."""
        return float(self._session.desk.ledger.cash)

    get_cash = getcash

    def getvalue(self, datas: Any = None) -> float:
        """Give cash and holdings at live prices; of some feeds only the holdings, without the cash."""
        session = self._session
        if datas is None:
            return float(session.equity())
        symbols = {symbol for data in datas if (symbol := self._bound.symbol_of(data)) is not None}
        holdings = [session.desk.ledger.holding(symbol) for symbol in symbols]
        return float(sum(held.value(session.markets.value_price(held)) for held in holdings))

    get_value = getvalue

    @property
    def ledger(self) -> Ledger:
        """Give the books."""
        return self._session.desk.ledger

    @property
    def orders(self) -> Mapping[str, Order]:
        """Give the exchange's orders by client id; those long over are not among them."""
        return MappingProxyType(self._session.desk.orders)

    @property
    def trouble(self) -> str:
        """Say what contradicts, so that no entry is made; empty where nothing does."""
        return self._session.desk.trouble

    def get_orders_open(self, safe: bool = False) -> list[Any]:
        """Give Backtrader's orders that are not over; clones where `safe`."""
        found = [ticket.order for ticket in self._session.tickets.alive()]
        return [order.clone() for order in found] if safe else found

    def orderstatus(self, order: Any) -> int:
        """Give the status of an order, or of the order of which this is a clone."""
        ticket = self._session.tickets.of_order(order)
        return int(order.status if ticket is None else ticket.order.status)
