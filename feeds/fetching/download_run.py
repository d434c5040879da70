"""One download while it runs: who fetches, who writes, and what is kept when it breaks off."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError, ExchangeError
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.binance_bulk import BinanceArchive, has_archive
from feeds.binance_rest import PAGE_BARS, BinanceRest
from feeds.fetching.download_plan import estimate_bars, plan
from feeds.fetching.download_work import Arrived, Done, Failed, Remark, Stopped, Tick, Worker
from feeds.resample import bar_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bt_run.core.interval import Interval
    from bt_run.core.venue import Market, Venue
    from feeds.fetching.download_plan import Part, Source
    from feeds.fetching.download_work import Arrival
    from feeds.storage.series import SeriesName
    from feeds.store import Store

    Range = tuple[int, int]

__all__ = ["Outcome", "Progress", "Run"]

_CREW = 4
_SETTLED_MS = 60_000
_MANY_PAGES = 500
_JOIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a download is: bars so far, and the estimated total, which may be wrong by gaps.

    With `waits_s` > 0 it stands still for so many seconds: the exchange's limit, or a broken connection.
    """

    bars: int
    total: int
    waits_s: float = 0.0


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


def _missing(store: Store, name: SeriesName, start: int, end: int) -> list[Range]:
    return store.missing(name.symbol, name.interval, market=name.market, start=start, end=end)


class Run:
    """
    One download while it runs: the plan, the threads, and the writing of what they bring.

    Args: as `feeds.download.download`.
    """

    def __init__(
        self,
        store: Store,
        venue: Venue,
        *,
        market: Market,
        source: Source,
        clock: Callable[[], float],
        sleep: Callable[[float], object] | None,
        practice_too: bool,
    ) -> None:
        self.store = store
        self.source: Source = "rest" if source == "auto" and not has_archive(venue, market) else source
        self._clock = clock
        self._stop = threading.Event()
        self._given_sleep = sleep
        self._arrivals: queue.Queue[Arrival] = queue.Queue(maxsize=4 * _CREW)
        self.rest = BinanceRest(venue, market=market, clock=clock, sleep=self._sleep)
        self.archive = BinanceArchive(venue, sleep=self._sleep)
        self.now_ms = self.rest.server_time() if source != "bulk" else round(clock() * 1000)
        if self.rest.is_practice and not practice_too:
            raise ConfigError(
                f"{self.rest.url} is a practice exchange, and the store is for bars of the real market. "
                f"Give a store of its own with --store, or a file with --out."
            )

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
        worker = Worker(
            self.rest,
            self.archive,
            todo,
            self._arrivals,
            stop=self._stop,
            source=self.source,
            now_ms=self.now_ms,
        )
        crew = [threading.Thread(target=worker.run, daemon=True) for _ in range(min(threads, len(parts)))]
        for thread in crew:
            thread.start()
        try:
            total = sum(part.bars for part in parts)
            self._collect(by_name, left=len(parts), total=total, progress=progress)
        except (ExchangeError, KeyboardInterrupt):
            self._dismiss(crew)
            self._keep_what_came(by_name, worker)
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
        *,
        left: int,
        total: int,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        done = 0
        while left:
            arrival = self._arrivals.get()
            if isinstance(arrival, Failed):
                raise arrival.error
            if isinstance(arrival, Done):
                left -= 1
            elif isinstance(arrival, Tick):
                done += arrival.bars
                if progress is not None:
                    progress(Progress(done, max(total, done), arrival.waits_s))
            elif isinstance(arrival, Remark):
                by_name[arrival.part.name].note(f"{arrival.part.name}: {arrival.sentence}")
            else:
                self._keep(by_name[arrival.part.name], arrival)

    def _keep_what_came(self, by_name: dict[SeriesName, Outcome], worker: Worker) -> None:
        """Write what the threads had fetched when the download broke off."""
        for waiting in (self._arrivals, worker.unfinished):
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
        with suppress(queue.Full):
            self._arrivals.put_nowait(Tick(0, seconds))
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
