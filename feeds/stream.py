"""
Market streams that stay up: one supervisor connects, watches, changes connections and connects again.

    async with MarketStream(venue, ["btcusdt@kline_1m"]) as stream:
        async for event in stream:
            ...

The exchange replays nothing: what was sent while no connection was open is gone, and must be fetched
over REST by whoever needs it (`feeds.wire.continuity` finds what, `feeds.fetching.backfill` fetches it).
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bt_run.core.errors import BtRunError, ConfigError, RateLimited, Rejected
from bt_run.core.errors import Disconnected as Unreachable
from bt_run.core.stream_policy import StreamPolicy, explain, pause_s
from feeds.wire.staleness import stale_after_s
from feeds.wire.stream_events import Connected, Disconnected, Frame, StreamEvent
from feeds.wire.stream_link import Link, Verdict, open_link

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from types import TracebackType

    from bt_run.core.venue import Market, Venue

__all__ = ["MAX_STREAMS", "MarketStream", "stream_url"]

MAX_STREAMS = 1024
"""Streams on one connection, at most (web-socket-streams.md, read 2026-07-21)."""

_LONGEST_PAUSE = 16  # as many failures as lead to the longest pause
_PATH = {"spot": "/stream", "futures": "/market/stream"}


def stream_url(venue: Venue, streams: Sequence[str], *, market: Market = "spot") -> str:
    """
    Give the address of a combined connection.

    Futures have a path of their own for market data; a connection without it opens and stays silent.

    Raises:
        ConfigError: no stream, more than `MAX_STREAMS`, or a venue without streams.
    """
    origin = venue.stream_of(market)
    if not origin:
        raise ConfigError(f"The venue {venue.name!r} has no address for {market} streams. Set its stream_url.")
    if not 0 < len(streams) <= MAX_STREAMS:
        raise ConfigError(f"{len(streams)} streams do not fit on a connection; 1 to {MAX_STREAMS} do.")
    return f"{origin}{_PATH[market]}?streams={'/'.join(quote(stream, safe='@!+:') for stream in streams)}"


class MarketStream:
    """
    Some streams of one market as one sequence of events, for as long as the listener wants.

    Events: `Connected` when a connection is open, `Frame` for each frame, `Disconnected` when none is left.
    A `Connected` without a `Disconnected` before it is a change of connection without loss: at the age of
    `policy.max_age_s`, or when the server announces its shutdown, the next connection is opened first, and
    frames that come over both are given once. Otherwise frames are given as they come, repeated and late
    ones too. The listener may be slow: events wait in a queue without limit, `waiting` counts them.

    Iteration raises what another attempt cannot mend: `Banned` at any time, `Rejected` and `ConfigError`
    at the first connection. Once it was let in it reconnects for ever: a refusal then is a firewall's or
    maintenance, and is waited out with the longest pause.

    Args:
        venue: Where.
        streams: Their names, lower case, such as ``btcusdt@kline_1m``.
        market: ``spot`` or ``futures`` (USD-M).
        policy: The times of its life.
        on_event: Takes each event the moment it comes, in the place of the queue; iteration then waits for the
            end. What it raises ends the stream.
        clock: Gives our time, seconds since 1970; each event is stamped with it.
        draw: Gives numbers in [0, 1) for the jitter of pauses.
    """

    def __init__(
        self,
        venue: Venue,
        streams: Sequence[str],
        *,
        market: Market = "spot",
        policy: StreamPolicy | None = None,
        on_event: Callable[[StreamEvent], object] | None = None,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.url = stream_url(venue, streams, market=market)
        self.streams = tuple(streams)
        self.policy = policy or StreamPolicy()
        self._clock = clock
        self._draw = draw
        self._events: asyncio.Queue[StreamEvent | BaseException | None] = asyncio.Queue()
        self._tell = on_event or self._events.put_nowait
        self.trouble = ""
        self._links: set[Link] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._echo: set[str] | None = None
        self._echo_end: asyncio.TimerHandle | None = None
        self._welcome = False
        self._failures = 0
        self._silent = 0
        self._attempt_at = float("-inf")
        self._supervisor: asyncio.Task[Any] | None = None

    @property
    def waiting(self) -> int:
        """Give how many events the listener has not taken yet."""
        return self._events.qsize()

    async def __aenter__(self) -> MarketStream:
        self._supervisor = asyncio.create_task(self._supervise())
        self._supervisor.add_done_callback(self._finished)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; the listener still gets what had come, then the end."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        for link in list(self._links):
            self._leave(link)
        await asyncio.gather(*self._closing)

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        return self

    async def __anext__(self) -> StreamEvent:
        event = await self._events.get()
        if event is None:
            self._events.put_nowait(None)
            raise StopAsyncIteration
        if isinstance(event, BaseException):
            self._events.put_nowait(None)
            raise event
        return event

    def _finished(self, supervisor: asyncio.Task[Any]) -> None:
        self._events.put_nowait(None if supervisor.cancelled() else supervisor.exception())

    # The supervisor.

    async def _supervise(self) -> None:
        link = await self._connect()
        while True:
            stale_s = stale_after_s(self.policy, self.streams, silent=self._silent)
            verdict = await link.watch(stale_s=stale_s, max_age_s=self.policy.max_age_s)
            self._judge(link)
            if verdict is Verdict.RETIRE:
                link = await self._replace(link)
            else:
                self._tell_lost(link)
                self._leave(link, deaf=True)
                link = await self._connect()

    async def _connect(self) -> Link:
        link = await self._dial()
        self._tell_open()
        return link

    async def _replace(self, old: Link) -> Link:
        """Open the next connection while the old one is still read, so that nothing falls in between."""
        self._start_echo()
        dialing = asyncio.create_task(self._dial())
        try:
            await asyncio.wait({dialing, old.reader}, return_when=asyncio.FIRST_COMPLETED)
            lost = old.reader.done() and not dialing.done()
            if lost:
                self._tell_lost(old)
            new = await dialing
        except BtRunError:
            # Nothing better will come: what the old one still brings is taken before the end.
            await asyncio.wait({old.reader})
            raise
        finally:
            dialing.cancel()
        self._tell_open()
        if not lost:
            # The new one may run behind the old: what the old one still brings is not yet known to it.
            await asyncio.wait({old.reader, new.reader}, timeout=self.policy.overlap_s)
        self._leave(old)
        self._echo_end = asyncio.get_running_loop().call_later(self.policy.overlap_s, self._forget_echo)
        return new

    async def _dial(self) -> Link:
        """Connect, again and again, with pauses; raises what another attempt cannot mend."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._pause_s(loop.time()))
            self._attempt_at = loop.time()
            try:
                link = await open_link(self.url, self.policy, self._take)
            except Exception as error:  # noqa: BLE001  # what is not on the list is raised as it is
                reason = self._explained(error)
            else:
                self._links.add(link)
                self._welcome = True
                return link
            self._failures += 1
            self.trouble = reason.reason if isinstance(reason, Unreachable) else str(reason)
            wait_s = reason.wait_s if isinstance(reason, RateLimited) else 0.0
            await asyncio.sleep(wait_s)

    def _explained(self, error: Exception) -> Unreachable | RateLimited:
        known = explain(error, url=self.url.partition("?")[0], now_ms=self._now_ms())
        if known is None:
            raise error
        if isinstance(known, Rejected) and self._welcome:
            self._failures = max(self._failures, _LONGEST_PAUSE)
            return Unreachable(known.what, reason=f"HTTP {known.status} from where it let us in before")
        if isinstance(known, Unreachable | RateLimited):
            return known
        raise known from error

    def _pause_s(self, now: float) -> float:
        return pause_s(
            self.policy,
            failures=self._failures,
            since_attempt_s=now - self._attempt_at,
            jitter=self._draw(),
        )

    def _judge(self, link: Link) -> None:
        """Count a connection that is over: one that died young is a failure, one without a frame silent."""
        self._failures = 0 if link.lived_s >= self.policy.healthy_s else self._failures + 1
        self._silent = 0 if link.frames else self._silent + 1

    def _leave(self, link: Link, *, deaf: bool = False) -> None:
        """Close a connection beside the rest: a dead one answers no goodbye, and nobody shall wait for it."""
        self._links.discard(link)
        closing = asyncio.create_task(link.close(deaf=deaf))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    # Events.

    def _take(self, stream: str, text: str) -> None:
        if self._echo is not None:
            if text in self._echo:
                return
            self._echo.add(text)
        self._tell(Frame(self._now_ms(), stream, text))

    def _tell_open(self) -> None:
        self.trouble = ""
        self._tell(Connected(self._now_ms(), self.url.partition("?")[0]))

    def _tell_lost(self, link: Link) -> None:
        self.trouble = link.reason
        self._tell(Disconnected(self._now_ms(), link.reason))

    def _start_echo(self) -> None:
        if self._echo_end is not None:
            self._echo_end.cancel()
        self._echo = set()

    def _forget_echo(self) -> None:
        self._echo = None

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
