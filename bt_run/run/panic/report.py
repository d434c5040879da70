"""What came of a panic, as data and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brokers.amounts import text_of

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["PanicReport"]


@dataclass(frozen=True, slots=True)
class PanicReport:
    """
    What came of it for one symbol.

    `canceled` are client ids, `sold` is in base asset, `earned` in quote asset without fees, `left` what the
    books still hold, `sales` the client ids of our orders. `is_done`: no order of ours is open or in doubt,
    and nothing is left that could be sold. `problems` are sentences.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    canceled: tuple[str, ...]
    sold: Decimal
    earned: Decimal
    left: Decimal
    is_done: bool
    problems: tuple[str, ...] = ()
    sales: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The report for a person."""
        count = len(self.canceled)
        lines = [f"{self.symbol}: {count or 'no'} {'order' if count == 1 else 'orders'} cancelled."]
        if self.sold:
            price = f"{self.earned / self.sold:,.8f}".rstrip("0").rstrip(".")
            lines.append(
                f"{self.symbol}: sold {text_of(self.sold)} {self.base_asset} for {self.earned:,.2f} "
                f"{self.quote_asset}, at {price} on average."
            )
        elif not self.left:
            lines.append(f"{self.symbol}: nothing was held.")
        if self.left:
            kept = "too little to sell" if self.is_done else "NOT SOLD"
            lines.append(f"{self.symbol}: {text_of(self.left)} {self.base_asset} is left, {kept}.")
        lines += [f"{self.symbol}: {problem}" for problem in self.problems]
        if not self.is_done:
            lines.append(
                f"{self.symbol}: NOT DONE. Run bt-run panic again, or look at the exchange's own page."
            )
        return tuple(lines)
