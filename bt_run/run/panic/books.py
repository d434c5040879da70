"""
What the journal believes of one symbol, for a panic: our open orders, and what we hold.

It takes orders as their records stand, without their stories, so that a journal which cannot be followed line
by line is no hindrance: the exchange is asked about every one of them anyway. Orders of all runs of the venue
are ours; what is held are the books of the newest run of each strategy, and of the runs that it went on from.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args

from brokers.amounts import ZERO, plus, total_of
from brokers.client_ids import ClientId
from brokers.holdings import Holding, Ledger
from brokers.order_events import Canceled, Expired
from brokers.orders import Order, Purpose, State
from brokers.reconciling.views import Belief
from bt_run.core.errors import JournalError, Oversold
from bt_run.journal import schema
from bt_run.journal.queries import Window
from bt_run.journal.records import OrderEvent
from bt_run.run.live.books import OPENING, TAG, chain_in_force, chain_of, last_ids, symbols_of
from bt_run.run.live.story import filled_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from brokers.filters import SymbolFilters
    from bt_run.journal.queries import JournalQueries
    from bt_run.journal.records import FillRecord, OrderRecord, RunRecord

__all__ = ["PanicBooks", "newest_runs", "read_books", "symbols_in_play"]

_PURPOSES = frozenset(get_args(Purpose))


@dataclass(frozen=True, slots=True)
class PanicBooks:
    """
    What the journal believes of one symbol.

    `run_of` says which run made an order. `unheard` are the ids after which orders may be missing. `notes` are
    sentences on what does not add up; what is held is then not to be trusted.
    """

    belief: Belief
    run_of: Mapping[str, int]
    unheard: tuple[ClientId, ...] = ()
    notes: tuple[str, ...] = ()


def newest_runs(
    journal: JournalQueries, *, venue: str | None = None, mode: str | None = None
) -> list[RunRecord]:
    """Give the newest run of each venue, mode, strategy and symbols: those that a start would go on from."""
    alike: dict[tuple[str, str, str, tuple[str, ...]], list[RunRecord]] = {}
    for run in journal.runs():
        if run.venue == (venue or run.venue) and run.mode == (mode or run.mode):
            alike.setdefault((run.venue, run.mode, run.strategy, symbols_of(run)), []).append(run)
    return [(chain_in_force(journal, runs) or runs)[-1] for runs in alike.values()]


def read_books(
    journal: JournalQueries, filters: SymbolFilters, *, venue: str, mode: str = "live"
) -> PanicBooks:
    """Read orders and holding of one symbol; the books begin with no cash. Raises JournalError."""
    symbol = filters.symbol
    runs = {run.run: run for run in journal.runs() if (run.venue, run.mode) == (venue, mode)}
    records = [record for record in journal.orders(symbol=symbol) if record.run in runs]
    fills: dict[str, list[FillRecord]] = {}
    for fill in journal.fills(symbol=symbol):
        if fill.run in runs:
            fills.setdefault(fill.client_id, []).append(fill)
    ledger, notes = _ledger(journal, filters, venue=venue, mode=mode)
    tags = {str(tag) for run in runs if (tag := journal.state(run).get(TAG))}
    told = _told_executed(journal, runs)
    known = {name: total_of(fill.quantity for fill in found) for name, found in fills.items()}
    belief = Belief(
        orders={
            record.client_id: _standing(record, fills.get(record.client_id, ()), told)
            for record in records
            if record.is_open or told.get(record.client_id, ZERO) > known.get(record.client_id, ZERO)
        },
        ledger=ledger,
        run_tags=frozenset(tags | {id_.run for record in records if (id_ := ClientId.parse(record.client_id))}),
        steps={symbol: filters.step_of("MARKET")},
    )
    run_of = {record.client_id: record.run for record in records}
    chains = _newest_chains(journal, venue=venue, mode=mode)
    unheard = tuple(client_id for chain in chains for client_id in last_ids(journal, chain))
    return PanicBooks(belief, run_of, unheard, notes)


def symbols_in_play(journal: JournalQueries, *, venue: str, mode: str = "live") -> list[str]:
    """Give the symbols of which the journal has an open order or something held, or may lack it; by name."""
    held: dict[str, Decimal] = {}
    for opening, fills in _chains(journal, venue=venue, mode=mode):
        for symbol, item in opening.items():
            held[symbol] = plus(held.get(symbol, ZERO), Decimal(item["quantity"]))
        for fill in fills:
            change = fill.quantity if fill.side == "BUY" else fill.quantity.copy_negate()
            held[fill.symbol] = plus(held.get(fill.symbol, ZERO), change)
    waiting = {order.symbol for order in journal.open_orders(venue=venue, mode=mode)}
    for chain in _newest_chains(journal, venue=venue, mode=mode):
        waiting |= set(symbols_of(chain[-1])) if last_ids(journal, chain) else set()
    return sorted(waiting | {symbol for symbol, quantity in held.items() if quantity})


def _ledger(
    journal: JournalQueries, filters: SymbolFilters, *, venue: str, mode: str
) -> tuple[Ledger, tuple[str, ...]]:
    symbol, quantity, cost = filters.symbol, ZERO, ZERO
    done: list[FillRecord] = []
    for opening, fills in _chains(journal, venue=venue, mode=mode):
        if symbol in opening:
            quantity = plus(quantity, Decimal(opening[symbol]["quantity"]))
            cost = plus(cost, Decimal(opening[symbol]["cost"]))
        holds = symbol in opening or any(fill.symbol == symbol for fill in fills)
        pays = filters.base_asset if holds else None  # fees of its other symbols come out of the same coins
        done += [fill for fill in fills if fill.symbol == symbol or fill.fee_asset == pays]
    holding = Holding(symbol, filters.base_asset, filters.quote_asset, quantity, cost)
    ledger, notes = Ledger(filters.quote_asset, ZERO, {symbol: holding}), []
    for fill in sorted(done, key=lambda fill: (fill.time_ms, fill.trade_id)):
        if fill.symbol != symbol:
            ledger = ledger.charge(fill.fee_asset, fill.fee.copy_negate())
            continue
        try:
            ledger = ledger.book(symbol, "BUY" if fill.side == "BUY" else "SELL", filled_of(fill))
        except Oversold as error:
            notes.append(str(error))
    return ledger, tuple(notes)


def _chains(
    journal: JournalQueries, *, venue: str, mode: str
) -> Iterator[tuple[Mapping[str, Any], list[FillRecord]]]:
    """Give the holdings at the opening, and the fills since, of each newest run and those it went on from."""
    for chain in _newest_chains(journal, venue=venue, mode=mode):
        opening = journal.state(chain[0].run).get(OPENING) or {}
        yield opening.get("holdings") or {}, [fill for one in chain for fill in journal.fills(run=one.run)]


def _newest_chains(journal: JournalQueries, *, venue: str, mode: str) -> list[tuple[RunRecord, ...]]:
    return [chain_of(journal, run) for run in newest_runs(journal, venue=venue, mode=mode)]


def _told_executed(journal: JournalQueries, runs: Iterable[int]) -> dict[str, Decimal]:
    """Give what the exchange said was executed of orders that it ended: trades of them may be missing."""
    ends = schema.order_events.c.kind.in_((Canceled.__name__, Expired.__name__))
    return {
        line.client_id: Decimal(line.details["executed_quantity"])
        for run in runs
        for line in journal.find(OrderEvent, Window(run=run), ends)
        if line.details.get("executed_quantity") is not None
    }


def _standing(record: OrderRecord, fills: Iterable[FillRecord], told: Mapping[str, Decimal]) -> Order:
    """Make the order that a record and its fills tell of. Raises JournalError where they make none."""
    try:
        return Order(
            client_id=record.client_id,
            symbol=record.symbol,
            side="BUY" if record.side == "BUY" else "SELL",
            type=record.type,  # type: ignore[arg-type]  # the column holds no other
            quantity=record.quantity,
            quote_quantity=record.quote_quantity,
            price=record.price,
            stop_price=record.stop_price,
            trailing_delta=record.trailing_delta,
            time_in_force=record.time_in_force or None,  # type: ignore[arg-type]
            list_client_id=record.list_id,
            purpose=record.purpose if record.purpose in _PURPOSES else "manual",  # type: ignore[arg-type]
            created_ms=record.created_ms,
            state=State(record.state),
            exchange_id=record.exchange_id,
            fills=tuple(filled_of(fill) for fill in fills),
            reported_executed=told.get(record.client_id),
            reason=record.reason,
        )
    except ValueError as error:
        raise JournalError(f"The journal's order {record.client_id} makes no sense: {error}.") from error
