"""When a kline stream sends what: updates on a beat, and each bar's last frame exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bt_run.core.interval import Interval
from bt_run.practice.market.futures_payloads import continuous_kline_frame, futures_kline_frame
from bt_run.practice.market.grid import bounds
from bt_run.practice.market.market_payloads import kline_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bt_run.practice.events import Kline
    from bt_run.practice.exchange import Exchange
    from bt_run.practice.market import Market
    from bt_run.practice.sockets.hub import Hub
    from bt_run.practice.sockets.stream_name import Family, Kind, StreamName

__all__ = ["KlineStreams"]

_KINDS: tuple[tuple[Family, Kind], ...] = (
    ("spot", "kline"),
    ("futures", "kline"),
    ("futures", "continuousKline"),
)
_PAGE = 1000


@dataclass(slots=True)
class _Place:
    """
    Where a stream stands: bars that opened before `next_open` are told; `updated` is when it last sent.

    `updated` in ms of the exchange, `sent_at` in real seconds.
    """

    next_open: int
    bar_end: int
    updated: int
    sent_at: float = float("-inf")


class KlineStreams:
    """
    Sends klines.

    A bar's last frame (``x:true``) goes out at the moment of its close, before anything of the next bar and
    before the clock can be held there, in order, one for each bar, with the values that GET klines has. A
    gap in the data has no bars, and nothing is sent in it.

    Updates go out every `every_ms` of the exchange's time, changed or not, but at most `updates_per_s` times
    a second of real time, so that a fast exchange floods nobody.

    Args:
        exchange: Whose markets.
        hub: Who listens.
        updates_per_s: See above; closed bars are not counted.
        clock: Real seconds.
    """

    def __init__(
        self, exchange: Exchange, hub: Hub, *, updates_per_s: float, clock: Callable[[], float]
    ) -> None:
        self._exchange = exchange
        self._hub = hub
        self._pause_s = 1.0 / updates_per_s
        self._clock = clock
        self._places: dict[StreamName, _Place] = {}
        hub.watch(self._open, self._forget)

    def on_print(self, symbol: str) -> None:
        """Close what ended before the print that has just happened; of bars that are not made of whole ones."""
        for stream, market in self._streams(symbol):
            if not _of_whole_bars(market.interval, stream):
                self._catch_up(stream, market)

    def on_close(self, kline: Kline) -> None:
        """Close the bar that has just ended, and all that end with it."""
        for stream, market in self._streams(kline.symbol):
            if not _of_whole_bars(market.interval, stream):
                self._catch_up(stream, market)
                continue
            own = Interval.parse(stream.interval) == market.interval and not stream.zone_ms
            closed = kline if own else market.closed_with(kline, stream.interval, offset_ms=stream.zone_ms)
            if closed is not None:
                self._tell_closed(stream, closed)

    def tick(self) -> None:
        """Send the updates that are due; called several times a second."""
        for symbol in self._exchange.markets:
            for stream, market in self._streams(symbol):
                if not _of_whole_bars(market.interval, stream):
                    self._catch_up(stream, market)
                self._update(stream, market)

    def _streams(self, symbol: str) -> Iterator[tuple[StreamName, Market]]:
        market = self._exchange.markets[symbol]
        for family, kind in _KINDS:
            for stream in self._hub.streams(family, kind, symbol):
                yield stream, market

    def _open(self, stream: StreamName) -> None:
        """Begin a stream with the bar in progress, its first update at once."""
        market = self._exchange.markets.get(stream.symbol)
        if market is None or not stream.interval:
            return
        now = self._exchange.now
        first, end = _bounds(stream, now)
        forming = market.forming(stream.interval, now, offset_ms=stream.zone_ms)
        begun = first if forming is None else forming.open_time
        self._places[stream] = _Place(begun, end, now - stream.every_ms)

    def _forget(self, stream: StreamName) -> None:
        self._places.pop(stream, None)

    def _update(self, stream: StreamName, market: Market) -> None:
        place, now, real = self._places[stream], self._exchange.now, self._clock()
        since = now - place.updated
        if since < stream.every_ms or real - place.sent_at < self._pause_s:
            return
        place.updated += since // stream.every_ms * stream.every_ms
        forming = market.forming(stream.interval, now, offset_ms=stream.zone_ms)
        if forming is not None and forming.open_time >= place.next_open:
            place.sent_at = real
            self._hub.publish(stream, _payload(stream, forming, now, closed=False))

    def _catch_up(self, stream: StreamName, market: Market) -> None:
        """Tell the bars that ended since the last look, where no close of the data says that they did."""
        place, now = self._places[stream], self._exchange.now
        if now < place.bar_end:
            return
        while True:
            rows = market.klines(
                stream.interval,
                start=place.next_open, end=now, limit=_PAGE, now=now, offset_ms=stream.zone_ms,
            )  # fmt: skip
            for kline in rows:
                if kline.close_time < now:
                    self._tell_closed(stream, kline)
            if len(rows) < _PAGE:
                break
        _, place.bar_end = _bounds(stream, now)

    def _tell_closed(self, stream: StreamName, kline: Kline) -> None:
        place = self._places[stream]
        if kline.open_time < place.next_open:
            return
        place.next_open = kline.close_time + 1
        self._hub.publish(stream, _payload(stream, kline, self._exchange.now, closed=True), closes_bar=True)


def _payload(stream: StreamName, kline: Kline, now: int, *, closed: bool) -> dict[str, Any]:
    if stream.kind == "continuousKline":
        return continuous_kline_frame(kline, closed, now)
    write = kline_frame if stream.family == "spot" else futures_kline_frame
    return write(kline, closed, now)


@lru_cache(maxsize=1024)
def _of_whole_bars(base: Interval, stream: StreamName) -> bool:
    """Tell whether a stream's bars consist of whole bars of the data, so that they close together."""
    wanted = Interval.parse(stream.interval)
    base_ms, wanted_ms = base.milliseconds, wanted.milliseconds
    if base_ms is None:
        return wanted == base and not stream.zone_ms
    if stream.zone_ms % base_ms:
        return False
    if wanted_ms is None or wanted.unit == "w" or wanted_ms % 86_400_000 == 0:
        return 86_400_000 % base_ms == 0 or (wanted == base and not stream.zone_ms)
    return wanted_ms % base_ms == 0


def _bounds(stream: StreamName, now: int) -> tuple[int, int]:
    return bounds(Interval.parse(stream.interval), now, stream.zone_ms)
