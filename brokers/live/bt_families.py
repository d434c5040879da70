"""Brackets: an entry and the orders that close what it opens, as one list or one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import backtrader as bt

from brokers.amounts import ZERO
from brokers.live.bt_tickets import Stage, Ticket
from brokers.live.drafts import Refusal
from brokers.live.lists import arrange_oco, sellable_of
from brokers.live.standing import doubt_about, locked_by
from brokers.order_events import REFUSED_AT_ENTRY
from brokers.orders import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from brokers.live.bt_dispatch import Dispatch
    from brokers.live.bt_session import Session
    from brokers.orders import Order

__all__ = ["GONE", "Families"]

GONE = "the order it depends on is gone"

_LISTABLE = ("LIMIT", "LIMIT_MAKER")


class Families:
    """Sends brackets, places children whose entry has ended, and keeps legs no larger than what is held."""

    def __init__(self, session: Session, dispatch: Dispatch) -> None:
        self._session = session
        self._dispatch = dispatch

    def send(self, parent: Ticket) -> None:
        """Send a bracket: as a list where its entry is a limit order, else the children follow the entry."""
        session, children = self._session, parent.children
        filters = session.markets.filters[parent.symbol]
        sides = {child.draft.side for child in children}
        if len(children) > 2 or parent.draft.side in sides or any(c.draft.quantity is None for c in children):
            refusal = Refusal("A bracket is an entry and one or two orders of the other side, given by size.")
            session.refuse(parent, refusal)
            return
        if len(children) == 2:
            trial = arrange_oco([child.draft.sized(min(self._sizes(children))) for child in children])
            if isinstance(trial, Refusal):
                session.refuse(parent, trial)
                return
        if parent.draft.type in _LISTABLE and filters.is_oto_allowed and parent.draft.time_in_force != "IOC":
            self._send_list_family(parent)
            return
        self._dispatch.send_alone(parent)

    def _send_list_family(self, parent: Ticket) -> None:
        session, children = self._session, parent.children
        quantity = min(*self._sizes(children), parent.draft.quantity or ZERO)
        if parent.draft.side == "BUY":
            filters, fees = session.markets.filters[parent.symbol], session.markets.fees[parent.symbol]
            quantity = min(quantity, sellable_of(parent.draft.quantity or ZERO, filters, fees))
        if not quantity:
            session.refuse(parent, Refusal("The bracket is too small: after the fee nothing is left to sell."))
            return
        for child in children:
            session.tickets.resize(child, quantity)
        drafts, tickets = [child.draft for child in children], list(children)
        kind: Literal["OTO", "OTOCO"] = "OTO"
        if len(children) == 2:
            arranged = arrange_oco(drafts)
            if isinstance(arranged, Refusal):
                session.refuse(parent, arranged)
                return
            drafts, kind = [arranged[0], arranged[1]], "OTOCO"
            tickets = tickets[::-1] if arranged[2] else tickets
        self._dispatch.send([parent, *tickets], [parent.draft, *drafts], kind)

    @staticmethod
    def _sizes(children: Sequence[Ticket]) -> list[Decimal]:
        return [child.draft.quantity or ZERO for child in children]

    def release(self, parent: Ticket) -> None:
        """Place the children of an entry that is over, on what it executed; without an execution they end."""
        session = self._session
        waiting = [child for child in parent.children if child.stage is Stage.KEPT]
        if not waiting:
            self._shrink(parent)
            return
        if doubt_about(session.desk.of(parent.symbol)) or session.waits.about(parent.symbol):
            session.tickets.postpone(parent)  # refused now, they would leave the holding bare
            return
        done = session.tickets.executed(parent)
        if not done:
            for child in waiting:
                session.tickets.end(child, bt.Order.Canceled, GONE)
            return
        quantity = min(done, *self._sizes(waiting))
        if waiting[0].draft.side == "SELL":
            quantity = min(quantity, session.free_to_sell(parent.symbol))
        quantity = session.markets.visible(parent.symbol, quantity)
        if not quantity:
            for child in waiting:
                session.refuse(child, Refusal("Nothing of the entry can be sold: it is below the lot step."))
            return
        for child in waiting:
            session.tickets.resize(child, quantity)
        if len(waiting) == 2:
            self._dispatch.send_oco(waiting)
        else:
            self._dispatch.send_alone(waiting[0])

    def takes_back(self, ticket: Ticket, after: Order) -> bool:
        """
        Keep a child that the exchange refused when its entry had filled, to be placed anew on what can be sold.

        Of two it refuses both. Once only: what is refused again is told.
        """
        session, parent = self._session, ticket.parent
        has_expired = after.state is State.EXPIRED and not after.fills
        if parent is None or not (has_expired and ticket.listed) or len(ticket.client_ids) > 1:
            return False
        if ticket.cancel_wanted or ticket.expires or not session.tickets.executed(parent):
            return False
        if after.reason != REFUSED_AT_ENTRY and all(child.stage is not Stage.KEPT for child in parent.children):
            return False
        ticket.stage, ticket.listed = Stage.KEPT, False
        for other in parent.children:
            if other.stage is Stage.SENT:
                session.inquiry.ask(other.client_id)
        if not any(child.stage is Stage.SENT for child in parent.children):
            session.tickets.postpone(parent)
        return True

    def _shrink(self, parent: Ticket) -> None:
        """Place legs anew that would sell more than is held: a fee was taken from the coins, not from BNB."""
        session, symbol = self._session, parent.symbol
        legs = [leg for leg in parent.children if leg.stage is Stage.SENT and leg.draft.side == "SELL"]
        held = session.desk.ledger.holding(symbol).quantity
        if not legs or not session.tickets.executed(parent) or locked_by(session.desk.of(symbol)) <= held:
            return
        if doubt_about(session.desk.of(symbol)) or session.waits.about(symbol):
            session.tickets.postpone(parent)
            return
        for leg in legs:
            leg.moving = True

        def place() -> None:
            is_over = any(session.tickets.executed(leg) or leg.cancel_wanted for leg in legs)
            for leg in legs:
                leg.moving = False
                if is_over:
                    session.tickets.end(leg, bt.Order.Canceled, "the other order of its OCO group is over")
                else:
                    leg.stage, leg.listed = Stage.KEPT, False
            self.release(parent)

        session.waits.after(symbol, [leg.client_id for leg in legs], place)
