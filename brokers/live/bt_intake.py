"""Where Backtrader's orders come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.amounts import exact
from brokers.live.bt_tickets import Stage, Ticket
from brokers.live.drafts import Draft, Refusal, Wish, draft_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers.live.bt_dispatch import Dispatch
    from brokers.live.bt_session import Session
    from brokers.live.bt_symbols import BoundData
    from brokers.orders import Purpose, Side

__all__ = ["Intake"]

_HISTORY = "this bar is history; nothing is traded on it"


class Intake:
    """Makes Backtrader's order and its ticket, refuses what cannot be, and hands the rest on."""

    def __init__(
        self,
        broker: Any,
        session: Session,
        dispatch: Dispatch,
        bound: BoundData,
        is_live: Callable[[Any], bool],
    ) -> None:
        self._broker = broker
        self._session = session
        self._dispatch = dispatch
        self._bound = bound
        self._is_live = is_live

    def take(  # noqa: PLR0917 - Backtrader's signature
        self,
        side: Side,
        owner: Any,
        data: Any,
        size: float,
        price: float | None = None,
        plimit: float | None = None,
        exectype: int | None = None,
        valid: Any = None,
        tradeid: int = 0,
        oco: Any = None,
        trailamount: float | None = None,
        trailpercent: float | None = None,
        parent: Any = None,
        transmit: bool = True,
        *,
        quote_quantity: Any = None,
        post_only: bool = False,
        time_in_force: str | None = None,
        replaces: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Take an order of a strategy; it comes back at once, whatever becomes of it."""
        kwargs = {name: value for name, value in kwargs.items() if name not in ("histnotify", "_checksubmit")}
        order = self._make(
            side,
            owner=owner,
            data=data,
            size=size,
            price=price,
            pricelimit=plimit,
            exectype=exectype,
            valid=valid,
            tradeid=tradeid,
            trailamount=trailamount,
            trailpercent=trailpercent,
            parent=parent,
            transmit=transmit,
        )
        order.addinfo(**kwargs)
        wish = Wish(
            side,
            order.getordername(),
            size,
            order.created.pclose,
            price,
            plimit,
            trailamount,
            trailpercent,
            quote_quantity,
            time_in_force,
            post_only,
        )
        symbol = self._bound.symbol_of(data) or ""
        made = self._draft(symbol, data, wish)
        above = self._session.tickets.of_order(parent)
        draft = made if isinstance(made, Draft) else Draft(side, "MARKET", exact(size))
        ticket = Ticket(order, symbol, draft, self._purpose(order, above), parent=above)
        self._session.tickets.add(ticket)
        self._session.tickets.show_size(ticket)
        self._session.tickets.submitted(ticket)
        if isinstance(made, Refusal):
            self._refuse(ticket, above, made)
        elif parent is not None and above is None:
            self._refuse(ticket, None, Refusal("the order it depends on is gone"))
        else:
            self._hand_on(ticket, oco, replaces, transmit=transmit)
        return order

    def _make(self, side: Side, **asked: Any) -> Any:
        return self._session.make_order(side, self._broker, **asked)

    def _draft(self, symbol: str, data: Any, wish: Wish) -> Draft | Refusal:
        if not symbol:
            return Refusal(f"The feed {data._name!r} stands for no symbol; name it in the broker's symbols.")
        if not self._is_live(data):
            return Refusal(_HISTORY)
        return draft_of(wish, self._session.markets.filters[symbol])

    @staticmethod
    def _purpose(order: Any, parent: Ticket | None) -> Purpose:
        if parent is None:
            return "entry" if order.isbuy() else "exit"
        if order.isbuy():
            return "manual"
        return "take_profit" if order.exectype == bt.Order.Limit else "stop_loss"

    def _refuse(self, ticket: Ticket, parent: Ticket | None, refusal: Refusal) -> None:
        """Refuse; a bracket of which one order cannot be is refused as a whole, before any of it is sent."""
        self._session.refuse(ticket, refusal)
        if parent is not None and parent.stage is Stage.KEPT:
            self._session.refuse(parent, refusal)

    def _hand_on(self, ticket: Ticket, oco: Any, replaces: Any, *, transmit: bool) -> None:
        session = self._session
        partner = session.tickets.of_order(oco)
        if oco is not None and ticket.parent is None:
            if partner is None or partner.symbol != ticket.symbol or ticket.draft.type == "MARKET":
                session.refuse(
                    ticket,
                    Refusal("An OCO order needs another resting order of the same symbol as its partner."),
                )
                return
            if not partner.group:
                partner.group.append(partner)
            partner.group.append(ticket)
            ticket.group = partner.group
        old = session.tickets.of_order(replaces)
        if old is not None:
            self._dispatch.replace(ticket, old)
        else:
            self._dispatch.take_in(ticket, transmit=transmit)
