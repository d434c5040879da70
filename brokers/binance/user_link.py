"""One connection to the WebSocket API that carries the account's events."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from enum import Enum
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from brokers.binance.errors import Failure, RequestFailed, Verdict, judge
from bt_run.core.stream_policy import close_reason, needs_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from websockets.asyncio.client import ClientConnection

    from brokers.binance.credentials import Credentials
    from brokers.binance.server_clock import ServerClock
    from bt_run.core.stream_policy import StreamPolicy

__all__ = ["LinkEnd", "UserLink", "open_user_link"]

_MAX_FRAME = 2**24
_MAX_QUEUE = 1024
_ALREADY = -2035

_log = logging.getLogger(__name__)


class LinkEnd(Enum):
    """Why a connection needs attention."""

    CLOSED = "the other side, or the network, has ended it"
    RETIRE = "it still works, but will soon be cut"
    UNSUBSCRIBED = "it is open, but the account's events have ended"


class UserLink:
    """
    One open connection. A task of its own hands each event on the moment it comes.

    `opened_at` is a time of the event loop in seconds. `refusal` is set where the exchange said by itself that
    the key is not accepted any more.
    """

    def __init__(
        self, socket: ClientConnection, take: Callable[[Mapping[str, Any]], None], answer_s: float
    ) -> None:
        self._socket = socket
        self._take = take
        self._answer_s = answer_s
        self._loop = asyncio.get_running_loop()
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._questions = 0
        self._changed = asyncio.Event()
        self._shutdown = False
        self._terminated = False
        self.opened_at = self._loop.time()
        self.reason = ""
        self.refusal: Failure | None = None
        self.reader = asyncio.create_task(self._read())

    @property
    def has_ended(self) -> bool:
        """Tell whether no more events come: the connection is gone, or its subscription."""
        return self._terminated or self.reader.done()

    @property
    def lived_s(self) -> float:
        """Give how long the connection has been open."""
        return self._loop.time() - self.opened_at

    async def subscribe(self, credentials: Credentials, clock: ServerClock) -> None:
        """
        Ask for the account's events; any kind of key may. Where the clocks differ, ours is set first.

        Raises RequestFailed.
        """
        self._terminated = False
        try:
            await self._subscribe_once(credentials, clock)
        except RequestFailed as failed:
            if judge(failed.failure) is not Verdict.CLOCK:
                raise
            await self._synchronize(clock)
            await self._subscribe_once(credentials, clock)

    async def watch(self, *, max_age_s: float) -> LinkEnd:
        """Wait until the connection ends, has lost its subscription, or wants a successor."""
        until = self.opened_at + max_age_s
        while True:
            changed = asyncio.create_task(self._changed.wait())
            try:
                timeout = max(0.0, until - self._loop.time())
                await asyncio.wait({self.reader, changed}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
            self._changed.clear()
            if self.reader.done():
                self.reader.result()
                return LinkEnd.CLOSED
            if self._terminated:
                return LinkEnd.UNSUBSCRIBED
            if self._shutdown or self._loop.time() >= until:
                return LinkEnd.RETIRE

    async def close(self) -> None:
        """Say goodbye and wait some time for the other side's; events still count meanwhile."""
        await self._socket.close()
        await asyncio.wait({self.reader})

    async def _subscribe_once(self, credentials: Credentials, clock: ServerClock) -> None:
        params = credentials.signed({}, time_ms=clock.now_ms())
        try:
            await self._ask("userDataStream.subscribe.signature", params)
        except RequestFailed as failed:
            if failed.failure.code != _ALREADY:
                raise

    async def _synchronize(self, clock: ServerClock) -> None:
        asked_s = clock.our_s()
        answer = await self._ask("time", {})
        clock.note(int(answer["result"]["serverTime"]), asked_s=asked_s, trip_s=clock.our_s() - asked_s)

    async def _ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self._questions += 1
        number = self._questions
        answered = self._asked[number] = self._loop.create_future()
        try:
            await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
            answer: dict[str, Any] = await asyncio.wait_for(answered, self._answer_s)
        except TimeoutError:
            reason = f"no answer to {method} within {self._answer_s:g} s"
            raise RequestFailed(Failure("silent", reason)) from None
        except ConnectionClosed as error:
            raise RequestFailed(Failure("silent", close_reason(error))) from None
        finally:
            del self._asked[number]
        failure = _failure_of(answer)
        if failure is not None:
            raise RequestFailed(failure)
        return answer

    async def _read(self) -> None:
        try:
            async for data in self._socket:
                self._understand(data)
            await self._socket.wait_closed()
            self.reason = self.reason or f"closed by the exchange ({self._socket.close_code})"
        except ConnectionClosed as error:
            self.reason = self.reason or close_reason(error)
        finally:
            for answered in self._asked.values():
                if not answered.done():
                    answered.set_exception(
                        RequestFailed(Failure("silent", self.reason or "the connection ended"))
                    )

    def _understand(self, data: str | bytes) -> None:
        try:
            message = json.loads(data)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            _log.warning("The account's stream sent something that is no JSON object.")
            return
        event = message.get("event")
        if isinstance(event, dict):
            self._event(event)
            return
        number = message.get("id")
        answered = self._asked.get(number) if isinstance(number, int) else None
        if answered is not None and not answered.done():
            answered.set_result(message)
        elif (failure := _failure_of(message)) is not None and judge(failure) is Verdict.KEY:
            self.refusal, self._terminated = failure, True
            self._changed.set()

    def _event(self, event: Mapping[str, Any]) -> None:
        kind = event.get("e")
        if kind == "serverShutdown":
            self._shutdown = True
            self._changed.set()
        elif kind == "eventStreamTerminated":
            self._terminated = True
            self.reason = "the exchange ended the subscription"
            self._changed.set()
        else:
            self._take(event)


