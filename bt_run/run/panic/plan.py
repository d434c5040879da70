"""What a panic does next, pure: which orders to cancel, how much to sell, and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, floor_to, text_of
from brokers.filter_checks import too_small_to_sell
from brokers.orders import State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.orders import Order
    from brokers.reconciling.views import Belief, ExchangeOrder

__all__ = ["Sale", "is_doubtful", "orders_to_cancel", "plan_sale"]


@dataclass(frozen=True, slots=True)
class Sale:
    """
    How much to sell now, base asset, 0 for nothing; `note` says why that is not all that the books hold.

    `is_short`: more could be sold if it were free on the account.
    """

    quantity: Decimal
    note: str = ""
    is_short: bool = False


def orders_to_cancel(belief: Belief, open_orders: Iterable[ExchangeOrder]) -> tuple[ExchangeOrder, ...]:
    """Give our orders that the exchange has open, one of each list: the cancel of one takes all of its list."""
    chosen: list[ExchangeOrder] = []
    lists: set[str] = set()
    for told in open_orders:
        if not belief.is_ours(told.client_id):
            continue
        own = belief.orders.get(told.client_id)
        name = told.list_client_id or (own.list_client_id if own is not None else "")
        if name and name in lists:
            continue
        lists.add(name)
        chosen.append(told)
    return tuple(chosen)


def is_doubtful(order: Order) -> bool:
    """Tell whether the order can still change what is held: it is not over, or trades of it are missing."""
    return not order.is_terminal or bool(order.missing)


def plan_sale(belief: Belief, filters: SymbolFilters, *, free: Decimal) -> Sale:
    """
    Say how much of our holding can be sold at market now.

    Never more than the books hold, because the rest of the account is the user's, nor more than is `free` on
    it. While it is not known what became of a sale nothing is sold: it might be sold twice.
    """
    symbol = filters.symbol
    held = belief.ledger.holding(symbol).quantity
    asset = filters.base_asset
    open_sale = next(
        (order for order in belief.orders.values() if order.side == "SELL" and is_doubtful(order)), None
    )
    if not held:
        return Sale(ZERO)
    if open_sale is not None:
        what = "its fate is not known" if open_sale.state is State.UNKNOWN else "it is not over"
        return Sale(ZERO, f"Nothing more is sold while order {open_sale.client_id} may sell it: {what}.")
    is_short = free < held and too_small_to_sell(filters, held, None) is None
    note = (
        f"The books hold {text_of(held)} {asset}, free on the account are {text_of(free)}." if is_short else ""
    )
    wanted = min(held, free)
    if too_small_to_sell(filters, wanted, None) is not None:
        return Sale(ZERO, note, is_short)
    quantity = filters.round_quantity(wanted, "MARKET")
    largest = [rule.maximum for rule in (filters.lot, filters.market_lot) if rule and rule.maximum]
    if largest and quantity > min(largest):
        quantity = floor_to(min(largest), filters.step_of("MARKET"))
    return Sale(quantity, note, is_short)
