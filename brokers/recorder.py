"""What the live broker tells whoever keeps a record, such as a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from brokers.gateway import BalancesSeen, StreamChanged
    from brokers.holdings import Ledger
    from brokers.order_events import Event, Filled
    from brokers.orders import Order

__all__ = ["NoRecord", "Recorder"]


class Recorder(Protocol):
    """
    Told of everything in the thread that trades, in the order in which it happened.

    `intent` comes before the request leaves, and an error that it raises (JournalError) stops the request. The
    others keep such an error until `check` raises it, so that what an answer told is acted on first: a fill
    gets its stop-loss even where neither can be written down. It ends the run; what the exchange did is found
    at the next start.
    """

    def intent(self, *orders: Order) -> None:
        """Write down the orders of one request, in state NEW, before it is sent: one, or those of a list."""

    def changed(self, order: Order, event: Event) -> None:
        """Write down what happened to an order; `order` is as it is after the event."""

    def fill(self, order: Order, fill: Filled, ledger: Ledger) -> None:
        """Write down a trade that was booked; `ledger` is as it is after it."""

    def balances(self, seen: BalancesSeen) -> None:
        """Write down the account's balances."""

    def stream(self, change: StreamChanged) -> None:
        """Write down that the account's stream came up or went down."""

    def refused(self, symbol: str, wish: str, reason: str) -> None:
        """Write down an order that never left; `wish` is a short text such as ``SELL 0.5 Market``."""

    def note(self, sentence: str) -> None:
        """Write down what a person should know."""

    def check(self) -> None:
        """Raise, once, why something could not be written; called where nothing is under way."""


class NoRecord:
    """Keeps nothing."""

    def intent(self, *orders: Order) -> None:
        """Forget them."""

    def changed(self, order: Order, event: Event) -> None:
        """Forget it."""

    def fill(self, order: Order, fill: Filled, ledger: Ledger) -> None:
        """Forget it."""

    def balances(self, seen: BalancesSeen) -> None:
        """Forget it."""

    def stream(self, change: StreamChanged) -> None:
        """Forget it."""

    def refused(self, symbol: str, wish: str, reason: str) -> None:
        """Forget it."""

    def note(self, sentence: str) -> None:
        """Forget it."""

    def check(self) -> None:
        """Find nothing."""
