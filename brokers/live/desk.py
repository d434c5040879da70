"""
The desk: orders and books of one run, and the only place that changes them.

Every order goes out the same way (written down, sent once, its answer taken), and every event comes in through
`take`, be it an answer, the account's stream or a check: so it does not matter which of them is first, and what
is told twice counts once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, Protocol

from brokers.amounts import text_of
from brokers.order_events import Accepted, Canceled, CancelSent, Expired, Filled, Rejected, Submitted, TimedOut
from brokers.orders import Order, State, apply
from brokers.reconciling.account import fell_below
from bt_run.core.errors import ExchangeError, IllegalTransition, Oversold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from decimal import Decimal

    from brokers.gateway import Gateway, OrderSeen
    from brokers.holdings import Holding, Ledger
    from brokers.order_events import Event
    from brokers.recorder import Recorder

__all__ = ["Desk", "Listener"]

_log = logging.getLogger(__name__)

_CANCELABLE = (State.OPEN, State.PARTIAL, State.CANCELING)


class Listener(Protocol):
    """Who is told what the desk has learnt; a trade first, then the change that it made."""

    def trade_booked(self, order: Order, fill: Filled, before: Holding, after: Holding) -> None:
        """Take a trade that the books have."""

    def order_changed(self, before: Order, after: Order, event: Event) -> None:
        """Take a change of an order."""

    def order_adopted(self, order: Order) -> None:
        """Take an order that a check found."""


class Desk:
    """
    Orders by client id, the ledger, and requests over the gateway.

    `trouble` is a sentence while orders and exchange contradict each other; entries are refused then.
    """

    def __init__(
        self,
        gateway: Gateway,
        ledger: Ledger,
        *,
        recorder: Recorder,
        listener: Listener,
        fee_price: Callable[[str, str], Decimal | None],
    ) -> None:
        self._gateway = gateway
        self._recorder = recorder
        self._listener = listener
        self._fee_price = fee_price
        self._unbooked: list[tuple[str, Filled]] = []
        self.ledger = ledger
        self.orders: dict[str, Order] = {}
        self._open: dict[str, Order] = {}  # of them those that are not over: asked for many times at each turn
        self.trouble = ""
        self._doubted_ms = -1
        self._highest: dict[str, Order] = {}
        self._is_reset = False

    # Requests.

    def place(self, order: Order) -> Order:
        """Send an order once. Raises what the recorder raises; nothing was sent then."""
        self._recorder.intent(order)
        try:
            events = self._gateway.place(order)
        except ExchangeError as error:
            events = (TimedOut(str(error)),)
        finally:
            self._sent((order,))
        self._take_answer(order.client_id, events)
        return self.orders[order.client_id]

    def place_list(self, kind: Literal["OCO", "OTO", "OTOCO"], orders: Sequence[Order]) -> tuple[Order, ...]:
        """Send an order list once, in the exchange's sequence (see `Gateway.place_list`)."""
        self._recorder.intent(*orders)
        try:
            answers = self._gateway.place_list(kind, orders)
        except ExchangeError as error:
            answers = {order.client_id: (TimedOut(str(error)),) for order in orders}
        finally:
            self._sent(orders)
        for order in orders:
            self._take_answer(order.client_id, answers.get(order.client_id, ()))
        return tuple(self.orders[order.client_id] for order in orders)

    def cancel(self, client_id: str) -> Order:
        """Ask the exchange to cancel; one that is over, or of which nothing is known, is left alone."""
        order = self.orders[client_id]
        if order.state not in _CANCELABLE:
            return order
        self.take(client_id, CancelSent())
        try:
            events = self._gateway.cancel(self.orders[client_id])
        except ExchangeError as error:
            events = (TimedOut(str(error)),)
        for event in events:
            self.take(client_id, event)
        return self.orders[client_id]

    def _sent(self, orders: Iterable[Order]) -> None:
        """Take in orders that were sent, whatever came of it; not before, because then the request waits."""
        for order in orders:
            self._keep(order)
            self.take(order.client_id, Submitted())

    def _take_answer(self, client_id: str, events: Sequence[Event]) -> None:
        for event in events or (TimedOut("the answer said nothing about this order"),):
            self.take(client_id, event)

    # What comes back.

    def hear(self, seen: OrderSeen) -> None:
        """
        Take what the account's stream tells of an order.

        Where its acceptance was lost, any report tells its number, by which its trades are found.
        """
        order, event = self.orders.get(seen.client_id), seen.event
        is_alive = order is not None and (not order.is_terminal or order.is_given_up)
        is_news = order is not None and order.exchange_id is None and is_alive
        if is_news and seen.exchange_id and isinstance(event, Filled | Canceled | Expired):
            self.take(seen.client_id, Accepted(seen.exchange_id, event.time_ms))
        self.take(seen.client_id, event)

    def take(self, client_id: str, event: Event) -> None:
        """Take an event of one of our orders; one of an order that is not ours changes nothing."""
        before = self.orders.get(client_id)
        if before is None:
            return
        try:
            after = apply(before, event)
        except IllegalTransition as error:
            self.complain(str(error))
            return
        if after == before:
            return
        self._keep(after)
        self._recorder.changed(after, event)
        if isinstance(event, Rejected) and event.lacks_balance and after.side == "SELL":
            self._doubt_books(after)
        if isinstance(event, Accepted):
            self._watch_ids(after)
        if len(after.fills) > len(before.fills):
            self._unbooked.append((client_id, after.fills[-1]))
            self._book()
        self._listener.order_changed(before, after, event)

    def adopt(self, order: Order) -> None:
        """Take in an order of ours that somebody found; its trades are booked where they are not yet."""
        if order.client_id in self.orders:
            return
        self._keep(order)
        self._watch_ids(order)
        self._listener.order_adopted(order)
        self.book_missing(order.client_id)

    def book_missing(self, client_id: str) -> None:
        """Book trades that an order has and the ledger has not."""
        order = self.orders[client_id]
        waiting = {(self.orders[owner].symbol, fill.trade_id) for owner, fill in self._unbooked}
        for fill in order.fills:
            key = (order.symbol, fill.trade_id)
            if key not in self.ledger.booked and key not in waiting:
                self._unbooked.append((client_id, fill))
        self._book()

    def _book(self) -> None:
        """Book what waits, by time; a sale that came before its purchase waits for it."""
        waiting = sorted(self._unbooked, key=lambda item: (item[1].time_ms, item[1].trade_id))
        self._unbooked = []
        for client_id, fill in waiting:
            order = self.orders[client_id]
            before = self.ledger.holding(order.symbol)
            fee_price = None
            if fill.fee and fill.fee_asset not in (before.base_asset, before.quote_asset):
                fee_price = self._fee_price(fill.fee_asset, before.quote_asset)
            try:
                self.ledger = self.ledger.book(order.symbol, order.side, fill, fee_price)
            except Oversold as error:
                self._unbooked.append((client_id, fill))
                self.complain(str(error))
                continue
            self._recorder.fill(order, fill, self.ledger)
            self._listener.trade_booked(order, fill, before, self.ledger.holding(order.symbol))

    # What is known.

    def of(self, symbol: str) -> list[Order]:
        """Give the orders of a symbol that are not over."""
        return [order for order in self._open.values() if order.symbol == symbol and not order.is_terminal]

    def is_over(self, client_id: str) -> bool:
        """Whether the order is over and all its trades are known."""
        order = self.orders[client_id]
        return order.is_terminal and not order.missing

    def is_booked(self, client_id: str) -> bool:
        """Whether the order is over, and all its trades are known and in the books."""
        return self.is_over(client_id) and all(owner != client_id for owner, _ in self._unbooked)

    def doubtful(self) -> list[Order]:
        """Give the orders that must be asked for: no answer yet, or trades that are missing."""
        return [
            order
            for order in self._open.values()
            if order.state in (State.UNKNOWN, State.SENT, State.CANCELING) or order.missing
        ]

    def complain(self, sentence: str) -> None:
        """Stop entries until a check finds that all agrees again."""
        if self._is_reset:
            return
        if sentence != self.trouble:
            _log.error("%s", sentence)
            self._recorder.note(sentence)
        self.trouble = sentence

    def _doubt_books(self, order: Order) -> None:
        """Stop entries where coins that the books hold cannot be sold: what else is held is not known."""
        self._doubted_ms = self._gateway.server_time_ms()
        wanted = "what is held" if order.quantity is None else text_of(order.quantity)
        self.complain(
            f"The exchange refuses to sell {wanted} {order.symbol}, which the books hold ({order.reason}). "
            f"Nothing is bought until account and books have been compared."
        )

    def _watch_ids(self, order: Order) -> None:
        """Stop entries for good where ids began anew: these are the books of a world that is gone."""
        highest = self._highest.get(order.symbol, order)
        if fell_below(highest, order.exchange_id, order.created_ms):
            self.complain(
                f"The exchange seems to have been reset: order {order.client_id} has the id "
                f"{order.exchange_id}, below {highest.exchange_id} of an older one. Start again for new books."
            )
            self._is_reset = True
        elif order.exchange_id is not None and order.exchange_id >= (highest.exchange_id or 0):
            self._highest[order.symbol] = order

    def settle(self, *, asked_ms: int) -> None:
        """Allow entries again: a look at the account that began at `asked_ms` found no contradiction."""
        if self.trouble and not self._is_reset and not self._unbooked and asked_ms > self._doubted_ms:
            self._recorder.note("Orders and books agree with the exchange again; entries are allowed.")
            self.trouble = ""

    def forget(self, client_ids: Iterable[str]) -> None:
        """
        Drop orders that have long been over, and the books' memory of their trades.

        A trade is booked through its order alone: one of an order that is not known is never booked again.
        """
        dropped = [order for name in client_ids if (order := self.orders.pop(name, None)) is not None]
        for order in dropped:
            self._open.pop(order.client_id, None)
        if any(order.fills for order in dropped):
            kept = _trades_of(self.orders.values())
            self.ledger = self.ledger.without(_trades_of(dropped) - kept)

    def _keep(self, order: Order) -> None:
        self.orders[order.client_id] = order
        if order.is_terminal and not order.missing:
            self._open.pop(order.client_id, None)
        else:
            self._open[order.client_id] = order


def _trades_of(orders: Iterable[Order]) -> set[tuple[str, int]]:
    return {(order.symbol, fill.trade_id) for order in orders for fill in order.fills}
