"""What the journal has of the runs that a new one goes on from: orders, books, and where the bars ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from brokers.amounts import ratio
from brokers.client_ids import ClientId
from brokers.holdings import Holding, Ledger
from bt_run.core.errors import BtRunError, JournalError
from bt_run.journal import schema
from bt_run.journal.queries import Window
from bt_run.journal.records import BarRecord, OrderEvent
from bt_run.run.live.story import FEE_VALUE, filled_of, order_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from brokers.orders import Order
    from bt_run.journal.queries import JournalQueries
    from bt_run.journal.records import RunRecord
    from bt_run.run.live.plan import LivePlan

__all__ = [
    "ASKED",
    "ENDED_BY_PANIC",
    "OPENING",
    "TAG",
    "Past",
    "chain_in_force",
    "chain_of",
    "last_ids",
    "opening_document",
    "read_past",
    "state_of",
    "symbols_of",
]

OPENING = "opening"
"""The key of the state of a run that began with new books: those books."""

TAG = "tag"
"""The key of the state that holds the run's part of its client ids."""

ASKED = "asked"
"""The key of the state that names the newest run whose lost orders a start has asked for (`last_ids`)."""

ENDED_BY_PANIC = "panic: "
"""How the outcome of a run begins whose end was written by a panic that came after it."""


@dataclass(frozen=True, slots=True)
class Past:
    """
    The runs that this one goes on from, the newest last.

    `orders` are all of their orders by client id, `owners` the runs that made them. `ledger` is the books after
    all fills in the journal. `tags` are the runs' parts of client ids, `state` their facts, of each the newest.
    By symbol, open times in ms: `bars` the last bar that was seen, `acted` the last one that led to an order.
    `unheard` are the ids after which orders may be missing (`last_ids`).
    """

    runs: tuple[RunRecord, ...]
    orders: Mapping[str, Order]
    owners: Mapping[str, int]
    ledger: Ledger
    tags: frozenset[str]
    state: Mapping[str, Any]
    bars: Mapping[str, int]
    acted: Mapping[str, int]
    unheard: tuple[ClientId, ...] = ()

    @property
    def last(self) -> RunRecord:
        """Give the newest run."""
        return self.runs[-1]

    @property
    def was_killed(self) -> bool:
        """Whether the newest run did not end by itself."""
        return self.last.ended_ms is None


def opening_document(ledger: Ledger) -> dict[str, Any]:
    """Give the books with which a run begins as JSON can hold them."""
    return {
        "quote_asset": ledger.quote_asset,
        "cash": f"{ledger.cash:f}",
        "holdings": {
            symbol: {
                "base_asset": holding.base_asset,
                "quantity": f"{holding.quantity:f}",
                "cost": f"{holding.cost:f}",
            }
            for symbol, holding in ledger.holdings.items()
        },
    }


def _opened(told: Mapping[str, Any]) -> Ledger:
    quote = str(told["quote_asset"])
    holdings = {
        symbol: Holding(symbol, item["base_asset"], quote, Decimal(item["quantity"]), Decimal(item["cost"]))
        for symbol, item in told["holdings"].items()
    }
    return Ledger(quote, Decimal(told["cash"]), MappingProxyType(holdings))


def read_past(journal: JournalQueries, plan: LivePlan) -> Past | None:
    """
    Read what the last run of this venue, strategy and symbols left, and those before it that it went on from.

    A run that never came as far as to have books left nothing. None where no other is. Raises JournalError.
    """
    wanted = (plan.venue.name, plan.mode, plan.strategy.name, tuple(sorted(plan.symbols)))
    alike = [run for run in journal.runs() if (run.venue, run.mode, run.strategy, symbols_of(run)) == wanted]
    runs = chain_in_force(journal, alike)
    if not runs:
        return None
    opening = journal.state(runs[0].run)[OPENING]
    orders: dict[str, Order] = {}
    owners: dict[str, int] = {}
    prices: dict[tuple[str, int], Decimal] = {}
    acted: dict[str, int] = {}
    for run in runs:
        stories: dict[str, list[OrderEvent]] = {}
        for line in journal.find(OrderEvent, Window(run=run.run)):
            stories.setdefault(line.client_id, []).append(line)
        for record in journal.orders(run=run.run):
            story = stories.get(record.client_id, [])
            orders[record.client_id] = order_of(record, story)
            owners[record.client_id] = run.run
            prices |= _fee_prices(record.symbol, story)
            decided = story if record.purpose in ("entry", "exit") else ()
            bars = [int(line.details["bar"]) for line in decided if line.details.get("bar") is not None]
            acted[record.symbol] = max([*bars, acted.get(record.symbol, -1)])
    return Past(
        runs=runs,
        orders=orders,
        owners=owners,
        ledger=_booked(journal, runs, _opened(opening), prices),
        tags=_tags(journal, runs, orders),
        state=state_of(journal, runs),
        bars=_last_bars(journal, runs, plan),
        acted=acted,
        unheard=last_ids(journal, runs),
    )