async def open_user_link(
    url: str, policy: StreamPolicy, take: Callable[[Mapping[str, Any]], None], *, ping_s: float
) -> UserLink:
    """
    Connect once. What it raises, `stream_policy.explain` understands.

    Args:
        url: The whole address.
        policy: Its times; `open_s` also bounds the wait for an answer.
        take: Gets each event of the account.
        ping_s: So often we ping, and so long a pong may take.
    """
    socket = await connect(
        url,
        open_timeout=policy.open_s,
        close_timeout=policy.close_s,
        max_size=_MAX_FRAME,
        max_queue=_MAX_QUEUE,
        ping_interval=ping_s,
        ping_timeout=ping_s,
        proxy=True if needs_proxy(url) else None,
        logger=_silent_logger(),
    )
    return UserLink(socket, take, policy.open_s)


def _silent_logger() -> logging.Logger:
    """Give a logger that never writes frames: those that we send hold the key."""
    logger = logging.getLogger(f"{__name__}.socket")
    logger.setLevel(logging.INFO)
    return logger


def _failure_of(message: Mapping[str, Any]) -> Failure | None:
    """Read the failure of an answer; None for a good one. `retryAfter` is a time here, not a duration."""
    error = message.get("error")
    if message.get("status") == 200 and error is None:
        return None
    told = error if isinstance(error, dict) else {}
    data = told.get("data")
    until_ms = data.get("retryAfter") if isinstance(data, dict) else None
    now_ms = data.get("serverTime") if isinstance(data, dict) else None
    wait_s = (until_ms - (now_ms or time.time() * 1000)) / 1000 if isinstance(until_ms, int) else None
    return Failure(
        "refused",
        str(told.get("msg") or "no reason given"),
        status=int(message.get("status") or 0),
        code=told.get("code"),
        wait_s=None if wait_s is None else max(0.0, wait_s),
        until_ms=until_ms if message.get("status") == 418 else None,
    )
