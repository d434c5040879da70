"""
The clock of a practice exchange, held at each bar until the bot has dealt with it.

Before the strategy meets a bar, everything that happened on the exchange up to its close must have been heard,
as in a backtest; and the clock goes on only when what the strategy decided was sent and answered. Both waits
have a limit: a lost event is then looked for over REST, and a bar that never came is left to the feed's repair.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from bt_run.core.background import Bell
    from bt_run.run.live.barrier import BarrierClient, Held
    from bt_run.run.live.log import BarSeen
    from bt_run.run.live.wire import LiveInbox

__all__ = ["ClockHold"]

_LOOK_S = 0.05


class ClockHold:
    """
    For the thread that trades; does nothing where there are no barriers.

    Args:
        barriers: By symbol, not started yet.
        inbox: What has been heard of the account.
        bell: Rung when something comes.
        look: Asks for a check of the account over REST; False where there is none.
        last_execution: Asks the exchange for the number of its last execution so far.
        standing: The clock stands still while this is entered, and runs afterwards.
        meet_time: Told of the exchange's time whenever the clock stands, ms.
        patience_s: The limit of the wait for a bar.
        hear_s: The limit of the wait for events, before they are looked for over REST.
        left_s: Gives how long may still be waited, of so many seconds; less where the run is to end.
        steady: Seconds that only grow.
    """

    def __init__(
        self,
        barriers: Mapping[str, BarrierClient],
        inbox: LiveInbox,
        bell: Bell,
        *,
        look: Callable[[str], bool],
        last_execution: Callable[[], int] = lambda: 0,
        standing: Callable[[], AbstractContextManager[object]] = nullcontext,
        meet_time: Callable[[int], object] = lambda now_ms: None,
        patience_s: float = 3.0,
        hear_s: float = 1.0,
        left_s: Callable[[float], float] = lambda most: most,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._barriers = dict(barriers)
        self._inbox = inbox
        self._bell = bell
        self._look = look
        self._last_execution = last_execution
        self._standing = standing
        self._meet_time = meet_time
        self._patience_s = patience_s
        self._hear_s = hear_s
        self._left_s = left_s
        self._steady = steady
        self._started = False
        self._met: dict[str, int] = {}
        self._acted: dict[str, int] = {}
        self._since: dict[str, tuple[int, float]] = {}
        self._told_ms = 0

    @property
    def is_started(self) -> bool:
        """Whether the clock is ours to hold."""
        return self._started

    def start(self) -> None:
        """Let the clock run, and hold it at the next bar's close."""
        self._started = True
        if not self._barriers:
            return
        # What happened before is known from the comparison with the exchange; no event of it will come.
        self._inbox.execution_id = max(self._inbox.execution_id, self._last_execution())
        with self._standing():
            for barrier in self._barriers.values():
                barrier.start()
            for barrier in self._barriers.values():
                barrier.wait_registered(self._left_s(self._patience_s))

    def check(self) -> None:
        """Raise why the clock cannot be held."""
        for barrier in self._barriers.values():
            if barrier.failure is not None:
                raise barrier.failure

    @property
    def has_ended(self) -> bool:
        """Whether the data has ended and everything was dealt with."""
        barriers = self._barriers.values()
        done = all(barrier.ended and barrier.held is None for barrier in barriers)
        return self._started and bool(self._barriers) and done and not (self._met or self._acted)

    @property
    def last_bars(self) -> dict[str, int]:
        """Give when the last bar of each symbol opened, once the data has ended."""
        barriers = self._barriers.items()
        return {symbol: barrier.last for symbol, barrier in barriers if barrier.last is not None}

    # In the order of a bar's life.

    def meet(self, bars: Iterable[BarSeen]) -> None:
        """Before the broker's turn: hear all that happened up to the close of these bars."""
        if not self._started:
            return
        for bar in bars:
            barrier = self._barriers.get(bar.symbol)
            if barrier is None:
                continue
            self._met[bar.symbol] = bar.open_time
            if not bar.is_live:
                continue
            self._wait(partial(_stands_at, barrier, bar.open_time), self._patience_s)
            held = barrier.held
            if held is not None:
                self._hear(held)

    def act(self) -> None:
        """After the strategy's turn: its orders at market are sent; one more turn sends the others."""
        if self._met:
            self._acted |= self._met
            self._met.clear()
            self._bell.ring()

    def release(self, *, in_doubt: bool) -> None:
        """After the broker's turn: let the clock go on, unless the fate of an order is still asked for."""
        if not (self._started and self._barriers):
            return
        now = self._steady()
        for symbol, barrier in self._barriers.items():
            held = barrier.held
            if held is None:
                continue
            known, since = self._since.get(symbol, (-1, 0.0))
            if known != held.open_time:
                since = now
                self._since[symbol] = (held.open_time, now)
            is_done = self._acted.get(symbol, -1) >= held.open_time and not in_doubt
            if is_done or now - since > self._patience_s:
                self._acted.pop(symbol, None)
                barrier.release(held.open_time)
        for symbol, open_time in list(self._acted.items()):
            if not in_doubt and self._barriers[symbol].held is None:
                # It was dealt with before the exchange said that it holds there.
                self._barriers[symbol].release(open_time)
                del self._acted[symbol]

    # How.

    def _hear(self, held: Held) -> None:
        """Wait for the account's events up to the hold; what does not come is looked for over REST."""
        if held.now > self._told_ms:
            self._told_ms = held.now
            self._meet_time(held.now)
        if self._wait(lambda: self._inbox.execution_id >= held.execution_id, self._hear_s):
            return
        reports = self._inbox.reports
        if self._look(f"the account's stream has not told execution {held.execution_id}"):
            self._wait(lambda: self._inbox.reports > reports, self._patience_s)
        self._inbox.execution_id = max(self._inbox.execution_id, held.execution_id)

    def _wait(self, condition: Callable[[], bool], limit_s: float) -> bool:
        until = self._steady() + limit_s
        while not condition():
            left = self._left_s(until - self._steady())
            if left <= 0:
                return False
            self._bell.wait(min(left, _LOOK_S))
        return True


def _stands_at(barrier: BarrierClient, open_time: int) -> bool:
    held = barrier.held
    return barrier.ended or barrier.failure is not None or (held is not None and held.open_time >= open_time)
