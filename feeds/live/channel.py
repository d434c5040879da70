"""One live feed's end of the wire: what comes in leads to requests, and to items in the feed's queue."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from feeds.live.grid import Grid
from feeds.live.outcomes import Absence, Ask, Correction, Delivery, End, Failure, Forming, Outcome, Phase, Turn
from feeds.live.sequence import Sequence
from feeds.live.status import LiveStatus
from feeds.wire.stream_names import stream_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bt_run.core.background import Bell
    from bt_run.core.interval import Interval
    from bt_run.core.venue import Market
    from feeds.live.outcomes import Rules
    from feeds.wire.messages import KlineFrame

    Item = Delivery | Forming | Turn | Absence | Correction | Failure | End

__all__ = ["Channel"]


class Channel:
    """
    Changed in the background thread only; `queue` is read by the feed, and the bell rings when it is filled.

    Args:
        symbol: As the exchange writes it.
        interval: One of the exchange's.
        market: ``spot`` or ``futures``.
        history: How many closed bars to begin with.
        rules: The times.
        forming: Whether states of the open bar are wanted in the queue too.
        bell: Wakes the feed.
    """

    def __init__(
        self,
        symbol: str,
        interval: Interval,
        *,
        market: Market,
        history: int,
        rules: Rules,
        forming: bool,
        bell: Bell,
    ) -> None:
        self.symbol = symbol
        self.grid = Grid(interval)
        self.rules = rules
        self.stream = stream_name(symbol, f"kline_{interval}", market=market)
        self.queue: deque[Item] = deque()
        self.rest_worked = False
        self.trouble = ""
        self._sequence = Sequence(self.grid, history=history, rules=rules)
        self._forming = forming
        self._bell = bell
        self._ask: Callable[[Channel, Ask], None] = lambda channel, ask: None
        self._newest: KlineFrame | None = None
        self._newest_ms = 0
        self._lag_ms: int | None = None
        self._connected = False
        self._connects = 0
        self._delivered = self._repaired = self._holes = self._corrections = self._unreadable = 0

    @property
    def expected_end(self) -> int | None:
        """Give the end of the bar that is awaited, ms by the exchange's time; None before the history."""
        return self._sequence.expected_end

    def awaits(self, open_time: int) -> bool:
        """Tell whether the bar that opens then is still to come; from any thread."""
        expected = self._sequence.expected
        return expected is None or expected <= open_time

    def attach(self, ask: Callable[[Channel, Ask], None]) -> None:
        """Say who takes requests for REST."""
        self._ask = ask

    # What comes in.

    def connected(self, now_ms: int) -> None:
        """Take that the stream is open."""
        self._connected = True
        self._connects += 1
        self._handle(self._sequence.connected(now_ms))

    def disconnected(self, now_ms: int, reason: str) -> None:
        """Take that the stream is gone."""
        self._connected = False
        self._handle(self._sequence.disconnected(now_ms, reason))

    def frame(self, frame: KlineFrame, now_ms: int, *, our_ms: int) -> None:
        """Take a frame of this channel's stream."""
        event_ms = frame.event_ms
        if event_ms is not None and event_ms >= self._newest_ms:
            self._newest, self._newest_ms, self._lag_ms = frame, event_ms, our_ms - event_ms
        self._handle(self._sequence.frame(frame, now_ms))

    def unreadable(self) -> None:
        """Count a frame that could not be decoded; the bar it may have closed is asked for when it is due."""
        self._unreadable += 1

    def answered(self, ask: Ask, rows: list[tuple[float, ...]], now_ms: int) -> None:
        """Take what REST answered."""
        self.rest_worked, self.trouble = True, ""
        self._handle(self._sequence.answered(ask, rows, now_ms))

    def failed(self, ask: Ask, now_ms: int, *, wait_ms: int, trouble: str) -> None:
        """Take that REST gave no answer."""
        self.trouble = trouble
        self._handle(self._sequence.failed(ask, now_ms, wait_ms=wait_ms))

    def tick(self, now_ms: int) -> None:
        """Take that time has passed."""
        self._handle(self._sequence.tick(now_ms))

    def put(self, *items: Item) -> None:
        """Queue items and wake the feed; from any thread."""
        self.queue.extend(items)
        self._bell.ring()

    # What goes out.

    def status(self, now_ms: int, *, venue: str, trouble: str) -> LiveStatus:
        """Give a snapshot; from any thread."""
        opened = self.grid.open_of(now_ms)
        newest = self._newest
        return LiveStatus(
            venue=venue,
            symbol=self.symbol,
            interval=str(self.grid.interval),
            phase=self._sequence.phase,
            connected=self._connected,
            now_ms=now_ms,
            last_event_ms=newest.event_ms if newest else None,
            lag_ms=self._lag_ms,
            last_price=self.last_price,
            bar_open_ms=opened,
            bar_left_s=(self.grid.end_of(opened) - now_ms) / 1000,
            delivered=self._delivered,
            reconnects=max(0, self._connects - 1),
            repaired=self._repaired,
            holes=self._holes,
            corrections=self._corrections,
            unreadable=self._unreadable,
            trouble=trouble or self.trouble,
        )

    @property
    def phase(self) -> Phase:
        """Tell how far the feed is."""
        return self._sequence.phase

    @property
    def last_price(self) -> float | None:
        """Give the close of the bar as the newest frame told it, an open bar's too; None before the first."""
        newest = self._newest
        return newest.close if newest else None

    def _handle(self, outcomes: Iterable[Outcome]) -> None:
        items: list[Item] = []
        for outcome in outcomes:
            if isinstance(outcome, Ask):
                self._ask(self, outcome)
            elif not isinstance(outcome, Forming) or self._forming:
                self._count(outcome)
                items.append(outcome)
        if items:
            self.put(*items)

    def _count(self, outcome: Outcome) -> None:
        if isinstance(outcome, Delivery):
            self._delivered += len(outcome.rows)
            self._repaired += outcome.repaired
        elif isinstance(outcome, Absence):
            self._holes += outcome.missed
        elif isinstance(outcome, Correction):
            self._corrections += 1
