"""Trades and liquidations of futures, live: a connection beside that of the bars, read into order flow."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from bt_run.core.errors import FrameError
from feeds.order_flow import FLOW_KINDS, FlowBook
from feeds.stream import MarketStream
from feeds.wire.messages import AggTrade
from feeds.wire.stream_events import Connected, Disconnected, Frame
from feeds.wire.stream_names import stream_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bt_run.core.background import BackgroundLoop, Bell
    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars
    from bt_run.core.stream_policy import StreamPolicy
    from bt_run.core.venue import Venue
    from feeds.wire.stream_events import StreamEvent

__all__ = ["FlowListener"]

_log = logging.getLogger(__name__)

_PATIENCE_S = 0.5
_LOOK_S = 0.01


class FlowListener:
    """
    Listens to aggregate trades and liquidations of some symbols of USD-M futures.

    The connection lives in the background thread; the books are filled and read in the thread that calls
    `join`. When listening began and ended is told by the messages' own times, so that a replayed market works
    too: aggregate trades come all the time, and prove that somebody listens when no liquidation does.

    Args:
        venue: Where.
        symbols: Of the books.
        interval: Of their bars.
        counts_trades: Whether the trades are those of the bars; False for bars of spot, whose own taker buy
            volume then tells true and false volume, and which wait for nothing.
        policy: The times of the connection.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        venue: Venue,
        symbols: Sequence[str],
        interval: Interval,
        *,
        counts_trades: bool = True,
        policy: StreamPolicy | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        names = [stream_name(symbol, kind, market="futures") for symbol in symbols for kind in FLOW_KINDS]
        self.books = {symbol: FlowBook(symbol, interval) for symbol in symbols}
        self._stream_args = (venue, names)
        self._counts_trades = counts_trades
        self._policy = policy
        self._sleep = sleep
        self._events: deque[StreamEvent] = deque()
        self._is_open = False
        self._last_ms: int | None = None

    @property
    def waiting(self) -> int:
        """Give how many events were heard and not read yet."""
        return len(self._events)

    def start(self, background: BackgroundLoop, bell: Bell) -> None:
        """Connect, and stay connected until the background thread ends; `bell` rings where that fails."""
        background.submit(self._listen()).add_done_callback(lambda done: bell.ring())

    def join(self, symbol: str, bars: Bars) -> Bars:
        """
        Give closed bars of a symbol with their order flow.

        Waits up to half a second until the trades of the last bar are all there: they come over a connection of
        their own, and may be a moment behind the bar.
        """
        book = self.books[symbol]
        until = time.monotonic() + _PATIENCE_S
        self._digest()
        while self._counts_trades and self._is_open and not book.is_whole(bars) and time.monotonic() < until:
            self._sleep(_LOOK_S)
            self._digest()
        return bars.with_flow(book.flow_of(bars))

    async def _listen(self) -> None:
        venue, names = self._stream_args
        async with MarketStream(venue, names, market="futures", policy=self._policy) as stream:
            async for event in stream:
                self._events.append(event)

    # In the thread of the books.

    def _digest(self) -> None:
        events = self._events
        while events:
            self._take(events.popleft())

    def _take(self, event: StreamEvent) -> None:
        if isinstance(event, Connected):
            self._is_open = True
        elif isinstance(event, Disconnected):
            self._is_open = False
            if self._last_ms is not None:
                for book in self.books.values():
                    book.disconnected(self._last_ms)
        elif isinstance(event, Frame):
            self._read(event)

    def _read(self, frame: Frame) -> None:
        try:
            messages = frame.messages()
        except FrameError as error:
            _log.warning("%s: %s", frame.stream, error)
            return
        for message in messages:
            told_ms = getattr(message, "event_ms", None)
            if told_ms is not None:
                self._last_ms = told_ms
                for book in self.books.values():
                    book.connected(told_ms)
            if self._counts_trades or not isinstance(message, AggTrade):
                for book in self.books.values():
                    book.take(message)
