"""
Which bar comes next: each closed bar once, in order, whatever happens to the stream. Pure, no I/O.

Theory of operation
-------------------

The *expected* bar is the one that opens where the last delivered one ended. Only it can be delivered; closed
bars that come before their turn wait. A closed bar is one of these two, and nothing else:

- a frame with ``x: true``;
- a row of REST, asked for when the bar had ended `settle_ms` ago. Binance's database may not have a bar that
  has just closed, or not its last trades.

Where the expected bar has ended `grace_ms` ago and is not there, REST is asked from the last delivered bar on.
That one rule covers the start, a lost, late or withheld frame, a lost connection and a silent one, and it
needs no message to arrive: time alone is enough. After each connect REST is asked in any case, and what it
tells of the last delivered bar is compared.

An answer without the expected bar is asked for again, with growing pauses, for ever. Only where `hole_asks`
answers in a row hold a later bar, and nothing in between, the exchange has no such bars: it was closed.

================  =============================================================================
phase             means
================  =============================================================================
WARMUP            the history has not come yet, or there was no connection yet
LIVE              connected, and no ended bar is missing (for longer than `late_ms`)
BEHIND            connected, and ended bars are missing
OFFLINE           no connection; REST still brings each bar, late
================  =============================================================================

Times are the exchange's, in ms. A clock that errs leads to requests in vain, never to a wrong bar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.live.outcomes import (
    Absence,
    Ask,
    Correction,
    Delivery,
    Forming,
    Outcome,
    Phase,
    Row,
    Rules,
    Turn,
)
from feeds.wire.continuity import count_bars

if TYPE_CHECKING:
    from collections.abc import Sequence as Series

    from bt_run.core.interval import Interval
    from feeds.live.grid import Grid
    from feeds.wire.messages import KlineFrame

__all__ = ["Sequence", "row_of"]

_REMEMBERED = 16  # delivered bars that a correction may still be told of
_MOST_DOUBLINGS = 16


class Sequence:
    """
    The bars of one symbol and interval.

    Each method takes what happened, with the exchange's time, and gives what follows from it in order.

    Args:
        grid: The interval's bars.
        history: How many closed bars to begin with, >= 0.
        rules: The times.
    """

    def __init__(self, grid: Grid, *, history: int, rules: Rules | None = None) -> None:
        self.phase = Phase.WARMUP
        self.position: int | None = None
        """Open time of the last delivered bar."""
        self._grid = grid
        self._history = history
        self._rules = rules or Rules()
        self._expected: int | None = None
        self._expected_end = 0
        self._history_end = -1  # what opened up to here is history, whenever it comes
        self._warm = False
        self._connected = False
        self._ever_connected = False
        self._waiting: dict[int, tuple[Row, bool]] = {}  # bars before their turn; True where REST gave it
        self._delivered: dict[int, Row] = {}  # the last ones
        self._gaps: dict[tuple[int, int], int] = {}  # left out between others, by so many answers in a row
        self._asked: Ask | None = None
        self._check = False  # REST must be asked although nothing is missing
        self._checking = False
        self._asks = 0
        self._settled = 0  # bars that open from here on were not final when REST was asked last
        self._empty = 0
        self._tries = 0
        self._ask_at = 0
        self._formed_ms = 0
        self._reason = ""

    @property
    def interval(self) -> Interval:
        """Give the time from one bar to the next."""
        return self._grid.interval

    @property
    def expected(self) -> int | None:
        """Give when the expected bar opens, None before the history has come."""
        return self._expected

    @property
    def expected_end(self) -> int | None:
        """Give the end of the expected bar, None before the history has come."""
        return None if self._expected is None else self._expected_end

    def connected(self, now_ms: int) -> tuple[Outcome, ...]:
        """Take that the stream is open: what it sends from now on will come."""
        self._connected = self._ever_connected = self._check = True
        self._ask_at = min(self._ask_at, now_ms)  # a new connection is a reason to ask at once
        return self._step(now_ms)

    def disconnected(self, now_ms: int, reason: str = "") -> tuple[Outcome, ...]:
        """Take that the stream is gone."""
        self._connected, self._reason = False, reason
        return self._step(now_ms)

    def frame(self, frame: KlineFrame, now_ms: int) -> tuple[Outcome, ...]:
        """Take a kline frame; those of bars that are delivered already change nothing."""
        opened = frame.open_time
        if not frame.closed:
            return (*self._step(now_ms), *self._form(frame))
        row = row_of(frame)
        if self._is_past(opened):
            return (*self._compare(row), *self._step(now_ms))
        if self._is_plain(opened, now_ms):
            return self._take_plain(row)
        self._waiting[opened] = (row, False)  # final by the exchange's word: it replaces what REST told
        return self._step(now_ms)

    def answered(self, ask: Ask, rows: Series[Row], now_ms: int) -> tuple[Outcome, ...]:
        """Take what REST answered: closed bars, oldest first; rows that were not asked for are dropped."""
        if ask != self._asked:
            return self._step(now_ms)
        self._asked, self._checking = None, False
        told: list[Outcome] = []
        wanted = [row for row in rows if ask.start <= row[0] <= ask.end]
        for row in wanted:
            opened = int(row[0])
            if not self._is_past(opened):
                self._waiting.setdefault(opened, (row, True))
            elif opened < self._settled:
                told += self._compare(row)
        self._begin(ask, wanted)
        self._count_gaps(wanted)
        return (*told, *self._step(now_ms, answered=ask))

    def failed(self, ask: Ask, now_ms: int, *, wait_ms: int = 0) -> tuple[Outcome, ...]:
        """Take that REST gave no answer; it is asked again after a pause, `wait_ms` at least."""
        if ask == self._asked:
            self._asked = None
            self._check |= self._checking
            self._put_off(now_ms, wait_ms)
        return self._step(now_ms)

    def tick(self, now_ms: int) -> tuple[Outcome, ...]:
        """Take that time has passed; to be called at least once a second."""
        return self._step(now_ms)

    # What came.

    def _is_past(self, opened: int) -> bool:
        return self._expected is not None and opened < self._expected

    def _compare(self, row: Row) -> list[Outcome]:
        before = self._delivered.get(int(row[0]))
        if before is None or before == row:
            return []
        self._delivered[int(row[0])] = row
        return [Correction(before, row)]

    def _is_plain(self, opened: int, now_ms: int) -> bool:
        """
        Tell whether a closed bar that is not past is the expected one, in time, and has no other consequence.

        Nearly every bar is, and an order waits for it: `_step` would come to the same, by a longer way.
        """
        return (
            self.phase is Phase.LIVE
            and opened == self._expected
            and opened > self._history_end
            and not self._waiting
            and not self._check
            and (self.position is not None or not self._history)
            and not self._is_due(now_ms)
            and now_ms - self._expected_end <= self._rules.late_ms
        )

    def _take_plain(self, row: Row) -> tuple[Outcome, ...]:
        opened = int(row[0])
        self._expect(self._expected_end)
        self.position = opened
        self._remember(row)
        return (Delivery((row,), live=True),)

    def _form(self, frame: KlineFrame) -> tuple[Outcome, ...]:
        """Pass on the state of the expected bar, unless a newer one was: frames may come in a wrong order."""
        event_ms = frame.event_ms or 0
        if not self._warm or frame.open_time != self._expected or event_ms < self._formed_ms:
            return ()
        self._formed_ms = event_ms
        return (Forming(row_of(frame), event_ms),)

    def _begin(self, ask: Ask, rows: Series[Row]) -> None:
        """Decide with which bar it all begins: the first that the exchange has of those asked for."""
        if self._warm:
            return
        if rows:
            self._expect(int(rows[0][0]))
        elif self._empty + 1 >= self._rules.hole_asks:
            self._expect(ask.end + 1)  # a market so new that it has no closed bar
        else:
            self._empty += 1
            return
        self._warm, self._history_end = True, ask.end
        self._waiting = {opened: row for opened, row in self._waiting.items() if not self._is_past(opened)}

    def _expect(self, opened: int) -> None:
        self._expected, self._expected_end = opened, self._grid.end_of(opened)
        self._formed_ms = 0

    def _count_gaps(self, rows: Series[Row]) -> None:
        """Count how often each gap between the rows of an answer, and before its first, was seen in a row."""
        seen: dict[tuple[int, int], int] = {}
        end = self._expected
        for row in rows:
            opened = int(row[0])
            if end is None or self._is_past(opened):
                continue
            if opened > end:
                seen[end, opened] = self._gaps.get((end, opened), 0) + 1
            end = self._grid.end_of(opened)
        self._gaps = seen

    # What follows.

    def _step(self, now_ms: int, *, answered: Ask | None = None) -> tuple[Outcome, ...]:
        out: list[Outcome] = []
        self._turn(now_ms, out, early=True)
        self._flush(now_ms, out)
        self._turn(now_ms, out)
        if answered is not None:
            self._pace(answered, now_ms)
        self._ask(now_ms, out)
        return tuple(out)

    def _flush(self, now_ms: int, out: list[Outcome]) -> None:
        """Deliver the expected bar and those after it that wait, over accepted holes too."""
        if not self._warm or not self._waiting:
            return
        ready: list[tuple[Row, bool]] = []
        for opened in sorted(self._waiting):
            expected = self._expected
            if expected is None or self._is_past(opened):
                del self._waiting[opened]  # it opens inside a bar that is delivered already
                continue
            if opened > expected:
                if not self._is_hole(expected, opened):
                    break
                self._deliver(ready, now_ms, out)
                ready = []
                out.append(Absence(expected, opened, count_bars(self.interval, expected, opened)))
            ready.append(self._waiting.pop(opened))
            self._expect(self._grid.end_of(opened))
        self._deliver(ready, now_ms, out)

    def _deliver(self, ready: list[tuple[Row, bool]], now_ms: int, out: list[Outcome]) -> None:
        if not ready:
            return
        first_time = self.position is None and self._history > 0
        rows = tuple(row for row, _ in ready)
        self.position = int(rows[-1][0])
        for row in rows[-_REMEMBERED:]:
            self._remember(row)
        fresh = now_ms - self._grid.end_of(self.position) <= self._rules.late_ms
        is_news = not first_time and self.position > self._history_end
        live = self._connected and fresh and is_news and not self._is_due(now_ms)
        late, last = (ready[:-1], ready[-1:]) if live else (ready, [])
        for part in (late, last):
            if part is last and live:
                self._enter(Phase.LIVE, out)
            if part:
                repaired = 0 if first_time else sum(by_rest for _, by_rest in part)
                out.append(Delivery(tuple(row for row, _ in part), live=part is last, repaired=repaired))

    def _remember(self, row: Row) -> None:
        self._delivered[int(row[0])] = row
        if len(self._delivered) > _REMEMBERED:
            del self._delivered[next(iter(self._delivered))]

    def _turn(self, now_ms: int, out: list[Outcome], *, early: bool = False) -> None:
        """Find the phase; before what came is delivered, only one that makes it late may begin."""
        if not self._connected:
            phase = Phase.OFFLINE if self._ever_connected else Phase.WARMUP
        elif not self._warm:
            phase = Phase.WARMUP
        elif self._is_due(now_ms):
            patient = self.phase is Phase.LIVE and now_ms - self._expected_end <= self._rules.late_ms
            phase = Phase.LIVE if patient else Phase.BEHIND
        else:
            phase = Phase.LIVE
        late = phase is Phase.OFFLINE or (phase is Phase.BEHIND and self.phase is not Phase.WARMUP)
        if late or not early:
            self._enter(phase, out)

    def _enter(self, phase: Phase, out: list[Outcome]) -> None:
        if phase is not self.phase:
            self.phase = phase
            out.append(Turn(phase, self._reason if phase is Phase.OFFLINE else ""))

    def _ask(self, now_ms: int, out: list[Outcome]) -> None:
        if self._asked is not None or now_ms < self._ask_at:
            return
        if self._warm and not self._check and not self._is_due(now_ms):
            return
        self._settled = self._grid.open_of(now_ms - self._rules.settle_ms)
        if not self._warm and self._history == 0:
            self._warm = True
            self._expect(self._grid.open_of(now_ms))
            self._turn(now_ms, out)
            return
        if not self._warm:
            start = self._grid.back(self._settled, self._history)
        else:
            start = self.position if self.position is not None else self._expected or 0
        self._check, self._checking = False, self._check
        self._asks += 1
        self._asked = Ask(self._asks, start, max(start, self._settled - 1))
        out.append(self._asked)

    def _pace(self, ask: Ask, now_ms: int) -> None:
        """After an answer: wait before the next where it did not bring a bar that was asked for."""
        asked_for = self._expected is None or self._expected <= ask.end
        if self._warm and not (asked_for and self._is_due(now_ms)):
            self._tries, self._ask_at = 0, 0
        else:
            self._put_off(now_ms, 0)

    def _put_off(self, now_ms: int, wait_ms: int) -> None:
        doubled = self._rules.again_ms * 2 ** min(self._tries, _MOST_DOUBLINGS)
        self._tries += 1
        self._ask_at = now_ms + max(wait_ms, min(doubled, self._rules.longest_ms))

    def _is_due(self, now_ms: int) -> bool:
        return self._expected is not None and now_ms >= self._expected_end + self._rules.grace_ms

    def _is_hole(self, first: int, end: int) -> bool:
        return any(
            begin <= first and end <= stop and count >= self._rules.hole_asks
            for (begin, stop), count in self._gaps.items()
        )


def row_of(frame: KlineFrame) -> Row:
    """Give the values of a frame in the order of `BAR_COLUMNS`."""
    return (
        frame.open_time,
        frame.open,
        frame.high,
        frame.low,
        frame.close,
        frame.volume,
        frame.quote_volume,
        float(frame.trades),
        frame.taker_buy_volume,
        frame.taker_buy_quote_volume,
    )
