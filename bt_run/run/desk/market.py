"""The market desk: series that somebody looks at, kept up to date by one thread, told to one listener."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.background import BackgroundLoop, Bell
from bt_run.core.errors import ConfigError
from bt_run.core.interval import BINANCE_INTERVALS, Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.run.desk.series import Series, SeriesKey
from bt_run.run.desk.tape import Tape
from feeds.binance_rest import BinanceRest
from feeds.live.channel import Channel
from feeds.live.grid import Grid
from feeds.live.hub import LiveHub
from feeds.live.outcomes import Absence, Delivery, Failure, Forming, Phase, Rules, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.venue import Venue
    from feeds.live.outcomes import Row
    from feeds.live.status import LiveStatus

__all__ = ["HISTORY", "Change", "MarketDesk", "Watched"]

HISTORY = 1_000
"""Closed bars that a series begins with."""

_WAIT_S = 0.5
_CHUNK = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """
    What happened to a series: bars that closed, a state of the open bar, another phase, or an error.

    `again` says that what a listener holds is to be thrown away and read anew.
    """

    key: SeriesKey
    closed: tuple[Row, ...] = ()
    forming: Row | None = None
    phase: Phase | None = None
    error: str = ""
    again: bool = False


@dataclass(slots=True)
class Watched:
    """A series with its wire and the number of those who look at it."""

    series: Series
    channel: Channel
    lookers: int = 0
    error: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class MarketDesk:
    """
    Market data of one venue.

    `look` and `leave` count who looks at a series; the last one who leaves closes its stream. Series are read
    under their lock. `listener` is called in the desk's own thread, and must not wait.

    Args:
        venue: Where.
        listener: Gets each change.
        history: How many closed bars a series begins with.
        rules: The times of the feeds.
    """

    def __init__(
        self,
        venue: Venue,
        listener: Callable[[Change], object],
        *,
        history: int = HISTORY,
        rules: Rules | None = None,
    ) -> None:
        self.venue = venue
        self._listener = listener
        self._history = history
        self._rules = rules or Rules()
        self._bell = Bell()
        self._background = BackgroundLoop("bt-run desk")
        self._hub = LiveHub(venue, background=self._background)
        self._rest = BinanceRest(venue)
        self.tape = Tape(venue, self._background, fetch_quote=self._rest.fetch_ticker)
        self._watched: dict[SeriesKey, Watched] = {}
        self._lock = threading.Lock()
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._pump, name="bt-run desk pump", daemon=True)

    def start(self) -> MarketDesk:
        """Begin; gives itself."""
        self._background.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """End all streams and the thread."""
        self._quit.set()
        self._bell.ring()
        self._thread.join(5.0)
        self._rest.close()
        self._background.stop(limit_s=3.0)

    def look(self, key: SeriesKey) -> Watched:
        """
        Begin to look at a series, or join those who do. Raises ConfigError for an interval that does not exist.
        """
        if key.interval not in BINANCE_INTERVALS:
            raise ConfigError(
                f"{key.interval!r} is not an interval. Choose one of {', '.join(BINANCE_INTERVALS)}."
            )
        with self._lock:
            found = self._watched.get(key)
            is_new = found is None
            if found is None:
                channel = Channel(
                    key.symbol,
                    Interval.parse(key.interval),
                    market="spot",
                    history=self._history,
                    rules=self._rules,
                    forming=True,
                    bell=self._bell,
                )
                found = self._watched[key] = Watched(Series(key), channel)
            found.lookers += 1
        if is_new:
            self._hub.join(found.channel)
        return found

    def leave(self, key: SeriesKey) -> None:
        """Look at a series no longer."""
        with self._lock:
            found = self._watched.get(key)
            if found is None:
                return
            found.lookers -= 1
            if found.lookers > 0:
                return
            del self._watched[key]
        self._hub.leave(found.channel)

    def find(self, key: SeriesKey) -> Watched | None:
        """Give a series that somebody looks at."""
        with self._lock:
            return self._watched.get(key)

    def status(self, watched: Watched) -> LiveStatus:
        """Tell how its stream is."""
        return self._hub.status_of(watched.channel)

    def now_ms(self) -> int:
        """Give the exchange's time."""
        return self._hub.now_ms()

    def load_older(self, key: SeriesKey, *, count: int = _CHUNK) -> int:
        """
        Fetch closed bars before the oldest and put them in front; gives how many came. Waits for the network.

        Raises:
            ExchangeError: the exchange did not answer, or refused.
        """
        watched = self.find(key)
        if watched is None or watched.series.first_open is None:
            return 0
        end = watched.series.first_open - 1
        start = watched.channel.grid.back(watched.series.first_open, count)
        pages = list(self._rest.fetch_klines(key.symbol, Interval.parse(key.interval), start=start, end=end))
        put = 0
        with watched.lock:
            for page in reversed(pages):
                put += watched.series.put_in_front(page)
        return put

    def fetch(self, symbol: str, interval: Interval, *, limit: int, end: int | None = None) -> Bars:
        """
        Fetch the newest closed bars up to an open time, at most `limit` (>= 1). Waits for the network.

        Raises:
            ExchangeError: the exchange did not answer, or refused; UnknownSymbol for a symbol that it has not.
        """
        grid = Grid(interval)
        last = self._rest.now_ms() if end is None else end
        start = grid.back(grid.open_of(last), limit)
        pages = list(self._rest.fetch_klines(symbol, interval, start=max(0, start), end=last))
        if not pages:
            return Bars.of([], **dict.fromkeys(BAR_COLUMNS[1:], ()))
        times, *values = (np.concatenate([getattr(page, name) for page in pages]) for name in BAR_COLUMNS)
        return Bars.of(times, **dict(zip(BAR_COLUMNS[1:], values, strict=True)))[-limit:]

    def fetch_symbols(self) -> tuple[str, ...]:
        """Ask for the names of all symbols that are traded, sorted. Raises ExchangeError."""
        told = self._rest.fetch_exchange_info()
        return tuple(sorted(item["symbol"] for item in told["symbols"] if item.get("status") == "TRADING"))

    def _pump(self) -> None:
        while not self._quit.is_set():
            self._bell.wait(_WAIT_S)
            with self._lock:
                all_watched = list(self._watched.items())
            for key, watched in all_watched:
                for change in self._turn(key, watched):
                    self._listener(change)

    def _turn(self, key: SeriesKey, watched: Watched) -> list[Change]:
        queue, changes = watched.channel.queue, []
        while queue:
            item = queue.popleft()
            with watched.lock:
                changes.append(_take(key, watched, item))
        return [change for change in changes if change is not None]


def _take(key: SeriesKey, watched: Watched, item: object) -> Change | None:
    """Put what came into the series; gives what a listener should know."""
    series = watched.series
    if isinstance(item, Delivery):
        was_ready = series.is_ready
        series.close(item.rows)
        return Change(key, closed=item.rows, again=not was_ready)
    if isinstance(item, Forming):
        series.form(item.row)
        return Change(key, forming=item.row)
    if isinstance(item, Turn):
        series.phase = item.phase
        return Change(key, phase=item.phase)
    if isinstance(item, Failure):
        watched.error = str(item.error)
        return Change(key, error=watched.error)
    return Change(key, again=True) if isinstance(item, Absence) else None
