"""Fill the holes of a capture over REST, one after the other, beside the stream."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from bt_run.core.errors import ExchangeError
from feeds.fetching.backfill import can_fill, fetch_rows
from feeds.quality import show_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from feeds.binance_rest import BinanceRest
    from feeds.wire.continuity import Hole

__all__ = ["HoleFiller", "Quit"]

_ATTEMPTS = 3


class Quit:
    """Waits that end at once when the capture does: threads cannot be cancelled."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """End all waits, now and later."""
        self._event.set()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises ExchangeError when the capture ends."""
        if self._event.wait(seconds):
            raise ExchangeError("The capture was stopped.")


class HoleFiller:
    """
    A queue of holes and the task that works it off.

    Args:
        rest: Where to ask; its requests run in a thread.
        take: Gets each page that came: the stream, and the text of its rows.
        settle: Gets each hole when nothing more will be tried, and how many rows came.
        notify: Gets a line for people.
        again_s: Pause before a bar that is not there yet is asked for again.
    """

    def __init__(
        self,
        rest: BinanceRest,
        *,
        take: Callable[[str, str], None],
        settle: Callable[[Hole, int], None],
        notify: Callable[[str], None],
        again_s: float = 2.0,
    ) -> None:
        self._rest = rest
        self._take = take
        self._settle = settle
        self._notify = notify
        self._again_s = again_s
        self._waiting: asyncio.Queue[Hole] = asyncio.Queue()
        self._known: list[Hole] = []

    def ask(self, holes: Iterable[Hole]) -> None:
        """Queue holes; those that lie in one that is queued already are not asked for twice."""
        for hole in holes:
            if not any(_covers(known, hole) for known in self._known):
                self._known.append(hole)
                self._waiting.put_nowait(hole)

    async def run(self) -> None:
        """Fill one hole after the other, until cancelled."""
        while True:
            hole = await self._waiting.get()
            try:
                rows = await self._fill(hole)
                self._settle(hole, rows)
            finally:
                self._known.remove(hole)
                self._waiting.task_done()

    async def finish(self, seconds: float) -> None:
        """Wait until all that is queued is done, at most so long."""
        try:
            await asyncio.wait_for(self._waiting.join(), seconds)
        except TimeoutError:
            self._notify("Not all that was missed could be fetched in time; a gap marker says what.")

    async def _fill(self, hole: Hole) -> int:
        if not can_fill(hole):
            return 0
        rows = 0
        for attempt in range(_ATTEMPTS):
            if attempt:
                # The exchange's database may be some seconds behind the bar that closed last.
                await asyncio.sleep(self._again_s)
            try:
                rows = await self._fetch(hole)
            except ExchangeError as error:
                where = f"{hole.stream} from {show_time(hole.start_ms)}"
                self._notify(f"What was missed could not be fetched ({where}): {error}")
                return rows
            if rows >= hole.missed:
                break
        return rows

    async def _fetch(self, hole: Hole) -> int:
        pages, rows = fetch_rows(self._rest, hole), 0
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            self._take(hole.stream, page[0])
            rows += page[1]
        return rows


def _covers(known: Hole, hole: Hole) -> bool:
    return known.stream == hole.stream and known.first <= hole.first and hole.end <= known.end
