"""Orders that were taken for never arrived, and that the exchange has after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brokers.live.bt_own_orders import Behalf
from brokers.live.standing import doubt_about

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers.live.bt_closing import Closing
    from brokers.live.bt_dispatch import Dispatch
    from brokers.live.bt_session import Session
    from brokers.live.bt_tickets import Ticket
    from brokers.orders import Order

__all__ = ["Returns"]


class Returns:
    """
    Takes back an order of which the strategy was told that it is Rejected.

    What it executed counts: it is booked, told and protected as ever. But nobody counts on it any more, so the
    rest of a purchase is cancelled, and what it bought is sold where the legs of its bracket, which were never
    sent, are gone. A sale stays as it is: it sells no more than is held.

    Args:
        session, dispatch, closing: The broker's.
        is_protecting: Tells whether the broker protects holdings by itself.
    """

    def __init__(
        self, session: Session, dispatch: Dispatch, closing: Closing, *, is_protecting: Callable[[], bool]
    ) -> None:
        self._session = session
        self._dispatch = dispatch
        self._closing = closing
        self._is_protecting = is_protecting
        self._open: dict[str, Order] = {}

    def came_back(self, order: Order, ticket: Ticket | None) -> None:
        """Take it back; without a ticket it is of an earlier run."""
        self._open[order.client_id] = order
        if ticket is not None:
            self._session.tickets.revive(ticket)
        self._session.recorder.note(
            f"Order {order.client_id} ({order.side} {order.symbol} {order.type}) is there after all. It had "
            "been given up, because the exchange did not know it."
        )

    def settle(self) -> None:
        """Cancel what still rests of purchases, and sell what has lost its bracket; at the end of a turn."""
        session = self._session
        for client_id in list(self._open):
            order, ticket = session.desk.orders.get(client_id), session.tickets.of_client(client_id)
            if order is None or order.side == "SELL":
                del self._open[client_id]
            elif session.waits.about(order.symbol) or doubt_about(session.desk.of(order.symbol)):
                continue
            elif not order.is_terminal:
                self._cancel(client_id, ticket)
            elif session.desk.is_booked(client_id):
                del self._open[client_id]
                self._sell_bare(ticket)

    def _cancel(self, client_id: str, ticket: Ticket | None) -> None:
        if ticket is not None and not ticket.is_over:
            self._dispatch.cancel(ticket)
        else:
            symbol = self._session.desk.orders[client_id].symbol
            self._session.waits.after(symbol, [client_id], lambda: None)

    def _sell_bare(self, ticket: Ticket | None) -> None:
        session = self._session
        if ticket is None or not ticket.children or self._is_protecting():
            return
        if any(child.client_ids or not child.is_over for child in ticket.children):
            return  # the exchange has them, for it takes a list whole or not at all
        behalf = Behalf(ticket.symbol, ticket.bracket, ticket.order.owner, ticket.order.data)
        if self._closing.close(behalf, session.tickets.executed(ticket)):
            session.recorder.note(
                f"{ticket.symbol}: what order {ticket.client_id} bought is sold at market: its stop and target "
                f"were dropped when it was given up."
            )
