"""
Download what the store misses: plan, fetch in threads under one weight budget, store each part as it arrives.

Workers fetch; the calling thread alone writes. Whatever ends a download, what was written is true, and the next
one goes on from there. Bars that closed less than a minute ago are stored but not counted as covered, because
Binance may still correct them: the next download asks for them again.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.clock import iso_utc
from bt_run.core.errors import ExchangeError
from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.core.venue import find_venue
from feeds.binance_bulk import BinanceArchive
from feeds.binance_rest import PAGE_BARS, BinanceRest
from feeds.download_plan import Source, estimate_bars, plan
from feeds.download_work import Arrived, Done, Failed, Remark, Stopped, Tick, Worker
from feeds.resample import bar_bounds
from feeds.series import SeriesName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bt_run.core.interval import Interval
    from bt_run.core.venue import Market, Venue
    from feeds.download_plan import Part
    from feeds.store import Store

    Range = tuple[int, int]

__all__ = ["Outcome", "Progress", "download", "ensure"]

_THREADS = 4
_SETTLED_MS = 60_000
_MANY_PAGES = 500
_JOIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is: bars so far, and the estimated total, which may be wrong by gaps."""

    bars: int
    total: int


@dataclass(slots=True)
class Outcome:
    """
    What a download did for one series.

    `new` counts bars that the store did not have; `rest` and `bulk` what came from where. `first_bar` is the
    series' very first open time, where it was asked for. `notes` are sentences for the user.
    """

    name: SeriesName
    new: int = 0
    rest: int = 0
    bulk: int = 0
    first_bar: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Where the bars came from: ``archive``, ``REST``, both, or nothing."""
        return " and ".join(word for word, bars in (("archive", self.bulk), ("REST", self.rest)) if bars)

    def note(self, sentence: str) -> None:
        """Add a sentence, once."""
        if sentence not in self.notes:
            self.notes = (*self.notes, sentence)


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
) -> list[Outcome]:
    """
    Fetch what the store misses of some series, several at once, all of one market.

    Args:
        store: Where to read what is there and to write what comes.
        names: The series.
        start: Open time of the first bar wanted, ms since 1970 UTC; 0 for the very first.
        end: Open time of the last, inclusive; None for the last that has closed.
        venue: Where to ask; ``data`` by default, with the overrides of the environment.
        source: ``auto`` takes the archive for closed months and days and REST for the rest.
        progress: Called in this thread as bars arrive.
        threads: How many requests run at once.
        clock: Gives our time in seconds; it may be wrong, the exchange's counts.
        sleep: Waits some seconds; by default a wait that the end of the download cuts short.

    Returns:
        One outcome a series, in order.

    Raises:
        ExchangeError: the exchange refused or could not be reached, after attempts; what came before is stored.
        UnknownSymbol: no such market.
        ConfigError, DataError: from the store.
    """
    outcomes = [Outcome(name) for name in names]
    if end is not None and not any(_missing(store, name, start, end) for name in names):
        return outcomes
    place = venue or find_venue("data")
    run = _Run(store, place, market=names[0].market, source=source, clock=clock, sleep=sleep)
    parts: list[Part] = []
    for outcome in outcomes:
        parts += run.prepare(outcome, start, end)
    run.carry_out(outcomes, parts, progress=progress, threads=threads)
    return outcomes


def _missing(store: Store, name: SeriesName, start: int, end: int) -> list[Range]:
    return store.missing(name.symbol, name.interval, market=name.market, start=start, end=end)


class _Run:
    """One download while it runs: what its steps share."""

    def __init__(
        self,
        store: Store,
        venue: Venue,
        *,
        market: Market,
        source: Source,
        clock: Callable[[], float],
        sleep: Callable[[float], object] | None,
    ) -> None:
        self.store = store
        self.source = source
        self._clock = clock
        self._stop = threading.Event()
        self._given_sleep = sleep
        self.rest = BinanceRest(venue, market=market, clock=clock, sleep=self._sleep)
        self.archive = BinanceArchive(venue, sleep=self._sleep)
        self.now_ms = self.rest.server_time() if source != "bulk" else round(clock() * 1000)

    def prepare(self, outcome: Outcome, start: int, end: int | None) -> list[Part]:
        """Plan one series: from its first bar on, up to the last bar that has closed."""
        name = outcome.name
        last = self._last_open(name.interval, self.now_ms)
        if end is not None and end < last:
            last = end
        ranges = _missing(self.store, name, start, last) if start <= last else []
        if ranges and ranges[0][0] == start and self.source != "bulk":
            ranges = self._from_listing(outcome, ranges)
        if self.source != "bulk" and sum(estimate_bars(name, *one) for one in ranges) > self._many():
            self.rest.fetch_exchange_info(name.symbol)
        parts = plan(name, ranges, now_ms=self.now_ms, source=self.source)
        if self.source == "bulk" and ranges and (not parts or parts[-1].last < ranges[-1][1]):
            after = iso_utc(parts[-1].last + 1 if parts else ranges[0][0])
            outcome.note(
                f"{name}: the archive has nothing from {after} on yet; --source auto fetches that too."
            )
        return parts

    def carry_out(
        self,
        outcomes: Sequence[Outcome],
        parts: Sequence[Part],
        *,
        progress: Callable[[Progress], None] | None,
        threads: int,
    ) -> None:
        """Fetch all parts in threads and write them here, each as it arrives."""
        by_name = {outcome.name: outcome for outcome in outcomes}
        todo: queue.SimpleQueue[Part] = queue.SimpleQueue()
        for part in parts:
            todo.put(part)
        arrivals: queue.Queue[Tick | Arrived | Remark | Done | Failed] = queue.Queue(maxsize=4 * threads)
        worker = Worker(
            self.rest,
            self.archive,
            todo,
            arrivals,
            stop=self._stop,
            source=self.source,
            now_ms=self.now_ms,
        )
        crew = [threading.Thread(target=worker.run, daemon=True) for _ in range(min(threads, len(parts)))]
        for thread in crew:
            thread.start()
        try:
            total = sum(part.bars for part in parts)
            self._collect(by_name, arrivals, left=len(parts), total=total, progress=progress)
        except (ExchangeError, KeyboardInterrupt):
            self._dismiss(crew)
            self._keep_what_came(by_name, arrivals, worker)
            raise
        finally:
            self._dismiss(crew)

    def _dismiss(self, crew: Sequence[threading.Thread]) -> None:
        """End the threads; one that waits for an answer is left behind, it can do no harm."""
        self._stop.set()
        until = time.monotonic() + _JOIN_S
        for thread in crew:
            thread.join(max(0.0, until - time.monotonic()))

    def _collect(
        self,
        by_name: dict[SeriesName, Outcome],
        arrivals: queue.Queue[Tick | Arrived | Remark | Done | Failed],
        *,
        left: int,
        total: int,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        done = 0
        while left:
            arrival = arrivals.get()
            if isinstance(arrival, Failed):
                raise arrival.error
            if isinstance(arrival, Done):
                left -= 1
            elif isinstance(arrival, Tick):
                done += arrival.bars
                if progress is not None:
                    progress(Progress(done, max(total, done)))
            elif isinstance(arrival, Remark):
                by_name[arrival.part.name].note(f"{arrival.part.name}: {arrival.sentence}")
            else:
                self._keep(by_name[arrival.part.name], arrival)

    def _keep_what_came(
        self,
        by_name: dict[SeriesName, Outcome],
        arrivals: queue.Queue[Tick | Arrived | Remark | Done | Failed],
        worker: Worker,
    ) -> None:
        """Write what the threads had fetched when the download broke off."""
        for waiting in (arrivals, worker.unfinished):
            while not waiting.empty():
                arrival = waiting.get()
                if isinstance(arrival, Arrived):
                    self._keep(by_name[arrival.part.name], arrival)

    def _keep(self, outcome: Outcome, arrived: Arrived) -> None:
        """Write one part, and cover it as far as its bars have settled."""
        name, part = arrived.part.name, arrived.part
        bars = _joined(arrived.pages)
        settled = self._last_open(name.interval, self._present() - _SETTLED_MS)
        covers = (part.first, min(part.last, settled))
        came_from = "bulk" if arrived.from_archive else "rest"
        outcome.new += self.store.write(
            name.symbol, name.interval, bars, market=name.market, covers=covers, source=came_from
        )
        if arrived.from_archive:
            outcome.bulk += len(bars)
        else:
            outcome.rest += len(bars)

    def _present(self) -> int:
        """Give the exchange's present, or ours where REST is not asked."""
        return self.rest.now_ms() if self.source != "bulk" else round(self._clock() * 1000)

    def _from_listing(self, outcome: Outcome, ranges: list[Range]) -> list[Range]:
        """Leave out what lies before the first bar, and remember in the store that there is nothing."""
        name = outcome.name
        first = self.rest.find_first_bar(name.symbol, name.interval)
        outcome.first_bar = first
        start, end = ranges[0][0], ranges[-1][1]
        if first is None:
            outcome.note(f"{name} is listed, but has no bars yet.")
            return []
        if first <= start:
            return ranges
        if start > 0:
            outcome.note(f"{name} begins at {iso_utc(first)}; there is nothing before.")
        self.store.write(
            name.symbol, name.interval, _joined([]), market=name.market, covers=(start, min(first - 1, end))
        )
        return [(max(one, first), other) for one, other in ranges if other >= first]

    def _many(self) -> int:
        return _MANY_PAGES * PAGE_BARS[self.rest.market]

    def _last_open(self, interval: Interval, now_ms: int) -> int:
        """Give the last ms in which a bar could open that has closed by now."""
        opens, _ = bar_bounds(np.array([now_ms], dtype=np.int64), interval)
        return int(opens[0]) - 1

    def _sleep(self, seconds: float) -> None:
        if self._given_sleep is not None:
            self._given_sleep(seconds)
        elif self._stop.wait(seconds):
            raise Stopped


def _joined(pages: Sequence[Bars]) -> Bars:
    if len(pages) == 1:
        return pages[0]
    if not pages:
        return Bars.of([], **{name: [] for name in BAR_COLUMNS[1:]})
    return Bars(*(np.concatenate([getattr(page, name) for page in pages]) for name in BAR_COLUMNS))
