"""
What the journal believes, compared with what the exchange says: what to learn, to ask, and to leave alone.

Start and recovery are one path: read the journal, ask the exchange, reconcile, apply, and again until nothing
is left to ask. Nothing here speaks with the exchange, and nothing is decided that could cost money: what is not
known is asked for, what contradicts is told, what is not ours is not touched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brokers.amounts import text_of
from brokers.client_ids import ClientId
from brokers.hand_ids import is_hand_id
from brokers.order_events import NeverArrived
from brokers.orders import Order, Side, apply
from brokers.reconciling.account import (
    ForeignHolding,
    Shortfall,
    Wipe,
    compare_balances,
    stray_orders,
    suspect_wipe,
    trades_gone,
)
from brokers.reconciling.brackets import Unprotected, find_unprotected
from brokers.reconciling.one_order import Lesson, adopted, lesson_of_absence, lesson_of_order
from bt_run.core.errors import ConfigError, Oversold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from brokers.holdings import Ledger
    from brokers.order_events import Event, Filled
    from brokers.reconciling.views import Belief, ExchangeOrder, ExchangeView

__all__ = ["PATIENCE_S", "Reconciliation", "ToBook", "applied", "reconcile"]

PATIENCE_S = 60.0
"""So long -2013 may be a copy of the exchange's books that lags behind (30 to 60 s were seen)."""


