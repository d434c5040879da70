"""The wire of live feeds: one connection and one REST client for all feeds of a venue and market."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import Banned, ConfigError, ExchangeError, FrameError, RateLimited, Rejected
from bt_run.core.market import BAR_COLUMNS
from bt_run.core.steady_time import SteadyTime
from bt_run.core.stream_policy import StreamPolicy
from feeds.binance_rest import BinanceRest
from feeds.live.outcomes import Failure
from feeds.live.server_clock import ServerClock
from feeds.stream import MarketStream
from feeds.wire.messages import KlineFrame
from feeds.wire.stream_events import Connected, Disconnected, Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bt_run.core.background import BackgroundLoop
    from bt_run.core.venue import Market, Venue
    from feeds.live.channel import Channel
    from feeds.live.grid import Grid
    from feeds.live.outcomes import Ask, Row
    from feeds.live.status import LiveStatus
    from feeds.wire.stream_events import StreamEvent

__all__ = ["LiveHub", "fetch_closed"]

_log = logging.getLogger(__name__)

_AT_ONCE = 4  # REST requests; each has a thread
_CLOSE_S = 0.5
_LEAVE_S = 2.0
_AGAIN_S = 2.0  # before the time is asked for again
_REFUSED_MS = 60_000
_BAN_SLACK_MS = 1_000


@dataclass(eq=False)
class _Line:
    """One connection: the streams on it, and whether it is open, and was ever."""

    names: tuple[str, ...]
    connected: bool = False
    was_open: bool = False
    stream: MarketStream | None = None


class LiveHub:
    """
    Serves the live feeds of one venue and market from the background thread.

    A feed makes its own unless it is given one. Feeds that were made before the first of them starts share a
    connection; one that comes later gets another. When the last feed has left, everything is closed.

    What cannot be mended at the start (a symbol that does not exist, a refusal, a ban) reaches the feeds as an
    error. Once it worked, refusals and bans are waited out.

    Args:
        venue: Where.
        market: ``spot`` or ``futures`` (USD-M).
        background: The thread; it is started when the first feed starts, and stopped by its owner.
        policy: The times of the stream.
        clock: Gives our time, seconds since 1970, steady by default; the exchange's is learned from messages.
        sleep: Waits some seconds between attempts of REST; by default a wait that ends when the hub is closed.
        tick_s: How often is looked whether a bar is overdue.
    """

    def __init__(
        self,
        venue: Venue,
        *,
        background: BackgroundLoop,
        market: Market = "spot",
        policy: StreamPolicy | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], object] | None = None,
        tick_s: float = 0.25,
    ) -> None:
        self.venue = venue
        self.market = market
        self.background = background
        self._policy = policy or StreamPolicy(close_s=_CLOSE_S)
        self._clock = clock or SteadyTime()
        self._sleep = sleep or self._pause
        self._tick_s = tick_s
        self._server = ServerClock()
        self._expected: dict[str, None] = {}
        self._channels: list[Channel] = []
        self._lines: list[_Line] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._quit = threading.Event()
        self._rest = self._new_rest()
        self._ban: Banned | None = None
        self._trouble = ""
        self._unread: set[str] = set()
        self._closes_at_stop = False

    # For the feeds, from their thread.

    def expect(self, stream: str) -> None:
        """Say that a feed of this stream will come, so that it is on the first connection."""
        self._expected[stream] = None

    def join(self, channel: Channel) -> None:
        """Begin to serve a feed."""
        self.background.start()
        if not self._closes_at_stop:
            self._closes_at_stop = True
            self.background.at_stop(self.aclose)
        channel.attach(self._ask)
        self.expect(channel.stream)
        self.background.submit(self._attach(channel)).result(_LEAVE_S)

    def leave(self, channel: Channel) -> None:
        """Serve a feed no longer; after the last one everything is closed."""
        with suppress(RuntimeError, TooLate):
            self.background.submit(self._detach(channel)).result(_LEAVE_S)

    def now_ms(self) -> int:
        """Give the exchange's time, as far as it is known."""
        return self._server.now_ms(self._our_ms())

    def status_of(self, channel: Channel) -> LiveStatus:
        """Give a snapshot of one feed."""
        line = self._line_of(channel)
        trouble = line.stream.trouble if line and line.stream else ""
        return channel.status(self.now_ms(), venue=self.venue.name, trouble=trouble or self._trouble)

    # In the background thread.

    def meet_time(self, told_ms: int) -> None:
        """Take the exchange's time that something else than its market data has told."""
        self._note_time(told_ms, our_ms=self._our_ms())

    async def aclose(self) -> None:
        """End all connections and requests."""
        self._quit.set()
        self._rest.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._lines.clear()

    async def _attach(self, channel: Channel) -> None:
        if self._quit.is_set():  # everything was closed after the last feed had left: begin anew
            self._quit = threading.Event()
            self._rest = self._new_rest()
        if not self._tasks:
            self._begin(self._tend)
            self._begin(self._learn_time)
        self._channels.append(channel)
        if self._line_of(channel) is None:
            taken = {name for line in self._lines for name in line.names}
            line = _Line(tuple(name for name in self._expected if name not in taken))
            self._lines.append(line)
            self._begin(partial(self._listen, line))
        if self._server.known:
            self._greet(channel)

    async def _detach(self, channel: Channel) -> None:
        if channel in self._channels:
            self._channels.remove(channel)
        if not self._channels:
            await self.aclose()

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # it is raised in the feeds' own thread
            for channel in self._channels:
                channel.put(Failure(error))

    async def _tend(self) -> None:
        """Look again and again whether time alone makes something due."""
        while True:
            await asyncio.sleep(self._tick_s)
            if self._server.known:
                for channel in self._channels:
                    channel.tick(self.now_ms())

    # The exchange's time.

    async def _learn_time(self) -> None:
        """Ask for the time, unless a frame tells it first: nothing can be asked for before."""
        while not self._server.known:
            try:
                told_ms = await self.background.call_blocking(self._rest.server_time)
            except (Banned, Rejected):
                raise
            except ExchangeError as error:
                self._trouble = str(error)
                await asyncio.sleep(_AGAIN_S)
            else:
                self._note_time(told_ms, our_ms=self._our_ms())

    def _note_time(self, told_ms: int, *, our_ms: int) -> None:
        is_first = not self._server.known
        self._server.note(told_ms, our_ms=our_ms)
        if is_first:
            self._trouble = ""
            for channel in self._channels:
                self._greet(channel)

    def _greet(self, channel: Channel) -> None:
        line = self._line_of(channel)
        if line is not None and line.connected:
            channel.connected(self.now_ms())
        else:
            channel.tick(self.now_ms())

    def _our_ms(self) -> int:
        return round(self._clock() * 1000)

    # The stream.

    async def _listen(self, line: _Line) -> None:
        """Read a connection for ever; bans and refusals too are waited out once it was open."""
        while True:
            line.stream = MarketStream(
                self.venue,
                line.names,
                market=self.market,
                policy=self._policy,
                on_event=partial(self._take, line),
                clock=self._clock,
            )
            try:
                async with line.stream as events:
                    async for _ in events:
                        pass
            except (Banned, Rejected) as error:
                if not line.was_open:
                    raise
                line.stream.trouble = str(error)
                self._lose(line, str(error))
                await asyncio.sleep(self._wait_ms(error) / 1000)

    def _take(self, line: _Line, event: StreamEvent) -> None:
        if isinstance(event, Frame):
            self._take_frame(event)
        elif isinstance(event, Connected):
            line.connected = line.was_open = True
            for channel in self._heard_on(line):
                channel.connected(self.now_ms())
        elif isinstance(event, Disconnected):
            self._lose(line, event.reason)

    def _lose(self, line: _Line, reason: str) -> None:
        line.connected = False
        for channel in self._heard_on(line):
            channel.disconnected(self.now_ms(), reason)

    def _take_frame(self, event: Frame) -> None:
        listening = [channel for channel in self._channels if channel.stream == event.stream]
        if not listening:
            return
        try:
            messages = event.messages()
        except FrameError as error:
            first = event.stream not in self._unread  # one line says it; frames come every two seconds
            self._unread.add(event.stream)
            _log.log(logging.WARNING if first else logging.DEBUG, "%s: %s", event.stream, error)
            for channel in listening:
                channel.unreadable()
            return
        for message in messages:
            if not isinstance(message, KlineFrame):
                continue
            if message.event_ms is not None:
                self._note_time(message.event_ms, our_ms=event.receive_ms)
            now_ms = self._server.now_ms(event.receive_ms)
            for channel in listening:
                channel.frame(message, now_ms, our_ms=event.receive_ms)

    def _heard_on(self, line: _Line) -> list[Channel]:
        """Give the channels of a connection; none before the time is known, they are greeted then."""
        if not self._server.known:
            return []
        return [channel for channel in self._channels if channel.stream in line.names]

    def _line_of(self, channel: Channel) -> _Line | None:
        return next((line for line in self._lines if channel.stream in line.names), None)

    # REST.

    def _ask(self, channel: Channel, ask: Ask) -> None:
        self._begin(partial(self._fetch, channel, ask))

    async def _fetch(self, channel: Channel, ask: Ask) -> None:
        async with self._slots:
            self._forget_ban()
            fetch = partial(
                fetch_closed, self._rest, channel.symbol, channel.grid, ask, settle_ms=channel.rules.settle_ms
            )
            try:
                rows = await self.background.call_blocking(fetch)
            except (ConfigError, ExchangeError) as error:
                fatal = isinstance(error, ConfigError | Rejected | Banned)
                if fatal and not channel.rest_worked:
                    channel.put(Failure(error))
                    return
                self._ban = error if isinstance(error, Banned) else self._ban
                _log.warning("%s: %s", channel.stream, error)
                wait_ms = self._wait_ms(error) if fatal or isinstance(error, RateLimited) else 0
                channel.failed(ask, self.now_ms(), wait_ms=wait_ms, trouble=str(error))
            else:
                channel.answered(ask, rows, self.now_ms())

    def _forget_ban(self) -> None:
        """Take a new client when a ban is over: the old one asks nothing any more, for any feed."""
        if self._ban is not None and self._our_ms() >= self._ban.until_ms:
            self._rest, self._ban = self._new_rest(), None

    def _wait_ms(self, error: Exception) -> int:
        if isinstance(error, Banned):
            return max(error.until_ms - self._our_ms(), _BAN_SLACK_MS)
        return round(error.wait_s * 1000) if isinstance(error, RateLimited) else _REFUSED_MS

    def _new_rest(self) -> BinanceRest:
        return BinanceRest(self.venue, market=self.market, clock=self._clock, sleep=self._sleep)

    def _pause(self, seconds: float) -> None:
        if self._quit.wait(seconds):
            raise ExchangeError("The live feed was stopped.")


def fetch_closed(rest: BinanceRest, symbol: str, grid: Grid, ask: Ask, *, settle_ms: int) -> list[Row]:
    """
    Fetch the bars that are asked for and that ended `settle_ms` ago by the exchange's own time; it blocks.

    The time is asked for each time: our clock may have been set since.

    Raises:
        ExchangeError, ConfigError: as `BinanceRest.fetch_klines`.
    """
    end = min(ask.end, grid.open_of(rest.server_time() - settle_ms) - 1)
    rows: list[Row] = []
    if ask.start <= end:
        for bars in rest.fetch_klines(symbol, grid.interval, start=ask.start, end=end):
            rows += zip(*(getattr(bars, name).tolist() for name in BAR_COLUMNS), strict=True)
    return rows
