"""Made-up liquidations, so that the futures stream of them has something to say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bt_run.practice.events import Print

__all__ = ["Liquidation", "LiquidationMaker"]

_SPACING_MS = 1000  # Binance shows at most one a symbol and second
_LARGE = Decimal("1.25")
_SHARE = Decimal("0.1")
_MEMORY = 64


@dataclass(frozen=True, slots=True)
class Liquidation:
    """A position that was closed by force: ``SELL`` closed a long one. `quantity` in base asset, > 0."""

    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: Decimal
    price: Decimal
    time: int


class LiquidationMaker:
    """
    Takes large prints of one symbol for liquidations: the same prints give the same ones.

    A print is large from a quarter above the mean of those before it; a tenth of it is the liquidation. At most
    one comes in 1000 ms of the exchange's time. The first print never is one.
    """

    def __init__(self) -> None:
        self._mean: Decimal | None = None
        self._latest: int | None = None

    def note(self, trade: Print) -> Liquidation | None:
        """Take a print, in the order of happening; give the liquidation that it is, if it is one."""
        mean = self._mean
        self._mean = trade.quantity if mean is None else mean + (trade.quantity - mean) / _MEMORY
        quantity = (trade.quantity * _SHARE).quantize(Decimal("0.001"))
        if mean is None or trade.quantity < mean * _LARGE or not quantity:
            return None
        if self._latest is not None and trade.time - self._latest < _SPACING_MS:
            return None
        self._latest = trade.time
        side: Literal["BUY", "SELL"] = "SELL" if trade.buyer_is_maker else "BUY"
        return Liquidation(trade.symbol, side, quantity, trade.price, trade.time)
