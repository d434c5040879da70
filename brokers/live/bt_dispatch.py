"""
Orders on their way out: which go alone, which as a list, which after a cancel.

A list never exists half: either the exchange has all of it, or nothing. Where an order joins one that is with
the exchange already, that one is cancelled first and both are placed anew, so that there are never two sales of
one holding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import backtrader as bt

from brokers.amounts import ZERO, minus
from brokers.live.bt_brackets import Brackets
from brokers.live.bt_families import GONE, Families
from brokers.live.bt_tickets import Stage, Ticket
from brokers.live.drafts import Draft, Refusal
from brokers.live.lists import arrange_oco
from brokers.live.standing import waits_for_another

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from brokers.live.bt_session import Session
    from brokers.orders import Order

__all__ = ["Dispatch"]


class Dispatch:
    """Takes tickets in, keeps those that may belong together until the turn ends, and sends them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: list[Ticket] = []
        self.brackets = Brackets()
        self.families = Families(session, self)

    # In.

    def take_in(self, ticket: Ticket, *, transmit: bool) -> None:
        """Take a ticket: a market order leaves at once, a family with its last child, others with the turn."""
        parent = ticket.parent
        if parent is not None:
            self._take_child(ticket, parent, transmit=transmit)
        elif not transmit:
            return  # its children follow in a moment
        elif ticket.draft.type == "MARKET":
            self.send_alone(ticket)
        else:
            self._kept.append(ticket)
            self._session.ring()

    def _take_child(self, ticket: Ticket, parent: Ticket, *, transmit: bool) -> None:
        if parent.is_over and parent.order.status != bt.Order.Completed:
            self._session.refuse(ticket, Refusal(GONE))
            return
        parent.children.append(ticket)
        if not transmit:
            return
        if parent.stage is Stage.KEPT:
            self.families.send(parent)
        elif parent.is_over:
            self.families.release(parent)

    def flush(self) -> None:
        """Send what was kept."""
        if not self._kept:
            return
        kept, self._kept = self._kept, []
        for ticket in kept:
            if ticket.stage is not Stage.KEPT:
                continue
            if ticket.group:
                self._send_group(ticket)
            else:
                self.send_alone(ticket)

    # Out: alone.

    def send_alone(self, ticket: Ticket) -> None:
        """Send an order by itself."""
        if ticket.draft.side == "SELL":
            self._send_sale(ticket)
        else:
            self.send([ticket], [ticket.draft])

    def _send_sale(self, ticket: Ticket) -> None:
        """Send a sale; one at market takes away first what locks the coins that it needs."""
        session, symbol = self._session, ticket.symbol
        quantity = ticket.draft.quantity or ZERO
        held = session.held(symbol)
        blockers = self._blockers(ticket, quantity, held)
        if not blockers:
            self.send([ticket], [ticket.draft])
            return
        probe = ticket.draft.order("probe", symbol)
        objection = session.objection(ticket, probe, pending=True)
        if objection is not None:
            session.refuse(ticket, objection)
            return
        ticket.stage = Stage.WAITING
        for name in blockers:
            blocking = session.tickets.of_client(name)
            if blocking is not None and not blocking.mine:
                blocking.order.addinfo(reason="a market order sells all that is held, these coins too")
        session.waits.after(symbol, blockers, lambda: self._sell_what_is_left(ticket))

    def _blockers(self, ticket: Ticket, quantity: Decimal, held: Decimal) -> list[str]:
        """Name the orders that must go before this sale: protective ones, and any if everything is sold."""
        session, symbol = self._session, ticket.symbol
        if ticket.draft.type != "MARKET" or quantity > held or quantity <= session.free_to_sell(symbol):
            return []
        orders = session.desk.of(symbol)
        locking = [o for o in orders if o.side == "SELL" and not waits_for_another(o, orders)]
        foreign = [order for order in locking if not self._is_mine(order)]
        if foreign and quantity < held:
            return []  # the refusal says what is locked
        return [order.client_id for order in locking]

    def _is_mine(self, order: Order) -> bool:
        ticket = self._session.tickets.of_client(order.client_id)
        return ticket is not None and ticket.mine

    def _sell_what_is_left(self, ticket: Ticket) -> None:
        session, symbol = self._session, ticket.symbol
        if ticket.is_over:
            return
        ticket.stage = Stage.KEPT
        left = min(ticket.draft.quantity or ZERO, session.free_to_sell(symbol))
        if not left:
            why = "the position was closed meanwhile; nothing is left to sell"
            session.tickets.end(ticket, bt.Order.Canceled, why)
            return
        session.tickets.resize(ticket, left)
        self.send([ticket], [ticket.draft])

    def replace(self, ticket: Ticket, old: Ticket) -> None:
        """Cancel an order, and send the new one once that is done; less what the old one executed meanwhile."""
        session = self._session
        before = session.tickets.executed(old)
        ticket.stage = Stage.WAITING

        def place() -> None:
            if ticket.is_over:
                return
            ticket.stage = Stage.KEPT
            done = session.tickets.executed(old) - before
            asked = ticket.draft.quantity
            left = ZERO if asked is None else minus(asked, done)
            is_moot = bool(done) if asked is None else not left > 0
            if old.order.status == bt.Order.Completed or is_moot:
                why = "the order that it should replace was executed meanwhile"
                session.tickets.end(ticket, bt.Order.Canceled, why)
                return
            if done:
                session.tickets.resize(ticket, left)
            self.send_alone(ticket)

        if old.stage is Stage.KEPT:
            self.drop(old, "it was replaced before it was sent")
            place()
        else:
            names = [old.client_id] if old.client_id and not old.is_over else []
            session.waits.after(ticket.symbol, names, place)

    # Out: OCO groups.

    def _send_group(self, ticket: Ticket) -> None:
        session, group = self._session, ticket.group
        over = [member for member in group if member.is_over]
        if over:
            done = "was executed" if over[0].order.status == bt.Order.Completed else "is over"
            session.tickets.end(ticket, bt.Order.Canceled, f"the other order of its OCO group {done}")
            return
        kept = [member for member in group if member.stage is Stage.KEPT]
        if len(group) != 2:
            refusal = arrange_oco([member.draft for member in group])
            for member in kept:
                session.refuse(member, refusal if isinstance(refusal, Refusal) else Refusal(GONE))
        elif len(kept) == 2:
            self.send_oco(group)
        elif all(member.stage in (Stage.KEPT, Stage.SENT) for member in group):
            self._join(ticket, next(member for member in group if member is not ticket))

    def _join(self, ticket: Ticket, first: Ticket) -> None:
        """Make a list of an order and one that is with the exchange already."""
        session = self._session
        if first.listed:
            session.refuse(
                ticket, Refusal("The other order is in a list already; cancel it and place both anew.")
            )
            return
        rest = session.tickets.rest(first)
        arranged = arrange_oco([first.draft.sized(rest), ticket.draft.sized(rest)])
        if isinstance(arranged, Refusal):
            session.refuse(ticket, arranged)
            return
        ticket.stage = Stage.WAITING
        first.moving = True

        def place() -> None:
            first.moving = False
            ticket.stage = Stage.KEPT
            left = session.tickets.rest(first)
            if first.is_over or not left or ticket.is_over or first.cancel_wanted:
                for member in (first, ticket):
                    session.tickets.end(member, bt.Order.Canceled, "the other order of its OCO group is over")
                return
            session.tickets.resize(ticket, left)
            self.send_oco([first, ticket], quantity=left)

        session.waits.after(ticket.symbol, [first.client_id], place)

    def send_oco(self, tickets: Sequence[Ticket], quantity: Decimal | None = None) -> None:
        """Send two tickets as one list; `quantity` where it is not theirs."""
        drafts = [t.draft if quantity is None else t.draft.sized(quantity) for t in tickets]
        arranged = arrange_oco(drafts)
        if isinstance(arranged, Refusal):
            for ticket in tickets:
                self._session.refuse(ticket, arranged)
            return
        above, below, swapped = arranged
        self.send(list(reversed(tickets)) if swapped else list(tickets), [above, below], "OCO")

    # Out: all.

    def send(
        self,
        tickets: Sequence[Ticket],
        drafts: Sequence[Draft],
        kind: Literal["", "OCO", "OTO", "OTOCO"] = "",
    ) -> None:
        """Send one order or one list, if nothing speaks against it; `drafts` are as they go out."""
        session = self._session
        list_id = session.names.give() if kind else ""
        orders = [self._order_of(ticket, draft, list_id) for ticket, draft in zip(tickets, drafts, strict=True)]
        for number, (ticket, order) in enumerate(zip(tickets, orders, strict=True)):
            pending = bool(number) and kind != ""
            objection = session.objection(ticket, order, pending=pending)
            if objection is not None:
                session.names.take_back(list_id or orders[0].client_id)
                for member in tickets:
                    session.refuse(member, objection)
                return
        for ticket, order in zip(tickets, orders, strict=True):
            ticket.stage = Stage.SENT
            ticket.listed = bool(kind)
            session.tickets.named(ticket, order.client_id)
        if kind:
            session.desk.place_list(kind, orders)
        else:
            session.desk.place(orders[0])

    def _order_of(self, ticket: Ticket, draft: Draft, list_id: str) -> Order:
        session = self._session
        name = session.names.give()
        ticket.bracket = ticket.bracket or self.brackets.of(ticket, name, held=session.held(ticket.symbol))
        return draft.order(
            name,
            ticket.symbol,
            list_client_id=list_id,
            bracket=ticket.bracket,
            purpose=ticket.purpose,
            created_ms=session.gateway.server_time_ms(),
        )

    # Back.

    def drop(self, ticket: Ticket, reason: str = "", status: int = bt.Order.Canceled) -> None:
        """End a ticket that is not with the exchange, with its children and its OCO group."""
        self._kept = [kept for kept in self._kept if kept is not ticket]
        tickets = self._session.tickets
        tickets.end(ticket, status, reason)
        for other in (*ticket.children, *ticket.group):
            if other.stage in (Stage.KEPT, Stage.WAITING):
                tickets.end(other, bt.Order.Canceled, GONE)

    def cancel(self, ticket: Ticket) -> bool:
        """Cancel for the strategy; tells whether there was anything to cancel."""
        if ticket.is_over:
            return False
        if ticket.stage in (Stage.KEPT, Stage.WAITING):
            self.drop(ticket)
            return True
        ticket.cancel_wanted = True
        session, name = self._session, ticket.client_id
        mates = self._mates(session.desk.orders[name])

        def ask_for_mates() -> None:
            for mate in mates:
                if not session.desk.is_over(mate):
                    session.inquiry.ask(mate)

        session.waits.after(ticket.symbol, [name], ask_for_mates)
        return True

    def _mates(self, order: Order) -> list[str]:
        """Name the other orders of its list that are open: they end with it."""
        return [
            other.client_id
            for other in self._session.desk.of(order.symbol)
            if order.list_client_id
            and other.list_client_id == order.list_client_id
            and other.client_id != order.client_id
        ]
