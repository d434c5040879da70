"""What a live run did, read from its journal and put in order: one story, however often it was restarted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.run.parity.bars import join_bars
from bt_run.run.parity.books import Opening, find_opening
from bt_run.run.parity.orders import read_orders, usual_rate
from bt_run.run.parity.sides import Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import FloatArray
    from bt_run.journal.queries import JournalQueries
    from bt_run.journal.records import EquityRecord, RunRecord, SymbolRecord
    from bt_run.run.parity.bars import JoinedBars
    from bt_run.run.parity.orders import LiveOrders
    from strategies.base import BoolArray

__all__ = ["LiveStory", "read_story"]

DEFAULT_LOT_STEP = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class LiveStory:
    """
    One story of one symbol.

    `runs` go on from each other, oldest first. `tradable` has shape (n,): the bars on which the live run could
    send an order. `rate` is the commission that its fills paid as a rule, a fraction. `notes` are sentences for
    the reader.
    """

    runs: tuple[RunRecord, ...]
    symbol: str
    quote_asset: str
    joined: JoinedBars
    tradable: BoolArray
    lot_step: float
    tick: float
    rate: float
    opening: Opening
    orders: LiveOrders
    side: Side
    records: tuple[EquityRecord, ...]
    notes: tuple[str, ...]

    @property
    def run(self) -> RunRecord:
        """The newest run, whose settings hold."""
        return self.runs[-1]

    @property
    def is_signals_only(self) -> bool:
        """Whether the run sent no orders at all."""
        return self.run.mode == "signals"

    @property
    def is_shared(self) -> bool:
        """Whether several symbols shared the account."""
        return _is_shared(self.run)

    def shared_equity(self) -> FloatArray | None:
        """Give what the account of several symbols was worth at each close, NaN where not known; else None."""
        if not self.is_shared:
            return None
        written = {record.open_time: float(record.value) for record in self.records}
        return np.array([written.get(int(time), np.nan) for time in self.joined.bars.open_time])


def read_story(journal: JournalQueries, run: RunRecord, *, symbol: str | None = None) -> LiveStory:
    """
    Read a run and those that it went on from.

    Raises:
        ConfigError: no bars were kept, several symbols of which none is chosen, or one strategy over several.
        JournalError: the journal cannot be read.
    """
    runs, notes = _chain(journal, run)
    chosen = _choose_symbol(run, symbol)
    interval = Interval.parse(run.interval)
    joined = join_bars(
        [journal.bars(each.run, symbol=chosen, interval=run.interval) for each in runs], interval
    )
    if joined is None:
        raise ConfigError(
            f"The journal {journal.place} holds no bars of {chosen} {run.interval} for run {run.run}, so there "
            f"is nothing to replay. bt-run journal runs shows what it holds."
        )
    facts = _facts(journal, runs, chosen)
    lot_step = float(facts.lot_step) if facts and facts.lot_step else DEFAULT_LOT_STEP
    tags = {str(tag) for each in runs if (tag := journal.state(each.run).get("tag"))}
    orders = read_orders(journal, runs, chosen, facts, joined, tags=frozenset(tags))
    decisions, values = _signals(journal, runs, chosen, joined)
    orders = orders.without_strangers(runs, joined, decisions)
    records = [each for item in runs for each in journal.equity(item.run) if each.symbol == chosen]
    books = journal.state(runs[0].run).get("opening")
    opening = find_opening(books, runs[0], chosen, records=records, orders=orders, joined=joined)
    tradable = joined.tradable.copy()
    tradable[list(orders.acted)] = True
    equity, position = orders.curves(opening, joined)
    return LiveStory(
        runs=runs,
        symbol=chosen,
        quote_asset=facts.quote_asset if facts else "",
        joined=joined,
        tradable=tradable,
        lot_step=lot_step,
        tick=float(facts.tick_size) if facts and facts.tick_size else 0.0,
        rate=usual_rate(orders),
        opening=opening,
        orders=orders,
        side=Side(
            tuple(order for order in orders.orders if order.bar < len(joined.bars) - 1),
            equity,
            position,
            decisions,
            values,
        ),
        records=tuple(records),
        notes=(*notes, *_notes_of(run, chosen, orders, opening)),
    )


def _chain(journal: JournalQueries, last: RunRecord) -> tuple[tuple[RunRecord, ...], list[str]]:
    """
    Follow `resumes` back as long as the same strategy traded the same symbol; tell what changed.

    A run that opened new books, because the exchange was reset, begins a story of its own.
    """
    runs, notes = [last], []
    while (before := runs[0].resumes) is not None and "opening" not in journal.state(runs[0].run):
        earlier = journal.run(before)
        if earlier.run >= runs[0].run or any(
            getattr(earlier, name) != getattr(last, name) for name in ("symbol", "interval", "strategy", "mode")
        ):
            notes.append(f"Run {runs[0].run} goes on from run {before}, which was another; that is left out.")
            break
        runs.insert(0, earlier)
    wanted = ("stake", "stop_loss_pct", "take_profit_pct", "trailing_stop_pct")
    for earlier in runs[:-1]:
        changed = [name for name in wanted if earlier.settings.get(name) != last.settings.get(name)]
        if changed:
            notes.append(
                f"Run {earlier.run} had another {' and '.join(changed)}; all is replayed with that of run "
                f"{last.run}, so sizes and stops may differ."
            )
    return tuple(runs), notes


def _is_shared(run: RunRecord) -> bool:
    return len(run.settings.get("symbols") or ()) > 1


def _choose_symbol(run: RunRecord, wanted: str | None) -> str:
    symbols = [str(each) for each in run.settings.get("symbols") or [run.symbol]]
    if len(symbols) > 1 and run.settings.get("one_strategy"):
        raise ConfigError(
            f"Run {run.run} has one strategy over {len(symbols)} symbols; a backtest has one. "
            f"Parity can compare runs whose strategies have a symbol each."
        )
    if wanted is None and len(symbols) > 1:
        raise ConfigError(f"Run {run.run} trades {', '.join(symbols)}. Choose one with --symbol.")
    chosen = symbols[0] if wanted is None else wanted.upper()
    if chosen not in symbols:
        raise ConfigError(f"Run {run.run} does not trade {chosen}. It trades {', '.join(symbols)}.")
    return chosen


def _facts(journal: JournalQueries, runs: Sequence[RunRecord], symbol: str) -> SymbolRecord | None:
    """Give what the exchange said of the symbol, the newest word."""
    found = [each for run in runs for each in journal.symbols(run.run) if each.symbol == symbol]
    return found[-1] if found else None


def _signals(
    journal: JournalQueries, runs: Sequence[RunRecord], symbol: str, joined: JoinedBars
) -> tuple[dict[int, frozenset[str]], dict[int, Mapping[str, float | None]]]:
    """Take the signals of each bar from the run that it belongs to."""
    place = {int(time): number for number, time in enumerate(joined.bars.open_time)}
    decisions: dict[int, frozenset[str]] = {}
    values: dict[int, Mapping[str, float | None]] = {}
    for number, run in enumerate(runs):
        for record in journal.signals(run.run):
            bar = place.get(record.open_time, -1)
            if record.symbol == symbol and bar >= 0 and joined.owner[bar] == number:
                decisions[bar] = frozenset(record.decisions)
                values[bar] = {name: _number(value) for name, value in record.values.items()}
    return decisions, values


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _notes_of(run: RunRecord, symbol: str, orders: LiveOrders, opening: Opening) -> list[str]:
    notes = []
    if _is_shared(run):
        notes.append(
            f"Several symbols shared one account. {symbol} is replayed alone with all of the cash, so stakes "
            f"in percent differ."
        )
    if run.settings.get("intrabar"):
        notes.append("The run decided inside bars (--intrabar), the backtest decides at their closes.")
    if orders.after_end:
        count = "1 fill" if orders.after_end == 1 else f"{orders.after_end:,} fills"
        notes.append(f"{count} after the last bar: a backtest ends with it, so they are not compared.")
    if opening.is_guess:
        notes.append(f"The journal does not tell the cash at the start; {opening.cash:,.2f} is assumed.")
    if opening.size and any(run.settings.get(f"{name}_pct") for name in ("stop_loss", "trailing_stop")):
        notes.append("The holding from before the run has no stop in the backtest.")
    return notes
