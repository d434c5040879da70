"""
Where a live run begins: the books of the last one, compared with the exchange and brought up to now.

Start and restart are one path. What the exchange says is learnt and written down; what nobody knows yet goes on
into the run, where it is asked for until it is known, and no entry is made meanwhile. Where money is missing,
nothing is bought; where coins are, or account and books contradict each other, nothing is begun.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brokers.orders import apply
from brokers.reconcile import PATIENCE_S, applied, reconcile
from brokers.reconciling.account import SPREAD_MS, stray_orders
from brokers.reconciling.views import Belief, ExchangeTrade, ExchangeView, Missing
from bt_run.core.errors import ConfigError
from bt_run.run.live.following import find_following

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal

    from brokers.gateway import Gateway
    from brokers.holdings import Ledger
    from brokers.order_events import Event
    from brokers.orders import Order
    from brokers.reconcile import Reconciliation
    from brokers.reconciling.brackets import Unprotected
    from brokers.reconciling.views import ExchangeOrder
    from bt_run.run.live.books import Past
    from bt_run.run.live.recorder import JournalRecorder

__all__ = ["Recovered", "begin_anew", "recover"]

_LOOKS = 8
_AGAIN_S = 2.0
_LATE_MS = 3_600_000
_SETTLED_MS = 60_000


@dataclass(frozen=True, slots=True)
class Recovered:
    """
    With what a run begins: `orders` that are not over, or so late that trades may still come, and the books.

    `sentences` are the report for a person. `is_wiped`: the exchange was reset, and the books are new ones' to
    open. `unprotected` are brackets that nothing covers. `lack` says that money is missing, so that nothing may
    be bought; empty where none is.
    """

    orders: tuple[Order, ...]
    ledger: Ledger
    sentences: tuple[str, ...]
    unprotected: tuple[Unprotected, ...] = ()
    is_wiped: bool = False
    lack: str = ""


def recover(
    past: Past,
    gateway: Gateway,
    recorder: JournalRecorder,
    *,
    symbols: Sequence[str],
    steps: Mapping[str, Decimal],
    may_be_reset: bool = True,
    sleep: Callable[[float], object] = time.sleep,
) -> Recovered:
    """
    Ask the exchange about what the journal believes, and learn. A reset counts when it is seen twice.

    Where the exchange is never reset (not `may_be_reset`), what looks like it is another account.

    Raises:
        ConfigError: account and books contradict each other, twice in a row, in more than missing money, or it
            is another account.
        ExchangeError: a question was not answered.
        JournalError: what was learnt could not be written.
    """
    now_ms = gateway.server_time_ms()
    witnesses = _witnesses(past)
    orders = {name: order for name, order in past.orders.items() if _still_counts(order, witnesses, now_ms)}
    belief = Belief(orders, past.ledger, past.tags, steps)
    sentences: dict[str, None] = {}
    for attempt in range(3):
        if attempt:
            sleep(_AGAIN_S)
        result = _look(belief, gateway, symbols, find_following(past.unheard, gateway, symbols))
        if result.wipe is None:  # what another account does not know is no news of ours
            belief = _learn(belief, result, recorder)
        sentences |= dict.fromkeys(result.sentences)
        is_over = attempt > 0 if result.wipe is not None else result.is_settled or not _disagrees(result)
        if is_over:
            break
    if result.wipe is not None:
        if not may_be_reset:
            raise ConfigError(
                f"The exchange knows nothing of what the journal holds, so nothing is begun: the key is "
                f"another account's, or the journal another bot's. {' '.join(result.wipe.reasons)} "
                f"--fresh begins with new books and touches nothing of this."
            )
        _bury(_learn(belief, result, recorder), result.wipe.events, recorder)
        return Recovered((), past.ledger, result.sentences, is_wiped=True)
    lack = _missing_money(result, past.ledger.quote_asset)
    if _disagrees(result) and not lack:
        words = " ".join([*result.contradictions, *_shortfalls(result)])
        raise ConfigError(
            f"The journal and the account contradict each other, so nothing is begun. {words} "
            f"When you know why, --fresh begins with new books and touches nothing of this."
        )
    return Recovered(
        tuple(belief.orders.values()), belief.ledger, tuple(sentences), result.unprotected, lack=lack
    )


def begin_anew(gateway: Gateway, symbols: Iterable[str]) -> tuple[str, ...]:
    """Say what of others there is where a run begins with new books: open orders that are not touched."""
    return tuple(
        f"Order {told.client_id} ({told.side} {told.symbol} {told.type}) is not of this run; it is not touched."
        for symbol in symbols
        for told in gateway.open_orders(symbol)
    )


def _still_counts(order: Order, witnesses: frozenset[str], now_ms: int) -> bool:
    """Tell whether news of an order may come, or whether it shows that this is the same exchange still."""
    if not order.is_terminal or order.missing or order.is_given_up:
        return True
    newest = max((fill.time_ms for fill in order.fills), default=order.created_ms)
    if newest > now_ms - _LATE_MS:
        return True
    return order.client_id in witnesses


def _witnesses(past: Past) -> frozenset[str]:
    """Name, for each symbol, the order with the newest trade and that with the highest id."""
    newest: dict[str, tuple[int, str]] = {}
    highest: dict[str, tuple[int, str]] = {}
    for order in past.orders.values():
        own = (order.exchange_id or 0, order.client_id)
        highest[order.symbol] = max(highest.get(order.symbol, own), own)
        for fill in order.fills:
            newest[order.symbol] = max(newest.get(order.symbol, (0, "")), (fill.time_ms, order.client_id))
    return frozenset(client_id for _, client_id in (*newest.values(), *highest.values()))


def _look(
    belief: Belief, gateway: Gateway, symbols: Sequence[str], lost: tuple[ExchangeOrder, ...]
) -> Reconciliation:
    """Ask until nothing is left to ask; `lost` are orders that the journal may not have."""
    open_orders = tuple(order for symbol in symbols for order in gateway.open_orders(symbol))
    trades, complete = _recent_trades(belief, gateway, symbols)
    view = ExchangeView(open_orders=open_orders, queried=lost, trades=trades, complete_ms=complete)
    for _ in range(_LOOKS):
        result = reconcile(belief, view)
        if result.asks:
            view = replace(_asked_more(belief, view, result, gateway), balances=None)
        elif view.balances is None:
            view = replace(view, balances=gateway.balances())  # the last question, unless it raises others
        else:
            unwritten = _unwritten(belief, view, result, gateway)
            if unwritten is None:
                return result
            view = replace(unwritten, balances=None)
    return reconcile(belief, replace(view, balances=gateway.balances()))


def _recent_trades(
    belief: Belief, gateway: Gateway, symbols: Sequence[str]
) -> tuple[tuple[ExchangeTrade, ...], dict[str, tuple[int, int]]]:
    """
    Give the trades from the last moment on of which the books have some, and for which time they are all.

    One order may trade several times in a millisecond; the list begins with the first of them. Where nobody
    knows whether an order arrived, those since it was made are listed too: it may have traded before.
    """
    trades: list[ExchangeTrade] = []
    complete: dict[str, tuple[int, int]] = {}
    until = gateway.server_time_ms() - _SETTLED_MS
    for symbol in symbols:
        booked = [fill for order in belief.orders.values() if order.symbol == symbol for fill in order.fills]
        if booked:
            last_ms = max(booked, key=lambda fill: fill.trade_id).time_ms
            first_id = min(fill.trade_id for fill in booked if fill.time_ms >= last_ms)
            trades += gateway.trades(symbol, since_trade_id=first_id)
            complete[symbol] = (last_ms, until)
        unheard = [
            order.created_ms
            for order in belief.orders.values()
            if order.symbol == symbol and order.exchange_id is None and not order.is_terminal
        ]
        if unheard:
            start_ms = max(0, min(unheard) - SPREAD_MS)
            known = {trade.trade_id for trade in trades if trade.symbol == symbol}
            earlier = gateway.trades(symbol, start_ms=start_ms)
            trades += [trade for trade in earlier if trade.trade_id not in known]
    return tuple(trades), complete


def _asked_more(belief: Belief, view: ExchangeView, result: Reconciliation, gateway: Gateway) -> ExchangeView:
    queried, missing, trades = list(view.queried), list(view.missing), list(view.trades)
    for client_id in result.to_query:
        order = belief.orders.get(client_id)
        told = None if order is None else gateway.query(order.symbol, client_id)
        if told is not None:
            queried.append(told)
        elif order is not None:
            missing.append(Missing(client_id, _age_s(order, gateway)))
    known = {(trade.symbol, trade.trade_id) for trade in trades}
    for symbol, exchange_id in result.to_fetch:
        found = gateway.trades(symbol, exchange_id=exchange_id)
        trades += [trade for trade in found if (trade.symbol, trade.trade_id) not in known]
    for symbol, exchange_id in result.to_identify:
        owner = gateway.query_number(symbol, exchange_id)
        queried += [owner] if owner is not None else []
    return replace(view, queried=tuple(queried), missing=tuple(missing), trades=tuple(trades))


def _unwritten(
    belief: Belief, view: ExchangeView, result: Reconciliation, gateway: Gateway
) -> ExchangeView | None:
    """
    Where the account lacks something, find orders of ours that traded and could never be written down.

    Such as a stop-loss that was sent while the disk was full. None where nothing new is found.
    """
    if not result.shortfalls:
        return None
    trades, queried = list(view.trades), list(view.queried)
    for symbol in belief.ledger.holdings:
        made = [o.created_ms for o in belief.orders.values() if o.symbol == symbol and not o.is_terminal]
        known = {trade.trade_id for trade in trades if trade.symbol == symbol}
        since = gateway.trades(symbol, start_ms=max(0, min(made) - SPREAD_MS)) if made else ()
        trades += [trade for trade in since if trade.trade_id not in known]
        looked = replace(view, trades=tuple(trades))
        for where, number in stray_orders(symbol, belief, looked, since_ms=0):
            owner = gateway.query_number(where, number)
            queried += [owner] if owner is not None else []
    is_news = len(queried) > len(view.queried)
    return replace(view, trades=tuple(trades), queried=tuple(queried)) if is_news else None


def _age_s(order: Order, gateway: Gateway) -> float:
    """
    Give for how long the exchange could have known an order; 0 where that is not long enough to say no.

    What was to arrive has done so within the window of its signature, and the exchange's copies lag behind by a
    minute at most.
    """
    age_s = (gateway.server_time_ms() - order.created_ms) / 1000
    return age_s if order.created_ms and age_s > 2 * PATIENCE_S else 0.0


def _learn(belief: Belief, result: Reconciliation, recorder: JournalRecorder) -> Belief:
    """Write down what follows, and give the belief after it."""
    orders = dict(belief.orders)
    for order in result.adopted:
        orders[order.client_id] = order
        recorder.adopted(order)
    for client_id, event in result.events:
        orders[client_id] = apply(orders[client_id], event)
        recorder.changed(orders[client_id], event)
    ledger = belief.ledger
    for item in result.to_book:
        ledger = ledger.book(item.symbol, item.side, item.fill)
        recorder.fill(orders[item.client_id], item.fill, ledger)
    recorder.flush()
    return applied(belief, result)


def _bury(belief: Belief, events: Iterable[tuple[str, Event]], recorder: JournalRecorder) -> None:
    for client_id, event in events:
        recorder.changed(apply(belief.orders[client_id], event), event)


def _disagrees(result: Reconciliation) -> bool:
    return bool(result.contradictions or result.shortfalls)


def _missing_money(result: Reconciliation, quote_asset: str) -> str:
    """
    Say that money is missing and nothing else disagrees; empty otherwise.

    Who trades by hand on the bot's account may have spent it. That is no reason to leave a holding alone.
    """
    if result.contradictions or [lack.asset for lack in result.shortfalls] != [quote_asset]:
        return ""
    return (
        f"{_shortfalls(result)[0][:-1]}: something else has spent or withdrawn the rest. Nothing is bought "
        f"until they agree; exits go on. --fresh begins with new books."
    )


def _shortfalls(result: Reconciliation) -> list[str]:
    return [
        f"The account holds {lack.told:f} {lack.asset}, the books say {lack.believed:f}."
        for lack in result.shortfalls
    ]
