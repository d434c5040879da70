"""The board: which faults are active, and what they do to requests and frames."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bt_run.practice.fault_points import FrameInfo, RequestInfo, Response
from bt_run.practice.faults.fault import Fault, FrameFault, Happening, RequestFault
from bt_run.practice.faults.frame_faults import Silence
from bt_run.practice.faults.ledger import Active, Fired, Ledger
from bt_run.practice.faults.stage import Stage
from bt_run.practice.faults.written import written
from bt_run.practice.identity import NAME

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from bt_run.practice.faults.fault import Timed
    from bt_run.practice.server import PracticeServer

__all__ = ["FaultBoard"]

_T = TypeVar("_T")

_PATIENCE_S = 5.0
_log = logging.getLogger(__name__)


class FaultBoard:
    """
    Holds the faults that are active; give it to `PracticeServer` as `faults`, and `connect` it.

    `add`, `remove`, `clear` and `having` may be called from any thread once it is connected. A fault whose
    count or time is up leaves the board by itself. What fired is logged and counted: `counts`, `log`.

    Args:
        faults: Those that are active from the start.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._active: dict[int, Active] = {}
        self._ledger = Ledger()
        self._next = 1
        self._stage: Stage | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._tasks: dict[asyncio.Task[None], Active] = {}
        self._prepared: tuple[RequestInfo, Active] | None = None
        self._first = tuple(faults)

    # What people do.

    @property
    def active(self) -> tuple[Active, ...]:
        """Give what is on the board, oldest first."""
        for found in tuple(self._active.values()):
            if found.is_over:
                self._active.pop(found.id, None)
        return tuple(self._active.values())

    @property
    def counts(self) -> Mapping[str, int]:
        """Give how often each kind has fired since the start."""
        return self._ledger.counts

    @property
    def log(self) -> tuple[Fired, ...]:
        """Give what has fired, oldest first; the last ten thousand."""
        return self._ledger.log

    def add(self, fault: Fault) -> Active:
        """Put a fault on the board; what happens at once has happened when this returns."""
        return self._in_loop(lambda: self._add(fault))

    def remove(self, fault_id: int) -> bool:
        """Take a fault off the board; False where it is not there any more. A server that is down stays so."""
        return self._in_loop(lambda: self._remove(fault_id))

    def clear(self) -> int:
        """Take all faults off the board; gives how many."""
        return self._in_loop(lambda: sum(self._remove(found.id) for found in self.active))

    @contextmanager
    def having(self, *faults: Fault) -> Iterator[tuple[Active, ...]]:
        """Have faults on the board while the block runs; gives them, in order, with their counts."""
        added: list[Active] = []
        try:
            for fault in faults:
                added.append(self.add(fault))  # noqa: PERF401 - what was added is removed also when the next fails
            yield tuple(added)
        finally:
            for found in added:
                self.remove(found.id)

    # The server's life.

    def connect(self, server: PracticeServer) -> None:
        """Join a server that runs, in its event loop; the faults of the start become active."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._stage = Stage(server)
        for fault in self._first:
            self._add(fault)
        self._first = ()

    async def close(self) -> None:
        """End what still happens; before the server's end."""
        self._active.clear()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        if self._stage is not None:
            self._stage.leave()

    # Fault points.

    async def before(self, request: RequestInfo) -> Response | None:
        """Answer in the exchange's place, or give None to let the request through."""
        stage = self._stage
        if stage is None or not (self._active or stage.closed):
            return None
        for found, fault in self._of(RequestFault):
            if not fault.executed and fault.chooses(request, stage) and found.hits():
                self._fire(found, _words(request))
                instead = await fault.answer(request, None, stage)
                if instead is not None:
                    return instead
        if stage.is_closed(request):
            return Response(400, {"code": -2010, "msg": "Market is closed."})
        self._prepared = None
        stage.thicken()
        for found, fault in self._of(RequestFault):
            if fault.executed and fault.prepares and fault.chooses(request, stage) and found.hits():
                fault.prepare(request, stage)
                self._prepared = (request, found)
                break
        return None

    async def after(self, request: RequestInfo, response: Response) -> Response:
        """Give the answer to send; `response` itself to leave it alone."""
        stage = self._stage
        if stage is None:
            return response
        stage.thicken()
        prepared, self._prepared = self._prepared, None
        if not self._active or response.status >= 400:
            return response
        for found, fault in self._of(RequestFault):
            if not fault.executed:
                continue
            if fault.prepares:
                hits = prepared is not None and prepared[0] is request and prepared[1] is found
            else:
                hits = fault.chooses(request, stage) and found.hits()
            if hits:
                self._fire(found, _words(request))
                response = await fault.answer(request, response, stage) or response
                if response.drop:
                    break
        return response

    def outgoing(self, frame: FrameInfo, text: str) -> Sequence[Timed] | None:
        """Give what is sent instead of a frame; None to leave it alone."""
        stage = self._stage
        if stage is None or not self._active:
            return None
        frames: Sequence[Timed] | None = None
        for found, fault in self._of(FrameFault):
            if fault.chooses(frame) and found.hits(fault.every):
                self._fire(found, frame.name, level=logging.DEBUG)
                frames = fault.change([(0.0, text)] if frames is None else frames, stage)
        return frames

    def silent(self, path: str) -> bool:
        """Tell whether a connection that was opened at this path shall stay open and get no frame now."""
        if self._stage is None or not self._active:
            return False
        for found, fault in self._of(Silence):
            if fault.path in path and found.hits():
                self._fire(found, path, level=logging.DEBUG)
                return True
        return False

    # What happens by itself.

    def _add(self, fault: Fault) -> Active:
        if self._stage is None:
            raise RuntimeError("The board is not connected to a server yet.")
        found = Active(self._next, fault)
        self._next += 1
        self._active[found.id] = found
        _log.info("%s: fault %d on: %s", NAME, found.id, json.dumps(written(fault)))
        if isinstance(fault, Happening):
            if fault.every_s is None:
                self._happen(found, fault)
                self._active.pop(found.id, None)
            else:
                self._start(self._repeat(found, fault), found)
        return found

    def _remove(self, fault_id: int) -> bool:
        found = self._active.pop(fault_id, None)
        for task, owner in tuple(self._tasks.items()):
            if owner.id == fault_id and isinstance(owner.fault, Happening) and owner.fault.every_s is not None:
                task.cancel()
        if found is not None:
            _log.info("%s: fault %d off", NAME, fault_id)
        return found is not None

    async def _repeat(self, found: Active, fault: Happening) -> None:
        while not found.is_over:
            pause = (fault.every_s or 0.0) * (0.5 + found.draw.random())
            left = pause if found.until is None else found.until - time.monotonic()
            await asyncio.sleep(max(0.0, min(pause, left)))
            if left >= pause:
                self._happen(found, fault)

    def _happen(self, found: Active, fault: Happening) -> None:
        if self._stage is not None and found.hits():
            what, rest = fault.happen(self._stage)
            self._fire(found, what)
            if rest is not None:
                self._start(rest, found)

    def _start(self, work: Awaitable[None], owner: Active) -> None:
        async def run() -> None:
            await work

        task = asyncio.get_running_loop().create_task(run(), name=f"fault {owner.fault.kind}")
        self._tasks[task] = owner
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.critical("%s: a fault broke", NAME, exc_info=error)

    # Parts.

    def _of(self, kind: type[_T]) -> Iterator[tuple[Active, _T]]:
        for found in tuple(self._active.values()):
            if isinstance(found.fault, kind):
                yield found, cast("_T", found.fault)

    def _fire(self, found: Active, what: str, *, level: int = logging.INFO) -> None:
        now = 0 if self._stage is None else self._stage.exchange.now
        self._ledger.note(found, what, now=now)
        _log.log(level, "%s: fault %d, %s: %s", NAME, found.id, found.fault.kind, what)
        if found.is_over:
            self._active.pop(found.id, None)

    def _in_loop(self, act: Callable[[], _T]) -> _T:
        """Act in the server's thread, and wait for it where this is another one."""
        if self._loop is None or threading.get_ident() == self._thread:
            return act()

        async def run() -> Any:
            return act()

        return cast("_T", asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE_S))


def _words(request: RequestInfo) -> str:
    name = request.method or f"{request.verb} {request.path}"
    client_id = request.params.get("newClientOrderId") or request.params.get("origClientOrderId") or ""
    return f"{request.channel} {name} {client_id}".rstrip()
