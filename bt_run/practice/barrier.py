"""A barrier: who wants the exchange's clock held when a bar closes, and until when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Barrier", "Hold"]


@dataclass(frozen=True, slots=True)
class Hold:
    """
    The clock stands: the bar that opened at `open_time` has closed.

    `now` is the exchange's time, where it stands. `execution_id` is the last execution report (Binance's `I`)
    that happened before; who has seen it has seen all. Times in ms.
    """

    open_time: int
    now: int
    execution_id: int


class Barrier:
    """
    One registration; made by `Pacer.add_barrier`.

    `hold` is set while it holds the clock. `symbol` and `interval` say at whose bars.
    """

    def __init__(
        self,
        name: str,
        symbol: str,
        interval: str,
        changed: Callable[[], None],
        removed: Callable[[Barrier], None],
    ) -> None:
        self.name = name
        self.symbol = symbol
        self.interval = interval
        self.hold: Hold | None = None
        self._released: int | None = None
        self._changed = changed
        self._removed = removed
        self._failure: BaseException | None = None
        self._over = False
        self._news = asyncio.Event()

    async def held(self) -> Hold | None:
        """
        Wait until the clock is held here; at once while it is.

        None where that will not happen any more: the barrier was removed or the exchange has stopped. Raises
        what made it stop.
        """
        while self.hold is None and not self._over:
            self._news.clear()
            await self._news.wait()
        if self.hold is None and self._failure is not None:
            raise self._failure
        return self.hold

    def release(self, open_time: int) -> None:
        """Let the clock go on past the close of the bar that opened then, and of those before it."""
        self._released = open_time if self._released is None else max(self._released, open_time)
        if self.hold is not None and self.hold.open_time <= self._released:
            self.hold = None
            self._changed()

    def remove(self) -> None:
        """Hold the clock no more; a second time it does nothing."""
        self._removed(self)
        self.end(None)
        self._changed()

    def reach(self, hold: Hold) -> None:
        """Take note that a bar has closed; the pacer calls this."""
        if self._released is None or hold.open_time > self._released:
            self.hold = hold
            self._news.set()

    def end(self, failure: BaseException | None) -> None:
        """Let everybody go who waits; the pacer calls this."""
        self._over, self._failure = True, failure
        self.hold = None
        self._news.set()
