"""How a live run begins: what went before, what the exchange says, the run in the journal, its books."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brokers.amounts import ZERO
from brokers.client_ids import ClientId, run_tag
from brokers.live.opening import new_ledger
from brokers.orders import State
from bt_run import __version__
from bt_run.core.errors import BtRunError, ConfigError
from bt_run.run.live.books import ASKED, OPENING, TAG, opening_document, read_past
from bt_run.run.live.real_money import is_real
from bt_run.run.live.recovery import begin_anew, recover
from bt_run.run.parity.strategy_file import origin_of
from bt_run.run.safety_limits import STATE_KEY, SafetyFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.gateway import Gateway
    from brokers.holdings import Ledger
    from brokers.orders import Order
    from brokers.reconciling.brackets import Unprotected
    from bt_run.journal.journal import Journal
    from bt_run.journal.records import RunRecord
    from bt_run.run.live.books import Past
    from bt_run.run.live.plan import LivePlan
    from bt_run.run.live.recorder import JournalRecorder
    from bt_run.run.live.recovery import Recovered

__all__ = ["Begun", "begin_run", "end_run", "find_past", "open_books", "outcome_of"]


@dataclass(frozen=True, slots=True)
class Begun:
    """
    With what the broker begins; `seen` is the last bar of each symbol that an earlier run saw.

    `recent` are the orders that have traded since, `acted` the last bars that led to an order. `facts` are
    safety's, None at a first start. `sentences` are the report of what was found. `lack` is why nothing may be
    bought before account and books agree, empty where they do.
    """

    orders: tuple[Order, ...]
    ledger: Ledger
    first_id: ClientId
    tags: frozenset[str]
    seen: Mapping[str, int]
    facts: SafetyFacts | None
    entries_ms: tuple[int, ...]
    sentences: tuple[str, ...]
    unprotected: tuple[Unprotected, ...] = ()
    recent: Mapping[str, Order] = field(default_factory=dict)
    acted: Mapping[str, int] = field(default_factory=dict)
    lack: str = ""


def find_past(journal: Journal, plan: LivePlan) -> Past | None:
    """Read what this run goes on from; None where the exchange is new, or nothing went before."""
    return None if plan.is_embedded or plan.mode == "signals" else read_past(journal, plan)


def begin_run(journal: Journal, plan: LivePlan, past: Past | None) -> RunRecord:
    """Write down that a run begins, and make ready for its orders where they go to an exchange outside."""
    record = journal.begin_run(
        venue=plan.venue.name,
        mode=plan.mode,
        symbol=plan.symbol_key,
        interval=str(plan.interval),
        strategy=plan.strategy.name,
        started_ms=time.time_ns() // 1_000_000,
        params=plan.strategy.params,
        settings={**plan.document(), **origin_of(plan.strategy)},
        version=__version__,
        resumes=None if past is None or plan.fresh else past.last.run,
    )
    if plan.mode == "live" and not plan.is_embedded:
        journal.make_ready(record.run)
    return record


def open_books(
    plan: LivePlan,
    past: Past | None,
    gateway: Gateway,
    recorder: JournalRecorder,
    filters: Mapping[str, SymbolFilters],
    *,
    last_price: Callable[[str], Decimal],
    sleep: Callable[[float], object] = time.sleep,
) -> Begun:
    """
    Compare what went before with the exchange, or open new books.

    Raises:
        ConfigError: account and books contradict each other, or the account has less than the run wants.
        ExchangeError, JournalError.
    """
    tag = run_tag(gateway.server_time_ms(), secrets.randbelow(24_389))
    recorder.state(TAG, tag)
    first_id = ClientId(tag, 1)
    if past is None or plan.fresh:
        ledger = _opened(plan, gateway, filters, last_price)
        return _anew(plan, past, ledger, gateway, recorder, first_id=first_id)
    if plan.adopt:
        raise ConfigError(
            "The run goes on with the books of an earlier one, so nothing can be adopted. "
            "--fresh begins with new books."
        )
    found = recover(
        past,
        gateway,
        recorder,
        symbols=plan.symbols,
        steps={symbol: rules.step_of("MARKET") for symbol, rules in filters.items()},
        may_be_reset=plan.mode != "live" or not is_real(plan.venue),
        sleep=sleep,
    )
    if past.unheard:
        recorder.state(ASKED, past.last.run)
    if not found.is_wiped:
        return _gone_on(past, found, first_id=first_id)
    told = (*found.sentences, "The run begins with new books; those of the reset exchange are closed.")
    ledger = _opened(plan, gateway, filters, last_price)
    return _anew(plan, past, ledger, gateway, recorder, first_id=first_id, told=told)


def _gone_on(past: Past, found: Recovered, *, first_id: ClientId) -> Begun:
    """Begin with the books of an earlier run, as far as the exchange bears them out."""
    return Begun(
        orders=found.orders,
        ledger=found.ledger,
        first_id=first_id,
        tags=past.tags,
        seen=past.bars,
        facts=SafetyFacts.of(past.state),
        entries_ms=tuple(order.created_ms for order in past.orders.values() if order.purpose == "entry"),
        sentences=(_goes_on(past), *found.sentences),
        recent=_recent(past),
        acted=past.acted,
        lack=found.lack,
        unprotected=tuple(
            bare
            for bare in found.unprotected
            if not (_was_meant(bare, past) or _still_enters(bare, found.orders))
        ),
    )


def _anew(
    plan: LivePlan,
    past: Past | None,
    ledger: Ledger,
    gateway: Gateway,
    recorder: JournalRecorder,
    *,
    first_id: ClientId,
    told: tuple[str, ...] = (),
) -> Begun:
    """Begin with new books, and write them down; of what went before, only a pause holds on."""
    facts = None
    if past is not None:
        facts = SafetyFacts(paused=SafetyFacts.of(past.state).paused)
        recorder.state(STATE_KEY, facts.document())  # from the books on, nobody looks before this run
    recorder.state(OPENING, opening_document(ledger))
    return Begun(
        orders=(),
        ledger=ledger,
        first_id=first_id,
        tags=frozenset(),
        seen={},
        facts=facts,
        entries_ms=(),
        sentences=(*told, *begin_anew(gateway, plan.symbols)),
    )


def _opened(
    plan: LivePlan,
    gateway: Gateway,
    filters: Mapping[str, SymbolFilters],
    last_price: Callable[[str], Decimal],
) -> Ledger:
    adopted = {
        symbol: (quantity, price if price is not None else last_price(symbol))
        for symbol, (quantity, price) in plan.adopt.items()
    }
    ledger = new_ledger(filters, gateway.balances(), cash=plan.cash, adopt_position=adopted)
    if not ledger.cash > ZERO and not adopted:
        raise ConfigError(f"The account has no {ledger.quote_asset} to trade with.")
    for symbol, rules in filters.items():
        ledger = ledger.with_symbol(symbol, rules.base_asset, rules.quote_asset)
    return ledger


def _recent(past: Past) -> dict[str, Order]:
    """Give the orders that have traded since the last bar that was seen."""
    since = min(past.bars.values(), default=0)
    return {
        name: order
        for name, order in past.orders.items()
        if order.fills and max(fill.time_ms for fill in order.fills) >= since
    }


def _was_meant(bare: Unprotected, past: Past) -> bool:
    """Tell whether the strategy itself took the protection away."""
    legs = [order for order in past.orders.values() if order.bracket == bare.bracket]
    return any(order.purpose in bare.missing and order.state is State.CANCELED for order in legs)


def _still_enters(bare: Unprotected, orders: Iterable[Order]) -> bool:
    """Tell whether an entry is open: its legs wait for its rest, and could not be placed with a part sold."""
    return any(
        order.bracket == bare.bracket and order.purpose == "entry" and not order.is_terminal for order in orders
    )


def _goes_on(past: Past) -> str:
    how = "was killed" if past.was_killed else "ended"
    open_orders = sum(not order.is_terminal for order in past.orders.values())
    held = ", ".join(
        f"{holding.quantity.normalize():f} {holding.base_asset}"
        for holding in past.ledger.holdings.values()
        if holding.quantity
    )
    count = f"{open_orders or 'no'} open {'order' if open_orders == 1 else 'orders'}"
    cash = f"cash {past.ledger.cash:,.2f} {past.ledger.quote_asset}"
    return f"Goes on from run {past.last.run}, which {how}: {cash}, held {held or 'nothing'}, {count}."


def end_run(journal: Journal, run: RunRecord, outcome: str) -> None:
    """Write down how a run ended."""
    journal.end_run(run.run, ended_ms=time.time_ns() // 1_000_000, outcome=outcome)


def outcome_of(error: BaseException) -> str:
    """Give the words for the journal of a run that failed."""
    words = str(error).splitlines()
    kind = "failed" if isinstance(error, BtRunError) else f"failed with {type(error).__name__}"
    return f"{kind}: {words[0] if words else ''}".rstrip(": ")
