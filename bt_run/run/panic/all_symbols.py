"""Panic over all symbols of a venue: what there is to end, and ending it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError, ExchangeError
from bt_run.run.live.books import ENDED_BY_PANIC
from bt_run.run.live.plan import REPLAY
from bt_run.run.panic.books import newest_runs, symbols_in_play
from bt_run.run.panic.one_symbol import PATIENCE_S, panic_symbol
from bt_run.run.verbs import hold_entries, trades

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from brokers.gateway import Gateway
    from bt_run.journal.journal import Journal
    from bt_run.journal.queries import JournalQueries
    from bt_run.run.panic.report import PanicReport

__all__ = ["NothingTraded", "PanicTarget", "close_all", "find_target"]


class NothingTraded(ConfigError):
    """No run in the journal sent orders to an exchange."""


@dataclass(frozen=True, slots=True)
class PanicTarget:
    """What is to be ended: symbols of a venue; none where the journal has nothing open and nothing held."""

    venue: str
    symbols: tuple[str, ...]


def find_target(journal: JournalQueries, *, symbol: str | None = None, venue: str | None = None) -> PanicTarget:
    """
    Find what there is to end: at the venue of the newest run that traded, unless one is named.

    A symbol that is named is looked at whether or not the journal has anything of it.
    Raises NothingTraded where no run did there: paper runs leave nothing at an exchange, and the exchange of a
    replay ends with its run.
    """
    last = journal.last_run(venue=venue, mode="live")
    if last is None:
        where = f" at {venue}" if venue else ""
        raise NothingTraded(
            f"No run in the journal {journal.place} has traded{where}, so nothing of ours is at an exchange."
        )
    if replayed := last.settings.get(REPLAY):
        raise NothingTraded(
            f"In the journal {journal.place} run {last.run} replayed {replayed} on an exchange of its own that "
            f"ended with it, so nothing of ours is at an exchange."
        )
    symbols = (symbol,) if symbol else tuple(symbols_in_play(journal, venue=last.venue))
    return PanicTarget(last.venue, symbols)


def close_all(
    journal: Journal,
    gateway: Gateway,
    target: PanicTarget,
    *,
    patience_s: float = PATIENCE_S,
    tell: Callable[[str], object] = lambda sentence: None,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> tuple[tuple[PanicReport, ...], tuple[str, ...]]:
    """
    Cancel and close all symbols, each for `patience_s` at most; the next start begins paused.

    For a bot that was told to panic too: after its strategy was stopped, in the thread that owns the journal.

    Returns:
        A report a symbol, and a sentence for each symbol that could not even be begun.

    Raises:
        JournalError: nothing more was sent.
    """
    hold_entries(journal, "since bt-run panic", venue=target.venue)
    reports, failures = [], []
    for number, symbol in enumerate(target.symbols):
        try:
            report = panic_symbol(
                journal,
                gateway,
                symbol,
                venue=target.venue,
                run=_run_for(journal, target.venue, symbol),
                salt=os.getpid() + number,
                patience_s=patience_s,
                tell=tell,
            )
        except ExchangeError as error:
            failures.append(f"{symbol}: NOTHING WAS DONE. {error}")
        else:
            reports.append(report)
    _end_runs(journal, target.venue, reports, now_ms())
    return tuple(reports), tuple(failures)


def _run_for(journal: JournalQueries, venue: str, symbol: str) -> int:
    """Choose the run that new orders belong to: the newest of the symbol that a start would go on from."""
    runs = newest_runs(journal, venue=venue, mode="live")
    mine = [run for run in runs if trades(run, symbol)]
    return max(run.run for run in mine or runs)


def _end_runs(journal: Journal, venue: str, reports: Sequence[PanicReport], now_ms: int) -> None:
    """Write how runs ended that had no end; a killed run has none."""
    is_done = all(report.is_done for report in reports)
    for run in journal.runs():
        if (run.venue, run.mode, run.ended_ms) == (venue, "live", None):
            outcome = f"{ENDED_BY_PANIC}{'closed' if is_done else 'not done'}"
            journal.end_run(run.run, ended_ms=max(now_ms, run.started_ms), outcome=outcome)
