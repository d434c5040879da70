"""How a live run ends: what becomes of its orders and its position, and its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from brokers.amounts import exact, plus, text_of, times
from bt_run.core.errors import BtRunError
from bt_run.run.live.bt_cerebro import curves_of_run
from bt_run.run.live.result import live_result
from bt_run.run.live.story import order_of
from bt_run.run.live.words import wish_words
from bt_run.run.panic.all_symbols import PanicTarget, close_all
from bt_run.run.panic.books import symbols_in_play
from bt_run.run.panic.one_symbol import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from brokers.filters import SymbolFilters
    from brokers.gateway import Gateway
    from bt_run.core.results import RunResult
    from bt_run.journal.journal import Journal
    from bt_run.run.live.log import RunLog
    from bt_run.run.live.plan import LivePlan
    from bt_run.run.live.turns import Stop

__all__ = ["close_at_once", "leave_orders", "mark_end", "results_of", "standing_words"]

SETTLE_S = 1.5
CLOSE_S = 60.0


def leave_orders(
    plan: LivePlan,
    broker: Any,
    strategies: list[Any],
    *,
    stop: Stop,
    wait: Callable[[float], object],
) -> list[str]:
    """
    Leave orders and position as the settings say, or close all; gives sentences on what was done.

    It works the broker's turns alone; the strategy is not asked any more. Errors of the exchange are told.
    """
    try:
        if stop.closes or plan.on_stop == "close":
            owner = strategies[0] if strategies else None
            limit_s = stop.left_s(CLOSE_S)
            return broker.close_all(owner, limit_s=limit_s, wait=wait) if owner is not None else []
        limit_s = stop.left_s(SETTLE_S)
        if not broker.cancel_open(all_orders=plan.on_stop == "cancel", limit_s=limit_s, wait=wait):
            return ["Not every order is known to be cancelled; the next start asks for them."]
    except BtRunError as error:
        return [f"The orders could not be settled: {error}"]
    return []


def standing_words(broker: Any) -> list[str]:
    """Say what is still held and open when the run is over."""
    words = [
        f"Still held: {text_of(holding.quantity)} {holding.base_asset}"
        for holding in broker.ledger.holdings.values()
        if broker.is_worth_telling(holding.symbol)
    ]
    words += [
        f"Still open: {order.symbol} {wish_words(order)}"
        for order in broker.orders.values()
        if not order.is_terminal
    ]
    return words


def close_at_once(journal: Journal, gateway: Gateway, broker: Any, plan: LivePlan, stop: Stop) -> list[str]:
    """
    Do what ``bt-run panic`` does without a bot, from journal and exchange; gives its sentences.

    What waits to be written must have been written. The broker's books learn of it. Raises JournalError.
    """
    symbols = {*plan.symbols, *symbols_in_play(journal, venue=plan.venue.name)}
    target = PanicTarget(plan.venue.name, tuple(sorted(symbols)))
    reports, failures = close_all(journal, gateway, target, patience_s=stop.left_s(PATIENCE_S))
    broker.protect(wanted=False)
    broker.next()
    for client_id in (client_id for report in reports for client_id in report.sales):
        record = journal.order(client_id)
        if record is not None:
            broker.adopt(order_of(record, journal.story(client_id)))
    return [*(line for report in reports for line in report.sentences), *failures]


def mark_end(broker: Any, feeds: Mapping[str, Any], log: RunLog) -> None:
    """Let the results end with the account as it is now, where something was traded after the last bar."""
    for symbol, own in log.symbols.items():
        if own.has_traded_since:
            quantity = broker.ledger.holding(symbol).quantity
            bars = feeds[symbol].loaded
            last = int(np.searchsorted(bars.open_time, own.times[-1]))
            held = times(quantity, exact(float(bars.close[last])))
            own.mark_end(
                equity=float(plus(broker.ledger.cash, held)),
                cash=float(broker.ledger.cash),
                position=broker.sellable(symbol, quantity),
            )


def results_of(
    plan: LivePlan,
    cerebro: Any,
    feeds: Mapping[str, Any],
    log: RunLog,
    filters: Mapping[str, SymbolFilters],
    *,
    commission: float,
    start_equity: float,
) -> tuple[RunResult, ...]:
    """Reckon what came of each symbol of which a bar closed."""
    found = []
    for symbol, feed in feeds.items():
        bars = feed.loaded
        if bars is None:
            continue
        result = live_result(
            plan,
            symbol,
            log.symbols[symbol],
            bars,
            commission=commission,
            lot_step=float(filters[symbol].step_of("MARKET")),
            start_equity=start_equity,
            curves=curves_of_run(cerebro, feed),
        )
        if result is not None:
            found.append(result)
    return tuple(found)