@dataclass(frozen=True, slots=True)
class ToBook:
    """A trade of ours that the ledger has not booked."""

    client_id: str
    symbol: str
    side: Side
    fill: Filled


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """
    What follows from the comparison.

    To apply: `adopted` are our orders that the journal does not have, `events` are (client id, event) in order,
    `to_book` the trades for the ledger, oldest first.
    To ask: `to_query` client ids to ask for by themselves, `to_fetch` (symbol, exchange id) whose trades are
    missing, `to_identify` (symbol, exchange id) of orders that traded and that nobody knows, where one of ours
    is denied: it may be that one. `unresolved` were asked for and are still not known.
    To tell: `contradictions`, `shortfalls`, `wipe`, `unprotected`; and what is not ours and was not touched.
    Balances are compared once nothing is left to ask: before, a missed sale would look like a theft.
    """

    adopted: tuple[Order, ...] = ()
    events: tuple[tuple[str, Event], ...] = ()
    to_book: tuple[ToBook, ...] = ()
    to_query: tuple[str, ...] = ()
    to_fetch: tuple[tuple[str, int], ...] = ()
    to_identify: tuple[tuple[str, int], ...] = ()
    unresolved: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()
    wipe: Wipe | None = None
    unprotected: tuple[Unprotected, ...] = ()
    foreign_orders: tuple[ExchangeOrder, ...] = ()
    foreign_holdings: tuple[ForeignHolding, ...] = ()
    known_assets: frozenset[str] = frozenset()

    @property
    def asks(self) -> bool:
        """Whether there is something to ask."""
        return bool(self.to_query or self.to_fetch or self.to_identify)

    @property
    def changes_nothing(self) -> bool:
        """Whether there is nothing to apply."""
        return not (self.adopted or self.events or self.to_book)

    @property
    def is_settled(self) -> bool:
        """Whether all is known and nothing disagrees, so that trading may begin; bare brackets come first."""
        doubts = (
            self.to_query,
            self.to_fetch,
            self.unresolved,
            self.contradictions,
            self.shortfalls,
            self.wipe,
        )
        return not any(doubts)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The report for a person, worst first; empty where all agrees."""
        return tuple(_sentences(self))


def reconcile(belief: Belief, view: ExchangeView, *, patience_s: float = PATIENCE_S) -> Reconciliation:
    """
    Compare. An order counts as never arrived when -2013 has been the answer for `patience_s` seconds.

    Where a trade or a balance speaks against that, the order stays unknown. Call it with open orders and
    balances first, fetch what `to_query`, `to_fetch` and `to_identify` name, and call it again.
    """
    result = _compare(belief, view, patience_s, frozenset())
    doubted = _doubted_absences(belief, view, result)
    if doubted:
        result = _compare(belief, view, patience_s, doubted)
    return replace(result, to_identify=_to_identify(belief, view))


def _compare(belief: Belief, view: ExchangeView, patience_s: float, doubted: frozenset[str]) -> Reconciliation:
    """Compare; that the exchange does not know the `doubted` orders is not believed however long it says so."""
    strays, lost = _adopt(belief, view)
    orders = {**belief.orders, **{order.client_id: order for order in strays}}
    lessons = {
        client_id: _lesson(order, view, math.inf if client_id in doubted else patience_s)
        for client_id, order in orders.items()
    }
    after = {client_id: lesson.order for client_id, lesson in lessons.items()}
    ledger, to_book, unbooked = _book(belief.ledger, after)
    unasked = _unasked(lessons, view)
    unresolved = {client_id for client_id, lesson in lessons.items() if lesson.is_open} - unasked
    against = {client_id for client_id, lesson in lessons.items() if lesson.contradiction}
    to_fetch = _to_fetch(lessons)
    balances = None if unasked or unresolved or to_fetch else view.balances
    foreign_holdings, shortfalls = compare_balances(ledger, balances)
    wipe = suspect_wipe(belief, view, shortfalls, patience_s=patience_s)
    gone = {client_id for client_id, _ in wipe.events} if wipe else set()
    return Reconciliation(
        adopted=strays,
        events=tuple((client_id, event) for client_id, lesson in lessons.items() for event in lesson.events),
        to_book=to_book,
        to_query=tuple(sorted(unasked)),
        to_fetch=to_fetch,
        unresolved=tuple(sorted(unresolved)),
        contradictions=(
            *lost,
            *unbooked,
            *_phantoms(belief, view),
            *(lessons[client_id].contradiction for client_id in sorted(against - gone)),
        ),
        shortfalls=shortfalls,
        wipe=wipe,
        unprotected=find_unprotected(belief, after, ledger, view, unasked | unresolved | against),
        foreign_orders=tuple(told for told in view.open_orders if not belief.is_ours(told.client_id)),
        foreign_holdings=foreign_holdings,
        known_assets=frozenset(holding.base_asset for holding in ledger.holdings.values()),
    )


def applied(belief: Belief, result: Reconciliation, fee_prices: Mapping[str, Decimal] | None = None) -> Belief:
    """Give the belief after the result; `fee_prices` are prices in the ledger's quote by the fee's asset."""
    orders = {**belief.orders, **{order.client_id: order for order in result.adopted}}
    for client_id, event in result.events:
        orders[client_id] = apply(orders[client_id], event)
    ledger = belief.ledger
    for item in result.to_book:
        fee_price = (fee_prices or {}).get(item.fill.fee_asset)
        ledger = ledger.book(item.symbol, item.side, item.fill, fee_price)
    return replace(belief, orders=orders, ledger=ledger)


def _doubted_absences(belief: Belief, view: ExchangeView, result: Reconciliation) -> frozenset[str]:
    """
    Name orders that were taken for never arrived, though something was traded that no known order explains.

    One copy of the exchange's books may lag where others do not: a trade is listed, or coins are gone, and the
    order itself is not found.
    """
    if result.wipe:
        return frozenset()
    never = [client_id for client_id, event in result.events if isinstance(event, NeverArrived)]
    if result.shortfalls:
        return frozenset(never)
    return frozenset(name for name in never if _strays(belief.orders[name], belief, view))


def _to_identify(belief: Belief, view: ExchangeView) -> tuple[tuple[str, int], ...]:
    """Name the orders that must be asked for by number: one of them may be an order that is denied by name."""
    denied = [
        order
        for order in belief.orders.values()
        if not order.is_terminal and order.exchange_id is None and view.missing_of(order.client_id) is not None
    ]
    return tuple(sorted({stray for order in denied for stray in _strays(order, belief, view)}))


def _strays(order: Order, belief: Belief, view: ExchangeView) -> tuple[tuple[str, int], ...]:
    return stray_orders(order.symbol, belief, view, since_ms=order.created_ms)


def _adopt(belief: Belief, view: ExchangeView) -> tuple[tuple[Order, ...], list[str]]:
    """Take in orders of our runs that the journal has lost; sentences for those that cannot be."""
    strays: dict[str, Order] = {}
    lost = []
    for told in (*view.queried, *view.open_orders):
        if told.client_id in belief.orders or told.client_id in strays or not belief.is_ours(told.client_id):
            continue
        if told.symbol not in belief.ledger.holdings:
            lost.append(f"Order {told.client_id} is ours, but of {told.symbol}, which the books do not know.")
            continue
        try:
            strays[told.client_id] = adopted(told)
        except ConfigError as error:
            lost.append(f"Order {told.client_id} is ours, but cannot be taken in: {error}")
    return tuple(strays.values()), lost


def _lesson(order: Order, view: ExchangeView, patience_s: float) -> Lesson:
    answer = view.missing_of(order.client_id)
    told = view.order_of(order.client_id)
    if answer is not None and not order.is_terminal and told is None:
        return lesson_of_absence(order, answer, view.trades, patience_s=patience_s)
    if order.is_given_up and told is None:
        return Lesson(order, is_open=answer is None)  # it was given up for a silence: look once more
    return lesson_of_order(order, told, view.trades, is_fresh=view.was_queried(order.client_id))


def _unasked(lessons: Mapping[str, Lesson], view: ExchangeView) -> set[str]:
    """Name the orders whose fate is open and for which nobody has asked by themselves."""
    return {
        client_id
        for client_id, lesson in lessons.items()
        if lesson.is_open and view.missing_of(client_id) is None and not view.was_queried(client_id)
    }


def _to_fetch(lessons: Mapping[str, Lesson]) -> tuple[tuple[str, int], ...]:
    """Name the orders of which trades are missing."""
    return tuple(
        (lesson.order.symbol, lesson.order.exchange_id)
        for lesson in lessons.values()
        if lesson.needs_trades and lesson.order.exchange_id is not None
    )


def _phantoms(belief: Belief, view: ExchangeView) -> list[str]:
    """Tell of booked trades that the exchange does not list among others; if it lists none, that is a wipe."""
    lost, kept = trades_gone(belief, view)
    if not (lost and kept):
        return []
    return [f"The books hold {lost} trade(s) that the exchange does not list; it lists {kept} others of ours."]


def _book(ledger: Ledger, orders: Mapping[str, Order]) -> tuple[Ledger, tuple[ToBook, ...], list[str]]:
    """Find trades that the ledger lacks, and try them by time; sentences for what cannot be booked."""
    waiting = [
        ToBook(order.client_id, order.symbol, order.side, fill)
        for order in orders.values()
        for fill in order.fills
        if (order.symbol, fill.trade_id) not in ledger.booked
    ]
    done, problems = [], []
    for item in sorted(waiting, key=lambda item: (item.fill.time_ms, item.symbol, item.fill.trade_id)):
        try:
            ledger = ledger.book(item.symbol, item.side, item.fill)
        except (Oversold, ConfigError) as error:
            problems.append(str(error))
        else:
            done.append(item)
    return ledger, tuple(done), problems


def _sentences(result: Reconciliation) -> list[str]:
    found = []
    if result.wipe:
        found.append("The exchange seems to have been reset, or the key is another account's.")
        found += result.wipe.reasons
    found += [f"UNPROTECTED: {bare.why}" for bare in result.unprotected]
    found += result.contradictions
    found += [
        f"The account holds {text_of(lack.told)} {lack.asset}, the books say {text_of(lack.believed)}: "
        f"something else has sold or withdrawn it."
        for lack in result.shortfalls
        if result.wipe is None
    ]
    found += [f"Order {client_id}: it is not known whether it was executed." for client_id in result.unresolved]
    found += [f"Order {client_id} is asked for." for client_id in result.to_query]
    found += [f"The trades of {symbol} order {number} are missing." for symbol, number in result.to_fetch]
    found += [_adoption(order) for order in result.adopted]
    found += [
        f"Missed trade {item.fill.trade_id}: {item.side} {text_of(item.fill.quantity)} {item.symbol} "
        f"at {text_of(item.fill.price)} (order {item.client_id}); it is booked now."
        for item in result.to_book
    ]
    found += [_stranger(told) for told in result.foreign_orders]
    return found + _other_holdings(result)


def _adoption(order: Order) -> str:
    return (
        f"Order {order.client_id} ({order.side} {order.symbol} {order.type}) is ours, the journal had lost it; "
        f"it is taken in as {order.purpose}."
    )


def _stranger(told: ExchangeOrder) -> str:
    whose = "another run of bt-run" if ClientId.parse(told.client_id) else "not from bt-run"
    if is_hand_id(told.client_id):
        whose = "from the web desk, by hand or by a signal"
    return f"Order {told.client_id} ({told.side} {told.symbol} {told.type}) is {whose}; it is not touched."


def _other_holdings(result: Reconciliation) -> list[str]:
    near = [held for held in result.foreign_holdings if held.asset in result.known_assets]
    far = len(result.foreign_holdings) - len(near)
    found = [
        f"{text_of(held.quantity)} {held.asset} on the account are not this strategy's; they are left alone."
        for held in near
    ]
    if far:
        found.append(f"{far} other asset(s) on the account are not this strategy's; they are left alone.")
    return found
