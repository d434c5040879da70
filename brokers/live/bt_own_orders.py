"""
Orders of the broker's own will: legs that protect a holding, and sales of what shall not be held.

They are orders of Backtrader, so that a strategy's trades end as they do in a backtest. Backtrader makes no
order without a bar, though, and a holding from before the run must not wait for one, which may be a day away:
until then they are the exchange's alone. With the holding the strategy is told of those that are still open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.amounts import ZERO
from brokers.live.bt_tickets import Ticket
from brokers.live.drafts import Refusal
from brokers.live.lists import arrange_oco
from brokers.orders import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brokers.live.bt_dispatch import Dispatch
    from brokers.live.bt_inheritance import Inheritance
    from brokers.live.bt_session import Session
    from brokers.live.drafts import Draft
    from brokers.orders import Order, Purpose

__all__ = ["Behalf", "OwnOrders", "Sent"]

_KINDS = {"MARKET": bt.Order.Market, "LIMIT": bt.Order.Limit, "STOP_LOSS_LIMIT": bt.Order.StopLimit}


@dataclass(frozen=True, slots=True)
class Behalf:
    """Whose holding it is: its symbol and bracket, the strategy, and the strategy's feed."""

    symbol: str
    bracket: str
    owner: Any
    data: Any


@dataclass(frozen=True, slots=True)
class Sent:
    """
    What became of a wish: the client ids, empty for what never left, and why it was refused, empty where not.

    An order without an answer is not refused: it is asked for.
    """

    names: tuple[str, ...]
    refusal: str


class OwnOrders:
    """Sends them, one alone or two as an OCO list."""

    def __init__(self, session: Session, dispatch: Dispatch, inheritance: Inheritance) -> None:
        self._session = session
        self._dispatch = dispatch
        self._inheritance = inheritance

    def send(self, behalf: Behalf, wishes: Sequence[tuple[Draft, Purpose]]) -> Sent:
        """Send one sale or two."""
        if behalf.symbol in self._inheritance.holdings:
            return self._send_unknown(behalf, wishes)
        tickets = [self._ticket(behalf, draft, purpose) for draft, purpose in wishes]
        if len(tickets) == 2:
            self._dispatch.send_oco(tickets)
        else:
            self._dispatch.send_alone(tickets[0])
        refused = [t for t in tickets if t.order.status in (bt.Order.Rejected, bt.Order.Margin)]
        reason = str(refused[0].order.info.get("reason") or "refused") if refused else ""
        return Sent(tuple(ticket.client_id for ticket in tickets), reason)

    def _ticket(self, behalf: Behalf, draft: Draft, purpose: Purpose) -> Ticket:
        kind, trail, tag = _KINDS.get(draft.type, bt.Order.Stop), None, str(purpose)
        if draft.trailing_delta is not None:
            kind, trail, tag = bt.Order.StopTrail, draft.trailing_delta / 10_000, "trailing_stop"
        trigger = draft.stop_price or draft.price
        order = self._session.make_order(
            "SELL",
            behalf.owner.broker,
            owner=behalf.owner,
            data=behalf.data,
            size=float(draft.quantity or ZERO),
            price=float(trigger) if trigger else None,
            pricelimit=float(draft.price) if draft.stop_price and draft.price else None,
            exectype=kind,
            trailpercent=trail,
        )
        order.addinfo(tag=tag)
        ticket = Ticket(order, behalf.symbol, draft, purpose, behalf.bracket, mine=True)
        self._session.tickets.add(ticket)
        self._session.tickets.submitted(ticket)
        return ticket

    # Before the strategy knows the holding.

    def _send_unknown(self, behalf: Behalf, wishes: Sequence[tuple[Draft, Purpose]]) -> Sent:
        desk = self._session.desk
        if len(wishes) == 2:
            arranged = arrange_oco([draft for draft, _ in wishes])
            if isinstance(arranged, Refusal):
                return Sent(("", ""), arranged.reason)
            purposes = [purpose for _, purpose in wishes][:: -1 if arranged[2] else 1]
            list_id = self._session.names.give()
            pair = zip(arranged[:2], purposes, strict=True)
            sent = desk.place_list("OCO", [self._order(behalf, *wish, list_id) for wish in pair])
        else:
            sent = (desk.place(self._order(behalf, *wishes[0])),)
        self._inheritance.orders += [order for order in sent if not order.is_terminal]
        refused = [order for order in sent if order.state is State.REJECTED]
        names = tuple(order.client_id for order in sent)
        return Sent(names, (refused[0].reason or "refused") if refused else "")

    def _order(self, behalf: Behalf, draft: Draft, purpose: Purpose, list_id: str = "") -> Order:
        session = self._session
        return draft.order(
            session.names.give(),
            behalf.symbol,
            list_client_id=list_id,
            bracket=behalf.bracket,
            purpose=purpose,
            created_ms=session.gateway.server_time_ms(),
        )
