"""
Selling at market what a bracket left bare: its level was passed before it could be placed, or nobody placed it.

The exchange would have sold at that level. What a strategy takes for covered must not lie there uncovered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from brokers.amounts import ZERO, minus, total_of
from brokers.filter_checks import too_small_to_sell
from brokers.live.bt_own_orders import Behalf
from brokers.live.drafts import Draft
from brokers.live.protection import tells_passed
from brokers.live.standing import doubt_about

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from brokers.live.bt_own_orders import OwnOrders
    from brokers.live.bt_session import Session
    from brokers.live.bt_tickets import Ticket
    from brokers.orders import Purpose

__all__ = ["Closing"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


@dataclass(slots=True)
class _Sale:
    """
    `left` is still to be sold, base asset; `sent` is the order that sells it now, empty where none does.

    `entry` is what bought it, None where no leg of it will be refused any more.
    """

    entry: Ticket | None
    behalf: Behalf
    left: Decimal
    purpose: Purpose
    sent: str = ""
    due_s: float = float("-inf")
    pause_s: float = _FIRST_PAUSE_S


class Closing:
    """
    Sells, and tries again after 1, 2, 4, ... 60 s, until nothing is left that no open order would sell.

    Args:
        session, own: The broker's.
        strategies: Gives those that run; the first owns what was there before.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        session: Session,
        own: OwnOrders,
        strategies: Callable[[], Sequence[Any]],
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._own = own
        self._strategies = strategies
        self._clock = clock
        self._sales: list[_Sale] = []

    def close(self, behalf: Behalf, quantity: Decimal) -> bool:
        """
        Sell so much of a bracket that was left without its legs, once its own orders are cancelled.

        Tells whether so much is held that it can be sold.
        """
        session, symbol = self._session, behalf.symbol
        if not self._enough(symbol, min(quantity, session.held(symbol))):
            return False
        orders = session.desk.of(symbol)
        mates = [o.client_id for o in orders if o.side == "SELL" and o.bracket == behalf.bracket]
        session.waits.after(
            symbol, mates, lambda: self._sales.append(_Sale(None, behalf, quantity, "stop_loss"))
        )
        return True

    def settle(self) -> None:
        """Look at legs that were refused, and go on with what is to be sold; called at every turn."""
        for leg in self._session.tickets.refused_legs():
            self._consider(leg)
        self._sales = [sale for sale in self._sales if not self._is_done(sale)]

    def _consider(self, leg: Ticket) -> None:
        """Sell what a bracket bought where its legs were refused because the price is beyond one of them."""
        entry, session = leg.parent, self._session
        if entry is None or leg.draft.side != "SELL" or not all(child.is_over for child in entry.children):
            return
        if any(sale.entry is entry for sale in self._sales):
            return  # of two legs both are refused
        fell, rose = self._passed(entry.children)
        if not (fell or rose or tells_passed(str(leg.order.info.get("reason", "")))):
            return
        sold = total_of(session.tickets.executed(child) for child in entry.children)
        purpose: Purpose = "take_profit" if rose and not fell else "stop_loss"
        quantity = minus(session.tickets.executed(entry), sold)
        if not self._sellable(leg.symbol, quantity):
            return
        behalf = Behalf(leg.symbol, entry.bracket, entry.order.owner, entry.order.data)
        self._sales.append(_Sale(entry, behalf, quantity, purpose))
        name = purpose.replace("_", "-")
        session.recorder.note(
            f"{leg.symbol}: the price had passed the {name} of a bracket before it could be placed; "
            f"what the bracket bought is sold at market."
        )

    def _passed(self, legs: Sequence[Ticket]) -> tuple[bool, bool]:
        """Tell whether the price is at the stop or below it, and at the target or above it."""
        price = self._session.markets.price(legs[0].symbol)
        if price is None:
            return False, False
        drafts = [leg.draft for leg in legs]
        fell = any(draft.stop_price is not None and price <= draft.stop_price for draft in drafts)
        rose = any(
            draft.stop_price is None and draft.price is not None and price >= draft.price for draft in drafts
        )
        return fell, rose

    def _is_done(self, sale: _Sale) -> bool:
        session, symbol = self._session, sale.behalf.symbol
        if sale.sent and not self._take_result(sale):
            return False
        if session.waits.about(symbol) or doubt_about(session.desk.of(symbol)):
            return False
        quantity = self._sellable(symbol, sale.left)
        if not quantity:
            return True
        now, owners = self._clock(), self._strategies()
        if now < sale.due_s or not owners:
            return False
        sale.due_s, sale.pause_s = now + sale.pause_s, min(2 * sale.pause_s, _LONGEST_PAUSE_S)
        behalf = replace(sale.behalf, owner=sale.behalf.owner or owners[0])
        sale.sent = self._own.send(behalf, [(Draft("SELL", "MARKET", quantity), sale.purpose)]).names[0]
        return bool(self._take_result(sale) and not self._sellable(symbol, sale.left))

    def _take_result(self, sale: _Sale) -> bool:
        """Take off what the order that is under way has sold; tells whether it is over."""
        desk = self._session.desk
        if sale.sent in desk.orders:
            if not desk.is_booked(sale.sent):
                return False
            sale.left = minus(sale.left, desk.orders[sale.sent].executed)
        sale.sent = ""
        return True

    def _sellable(self, symbol: str, quantity: Decimal) -> Decimal:
        """Give how much of a quantity can be sold now; 0 where it is too little, or locked."""
        return self._enough(symbol, min(quantity, self._session.free_to_sell(symbol)))

    def _enough(self, symbol: str, quantity: Decimal) -> Decimal:
        """Give a quantity in steps of the symbol; 0 where the exchange takes no order so small."""
        markets = self._session.markets
        found = markets.visible(symbol, quantity)
        dust = too_small_to_sell(markets.filters[symbol], found, markets.price(symbol))
        return found if dust is None else ZERO
