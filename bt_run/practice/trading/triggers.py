"""
When a stop order fires: its condition, fixed or trailing, as a state that prices move.

Source: faqs/trailing-stop-faq.md of binance-spot-api-docs (read 2026-11-21), with its table of sides. Where its
text and its scenario E differ on where tracking begins without a stop price, scenario E is followed: at once,
from the last price.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bt_run.practice.orders import Side, Ticket  # noqa: TC001 (snapshots read the fields' types)

__all__ = ["STOPS", "Watch", "begin", "rises_to_stop"]

STOPS = frozenset(("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))
"""The order types that wait for a trigger; Binance calls them algo orders."""

_BIPS = Decimal(10_000)
_FINEST = Decimal("0.00000001")


def rises_to_stop(ticket: Ticket) -> bool:
    """Tell whether the market must rise to the stop price: STOP_LOSS BUY and TAKE_PROFIT SELL."""
    return ticket.type.startswith("STOP") == (ticket.side == "BUY")


@dataclass(slots=True)
class Watch:
    """
    What one stop order waits for: a price at or beyond `level`.

    `rises` tells from below (a price >= level) or from above. A trailing order (`delta` basis points) that is
    not `tracking` waits for its stop price and then tracks; a tracking one keeps the `extreme` price since, and
    its level moves with that.
    """

    order_id: int
    side: Side
    level: Decimal
    rises: bool
    tick: Decimal
    delta: int | None = None
    tracking: bool = False
    extreme: Decimal | None = None

    def reach(self, price: Decimal) -> bool:
        """Take note that `level` was reached at `price`; True where it fires, False where it tracks now."""
        if self.delta is None or self.tracking:
            return True
        self.track(price)
        return False

    def track(self, price: Decimal) -> None:
        """Follow the price from here on: a buy its lowest, a sale its highest."""
        self.tracking = True
        self.rises = self.side == "BUY"
        self.extreme = price
        self._set_level()

    def follow(self, price: Decimal) -> None:
        """Take note of a price that did not fire it."""
        if self.tracking and self.extreme is not None and (price < self.extreme) == self.rises:
            self.extreme = price
            self._set_level()

    def _set_level(self) -> None:
        """Find the first tradable price that is `delta` away from the extreme."""
        if self.extreme is None or self.delta is None:
            return
        share = 1 + self.delta / _BIPS if self.rises else 1 - self.delta / _BIPS
        tick = self.tick or _FINEST
        rounding = ROUND_CEILING if self.rises else ROUND_FLOOR
        self.level = (self.extreme * share / tick).to_integral_value(rounding) * tick


def begin(order_id: int, ticket: Ticket, *, last: Decimal, tick: Decimal) -> Watch:
    """Begin to watch for a stop order that was accepted when the last price was `last`."""
    stop = ticket.stop_price
    watch = Watch(
        order_id,
        ticket.side,
        stop if stop is not None else last,
        rises_to_stop(ticket),
        tick,
        ticket.trailing_delta,
    )
    if stop is None:
        watch.track(last)
    return watch
