"""The workers of a download: each takes part after part and fetches it, from the archive or over REST."""

from __future__ import annotations

import queue
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bt_run.core.errors import Banned, DataError, ExchangeError
from feeds.fetching.download_plan import days_of, rest_parts

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from bt_run.core.market import Bars
    from feeds.binance_bulk import ArchiveFile, BinanceArchive
    from feeds.binance_rest import BinanceRest
    from feeds.fetching.download_plan import Part, Source

__all__ = ["Arrival", "Arrived", "Done", "Failed", "Remark", "Stopped", "Tick", "Worker"]

_NOT_OUT_YET_MS = 10 * 86_400_000  # a month's file comes on the next month's first Monday


class Stopped(Exception):
    """The download is over; leave the work where it is."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Some bars came, or nothing will for some seconds; for the progress only."""

    bars: int
    waits_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Arrived:
    """All bars of a part, or of a piece of one, are there."""

    part: Part
    pages: Sequence[Bars]
    from_archive: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a part that the user should know."""

    part: Part
    sentence: str


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more will come of a part as it was planned."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A part could not be had; the download ends with this error."""

    error: Exception


Arrival = Tick | Arrived | Remark | Done | Failed


class Worker:
    """
    What every thread of a download runs.

    Args:
        rest: Shared; gives each thread its own client.
        archive: Shared; gives each thread its own connection.
        todo: The parts, all of them, before the first thread starts.
        arrivals: Where everything goes.
        stop: Ends the work between two pages.
        source: With ``bulk`` REST is never asked.
        now_ms: The exchange's present, ms since 1970.

    After the end `unfinished` holds what had come of parts that were not done.
    """

    def __init__(
        self,
        rest: BinanceRest,
        archive: BinanceArchive,
        todo: queue.SimpleQueue[Part],
        arrivals: queue.Queue[Arrival],
        *,
        stop: threading.Event,
        source: Source,
        now_ms: int,
    ) -> None:
        self._rest = rest
        self._archive = archive
        self._todo = todo
        self._arrivals = arrivals
        self._stop = stop
        self._source = source
        self._now_ms = now_ms
        self._archive_is_down = False
        self.unfinished: queue.SimpleQueue[Arrived] = queue.SimpleQueue()

    def run(self) -> None:
        """Fetch parts until there are none, the download ends, or one cannot be had."""
        try:
            while True:
                self._fetch(self._todo.get_nowait())
                self._tell(Done())
        except (queue.Empty, Stopped):
            return
        except Exception as error:  # noqa: BLE001  # a bug, too, must reach the thread that can raise it
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        try:
            self._tell(Failed(error))
        except Stopped:
            return

    def _fetch(self, part: Part) -> None:
        if part.file is None:
            self._over_rest(part)
        else:
            self._from_archive(part, part.file)

    def _over_rest(self, part: Part) -> None:
        for piece in rest_parts(part.name, part.first, part.last):
            pages: list[Bars] = []
            try:
                for page in self._rest.fetch_klines(
                    part.name.symbol, part.name.interval, start=piece.first, end=piece.last
                ):
                    pages.append(page)
                    self._tell(Tick(len(page)))
            except (ExchangeError, Stopped):
                if pages:
                    last = int(pages[-1].open_time[-1])
                    self.unfinished.put(Arrived(replace(piece, last=last), pages))
                raise
            self._tell(Arrived(piece, pages))

    def _from_archive(self, part: Part, file: ArchiveFile) -> None:
        """Take a file, or where it is bad or not there what stands in for it."""
        if self._archive_is_down and self._source == "auto":
            self._over_rest(part)
            return
        try:
            bars = self._archive.fetch(file)
        except DataError as error:
            self._instead(part, f"{error} It failed twice")
            return
        except Banned:
            raise
        except ExchangeError as error:
            if self._source == "bulk":
                raise
            self._archive_is_down = True
            self._instead(part, str(error))
            return
        if bars is None:
            self._not_there(part, file)
            return
        wanted = bars.between(part.first, part.last)
        self._tell(Tick(len(wanted)))
        self._tell(Arrived(part, [wanted], from_archive=True))

    def _instead(self, part: Part, problem: str) -> None:
        if self._source == "bulk":
            self._tell(Remark(part, f"{problem}; left out. --source auto fetches it over REST."))
            return
        self._tell(Remark(part, f"{problem}; REST was asked instead."))
        self._over_rest(part)

    def _not_there(self, part: Part, file: ArchiveFile) -> None:
        """A month that is just over comes as days until its file is out; anything else over REST."""
        is_month = file.last - file.first > _NOT_OUT_YET_MS
        if is_month and file.last + _NOT_OUT_YET_MS > self._now_ms:
            for day in days_of(part, now_ms=self._now_ms):
                self._fetch(day)
        elif self._source != "bulk":
            self._over_rest(part)

    def _tell(self, what: Arrival) -> None:
        while not self._stop.is_set():
            try:
                self._arrivals.put(what, timeout=0.1)
            except queue.Full:
                continue
            return
        raise Stopped
