"""
Download what the store misses: plan, fetch in threads under one weight budget, store each part as it arrives.

Workers fetch; the calling thread alone writes. Whatever ends a download, what was written is true, and the next
one goes on from there. Bars that closed less than a minute ago are stored but not counted as covered, because
Binance may still correct them: the next download asks for them again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bt_run.core.venue import find_venue
from feeds.fetching.download_run import Outcome, Progress, Run
from feeds.storage.series import SeriesName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bt_run.core.interval import Interval
    from bt_run.core.venue import Market, Venue
    from feeds.fetching.download_plan import Part, Source
    from feeds.store import Store

__all__ = ["Outcome", "Progress", "download", "ensure"]

_THREADS = 4


def ensure(
    store: Store,
    symbol: str,
    interval: Interval,
    *,
    market: Market = "spot",
    start: int,
    end: int | None = None,
    venue: Venue | None = None,
    source: Source = "auto",
    progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] | None = None,
) -> Outcome:
    """
    Fetch what the store misses of one series; nothing is asked where a past range is covered already.

    Args and errors as `download`.
    """
    return download(
        store,
        [SeriesName(symbol, interval, market)],
        start=start,
        end=end,
        venue=venue,
        source=source,
        progress=progress,
        clock=clock,
        sleep=sleep,
    )[0]


def download(
    store: Store,
    names: Sequence[SeriesName],
    *,
    start: int,
    end: int | None = None,
    venue: Venue | None = None,
    source: Source = "auto",
    progress: Callable[[Progress], None] | None = None,
    threads: int = _THREADS,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] | None = None,
    practice_too: bool = False,
) -> list[Outcome]:
    """
    Fetch what the store misses of some series, several at once, all of one market.

    Args:
        store: Where to read what is there and to write what comes.
        names: The series.
        start: Open time of the first bar wanted, ms since 1970 UTC; 0 for the very first.
        end: Open time of the last, inclusive; None for the last that has closed.
        venue: Where to ask; ``data`` by default, with the overrides of the environment.
        source: ``auto`` takes the archive for closed months and days and REST for the rest, or REST alone
            where the venue has no archive of its own (the testnet, or a host out of the environment).
        progress: Called in this thread as bars arrive.
        threads: How many requests run at once.
        clock: Gives our time in seconds; it may be wrong, the exchange's counts.
        sleep: Waits some seconds; by default a wait that the end of the download cuts short.
        practice_too: Whether the store may take bars of a practice exchange, which are not the market's.

    Returns:
        One outcome a series, in order.

    Raises:
        ExchangeError: the exchange refused or could not be reached, after attempts; what came before is stored.
        UnknownSymbol: no such market.
        ConfigError, DataError: from the store.
    """
    outcomes = [Outcome(name) for name in names]
    if end is not None and not any(
        store.missing(name.symbol, name.interval, market=name.market, start=start, end=end) for name in names
    ):
        return outcomes
    place = venue or find_venue("data")
    run = Run(
        store, place, market=names[0].market, source=source, clock=clock, sleep=sleep, practice_too=practice_too
    )
    parts: list[Part] = []
    for outcome in outcomes:
        parts += run.prepare(outcome, start, end)
    run.carry_out(outcomes, parts, progress=progress, threads=threads)
    return outcomes
