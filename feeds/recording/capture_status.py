"""What a capture can say about itself while it runs and at its end."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feeds.wire.messages import AggTrade, KlineFrame, Liquidation, Trade

if TYPE_CHECKING:
    from feeds.wire.messages import Message

__all__ = ["CaptureMeter", "CaptureStatus"]

_RATE_S = 5


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """
    A capture at one moment.

    `frames_per_s` is the mean of the last five seconds. `lag_ms` is how long the last frame was on its way,
    by two clocks that may differ; `price` the last one seen, in quote currency; both None before the first.
    `gaps` counts those of which something is missing still, `filled` those that REST has filled.
    `trouble` says why there is no connection, empty while there is one.
    """

    seconds: float
    frames: int
    frames_per_s: float
    lag_ms: int | None
    symbol: str
    price: float | None
    connections: int
    gaps: int
    filled: int
    files: int
    rows: int
    trouble: str


class CaptureMeter:
    """Count frames, and remember the last lag and price. Times are seconds that only go forward."""

    def __init__(self, now_s: float) -> None:
        self.frames = 0
        self.connections = 0
        self.gaps = 0
        self.filled = 0
        self.heard: set[str] = set()
        self._started_s = now_s
        self._seconds: deque[list[int]] = deque(maxlen=_RATE_S + 1)
        self._lag_ms: int | None = None
        self._symbol = ""
        self._price: float | None = None

    def note_frame(self, stream: str, now_s: float) -> None:
        """Count a frame."""
        self.frames += 1
        self.heard.add(stream)
        second = int(now_s)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0])
        self._seconds[-1][1] += 1

    def note_message(self, message: Message, receive_ms: int) -> None:
        """Remember lag and price of a message, as far as it has them."""
        event_ms = getattr(message, "event_ms", None)
        if event_ms is not None:
            self._lag_ms = receive_ms - event_ms
        if isinstance(message, KlineFrame):
            self._symbol, self._price = message.symbol, message.close
        elif isinstance(message, Trade | AggTrade):
            self._symbol, self._price = message.symbol, message.price
        elif isinstance(message, Liquidation) and message.average_price > 0:
            self._symbol, self._price = message.symbol, message.average_price

    def status(self, now_s: float, *, files: int, rows: int, trouble: str) -> CaptureStatus:
        """Give the state at this moment."""
        return CaptureStatus(
            seconds=now_s - self._started_s,
            frames=self.frames,
            frames_per_s=self._rate(now_s),
            lag_ms=self._lag_ms,
            symbol=self._symbol,
            price=self._price,
            connections=self.connections,
            gaps=self.gaps,
            filled=self.filled,
            files=files,
            rows=rows,
            trouble=trouble,
        )

    def _rate(self, now_s: float) -> float:
        """Count whole seconds only: the running one is not over."""
        recent = sum(count for second, count in self._seconds if 0 < int(now_s) - second <= _RATE_S)
        return recent / _RATE_S
