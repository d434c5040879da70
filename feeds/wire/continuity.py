"""
Find out what a stream has missed: by the ids of trades, and by the open times of bars. Pure.

A stream's messages follow each other without a hole: each trade's id is the one before plus one, each bar
opens where the one before ended. Positions here are ids, or open times in ms. Where a position is passed
over, that is a hole. It may close by itself, because a frame came late or over another connection; what is
still open after some grace is missed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from feeds.resample import bar_bounds
from feeds.wire.messages import AggTrade, KlineFrame, Trade
from feeds.wire.stream_names import StreamName

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bt_run.core.interval import Interval
    from feeds.wire.messages import Message

__all__ = ["Continuity", "Hole", "count_bars"]


@dataclass(frozen=True, slots=True)
class Hole:
    """
    Positions `first` <= position < `end` of a stream that did not come.

    `start_ms` and `end_ms` are times of the exchange between which they lie, both included. `seen_ms` is
    when the hole was noticed.
    """

    stream: str
    first: int
    end: int
    start_ms: int
    end_ms: int
    seen_ms: int

    @property
    def missed(self) -> int:
        """Give how many trades or bars are missing, >= 1."""
        interval = StreamName.parse(self.stream).interval
        return self.end - self.first if interval is None else count_bars(interval, self.first, self.end)


class Continuity:
    """
    The holes of some streams, found while their messages are noted.

    Args:
        streams: Names; those of other kinds than trades, aggregate trades and klines have no positions.
        grace_ms: How long a hole may still close by itself.
    """

    def __init__(self, streams: Iterable[str], *, grace_ms: int = 3_000) -> None:
        self._grace_ms = grace_ms
        self._next: dict[str, int] = {}
        self._time_ms: dict[str, int] = {}
        self._holes: list[Hole] = []
        self.loose = tuple(stream for stream in streams if not _has_positions(stream))

    def expect(self, stream: str, position: int) -> None:
        """Say where a stream went on to before: what lies between and its first message is a hole too."""
        self._next[stream] = position

    def note(self, stream: str, message: Message, *, now_ms: int) -> None:
        """Note a message that came, in order, late or repeated; other kinds are passed over."""
        span = _span(message)
        if span is None:
            return
        first, end, time_ms = span
        expected = self._next.get(stream, first)
        if first > expected:
            start_ms = expected if isinstance(message, KlineFrame) else self._time_ms.get(stream, time_ms)
            end_ms = first - 1 if isinstance(message, KlineFrame) else time_ms
            self._holes.append(Hole(stream, expected, first, min(start_ms, end_ms), end_ms, now_ms))
        elif first < expected and first < end:
            self._close(stream, first, end)
        self._next[stream] = max(expected, end)
        self._time_ms[stream] = max(self._time_ms.get(stream, 0), time_ms)

    def holes(self) -> tuple[Hole, ...]:
        """Give all holes that are open, those in their grace too."""
        return tuple(self._holes)

    def due(self, now_ms: int) -> tuple[Hole, ...]:
        """Give the holes whose grace is over; a clock that was set back does not make it longer."""
        return tuple(hole for hole in self._holes if abs(now_ms - hole.seen_ms) >= self._grace_ms)

    def settle(self, hole: Hole) -> None:
        """Forget a hole, filled or not; parts of it that had closed by themselves are no matter."""
        self._close(hole.stream, hole.first, hole.end)

    def complete_before(self, stream: str) -> int | None:
        """Give the position below which nothing is missing any more; None where there is no hole."""
        return min((hole.first for hole in self._holes if hole.stream == stream), default=None)

    def _close(self, stream: str, first: int, end: int) -> None:
        kept = []
        for hole in self._holes:
            if hole.stream != stream:
                kept.append(hole)
                continue
            before, after = replace(hole, end=min(hole.end, first)), replace(hole, first=max(hole.first, end))
            kept += [part for part in (before, after) if part.first < part.end]
        self._holes = kept


def count_bars(interval: Interval, first: int, end: int) -> int:
    """Count the bars that open at `first` (ms) or later, and before `end`."""
    if interval.milliseconds is not None:
        return -((first - end) // interval.milliseconds)
    count = 0
    while first < end:
        _, ends = bar_bounds(np.array([first], dtype=np.int64), interval)
        first, count = int(ends[0]), count + 1
    return count


def _has_positions(stream: str) -> bool:
    name = StreamName.parse(stream)
    return name.interval is not None or name.kind in ("trade", "aggTrade")


def _span(message: Message) -> tuple[int, int, int] | None:
    """Give first position, position after the last, and time; a bar that is open yet covers nothing."""
    if isinstance(message, KlineFrame):
        end = message.close_time + 1 if message.closed else message.open_time
        return message.open_time, end, message.open_time
    if isinstance(message, AggTrade):
        return message.agg_id, message.agg_id + 1, message.time_ms
    if isinstance(message, Trade):
        return message.trade_id, message.trade_id + 1, message.time_ms
    return None
