"""The names that entries share with what protects them, so that a journal knows what belongs together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from brokers.live.bt_tickets import Ticket
    from brokers.orders import Order

__all__ = ["Brackets"]


class Brackets:
    """The bracket of each symbol's holding; `protects`: every entry needs one, for it gets protection."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self.protects = False

    def of(self, ticket: Ticket, name: str, *, held: Decimal) -> str:
        """Name a ticket's bracket: by the entry that began the holding, so that all entries share it."""
        if ticket.parent is not None:
            return ticket.parent.bracket
        known = self._names.get(ticket.symbol, "")
        if ticket.purpose != "entry" or (known and held):
            return known
        if ticket.children or self.protects:
            self._names[ticket.symbol] = name
            return name
        self._names.pop(ticket.symbol, None)
        return ""

    def current(self, symbol: str) -> str:
        """Give the bracket of what is held."""
        return self._names.get(symbol, "")

    def remember(self, order: Order) -> None:
        """Take over the bracket of an order from before this run."""
        if order.bracket:
            self._names[order.symbol] = order.bracket
