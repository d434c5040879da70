"""Backtrader's orders, and the orders of the exchange that carry them out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.amounts import ZERO, minus, total_of
from brokers.bt_orders import copy_order
from brokers.order_events import Rejected
from brokers.orders import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from brokers.live.drafts import Draft
    from brokers.order_events import Event
    from brokers.orders import Order, Purpose

__all__ = ["Stage", "Ticket", "Tickets"]


_UNKNOWN = "it is not known whether the exchange has it"


class Stage(Enum):
    """Where a ticket is: kept for others of its kind, waiting for a cancel, with the exchange, done."""

    KEPT = "kept"
    WAITING = "waiting"
    SENT = "sent"
    OVER = "over"


@dataclass(slots=True, eq=False)
class Ticket:
    """
    One order of Backtrader, what it shall be on the exchange, and the orders there that it became.

    It becomes several, one after the other, where an order is cancelled to be placed anew within a list.
    `group` are the tickets of its OCO group, itself among them. `mine`: it protects by the broker's own will.
    """

    order: Any
    symbol: str
    draft: Draft
    purpose: Purpose
    bracket: str = ""
    stage: Stage = Stage.KEPT
    client_ids: list[str] = field(default_factory=list)
    group: list[Ticket] = field(default_factory=list)
    parent: Ticket | None = None
    children: list[Ticket] = field(default_factory=list)
    listed: bool = False
    mine: bool = False
    moving: bool = False
    expires: bool = False
    cancel_wanted: bool = False
    code: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether Backtrader was told its end."""
        return self.stage is Stage.OVER

    @property
    def client_id(self) -> str:
        """Give the name of its current order on the exchange; empty before it was sent."""
        return self.client_ids[-1] if self.client_ids else ""

    def wish(self) -> str:
        """Say in short what it wants."""
        amount = self.draft.quantity if self.draft.quantity is not None else self.draft.quote_quantity
        return f"{self.draft.side} {amount} {self.order.getordername()}"


