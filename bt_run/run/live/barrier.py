"""
Holding the practice exchange's clock: it goes on past the close of a bar when the bot has dealt with that bar.

So years of bars pass in minutes, and every bar is met as it would be in real time. The other end is
`bt_run.practice.control_barrier`; what is said is in docs/design/practice-exchange.md.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bt_run.core.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from websockets.asyncio.client import ClientConnection

    from bt_run.core.background import BackgroundLoop

__all__ = ["BarrierClient", "Held"]

_log = logging.getLogger(__name__)

_OPEN_S = 10.0
_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Held:
    """The clock stands at `now`: the bar of `open_time` has closed. `execution_id` is the last before that."""

    open_time: int
    now: int
    execution_id: int


class BarrierClient:
    """
    One feed's hold on the clock.

    `held` is the newest hold, None while the clock runs; `ended` tells that the data has ended, and `last` when
    its last bar opened (None: there is none). All are set in the background thread before `ring` is called.
    After a lost connection it registers anew.

    Args:
        url: Origin of the exchange's sockets.
        symbol: Of the feed.
        interval: Of the feed.
        background: The thread of the connection.
        ring: Called when something has come.
        meet_time: Told of the exchange's time by each message, ms; in the background thread.
        name: For people who look at the exchange's status.
    """

    def __init__(
        self,
        url: str,
        symbol: str,
        interval: str,
        *,
        background: BackgroundLoop,
        ring: Callable[[], None],
        meet_time: Callable[[int], object] = lambda now_ms: None,
        name: str = "bt-run live",
    ) -> None:
        query = urlencode({"name": name, "symbol": symbol, "interval": interval})
        self.url = f"{url}/practice/barrier?{query}"
        self.symbol = symbol
        self.held: Held | None = None
        self.ended = False
        self.last: int | None = None
        self.failure: ExchangeError | None = None
        self._background = background
        self._ring = ring
        self._meet_time = meet_time
        self._socket: ClientConnection | None = None
        self._released = -1
        self._registered = threading.Event()
        self._task: asyncio.Task[Any] | None = None

    def start(self) -> Future[None]:
        """Register; from then on the clock moves, and is held at the next bar's close."""
        self._background.at_stop(self.aclose)
        return self._background.submit(self._run())

    def wait_registered(self, timeout_s: float) -> bool:
        """Wait until the exchange knows of it; tells whether it does."""
        return self._registered.wait(timeout_s)

    def release(self, open_time: int) -> None:
        """Let the clock go on past the close of that bar, and of those before it."""
        self._released = max(self._released, open_time)
        if self.held is not None and self.held.open_time <= open_time:
            self.held = None
        self._background.submit(self._send(open_time))

    # In the background thread.

    async def aclose(self) -> None:
        """Register no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        while not self.ended and self.failure is None:
            try:
                async with connect(
                    self.url, open_timeout=_OPEN_S, close_timeout=_AGAIN_S, proxy=None, ping_interval=None
                ) as socket:
                    self._socket = socket
                    if self._released >= 0:
                        await self._send(self._released)
                    async for text in socket:
                        self._take(json.loads(text))
            except InvalidHandshake as error:
                self._fail(f"refused: {_words_of(error)}")
            except (OSError, TimeoutError, ConnectionClosed) as error:
                _log.debug("The hold on the practice exchange's clock was lost: %s", error)
            finally:
                self._socket = None
            await asyncio.sleep(_AGAIN_S)

    def _take(self, told: dict[str, Any]) -> None:
        if "now" in told:
            self._meet_time(told["now"])
        if "held" in told:
            if told["held"] > self._released:
                self.held = Held(told["held"], told["now"], told["execution_id"])
        elif told.get("ended"):
            self.last, self.ended = told.get("last"), True
        elif "failure" in told:
            self._fail(f"the exchange has failed: {told['failure']}")
        else:
            self._registered.set()
            return
        self._ring()

    def _fail(self, why: str) -> None:
        self.failure = ExchangeError(f"The practice exchange's clock cannot be held: {why}")
        self._ring()

    async def _send(self, open_time: int) -> None:
        if self._socket is not None:
            try:
                await self._socket.send(json.dumps({"release": open_time}))
            except ConnectionClosed:
                return  # it is said again when the connection is there again


def _words_of(error: InvalidHandshake) -> str:
    response = getattr(error, "response", None)
    body = getattr(response, "body", b"") or b""
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return str(error)
