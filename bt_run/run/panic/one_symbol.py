"""
Out at once: cancel what is ours, ask until it is known, sell what is ours, once, at market.

It needs no bot: the journal says what is ours, the exchange what became of it. It is also what a running bot
does when it is told to, after its strategy was stopped. What is not ours, orders and coins, is not touched.
Each request is in the journal before it leaves. An order without an answer is asked for, never sent again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, text_of
from brokers.client_ids import ClientId, run_tag
from brokers.order_events import CancelSent, Filled, Submitted, TimedOut
from brokers.orders import Order, State, apply
from brokers.reconcile import applied, reconcile
from brokers.reconciling.one_order import adopted
from brokers.reconciling.views import ExchangeView, Missing
from bt_run.core.errors import ConfigError, ExchangeError, IllegalTransition, Oversold
from bt_run.run.live.following import find_following
from bt_run.run.live.story import fill_record, intent_line, line_of, order_record
from bt_run.run.panic.books import read_books
from bt_run.run.panic.plan import Sale, is_doubtful, orders_to_cancel, plan_sale
from bt_run.run.panic.report import PanicReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from brokers.gateway import Gateway
    from brokers.order_events import Event
    from brokers.reconcile import Reconciliation
    from brokers.reconciling.views import Belief, ExchangeOrder
    from bt_run.journal.journal import Journal
    from bt_run.journal.records import OrderEvent

__all__ = ["PATIENCE_S", "panic_symbol"]

PATIENCE_S = 90.0
"""So long it asks; that an order never arrived is known after 60 s."""

_PAUSES_S = (0.2, 0.3, 0.5, 1.0, 2.0)
_LOOKS = 4
_MOST_SALES = 50
_SHORT_LOOKS = 5
_DUST = ("NOTIONAL", "LOT_SIZE")


def panic_symbol(
    journal: Journal,
    gateway: Gateway,
    symbol: str,
    *,
    venue: str,
    run: int,
    salt: int,
    patience_s: float = PATIENCE_S,
    sleep: Callable[[float], object] = time.sleep,
    steady: Callable[[], float] = time.monotonic,
    tell: Callable[[str], object] = lambda sentence: None,
) -> PanicReport:
    """
    Cancel and close one symbol.

    Args:
        journal: Open to write, in this thread.
        gateway: To the venue.
        symbol: Which.
        venue: Whose runs are ours, by the journal.
        run: The run that new orders are written under.
        salt: Tells apart what is done in one second, such as a process id.
        patience_s: How long to ask what is not known.
        sleep: Waits some seconds.
        steady: Gives seconds that nobody sets.
        tell: Told what is being done.

    Raises:
        JournalError: nothing more was sent.
        ExchangeError: not even the symbol's rules could be asked for; nothing was done.
    """
    work = _Panic(journal, gateway, symbol, venue=venue, run=run, salt=salt, steady=steady, tell=tell)
    deadline = steady() + patience_s
    pauses = iter(_PAUSES_S)
    while not work.step() and steady() < deadline:
        sleep(next(pauses, _PAUSES_S[-1]))
    return work.report()


class _Panic:
    """The work on one symbol, step by step."""

    def __init__(
        self,
        journal: Journal,
        gateway: Gateway,
        symbol: str,
        *,
        venue: str,
        run: int,
        salt: int,
        steady: Callable[[], float],
        tell: Callable[[str], object],
    ) -> None:
        self._journal = journal
        self._gateway = gateway
        self._steady = steady
        self._tell = tell
        self._run = run
        self._filters = gateway.filters(symbol)
        known = read_books(journal, self._filters, venue=venue)
        self._belief = known.belief
        self._run_of = dict(known.run_of)
        self._unheard = known.unheard
        self._tag = run_tag(gateway.server_time_ms(), salt)
        self._sales: list[str] = []
        self._canceled: dict[str, None] = {}
        self._first_asked: dict[str, float] = {}
        self._lasting = known.notes
        self._problems: tuple[str, ...] = ()
        self._refused = ""
        self._is_dust = False
        self._is_done = False
        self._short_looks = 0
        self._open: tuple[ExchangeOrder, ...] = ()

    def step(self) -> bool:
        """Do what can be done now; True when all is over. What the exchange does not answer is tried again."""
        try:
            found = self._look()
            if found.wipe is not None:
                self._problems = (*found.sentences, "Nothing is sold: what the journal holds may not be there.")
                return True
            was_open = self._cancel_open()
            sale = self._sell()
        except ExchangeError as error:
            self._problems = (str(error),)
            return False
        self._short_looks += sale.is_short and not sale.quantity
        is_open = any(is_doubtful(order) for order in self._belief.orders.values()) or was_open
        self._problems = tuple(text for text in (*found.contradictions, sale.note, self._refused) if text)
        is_still = not (is_open or sale.quantity)
        self._is_done = is_still and not (sale.is_short or self._refused or found.contradictions)
        gives_up = bool(self._refused) or self._short_looks >= _SHORT_LOOKS
        return self._is_done or (is_still and gives_up)

    def report(self) -> PanicReport:
        """Say what came of it."""
        sales = [self._belief.orders[client_id] for client_id in self._sales]
        pending = [
            f"It is not known what became of order {order.client_id}: {order.side} {order.type}, {order.state}."
            for order in self._belief.orders.values()
            if is_doubtful(order)
        ]
        return PanicReport(
            symbol=self._filters.symbol,
            base_asset=self._filters.base_asset,
            quote_asset=self._filters.quote_asset,
            canceled=tuple(self._canceled),
            sold=sum((order.executed for order in sales), ZERO),
            earned=sum((order.executed_quote for order in sales), ZERO),
            left=self._belief.ledger.holding(self._filters.symbol).quantity,
            is_done=self._is_done,
            problems=(*self._lasting, *self._problems, *pending),
            sales=tuple(self._sales),
        )

    # Ask.

    def _look(self) -> Reconciliation:
        """Ask the exchange until it has said all that it can say now, and take it in."""
        symbol = self._filters.symbol
        self._open = self._gateway.open_orders(symbol)
        lost = find_following(self._unheard, self._gateway, [symbol])
        view = ExchangeView(open_orders=self._open, queried=lost)
        for _ in range(_LOOKS):
            found = reconcile(self._belief, view)
            if not found.asks:
                break
            view = self._ask(view, found)
        self._unheard = ()
        before = self._belief
        self._belief = applied(before, found)
        self._write(before, found)
        return found

    def _ask(self, view: ExchangeView, found: Reconciliation) -> ExchangeView:
        queried, missing = list(view.queried), list(view.missing)
        for client_id in found.to_query:
            told = self._gateway.query(self._filters.symbol, client_id)
            if told is not None:
                queried.append(told)
                self._first_asked.pop(client_id, None)
            else:
                since = self._first_asked.setdefault(client_id, self._steady())
                missing.append(Missing(client_id, self._steady() - since))
        trades = {trade.trade_id: trade for trade in view.trades}
        if missing and not trades:
            # What a lagging copy does not know may be among them.
            newest = max((trade_id for _, trade_id in self._belief.ledger.booked), default=None)
            later = () if newest is None else self._gateway.trades(self._filters.symbol, since_trade_id=newest)
            trades |= {trade.trade_id: trade for trade in later}
        for symbol, exchange_id in found.to_fetch:
            told_trades = self._gateway.trades(symbol, exchange_id=exchange_id)
            trades |= {trade.trade_id: trade for trade in told_trades}
        for symbol, exchange_id in found.to_identify:
            owner = self._gateway.query_number(symbol, exchange_id)
            queried += [owner] if owner is not None else []
        return replace(
            view,
            queried=tuple(queried),
            missing=tuple(missing),
            trades=tuple(trades[key] for key in sorted(trades)),
        )

    def _write(self, before: Belief, found: Reconciliation) -> None:
        """Write down what was learnt; an order that was lost is written under our run."""
        orders = {order.client_id: order for order in found.adopted}
        for order in found.adopted:
            self._put(order, intent_line(order, time_ms=self._gateway.server_time_ms()))
        orders = {**before.orders, **orders}
        for client_id, event in found.events:
            orders[client_id] = apply(orders[client_id], event)
            self._record(orders[client_id], event)

    # Cancel.

    def _cancel_open(self) -> bool:
        """Cancel ours; tell whether there were any. What became of them is seen at the next look."""
        ours = orders_to_cancel(self._belief, self._open)
        for told in ours:
            own = self._belief.orders.get(told.client_id)
            self._tell(f"cancelling {told.side} {told.type} {told.client_id}")
            self._canceled[told.client_id] = None
            if own is None or own.is_terminal:
                self._cancel_stranger(told)
                continue
            if own.state in (State.OPEN, State.PARTIAL, State.CANCELING):
                own = self._take(told.client_id, CancelSent())
            for event in self._gateway.cancel(own):
                self._take(told.client_id, event)
        return bool(ours)

    def _cancel_stranger(self, told: ExchangeOrder) -> None:
        """Cancel one that the journal takes for dead: it lives, so it must go, whatever is written."""
        try:
            order = replace(adopted(told), exchange_id=told.exchange_id)
        except ConfigError:
            order = Order(
                told.client_id,
                told.symbol,
                told.side,
                "MARKET",
                quantity=told.quantity,
                exchange_id=told.exchange_id,
            )
        self._gateway.cancel(order)

    # Sell.

    def _sell(self) -> Sale:
        lost = [
            client_id
            for client_id in self._first_asked
            if self._belief.orders[client_id].exchange_id is not None
        ]
        if lost:
            why = f"the exchange does not know order {lost[0]} any more, though it had accepted it"
            return Sale(ZERO, f"Nothing is sold while {why}.")
        if self._is_dust or self._refused or not self._belief.ledger.holding(self._filters.symbol).quantity:
            return Sale(ZERO)
        balance = self._gateway.balances().get(self._filters.base_asset)
        sale = plan_sale(self._belief, self._filters, free=ZERO if balance is None else balance.free)
        if sale.quantity and not self._sales and not self._is_our_account():
            self._refused = (
                "The exchange does not list our last trade: it was reset, or the key is another account's. "
                "Nothing is sold."
            )
            return Sale(ZERO)
        if sale.quantity and len(self._sales) < _MOST_SALES:
            self._send(sale.quantity)
        return sale

    def _is_our_account(self) -> bool:
        """Look for the last trade of the books: coins of another account are not ours to sell."""
        symbol = self._filters.symbol
        last = max(self._journal.fills(symbol=symbol), key=lambda fill: fill.time_ms, default=None)
        order = None if last is None else self._journal.order(last.client_id, run=last.run)
        if last is None or order is None or order.exchange_id is None:
            return True
        trades = self._gateway.trades(symbol, exchange_id=order.exchange_id)
        return any(trade.trade_id == last.trade_id for trade in trades)

    def _send(self, quantity: Decimal) -> None:
        """Write down, send once, take the answer."""
        client_id = str(ClientId(self._tag, len(self._sales) + 1))
        order = Order(
            client_id,
            self._filters.symbol,
            "SELL",
            "MARKET",
            quantity=quantity,
            purpose="exit",
            created_ms=self._gateway.server_time_ms(),
        )
        self._put(order, intent_line(order, time_ms=order.created_ms))
        self._tell(f"selling {text_of(quantity)} {self._filters.base_asset} at market")
        self._belief = replace(self._belief, orders={**self._belief.orders, client_id: order})
        self._sales.append(client_id)
        sent = self._take(client_id, Submitted())
        try:
            events = self._gateway.place(sent)
        except ExchangeError as error:
            events = (TimedOut(str(error)),)
        for event in events or (TimedOut("the answer said nothing about this order"),):
            self._take(client_id, event)
        after = self._belief.orders[client_id]
        if after.is_terminal and not after.executed and not after.missing:
            if any(name in after.reason for name in _DUST):
                self._is_dust = True
            else:
                self._refused = f"The exchange did not sell: {after.reason or after.state}."

    # Take in and write down.

    def _take(self, client_id: str, event: Event) -> Order:
        """Take an event; one that cannot follow is left for the next look to clear up."""
        before = self._belief.orders[client_id]
        try:
            after = apply(before, event)
        except IllegalTransition:
            return before
        if after == before:
            return before
        ledger = self._belief.ledger
        if isinstance(event, Filled) and len(after.fills) > len(before.fills):
            try:
                ledger = ledger.book(after.symbol, after.side, event)
            except Oversold as error:
                self._lasting = (*self._lasting, str(error))
        self._belief = replace(self._belief, orders={**self._belief.orders, client_id: after}, ledger=ledger)
        self._record(after, event)
        return after

    def _record(self, order: Order, event: Event) -> None:
        line = line_of(event, time_ms=self._gateway.server_time_ms())
        run = self._run_of.setdefault(order.client_id, self._run)
        if isinstance(event, Filled):
            record = order_record(order, run=run, updated_ms=line.time_ms)
            if self._journal.write_fill(fill_record(order, event, run=run), record, line):
                return
        self._put(order, line)

    def _put(self, order: Order, line: OrderEvent) -> None:
        run = self._run_of.setdefault(order.client_id, self._run)
        self._journal.write_order(order_record(order, run=run, updated_ms=line.time_ms), line)