class Tickets:
    """
    All tickets of a run, and the notifications for the strategies.

    `orders` are the desk's, by client id. `ring` wakes Cerebro where a notification waits for it.
    """

    def __init__(self, broker: Any, orders: Mapping[str, Order], ring: Callable[[], None]) -> None:
        self._broker = broker
        self._orders = orders
        self._ring = ring
        self._by_ref: dict[int, Ticket] = {}
        self._by_client: dict[str, Ticket] = {}
        self._alive: dict[int, Ticket] = {}
        self._ended: list[Ticket] = []
        self._refused_legs: list[Ticket] = []
        self.notifications: deque[Any] = deque()

    def add(self, ticket: Ticket) -> None:
        """Take a new ticket in."""
        self._by_ref[ticket.order.ref] = self._alive[ticket.order.ref] = ticket
        for client_id in ticket.client_ids:
            self._by_client[client_id] = ticket

    def named(self, ticket: Ticket, client_id: str) -> None:
        """Say that the ticket goes to the exchange under this name."""
        ticket.client_ids.append(client_id)
        self._by_client[client_id] = ticket

    def of_order(self, order: Any) -> Ticket | None:
        """Find the ticket of an order of Backtrader, or of a clone of it."""
        return None if order is None else self._by_ref.get(order.ref)

    def of_client(self, client_id: str) -> Ticket | None:
        """Find the ticket of an order of the exchange."""
        return self._by_client.get(client_id)

    def alive(self) -> list[Ticket]:
        """Give the tickets that are not over."""
        return list(self._alive.values())

    def released(self) -> list[Ticket]:
        """Give, once, the entries that have ended and whose children still wait for that."""
        found, self._ended = self._ended, []
        return found

    def postpone(self, ticket: Ticket) -> None:
        """Give an ended entry again the next time."""
        self._ended.append(ticket)

    def refused_legs(self) -> list[Ticket]:
        """Give, once, the children of brackets that were refused."""
        found, self._refused_legs = self._refused_legs, []
        return found

    def tell_late(self, ticket: Ticket) -> None:
        """Tell of an execution that the strategy has not heard of, without another change."""
        executed = ticket.order.executed
        if len(executed.exbits) > executed.p2:
            self.tell(ticket.order)

    def forget(self, client_id: str) -> None:
        """Drop a ticket that has long been over."""
        ticket = self._by_client.pop(client_id, None)
        if ticket is not None and ticket.is_over:
            self._by_ref.pop(ticket.order.ref, None)

    def executed(self, ticket: Ticket) -> Decimal:
        """Give what was executed of it, base asset."""
        return total_of(self._orders[name].executed for name in ticket.client_ids if name in self._orders)

    def rest(self, ticket: Ticket) -> Decimal:
        """Give what is left of it, base asset."""
        asked = ticket.draft.quantity
        if asked is None or not ticket.client_ids:
            return asked or ZERO
        return max(ZERO, minus(asked, self.executed(ticket)))

    def resize(self, ticket: Ticket, quantity: Decimal) -> None:
        """Let it be an order of this quantity in all; Backtrader's order shows it."""
        ticket.draft = ticket.draft.sized(quantity)
        self.show_size(ticket)

    def show_size(self, ticket: Ticket) -> None:
        """Show in Backtrader's order the quantity that is asked for, and what is left of it."""
        if ticket.draft.quantity is None:
            return
        sign = 1.0 if ticket.order.isbuy() else -1.0
        order = ticket.order
        order.size = order.created.size = sign * float(ticket.draft.quantity)
        order.executed.remsize = sign * float(self.rest(ticket))

    # What strategies are told.

    def tell(self, order: Any) -> None:
        """Notify the order as it is now."""
        self.notifications.append(copy_order(order))
        self._ring()

    def submitted(self, ticket: Ticket) -> None:
        """Tell that the broker has it."""
        ticket.order.submit(self._broker)
        self.tell(ticket.order)

    def accepted(self, ticket: Ticket) -> None:
        """Tell that the exchange has it, once."""
        if ticket.order.status < bt.Order.Accepted:
            ticket.order.accept(self._broker)
            self.tell(ticket.order)

    def end(self, ticket: Ticket, status: int, reason: str = "") -> None:
        """Tell its end; the order's `executed` stays as it is."""
        if ticket.is_over:
            return
        ticket.stage = Stage.OVER
        self._alive.pop(ticket.order.ref, None)
        if not ticket.client_ids:
            self._by_ref.pop(ticket.order.ref, None)  # it never left, and history refuses thousands
        if ticket.children:
            self._ended.append(ticket)
        if ticket.parent is not None and status in (bt.Order.Rejected, bt.Order.Margin):
            self._refused_legs.append(ticket)
        order = ticket.order
        if reason:
            order.addinfo(reason=reason)
        if status == bt.Order.Rejected:
            order.reject(self._broker)
        elif status == bt.Order.Margin:
            order.margin()
        elif status == bt.Order.Canceled:
            order.cancel()
        else:
            order.status = status
        if status == bt.Order.Completed:
            order.executed.remsize = 0.0
            if ticket.draft.quantity is None:
                order.size = order.created.size = order.executed.size  # by quote amount: now it is known
        self.tell(order)

    def revive(self, ticket: Ticket) -> None:
        """Let a ticket live again whose order the exchange has after all; what becomes of it is told anew."""
        if ticket.is_over and ticket.order.status == bt.Order.Rejected:
            ticket.stage = Stage.SENT
            self._alive[ticket.order.ref] = self._by_ref[ticket.order.ref] = ticket
            ticket.order.status = bt.Order.Submitted
            ticket.order.addinfo(reason="")

    def follow(self, ticket: Ticket, after: Order, event: Event) -> None:
        """Bring Backtrader's order to where the exchange's is."""
        order = ticket.order
        ticket.code = getattr(event, "code", ticket.code)
        new = len(order.executed.exbits) > order.executed.p2
        if ticket.is_over:
            self.tell_late(ticket)  # the same end, one more execution
            return
        if after.state is State.UNKNOWN:
            order.addinfo(reason=f"{_UNKNOWN}: {after.reason}")
        elif order.info.get("reason", "").startswith(_UNKNOWN):
            order.addinfo(reason="")
        if after.state in (State.OPEN, State.PARTIAL, State.FILLED, State.CANCELING) or after.fills:
            self.accepted(ticket)
        if after.state is State.FILLED:
            self.end(ticket, bt.Order.Completed)
            return
        if new:
            order.partial()
            self.tell(order)
        if after.is_terminal and not ticket.moving:
            self.end(ticket, *_ending(ticket, after))


def _ending(ticket: Ticket, after: Order) -> tuple[int, str]:
    if after.state is State.REJECTED:
        is_poor = after.side == "BUY" and Rejected(ticket.code, after.reason).lacks_balance
        return (bt.Order.Margin if is_poor else bt.Order.Rejected), after.reason
    if ticket.expires:
        return bt.Order.Expired, "its time (valid) is over"
    if after.state is State.EXPIRED and not after.list_client_id:
        return bt.Order.Expired, after.reason
    return bt.Order.Canceled, after.reason
