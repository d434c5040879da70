"""What no order by hand may be, however it was meant: too large, or priced far from the market. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.amounts import minus, ratio, text_of, times
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from brokers.orders import Order

__all__ = ["DEFAULT_MAX_ORDER", "HandLimits"]

DEFAULT_MAX_ORDER = Decimal(10_000)
"""Quote asset."""

_HUNDRED = Decimal(100)
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class HandLimits:
    """
    None switches a limit off. Sales are limited too: a slip of the finger costs as much there.

    - `max_order`: the worth of one order, quote asset.
    - `max_price_deviation_pct`: percent by which a price to buy at may be above the last trade, and a price to
      sell at below it. A price on the other side of the market loses nothing.
    - `max_orders_per_minute`: wishes in any 60 seconds, by hand and by signals together.

    Raises ConfigError for limits that are not above 0.
    """

    max_order: Decimal | None = DEFAULT_MAX_ORDER
    max_price_deviation_pct: Decimal | None = Decimal(5)
    max_orders_per_minute: int | None = 20

    def __post_init__(self) -> None:
        for name in ("max_order", "max_price_deviation_pct", "max_orders_per_minute"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} is {value}; a limit is above 0, and off for none.")

    def refusals(
        self, orders: Sequence[Order], *, worth: Decimal | None, last: Decimal, asset: str
    ) -> Iterator[str]:
        """Give a sentence for every limit that orders of this worth (quote `asset`) break."""
        if self.max_order is not None and worth is not None and worth > self.max_order:
            yield (
                f"The order is worth {text_of(worth)} {asset}; the limit is {text_of(self.max_order)} "
                f"(--max-order)."
            )
        most = self.max_price_deviation_pct
        for order in orders if most is not None else ():
            away = _percent_against(order, last)
            if away is not None and most is not None and away > most:
                where = "above" if order.side == "BUY" else "below"
                price = text_of(order.price or last)
                yield (
                    f"The price {price} is {away:.1f} % {where} the last trade of {text_of(last)}; "
                    f"the limit is {text_of(most)} % (--max-price-deviation)."
                )

    def too_many(self, sent_ms: Sequence[int], *, now_ms: int) -> str:
        """Say that so many wishes came within a minute; empty where there is room."""
        most = self.max_orders_per_minute
        within = sum(now_ms - _MINUTE_MS < at <= now_ms for at in sent_ms)
        if most is None or within < most:
            return ""
        return f"{within} orders were asked for within a minute; the limit is {most} (--max-orders-per-minute)."


def _percent_against(order: Order, last: Decimal) -> Decimal | None:
    """Give by how many percent a price is worse than the last trade's; triggers decide by themselves."""
    if order.price is None or order.stop_price is not None:
        return None
    worse = minus(order.price, last) if order.side == "BUY" else minus(last, order.price)
    return ratio(times(worse, _HUNDRED), last)
