"""
Send what is in the outbox: a thread for each target, so that a service that hangs holds up nobody else.

Nothing here runs in the thread that trades. Whatever a target does, its messages wait in the outbox.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from bt_run.alerts.delivery import CLAIM_MS, after, backoff_s, next_due
from bt_run.core.background import Bell
from bt_run.core.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bt_run.alerts.delivery import Delivery, Outbox
    from bt_run.alerts.happening import Happening, Picture
    from bt_run.alerts.target import Target

__all__ = ["Dispatcher"]

_log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 5.0


class Dispatcher:
    """
    Puts messages into the outbox and sends them.

    Args:
        outbox: Where they are kept.
        targets: Who gets each message.
        draw: Draws a chart as a PNG, off the thread that trades; what it raises is logged, and the message goes
            without.
        clock_ms: Gives our clock's time, ms since 1970 UTC.
    """

    def __init__(
        self,
        outbox: Outbox,
        targets: Sequence[Target],
        *,
        draw: Callable[[Picture], bytes] | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._outbox = outbox
        self._clock_ms = clock_ms
        drawings = _Drawings(draw)
        self._lanes = [_Lane(target, outbox, drawings, clock_ms) for target in targets]

    def start(self) -> None:
        """Begin to send; what waits from an earlier process goes first."""
        for lane in self._lanes:
            lane.start()

    def post(self, happening: Happening, *, not_before_ms: int = 0) -> bool:
        """
        Put a message into the outbox; it is kept when this returns. Tells whether it was new.

        Raises:
            JournalError: it could not be kept. It is sent at once then, and not again where that fails.
        """
        now = self._clock_ms()
        names = [lane.target.name for lane in self._lanes]
        try:
            return self._outbox.add(happening, names, now_ms=now, due_ms=max(now, not_before_ms))
        except JournalError:
            for lane in self._lanes:
                lane.unkept.append(happening)
            raise
        finally:
            for lane in self._lanes:
                lane.bell.ring()

    def close(self, *, limit_s: float) -> bool:
        """
        Wait up to `limit_s` until nothing is due, then end; tells whether every target's thread has ended.

        A target that has just failed is not waited for. What is not sent stays in the outbox.
        """
        until = time.monotonic() + limit_s
        for lane in self._lanes:
            lane.finish()
        ended = [lane.join(max(0.0, until - time.monotonic())) for lane in self._lanes]
        return all(ended)


class _Lane(threading.Thread):
    """One target's thread; a daemon, since nobody can end a service that hangs."""

    def __init__(
        self, target: Target, outbox: Outbox, drawings: _Drawings, clock_ms: Callable[[], int]
    ) -> None:
        super().__init__(name=f"alerts to {target.name}", daemon=True)
        self.target = target
        self.bell = Bell()
        self.unkept: deque[Happening] = deque()
        self._outbox = outbox
        self._drawings = drawings
        self._clock_ms = clock_ms
        self._is_over = False
        self._is_cut = False
        self._failures = 0

    def finish(self) -> None:
        """End when nothing is due any more."""
        self._is_over = True
        self.bell.ring()

    def join(self, timeout: float | None = None) -> bool:  # type: ignore[override]  # tells what Thread's does not
        """Wait for the end; after that time it begins nothing new."""
        super().join(timeout)
        self._is_cut = True
        self.bell.ring()
        return not self.is_alive()

    def run(self) -> None:
        """Send one after the other."""
        while self._goes_on():
            is_over = self._is_over  # before it looks: what was posted before the end is seen then
            self._send_unkept()
            try:
                waiting, now_ms = self._outbox.waiting(self.target.name), self._clock_ms()
                delivery = next_due(waiting, now_ms)
                if delivery is None:
                    if is_over and not self.unkept:
                        return
                    if self.unkept or self._is_over:
                        continue
                    soonest_ms = min((item.due_ms for item in waiting), default=now_ms + 60_000)
                    self.bell.wait(min(_LONGEST_WAIT_S, max(0.05, (soonest_ms - now_ms) / 1000)))
                    continue
                if not self._outbox.claim(delivery, until_ms=now_ms + CLAIM_MS):
                    continue
                pause_s = self._try(delivery)
            except JournalError as error:
                if self._is_cut:  # a journal that ended with its run
                    return
                _log.warning("Alerts to %s wait: %s", self.target.name, error)
                pause_s = _LONGEST_WAIT_S
            self._pause(pause_s)

    def _send_unkept(self) -> None:
        """Send what no outbox holds, once and without a chart."""
        while self.unkept:
            happening = self.unkept.popleft()
            outcome = self.target.send(happening.title, happening.text, None)
            if not outcome.is_sent:
                _log.warning("An alert to %s is lost: %s", self.target.name, outcome.reason)

    def _try(self, delivery: Delivery) -> float:
        """Send one message and write down what became of it; gives the seconds to leave the target alone."""
        happening = delivery.happening
        image = self._drawings.of(delivery)
        outcome = self.target.send(happening.title, happening.text, image)
        self._outbox.settle(after(delivery, outcome, self._clock_ms()))
        if outcome.is_sent or outcome.is_final:
            self._failures = 0
        else:
            self._failures += 1
        if not outcome.is_sent:
            _log.info("Alert %d to %s: %s", delivery.alert, self.target.name, outcome.reason)
        return max(self.target.gap_s, outcome.wait_s or 0.0, backoff_s(self._failures))

    def _pause(self, seconds: float) -> None:
        """Leave the target alone; the bell of a new message does not shorten it, the end does."""
        until = time.monotonic() + seconds
        while self._goes_on() and not self.unkept and (left := until - time.monotonic()) > 0:
            self.bell.wait(left)

    def _goes_on(self) -> bool:
        """A target that has failed is not tried again at the end."""
        return not self._is_cut and not (self._is_over and self._failures)


class _Drawings:
    """Draws each alert's chart once for all targets, the last ones kept."""

    def __init__(self, draw: Callable[[Picture], bytes] | None) -> None:
        self._draw = draw
        self._lock = threading.Lock()
        self._kept: dict[int, bytes | None] = {}

    def of(self, delivery: Delivery) -> bytes | None:
        """Give the chart of a message, None where it has none or it could not be drawn."""
        picture = delivery.happening.picture
        if picture is None or self._draw is None:
            return None
        with self._lock:
            if delivery.alert not in self._kept:
                self._kept[delivery.alert] = self._drawn(picture)
                for old in sorted(self._kept)[:-8]:
                    del self._kept[old]
            return self._kept.get(delivery.alert)

    def _drawn(self, picture: Picture) -> bytes | None:
        if self._draw is None:
            return None
        try:
            return self._draw(picture)
        except Exception:  # noqa: BLE001  # whatever the drawing meets, the words must go out
            _log.exception("The chart %r could not be drawn; its alert goes without.", picture.title)
            return None
