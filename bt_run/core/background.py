"""
Two threads that work together: a background thread with an event loop, and a bell that wakes the other one.

The background thread owns sockets and whatever else waits; the thread that trades owns everything else. What
they tell each other goes through queues of plain data, and the one that waits is woken by the bell.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from bt_run.core.errors import BtRunError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Future
    from types import TracebackType

__all__ = ["BackgroundLoop", "Bell"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_GRACE_S = 0.25  # what a task that is cancelled may still take, and a thread to end


class Bell:
    """
    Wakes the one thread that waits for several sources at once.

    Whoever has something puts it where it is looked for, then rings. A ring that nobody waits for is kept
    until the next wait, so that nothing put between a look and the wait is overslept.
    """

    def __init__(self) -> None:
        # Locked while it has not rung: a ring unlocks it, and who waits locks it. One lock is one call of the
        # system where a condition variable takes two locks and as many changes of thread.
        self._silent = threading.Lock()
        self._silent.acquire()

    def ring(self) -> None:
        """Wake the waiting thread, or let its next wait return at once; from any thread."""
        try:  # noqa: SIM105  # an order waits for it, and `suppress` takes as long again
            self._silent.release()
        except RuntimeError:
            pass  # it has rung already, and nobody has heard it yet

    def wait(self, timeout_s: float) -> bool:
        """Wait for a ring, at most so many seconds; tells whether there was one. It uses no CPU meanwhile."""
        return self._silent.acquire(timeout=max(0.0, timeout_s))


class BackgroundLoop:
    """
    A daemon thread with an event loop.

    ::

        with BackgroundLoop() as background:
            future = background.submit(coroutine())

    It lives once: after `stop` nothing can be submitted any more. A process that ends without `stop` stops it.
    Errors are not lost: one that a coroutine raises is in its future, is logged, and is told to `on_error`, as
    are those of tasks that were started inside and that nobody awaits.

    Args:
        name: The thread's name.
        on_error: Gets each error, in the background thread.
    """

    def __init__(
        self, name: str = "background", *, on_error: Callable[[BaseException], None] | None = None
    ) -> None:
        self.name = name
        self._on_error = on_error
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._calls: set[threading.Thread] = set()
        self._stopped = False

    @property
    def running(self) -> bool:
        """Tell whether coroutines can be submitted."""
        return self._thread.is_alive() and not self._stopped

    def start(self) -> BackgroundLoop:
        """Start the thread; a second time it does nothing. Raises RuntimeError after `stop`."""
        if self._stopped:
            raise RuntimeError(f"The background thread {self.name!r} was stopped; make a new one.")
        if not self._thread.is_alive():
            self._thread.start()
            atexit.register(self.stop)
        return self

    def submit(self, coroutine: Coroutine[Any, Any, _T]) -> Future[_T]:
        """
        Run a coroutine in the background; from any other thread.

        Raises:
            RuntimeError: the thread does not run.
        """
        if not self.running:
            coroutine.close()
            raise RuntimeError(f"The background thread {self.name!r} does not run.")
        return asyncio.run_coroutine_threadsafe(self._watched(coroutine), self._loop)

    def at_stop(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Let `stop` await this first, such as a goodbye to a server; the last one added goes first."""
        self._closers.append(closer)

    async def call_blocking(self, call: Callable[[], _T]) -> _T:
        """
        Run a function that blocks in a daemon thread of its own and await what it returns or raises.

        Awaited inside the loop. Where the await is cancelled the function runs on, and its result is dropped:
        a thread cannot be cancelled. Whoever gives a function that may take long must be able to end it.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T] = loop.create_future()

        def tell(put: Callable[[Any], None], value: Any) -> None:
            # The loop may be closed by now: then nobody waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: None if done.done() else put(value))

        def work() -> None:
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001  # it is raised where it is awaited
                tell(done.set_exception, error)
            else:
                tell(done.set_result, result)

        thread = threading.Thread(target=work, name=f"{self.name} call", daemon=True)
        self._calls = {one for one in self._calls if one.is_alive()} | {thread}
        thread.start()
        return await done

    def stop(self, *, limit_s: float = 2.0) -> bool:
        """
        End everything, in about `limit_s` seconds at most: closers first, then all tasks are cancelled.

        Tells whether all threads have ended; what has not is a daemon and holds up nobody. A second time it
        does nothing.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("A background thread cannot stop itself.")
        atexit.unregister(self.stop)
        started, self._stopped = self._thread.is_alive(), True
        until = time.monotonic() + limit_s
        if started:
            with suppress(RuntimeError):
                asyncio.run_coroutine_threadsafe(self._end(limit_s - 2 * _GRACE_S), self._loop)
            self._thread.join(max(0.0, until - time.monotonic()))
        elif not self._loop.is_closed():
            self._loop.close()
        for call in self._calls:
            call.join(max(0.0, until - time.monotonic()))
        left = [thread.name for thread in (self._thread, *self._calls) if thread.is_alive()]
        if left:
            _log.warning("Still running %s s after the stop: %s", limit_s, ", ".join(left))
        return not left

    def __enter__(self) -> BackgroundLoop:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Inside the thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._stray)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    async def _watched(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        try:
            return await coroutine
        except Exception as error:
            self._tell(error)
            raise

    def _stray(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what the event loop itself noticed: an error of a task that nobody awaited."""
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._tell(error)
        else:
            _log.error("%s: %s", self.name, context.get("message"))

    def _tell(self, error: BaseException) -> None:
        # An error of ours is a sentence for a person; any other is a bug, and its traceback is wanted.
        _log.error("%s: %s", self.name, error, exc_info=None if isinstance(error, BtRunError) else error)
        if self._on_error is not None:
            self._on_error(error)

    async def _end(self, limit_s: float) -> None:
        try:
            for closer in reversed(self._closers):
                try:
                    await asyncio.wait_for(closer(), max(limit_s, _GRACE_S))
                except TimeoutError:
                    _log.warning("%s: a goodbye took too long", self.name)
                except Exception as error:  # noqa: BLE001  # the others must be closed all the same
                    self._tell(error)
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=_GRACE_S)
        finally:
            self._loop.stop()


def _new_loop() -> asyncio.AbstractEventLoop:
    """Give uvloop's, which reads what comes in by machine code: a bar is here a quarter of a ms sooner."""
    import uvloop  # noqa: PLC0415  # heavy, and only who starts a thread needs it

    return uvloop.new_event_loop()
