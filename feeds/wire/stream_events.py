"""
What a stream of market data tells its listener, live or replayed, as frozen plain data.

Both are read alike: ``async for event in source: ...``. `receive_ms` is always the time at which this
machine learned of it, ms since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from feeds.codec import parse_frame
from feeds.wire.codec_rest import parse_backfill

if TYPE_CHECKING:
    from bt_run.core.venue import Market
    from feeds.wire.messages import Message

__all__ = ["Backfill", "Connected", "Disconnected", "Frame", "Gap", "Started", "StreamEvent"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as the exchange sent it; `stream` is its stream's name, such as ``btcusdt@kline_1m``."""

    receive_ms: int
    stream: str
    text: str

    def messages(self) -> tuple[Message, ...]:
        """Decode the frame. Raises FrameError."""
        return parse_frame(self.text)


@dataclass(frozen=True, slots=True)
class Backfill:
    """What REST gave for a stream that had missed it: the answer's body, rows of klines or aggregate trades."""

    receive_ms: int
    stream: str
    text: str

    def messages(self) -> tuple[Message, ...]:
        """Decode the rows into what the stream would have sent. Raises FrameError."""
        return parse_backfill(self.stream, self.text)


@dataclass(frozen=True, slots=True)
class Started:
    """A recording begins: which market and which streams, in which version of the file's format."""

    receive_ms: int
    market: Market
    streams: tuple[str, ...]
    version: int = 1


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is open; `url` is where to, without secrets."""

    receive_ms: int
    url: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is closed; `reason` says by whom and why."""

    receive_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """
    Between `start_ms` and `end_ms` (exchange's time, both included) a stream missed something.

    `missed` counts bars or trades, None where nobody can know. Where `filled`, REST gave all of it.
    """

    receive_ms: int
    stream: str
    start_ms: int
    end_ms: int
    missed: int | None = None
    filled: bool = False


StreamEvent = Frame | Backfill | Started | Connected | Disconnected | Gap
