"""The account beside the orders: what is not ours, what is missing, and whether a testnet was wiped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, minus, plus, text_of
from brokers.order_events import Event, Expired
from brokers.orders import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from decimal import Decimal

    from brokers.holdings import Ledger
    from brokers.order_events import Filled
    from brokers.orders import Order
    from brokers.reconciling.views import Balance, Belief, ExchangeView

__all__ = [
    "SPREAD_MS",
    "ForeignHolding",
    "Shortfall",
    "Wipe",
    "compare_balances",
    "fell_below",
    "stray_orders",
    "suspect_wipe",
    "trades_gone",
]

SPREAD_MS = 60_000
"""An answer's time may differ from the order's own by its way through the exchange."""


@dataclass(frozen=True, slots=True)
class ForeignHolding:
    """`quantity` > 0 of an asset on the account that is not the strategy's; it is left alone."""

    asset: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The account holds less of an asset than the books say: `believed` against `told`."""

    asset: str
    believed: Decimal
    told: Decimal


@dataclass(frozen=True, slots=True)
class Wipe:
    """
    The exchange seems to have started anew, as a testnet does about monthly; or the key is another account's.

    `reasons` are sentences. `events` end the orders that are gone, for the caller to apply once it or its user
    has decided that it was a wipe; none of them is among the others. Books of a world that is gone are closed:
    the next run starts with new ones, or the old trades raise the suspicion again.
    """

    reasons: tuple[str, ...]
    events: tuple[tuple[str, Event], ...]


def compare_balances(
    ledger: Ledger, balances: Mapping[str, Balance] | None
) -> tuple[tuple[ForeignHolding, ...], tuple[Shortfall, ...]]:
    """Compare balances with the books after all trades are booked; cash beyond the books is no news."""
    if balances is None:
        return (), ()
    believed: dict[str, Decimal] = {ledger.quote_asset: ledger.cash}
    for holding in ledger.holdings.values():
        believed[holding.base_asset] = plus(believed.get(holding.base_asset, ZERO), holding.quantity)
    foreign, short = [], []
    for asset in sorted({*believed, *balances}):
        ours = believed.get(asset, ZERO)
        there = balances[asset].total if asset in balances else ZERO
        if there < ours:
            short.append(Shortfall(asset, ours, there))
        elif there > ours and asset != ledger.quote_asset:
            foreign.append(ForeignHolding(asset, minus(there, ours)))
    return tuple(foreign), tuple(short)


def suspect_wipe(
    belief: Belief, view: ExchangeView, short: Iterable[Shortfall], *, patience_s: float
) -> Wipe | None:
    """
    Look for the signs of a wipe: all accepted orders gone, ids that began anew, booked trades unknown.

    One of these is enough; a shortfall of a balance confirms, but alone may be a withdrawal. Orders may be
    hidden for a while, so they are not gone where the exchange lists a trade of ours.
    """
    is_known = any(is_listed for _, _, is_listed in _own_trades(belief, view))
    gone = [] if is_known else _gone(belief, view, patience_s)
    reasons = [*_orders_gone(gone), *_ids_began_anew(belief, view)]
    lost, kept = trades_gone(belief, view)
    if lost and not kept:
        reasons.append(f"The exchange knows none of the {lost} trade(s) any more that the books hold.")
    if not reasons:
        return None
    reasons += [
        f"The account holds {text_of(lack.told)} {lack.asset}, the books say {text_of(lack.believed)}."
        for lack in short
    ]
    why = "the exchange was reset and does not know it any more"
    return Wipe(tuple(reasons), tuple((order.client_id, Expired(why, 0)) for order in gone))


def stray_orders(
    symbol: str, belief: Belief, view: ExchangeView, *, since_ms: int
) -> tuple[tuple[str, int], ...]:
    """Give (symbol, number) of orders that nobody knows and that traded since a minute before a time."""
    known = {(told.symbol, told.exchange_id) for told in (*view.open_orders, *view.queried)}
    known |= {
        (ours.symbol, ours.exchange_id) for ours in belief.orders.values() if ours.exchange_id is not None
    }
    strays = {
        (trade.symbol, trade.exchange_id): None
        for trade in view.trades
        if trade.symbol == symbol
        and trade.time_ms >= since_ms - SPREAD_MS
        and (trade.symbol, trade.trade_id) not in belief.ledger.booked
    }
    return tuple(stray for stray in strays if stray not in known)


def _gone(belief: Belief, view: ExchangeView, patience_s: float) -> list[Order]:
    """Give the accepted orders that are not over, if the exchange knows none of them; else nothing."""
    accepted = [
        order
        for order in belief.orders.values()
        if order.state in (State.OPEN, State.PARTIAL, State.CANCELING) and order.exchange_id is not None
    ]
    for order in accepted:
        answer = view.missing_of(order.client_id)
        if answer is None or answer.code == -2026 or answer.asked_s < patience_s:
            return []
    return accepted


def _orders_gone(gone: list[Order]) -> list[str]:
    if not gone:
        return []
    return [f"The exchange knows none of the {len(gone)} open order(s) any more that it had accepted."]


def fell_below(before: Order, exchange_id: int | None, made_ms: int) -> bool:
    """
    Tell whether an order of the same symbol, made after `before` was accepted, has an id below it.

    Within a symbol order ids only grow, so the exchange began anew between them. A minute is left to clocks.
    """
    if before.exchange_id is None or before.accepted_ms is None or exchange_id is None:
        return False
    return made_ms > before.accepted_ms + SPREAD_MS and exchange_id < before.exchange_id


def _ids_began_anew(belief: Belief, view: ExchangeView) -> list[str]:
    """Compare the ids of all orders that are known, ours and others', with the highest of ours."""
    ours = list(belief.orders.values())
    made = [(order.symbol, order.exchange_id, order.created_ms) for order in ours]
    made += [(told.symbol, told.exchange_id, told.time_ms) for told in (*view.open_orders, *view.queried)]
    found = []
    for symbol in sorted({order.symbol for order in ours}):
        highest = max(
            (order for order in ours if order.symbol == symbol), key=lambda order: order.exchange_id or 0
        )
        lower = [
            number
            for where, number, made_ms in made
            if where == symbol and number is not None and fell_below(highest, number, made_ms)
        ]
        if lower:
            found.append(
                f"{symbol}: a later order has the id {min(lower)}, below {highest.exchange_id} that the "
                f"journal knows."
            )
    return found


def trades_gone(belief: Belief, view: ExchangeView) -> tuple[int, int]:
    """Count booked trades within complete lists of trades: those that are not there, and those that are."""
    lost = kept = 0
    for symbol, fill, is_listed in _own_trades(belief, view):
        since_ms, until_ms = view.complete_ms.get(symbol, (0, -1))
        if since_ms <= fill.time_ms <= until_ms and (symbol, fill.trade_id) in belief.ledger.booked:
            kept += is_listed
            lost += not is_listed
    return lost, kept


def _own_trades(belief: Belief, view: ExchangeView) -> Iterator[tuple[str, Filled, bool]]:
    """
    Give the symbol and each fill of our orders, and whether the exchange lists it.

    Amounts are compared beside ids, for after a reset ids may begin anew.
    """
    told = {(trade.symbol, trade.trade_id, trade.quantity, trade.price) for trade in view.trades}
    for order in belief.orders.values():
        for fill in order.fills:
            listed = (order.symbol, fill.trade_id, fill.quantity, fill.price)
            yield order.symbol, fill, listed in told