def symbols_of(run: RunRecord) -> tuple[str, ...]:
    """Give the symbols that a run trades, by name: in which order they were given is no matter."""
    return tuple(sorted(run.settings.get("symbols") or (run.symbol,)))


def chain_in_force(journal: JournalQueries, runs: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """
    Give the newest of these runs that has books, after those that it went on from; nothing where none has.

    A start that failed early, with new books or without, must not hide what is held.
    """
    for last in reversed(runs):
        chain = chain_of(journal, last)
        if OPENING in journal.state(chain[0].run):
            return chain
    return ()


def state_of(journal: JournalQueries, runs: Iterable[RunRecord]) -> dict[str, Any]:
    """Give the facts of runs, oldest first, of each the newest: a run that failed early has none of its own."""
    return {key: value for run in runs for key, value in journal.state(run.run).items()}


def chain_of(journal: JournalQueries, last: RunRecord) -> tuple[RunRecord, ...]:
    """Give a run after those that it went on from, back to the one that began with new books."""
    runs = [last]
    while runs[0].resumes is not None and OPENING not in journal.state(runs[0].run):
        runs.insert(0, journal.run(runs[0].resumes))
    return tuple(runs)


def last_ids(journal: JournalQueries, runs: Iterable[RunRecord]) -> tuple[ClientId, ...]:
    """
    Give the last id in the journal of each run of a chain that wrote no end, and that no start has asked about.

    The power may have failed: the orders of its last request may then be missing, and have the ids that follow.
    """
    states = [(run, journal.state(run.run)) for run in runs]
    asked = max((int(state.get(ASKED, 0)) for _, state in states), default=0)
    found = []
    for run, state in states:
        has_end = run.ended_ms is not None and not run.outcome.startswith(ENDED_BY_PANIC)
        if has_end or run.run <= asked or TAG not in state:
            continue
        first = ClientId(str(state[TAG]), 0)
        given = (ClientId.parse(record.client_id) for record in journal.orders(run=run.run))
        found.append(max([first, *(known for known in given if known is not None and known.run == first.run)]))
    return tuple(found)


def _fee_prices(symbol: str, story: list[OrderEvent]) -> dict[tuple[str, int], Decimal]:
    return {
        (symbol, int(line.details["trade_id"])): ratio(
            Decimal(line.details[FEE_VALUE]), Decimal(line.details["fee"])
        )
        for line in story
        if line.details.get(FEE_VALUE) is not None
    }


def _booked(
    journal: JournalQueries,
    runs: tuple[RunRecord, ...],
    ledger: Ledger,
    prices: Mapping[tuple[str, int], Decimal],
) -> Ledger:
    fills = [fill for run in runs for fill in journal.fills(run=run.run)]
    for fill in sorted(fills, key=lambda fill: (fill.time_ms, fill.trade_id)):
        price = prices.get((fill.symbol, fill.trade_id))
        try:
            ledger = ledger.book(fill.symbol, "BUY" if fill.side == "BUY" else "SELL", filled_of(fill), price)
        except BtRunError as error:
            raise JournalError(
                f"The fills in the journal {journal.place} do not add up: {error} "
                f"Look at bt-run journal trades; --fresh begins with new books."
            ) from error
    return replace(ledger, notes=())


def _tags(journal: JournalQueries, runs: tuple[RunRecord, ...], orders: Mapping[str, Order]) -> frozenset[str]:
    written = {str(tag) for run in runs if (tag := journal.state(run.run).get(TAG))}
    return frozenset(written | {known.run for name in orders if (known := ClientId.parse(name)) is not None})


def _last_bars(journal: JournalQueries, runs: tuple[RunRecord, ...], plan: LivePlan) -> dict[str, int]:
    """Find the last bar of each symbol that any of the runs saw."""
    bars = schema.bars.c
    found: dict[str, int] = {}
    for symbol in plan.symbols:
        newest = (
            select(func.max(bars.open_time))
            .where(
                bars.run.in_([run.run for run in runs]),
                bars.symbol == symbol,
                bars.interval == str(plan.interval),
            )
            .scalar_subquery()
        )
        for record in journal.find(BarRecord, Window(symbol=symbol), bars.open_time == newest):
            found[symbol] = record.open_time
    return found
