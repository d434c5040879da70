"""Who may forbid an entry: limits of loss, of size, of frequency. The rules themselves live elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["EntryRequest", "Guard", "NoGuard"]


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """
    An order that would buy, just before it is sent.

    `quantity` is in base asset (estimated for an order by quote amount), `price` the limit, the trigger or the
    last price, `worth` their product in quote. `held` is the position so far, `cash` what is not reserved for
    other orders, `equity` cash and holdings; quote asset. `type` is Binance's.
    """

    symbol: str
    type: str
    quantity: Decimal
    price: Decimal
    worth: Decimal
    held: Decimal
    cash: Decimal
    equity: Decimal
    time_ms: int


class Guard(Protocol):
    """Asked before each entry, and never before an exit: closing a position must always be possible."""

    def judge(self, request: EntryRequest) -> str | None:
        """Give the reason why this entry must not be, None where nothing speaks against it."""


class NoGuard:
    """Forbids nothing."""

    def judge(self, request: EntryRequest) -> str | None:
        """Allow it."""
        return None
