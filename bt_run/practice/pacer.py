"""
Lets the exchange's clock run: at a speed, step by step, or as fast as the bots that hold it allow.

All of it happens in one task of the event loop, in slices of a millisecond, so that requests and streams are
served between them. A barrier holds the clock when a bar closes until its owner has decided; that is how a bot
trades years of bars in minutes and still meets every bar as it would in real time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bt_run.core.errors import ConfigError
from bt_run.practice.barrier import Barrier, Hold
from bt_run.practice.events import BarClosed, Executed
from bt_run.practice.market.grid import parse_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.practice.events import Event
    from bt_run.practice.exchange import Exchange

__all__ = ["Barrier", "Hold", "Pacer"]

_SLICE_S = 0.001
_LONGEST_SLEEP_S = 0.1  # so that the exchange's clock also goes on where hours lie between two events

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Steps:
    """A request for movement: how many bars or events are still to come; `done` is set at its end."""

    kind: Literal["bars", "events"]
    rest: int
    done: asyncio.Future[int]
    moved: int = field(default=0)


class Pacer:
    """
    Moves one exchange; `start` it inside an event loop, or run `run` as a task of your own.

    At a speed, the exchange's clock runs `speed` times as fast as real time, held or paused times excepted. At
    ``max`` it moves only while a barrier is registered (or `force` is set): a bot that died finds the market
    where it left it. Barriers hold the clock at any speed, also while stepping.

    `ended` is set when the data of all markets has ended and nothing holds any more. `failure` is the
    exception that stopped the clock, None while all is well; it is logged and raised in whoever waits.

    Args:
        exchange: What to move.
        speed: Seconds of the exchange in a second, > 0, or ``max``.
        step: Begin paused: it moves by `step_bars` and `step_events` alone, until `resume`.
        clock: Real seconds that only go forward.

    Raises:
        ConfigError: a speed that is not above zero.
    """

    def __init__(
        self,
        exchange: Exchange,
        speed: float | Literal["max"] = 1.0,
        *,
        step: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.exchange = exchange
        self.ended = asyncio.Event()
        self.failure: BaseException | None = None
        self._clock = clock
        self._paused = step
        self._force = False
        self._speed: float | Literal["max"] = _checked(speed)
        self._barriers: list[Barrier] = []
        self._steps: deque[_Steps] = deque()
        self._execution_id = 0
        self._wake = asyncio.Event()
        self._anchor = (clock(), exchange.now)
        self._task: asyncio.Task[None] | None = None
        self._unlisten: Callable[[], None] | None = exchange.listen(self._note)

    # For people.

    @property
    def speed(self) -> float | Literal["max"]:
        """Give the speed; setting it goes on from where the clock stands."""
        return self._speed

    @speed.setter
    def speed(self, speed: float | Literal["max"]) -> None:
        speed = _checked(speed)
        self.sync()
        self._speed = speed
        self._changed()

    @property
    def paused(self) -> bool:
        """Tell whether it was paused."""
        return self._paused

    @property
    def force(self) -> bool:
        """Tell whether it moves at ``max`` without any barrier; may be set."""
        return self._force

    @force.setter
    def force(self, force: bool) -> None:
        self._force = force
        self._changed()

    @property
    def holders(self) -> tuple[str, ...]:
        """Give the names of the barriers that hold the clock now."""
        return tuple(barrier.name for barrier in self._barriers if barrier.hold is not None)

    def pause(self) -> None:
        """Let the clock stand still."""
        self.sync()
        self._paused = True

    def resume(self) -> None:
        """Let the clock go on from where it stands."""
        self._paused = False
        self._changed()

    async def step_bars(self, count: int = 1) -> int:
        """
        Let bars of the data close `count` times, those of several symbols together; give how often they did.

        It moves while paused too, ends early at the end of the data, and waits while a barrier holds.
        """
        return await self._ask("bars", count)

    async def step_events(self, count: int = 1) -> int:
        """Let `count` prints or bar closes happen; the rest is as in `step_bars`."""
        return await self._ask("events", count)

    # For bots.

    def add_barrier(self, name: str, symbol: str, interval: str) -> Barrier:
        """
        Register who wants the clock held when a bar of `interval` closes; the name is for people.

        Raises:
            Refusal: -1121 or -1120, no such symbol or interval.
            ConfigError: the interval is finer than the data's.
        """
        market = self.exchange.market(symbol)
        wanted = parse_interval(interval, market.interval)
        if wanted.approximate_ms < market.interval.approximate_ms:
            raise ConfigError(
                f"The data of {symbol} has bars of {market.interval}: the clock cannot be held at each bar of "
                f"{interval}. Choose {market.interval} or longer."
            )
        barrier = Barrier(name, symbol, interval, self._changed, self._remove)
        self.sync()
        self._barriers.append(barrier)
        self._changed()
        return barrier

    def sync(self) -> None:
        """
        Bring the exchange's clock up to this moment where nothing is due before it.

        The clock is set whenever something happens and ten times a second; who needs it exactly, such as the
        check of a request's timestamp, calls this.
        """
        until = self._due()
        if until is None:
            return
        upcoming = self.exchange.next_time()
        if upcoming is None or upcoming > until:
            self.exchange.advance(until)

    # Running.

    def start(self) -> None:
        """Begin to run in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self.run(), name="pacer")
        self._task.add_done_callback(_report)

    async def aclose(self) -> None:
        """End; whoever waits for a barrier or for steps is let go. A failure was reported when it happened."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._let_go()

    async def run(self) -> None:
        """Run until cancelled. Raises what the exchange raises, which stops the clock for good."""
        self._anchor = (self._clock(), self.exchange.now)
        try:
            while True:
                self._wake.clear()
                await self._move()
                await self._rest()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self._let_go()

    def _is_held(self) -> bool:
        return any(barrier.hold is not None for barrier in self._barriers)

    async def _move(self) -> None:
        """Let happen what is due, and breathe every millisecond."""
        until = self._clock() + _SLICE_S
        while self._may_step():
            self._step()
            if self._clock() >= until:
                await asyncio.sleep(0)
                until = self._clock() + _SLICE_S
        self.sync()
        if self.exchange.next_time() is None and not self._is_held():
            self._finish_steps()
            self.ended.set()

    def _may_step(self) -> bool:
        upcoming = self.exchange.next_time()
        if upcoming is None or self._is_held():
            return False
        if self._steps:
            return True
        if self._paused:
            return False
        if self._speed == "max":
            return bool(self._barriers) or self._force
        due = self._due()
        return due is not None and upcoming <= due

    def _step(self) -> None:
        by_event = bool(self._steps) and self._steps[0].kind == "events"
        closed = self._happen()
        if not closed:
            return
        # Bars of several markets that end together close together: a bot of two symbols waits for both.
        while not by_event and self.exchange.next_time() == self.exchange.now and self.exchange.closes_next():
            self._happen()
        self._count("bars")

    def _happen(self) -> bool:
        """Let one thing happen, and hold where it closes a bar that somebody waits for; tell whether it did."""
        event = self.exchange.step()
        self._count("events")
        if not isinstance(event, BarClosed):
            return False
        kline = event.kline
        market = self.exchange.market(kline.symbol)
        for barrier in self._barriers:
            if barrier.symbol == kline.symbol:
                closed = market.closed_with(kline, barrier.interval)
                if closed is not None:
                    barrier.reach(Hold(closed.open_time, self.exchange.now, self._execution_id))
        return True

    async def _rest(self) -> None:
        """Sleep until something is due, something changes, or the clock should be seen moving."""
        if self._wake.is_set():
            return
        pause = self._pause_s()
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _pause_s(self) -> float | None:
        if self._paused or self._is_held() or self._speed == "max":
            return None
        upcoming = self.exchange.next_time()
        if upcoming is None:
            return _LONGEST_SLEEP_S
        started, begin = self._anchor
        due_s = started + (upcoming - begin) / (1000 * self._speed)
        return min(max(due_s - self._clock(), 0.0), _LONGEST_SLEEP_S)

    def _due(self) -> int | None:
        """Give up to when the exchange's clock may go now; None where real time does not move it."""
        if self._paused or self._speed == "max" or self._is_held() or self._steps:
            return None
        started, begin = self._anchor
        return begin + int((self._clock() - started) * 1000 * self._speed)

    # Requests for steps.

    async def _ask(self, kind: Literal["bars", "events"], count: int) -> int:
        if self.failure is not None:
            raise self.failure
        if count <= 0 or (self.exchange.next_time() is None and not self._is_held()):
            return 0
        self.sync()
        steps = _Steps(kind, count, asyncio.get_running_loop().create_future())
        self._steps.append(steps)
        self._changed()
        return await steps.done

    def _count(self, kind: Literal["bars", "events"]) -> None:
        if not self._steps or self._steps[0].kind != kind:
            return
        steps = self._steps[0]
        steps.rest -= 1
        steps.moved += 1
        if not steps.rest:
            self._steps.popleft()
            self._end(steps)
            self._anchor = (self._clock(), self.exchange.now)

    def _finish_steps(self) -> None:
        while self._steps:
            self._end(self._steps.popleft())

    def _end(self, steps: _Steps) -> None:
        if steps.done.done():
            return
        if self.failure is not None:
            steps.done.set_exception(self.failure)
        else:
            steps.done.set_result(steps.moved)

    # What changes.

    def _note(self, event: Event) -> None:
        if isinstance(event, Executed):
            self._execution_id = max(self._execution_id, event.execution_id)

    def _changed(self) -> None:
        """Go on from here: time that was held or paused is not made up for."""
        self._anchor = (self._clock(), self.exchange.now)
        self._wake.set()

    def _remove(self, barrier: Barrier) -> None:
        if barrier in self._barriers:
            if barrier.hold is None:
                self.sync()
            self._barriers.remove(barrier)

    def _let_go(self) -> None:
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        self._finish_steps()
        for barrier in tuple(self._barriers):
            barrier.end(self.failure)
        self._barriers.clear()


def _checked(speed: float | Literal["max"]) -> float | Literal["max"]:
    if speed != "max" and not speed > 0:
        raise ConfigError(f"The speed is {speed}; it must be above zero, or max.")
    return speed


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("The practice exchange has stopped: its clock failed.", exc_info=task.exception())
