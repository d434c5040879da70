"""
What can go wrong on the way: each fault is a context manager of the exchange.

::

    with exchange.refuse(429, retry_after=7, times=2):
        ...

A fault hits requests whose path contains `path`; it lets `after` of them pass first, then hits `times` of
them (None: all). `hits` counts. Several faults may be on; the first that wants a request gets it.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Change = Callable[[web.Request, web.Response], Awaitable[web.StreamResponse]]

_ANGRY_PAGE = (
    "<!DOCTYPE html><html><head><title>403 Forbidden: Request blocked</title></head><body>" + "x" * 5000
)


@dataclass(slots=True, eq=False)
class Fault:
    """One fault while it is on: what it does, to which requests, how often it has."""

    change: Change
    path: str = ""
    after: int = 0
    times: int | None = 1
    seen: int = 0
    hits: int = 0

    def wants(self, path: str) -> bool:
        """Tell whether this request is hit, and count it."""
        if self.path not in path:
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


class Faults:
    """Faults that are on, and the ways to turn them on; a base of the exchange."""

    now_ms: int

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def find_fault(self, path: str) -> Fault | None:
        """Find the fault that hits this request; None for an honest answer."""
        return next((fault for fault in list(self._faults) if fault.wants(path)), None)

    @contextmanager
    def fault(
        self, change: Change, *, path: str = "/v", after: int = 0, times: int | None = 1
    ) -> Iterator[Fault]:
        """Turn any change of answers on while the block runs; the others here are made of it."""
        fault = Fault(change, path, after, times)
        self._faults.append(fault)
        try:
            yield fault
        finally:
            self._faults.remove(fault)

    def refuse(
        self,
        status: int,
        *,
        code: int = -1003,
        reason: str = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.",
        retry_after: int | None = None,
        **where: Any,
    ) -> Any:
        """Answer with an error of Binance's: status, code, reason, and Retry-After in seconds."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
            return web.json_response({"code": code, "msg": reason}, status=status, headers=headers)

        return self.fault(change, **where)

    def server_error(self, status: int = 502, **where: Any) -> Any:
        """Answer with a gateway's HTML page."""
        return self.answer_html(
            status, page="<html><head><title>502 Bad Gateway</title></head></html>", **where
        )

    def answer_html(self, status: int = 403, *, page: str = _ANGRY_PAGE, **where: Any) -> Any:
        """Answer with a web page, as firewalls and gateways do."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            return web.Response(text=page, status=status, content_type="text/html")

        return self.fault(change, **where)

    def truncate_json(self, **where: Any) -> Any:
        """Answer 200 with the first half of the body, as if that were all."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            honest.body = honest.body[: len(honest.body) // 2]
            return honest

        return self.fault(change, **where)

    def reset_mid_page(self, **where: Any) -> Any:
        """Promise the whole body, send half of it, then reset the connection."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            whole = bytes(honest.body)
            cut = web.StreamResponse(
                headers={"Content-Type": "application/json", "Content-Length": str(len(whole))}
            )
            await cut.prepare(request)
            await cut.write(whole[: len(whole) // 2])
            await asyncio.sleep(0)
            reset(request)
            return cut

        return self.fault(change, **where)

    def drop(self, **where: Any) -> Any:
        """Reset the connection without an answer."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            reset(request)
            return honest

        return self.fault(change, **where)

    def overlap_pages(self, rows: int = 3, **where: Any) -> Any:
        """Repeat the last rows before the page at its head; the page stays as long as it was."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            start = int(request.query.get("startTime", 0))
            series = self.series_of(request)
            before = series.page(start=None, end=start - 1, limit=rows, now=self.now_ms)
            own = [json.dumps(row) for row in json.loads(honest.text or "[]")]
            honest.text = "[" + ",".join([*before, *own[: max(len(own) - len(before), 1)]]) + "]"
            return honest

        return self.fault(change, **{"path": "klines", "times": None, **where})

    def shuffle_page(self, **where: Any) -> Any:
        """Send the right rows in a wrong order, one of them twice."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            rows = json.loads(honest.text or "[]")
            mixed = rows + rows[:1]
            random.Random(7).shuffle(mixed)
            honest.text = json.dumps(mixed)
            return honest

        return self.fault(change, **{"path": "klines", **where})

    def contradict(self, **where: Any) -> Any:
        """Send one bar twice on a page, with two closes."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            rows = json.loads(honest.text or "[]")
            other = [*rows[0][:4], rows[0][3], *rows[0][5:]]
            honest.text = json.dumps([rows[0], other, *rows[1:]])
            return honest

        return self.fault(change, **{"path": "klines", **where})

    def lag(self, seconds: float, **where: Any) -> Any:
        """Leave out the bars that closed less than so many seconds ago, as a database that lags behind does."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            rows = json.loads(honest.text or "[]")
            honest.text = json.dumps([row for row in rows if row[6] + 1000 * seconds < self.now_ms])
            return honest

        return self.fault(change, **{"path": "klines", "times": None, **where})

    def bad_checksum(self, **where: Any) -> Any:
        """Send a checksum that fits no file."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            name = honest.text.split()[1] if honest.text else "?"
            return web.Response(text=f"{'0' * 64}  {name}\n")

        return self.fault(change, **{"path": ".CHECKSUM", **where})

    def corrupt_zip(self, **where: Any) -> Any:
        """Send a file whose second half is noise."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            body = bytes(honest.body)
            honest.body = body[: len(body) // 2] + b"\0" * (len(body) - len(body) // 2)
            return honest

        return self.fault(change, **{"path": ".zip", **where})

    def not_there(self, path: str, **where: Any) -> Any:
        """Answer 404, as the archive does for what it does not have (yet)."""

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            return web.Response(status=404, text="<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>")

        return self.fault(change, **{"path": path, "times": None, **where})

    @contextmanager
    def hold(self, **where: Any) -> Iterator[threading.Event]:
        """Keep requests waiting while the block runs; the event it gives is set when the first one waits."""
        waiting, release = threading.Event(), threading.Event()

        async def change(request: web.Request, honest: web.Response) -> web.StreamResponse:
            waiting.set()
            while not release.is_set():
                await asyncio.sleep(0.005)
            return honest

        with self.fault(change, **{"times": None, **where}):
            try:
                yield waiting
            finally:
                release.set()


def reset(request: web.Request) -> None:
    """Cut the connection so that the other side sees a reset, not an end."""
    if request.transport is None:
        return
    plain = request.transport.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
