"""Holdings that shall be protected and are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, floor_to, minus, plus, text_of, total_of
from brokers.orders import State
from brokers.reconciling.views import WORKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from decimal import Decimal

    from brokers.holdings import Ledger
    from brokers.orders import Order
    from brokers.reconciling.views import Belief, ExchangeView

__all__ = ["Unprotected", "find_unprotected"]

_PROTECTIVE = ("stop_loss", "take_profit")


@dataclass(frozen=True, slots=True)
class Unprotected:
    """
    A bracket whose entry was executed and whose protection does not cover it.

    `quantity` > 0 in base asset is what is bare; `missing` names the purposes that do not cover it; `why` is a
    sentence.
    """

    bracket: str
    symbol: str
    quantity: Decimal
    missing: tuple[str, ...]
    why: str


def find_unprotected(
    belief: Belief, orders: Mapping[str, Order], ledger: Ledger, view: ExchangeView, open_ids: Collection[str]
) -> tuple[Unprotected, ...]:
    """
    Find brackets that are not covered, by orders and books as they are after the events.

    A bracket with an order whose fate is not known (`open_ids`) is left out: ask first, or it may be protected
    twice.
    """
    brackets: dict[str, list[Order]] = {}
    for order in orders.values():
        if order.bracket:
            brackets.setdefault(order.bracket, []).append(order)
    found = []
    for name, members in sorted(brackets.items()):
        if any(order.client_id in open_ids for order in members):
            continue
        bare = _bare(name, members, ledger, belief, view)
        if bare is not None:
            found.append(bare)
    return tuple(found)


def _bare(
    name: str, members: Sequence[Order], ledger: Ledger, belief: Belief, view: ExchangeView
) -> Unprotected | None:
    symbol = members[0].symbol
    if symbol not in ledger.holdings:
        return None
    holding = ledger.holding(symbol)
    held = min(_held(members, holding.base_asset), holding.quantity)
    wanted = [purpose for purpose in _PROTECTIVE if any(o.purpose == purpose for o in members)] or ["stop_loss"]
    step = belief.steps.get(symbol, ZERO)
    lacks = {
        purpose: floor_to(max(ZERO, minus(held, _cover(members, purpose, view))), step) for purpose in wanted
    }
    quantity = max(lacks.values())
    if not quantity:
        return None
    missing = tuple(purpose for purpose, lack in lacks.items() if lack)
    return Unprotected(name, symbol, quantity, missing, _why(symbol, quantity, missing, members, view))


def _held(members: Sequence[Order], base_asset: str) -> Decimal:
    """What the bracket's entries bought and its other orders have not sold, fees in base asset taken off."""
    held = ZERO
    for order in members:
        bought = order.executed if order.side == "BUY" else order.executed.copy_negate()
        held = minus(plus(held, bought), order.fees.get(base_asset, ZERO))
    return max(ZERO, held)


def _cover(members: Sequence[Order], purpose: str, view: ExchangeView) -> Decimal:
    """What live orders of this purpose would still sell; one that waits for its entry sells nothing yet."""
    live = [
        order
        for order in members
        if order.purpose == purpose and order.state in (State.OPEN, State.PARTIAL) and _works(order, view)
    ]
    return total_of(minus(order.whole or ZERO, order.executed) for order in live)


def _works(order: Order, view: ExchangeView) -> bool:
    told = view.order_of(order.client_id)
    return told is not None and told.status in WORKING


def _why(
    symbol: str, quantity: Decimal, missing: tuple[str, ...], members: Sequence[Order], view: ExchangeView
) -> str:
    amount = f"{text_of(quantity)} of {symbol}"
    names = " and ".join(missing).replace("_", " ")
    waits = [
        told for order in members if (told := view.order_of(order.client_id)) and told.status == "PENDING_NEW"
    ]
    legs = [order for order in members if order.purpose in missing]
    if waits:
        return f"{amount} has no working {names}: it waits until the entry is wholly filled."
    if not legs:
        return f"{amount} has no {names}: none was ever placed."
    ends = ", ".join(f"{order.client_id} is {order.state}" for order in legs)
    return f"{amount} is not covered by a {names}: {ends}."
