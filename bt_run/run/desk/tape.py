"""The tape: the last trades of a symbol and the prices of a watch list, for as long as somebody looks."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from bt_run.core.errors import ConfigError, ExchangeError, FrameError, UnknownSymbol
from feeds.stream import MarketStream
from feeds.wire.messages import AggTrade, MiniTicker
from feeds.wire.stream_events import Frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from bt_run.core.background import BackgroundLoop
    from bt_run.core.venue import Venue

__all__ = ["MOST_TRADES", "Tape", "TapeKey", "TapeState"]

MOST_TRADES = 40
"""Trades that are kept of a symbol, the newest."""

_STREAM = {"trades": "aggTrade", "quote": "miniTicker"}


@dataclass(frozen=True, slots=True)
class TapeKey:
    """What of which symbol: its last trades, or its price and how that stands to the one of 24 hours ago."""

    kind: Literal["trades", "quote"]
    symbol: str

    @property
    def stream(self) -> str:
        """Give the name of the stream that tells it."""
        return f"{self.symbol.lower()}@{_STREAM[self.kind]}"


@dataclass(frozen=True, slots=True)
class TapeState:
    """
    What is known: `edition` grows with each change, 0 is before the first.

    `trades` are the newest first. `trouble` says why nothing more comes, empty where it does.
    """

    edition: int = 0
    trades: tuple[AggTrade, ...] = ()
    quote: MiniTicker | None = None
    trouble: str = ""


@dataclass(slots=True)
class _Line:
    """One stream, and how many look at it."""

    key: TapeKey
    lookers: int = 0
    edition: int = 0
    trades: deque[AggTrade] = field(default_factory=partial(deque, maxlen=MOST_TRADES))
    quote: MiniTicker | None = None
    trouble: str = ""
    listening: Future[None] | None = None


class Tape:
    """
    Any thread may ask. Nobody is told: who wants to know reads as often as it likes, and misses nothing but
    what newer trades have pushed out, so a slow reader holds up nobody.

    Args:
        venue: Where.
        background: The thread of the streams; started and stopped by its owner.
        fetch_quote: Gives the price of a symbol at the beginning; a quiet market tells none for long.
    """

    def __init__(
        self, venue: Venue, background: BackgroundLoop, *, fetch_quote: Callable[[str], MiniTicker]
    ) -> None:
        self._venue = venue
        self._background = background
        self._fetch_quote = fetch_quote
        self._lines: dict[TapeKey, _Line] = {}
        self._lock = threading.Lock()

    def look(self, key: TapeKey) -> None:
        """Begin to look, or join those who do; waits for nothing."""
        with self._lock:
            line = self._lines.setdefault(key, _Line(key))
            line.lookers += 1
            if line.listening is None:
                line.listening = self._background.submit(self._listen(line))

    def leave(self, key: TapeKey) -> None:
        """Look no longer; the last one who leaves closes the stream."""
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                return
            line.lookers -= 1
            if line.lookers > 0:
                return
            del self._lines[key]
        if line.listening is not None:
            line.listening.cancel()

    def read(self, key: TapeKey) -> TapeState:
        """Tell what is known; nothing of what nobody looks at."""
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                return TapeState()
            return TapeState(line.edition, tuple(line.trades), line.quote, line.trouble)

    # In the background thread.

    async def _listen(self, line: _Line) -> None:
        try:
            async with MarketStream(self._venue, [line.key.stream]) as stream:
                if line.key.kind == "quote":
                    await self._begin(line)
                async for event in stream:
                    if isinstance(event, Frame):
                        self._read(line, event)
        except (ConfigError, ExchangeError) as error:
            self._complain(line, error)

    async def _begin(self, line: _Line) -> None:
        """Ask for the price as it stands; where the exchange does not answer, the stream will tell it later."""
        try:
            self._take(line, await self._background.call_blocking(partial(self._fetch_quote, line.key.symbol)))
        except UnknownSymbol:
            raise
        except ExchangeError as error:
            self._complain(line, error)

    def _complain(self, line: _Line, error: Exception) -> None:
        with self._lock:
            line.trouble, line.edition = str(error), line.edition + 1

    def _read(self, line: _Line, frame: Frame) -> None:
        try:
            messages = frame.messages()
        except FrameError:  # the chart's own stream says it in the log; a price less is no loss here
            return
        for message in messages:
            self._take(line, message)

    def _take(self, line: _Line, message: object) -> None:
        with self._lock:
            if isinstance(message, AggTrade):
                line.trades.appendleft(message)
                line.edition += 1
            elif isinstance(message, MiniTicker):
                line.quote, line.trouble = message, ""
                line.edition += 1
