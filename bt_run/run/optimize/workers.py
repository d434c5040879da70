"""Where the combinations of a search are run: here, or in other processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from bt_run.core.errors import StrategyError
from bt_run.core.quick_turns import quick_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future
    from types import TracebackType

    from bt_run.core.run_sums import RunSums
    from bt_run.core.trial import Candidate, Trial
    from bt_run.run.optimize.measure import Measurer
    from bt_run.run.optimize.request import SearchRequest
    from bt_run.run.optimize.swept import Prepared, SweptMeasurer

__all__ = ["Here", "Processes", "Threads", "Workers", "cut_chunks", "stream_chunks"]

_TURN_S = 0.0001
"""So soon a thread that comes out of the kernel asks for its next block; Python's own 5 ms are twenty runs."""

_IN_FLIGHT = 4
"""Chunks that each further thread has before it, so that it need not wait for the next."""


class Workers(Protocol):
    """What runs candidates; a context manager that frees what it holds, on Ctrl-C too."""

    @property
    def width(self) -> int:
        """How many candidates it runs at once."""
        ...

    def __enter__(self) -> Workers: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def stream(self, candidates: Iterable[Candidate]) -> Iterator[list[Trial]]:
        """Run candidates, taken one after another as there is room for them; trials come as they end."""
        ...


class Here:
    """Runs one candidate after another in this process."""

    width = 1

    def __init__(self, measurer: Measurer) -> None:
        self._measurer = measurer

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def stream(self, candidates: Iterable[Candidate]) -> Iterator[list[Trial]]:
        """Run candidates in order."""
        for candidate in candidates:
            yield self._measurer.measure([candidate])


class Threads:
    """
    Runs candidates of the sweep's kernel in this process, in `width` threads that share bars and indicators.

    The caller's thread is one of them: it alone calls the strategy and makes trials, which holds the
    interpreter. The others run the kernel, which does not, and the caller's thread helps them when they have
    enough before them. So no thread waits for the interpreter in the midst of its work.
    """

    def __init__(self, measurer: SweptMeasurer, *, width: int) -> None:
        self.width = width
        self._measurer = measurer
        self._others = width - 1 if measurer.is_compiled else 0
        self._pool = ThreadPoolExecutor(max(1, self._others), thread_name_prefix="sweep")
        self._turns = ExitStack()

    def __enter__(self) -> Threads:
        self._measurer.__enter__()
        if self._others:
            self._turns.enter_context(quick_turns(_TURN_S))
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._turns.close()
        self._measurer.close()

    def stream(self, candidates: Iterable[Candidate]) -> Iterator[list[Trial]]:
        """Run candidates, some at a time; their trials come a little out of order."""
        measurer = self._measurer
        waiting: deque[tuple[Prepared, Future[list[RunSums]]]] = deque()
        for chunk in cut_chunks(candidates, at_once=measurer.at_once, width=self.width):
            prepared = measurer.prepare(chunk)
            if len(waiting) < _IN_FLIGHT * self._others:
                waiting.append((prepared, self._pool.submit(measurer.work, prepared)))
            else:
                yield measurer.finish(prepared, measurer.work(prepared))
            while waiting and waiting[0][1].done():
                prepared, future = waiting.popleft()
                yield measurer.finish(prepared, future.result())
        while waiting:
            prepared, future = waiting.pop()  # the last, which perhaps nobody has begun yet
            yield measurer.finish(prepared, measurer.work(prepared) if future.cancel() else future.result())


class Processes:
    """
    Runs candidates in fresh processes, which get the bars once, `at_once` of them at a time.

    Spawned, not forked: pandas and pyarrow run threads, and a fork of a threaded process can hang.
    """

    def __init__(self, request: SearchRequest, *, width: int, at_once: int = 1) -> None:
        self.width = width
        self._at_once = at_once
        self._pool = ProcessPoolExecutor(
            width,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin_worker,
            initargs=(request,),
        )

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        if kind is not None:
            for child in multiprocessing.active_children():
                child.terminate()

    def stream(self, candidates: Iterable[Candidate]) -> Iterator[list[Trial]]:
        """Run candidates; raises StrategyError where a process is killed, which a strategy cannot survive."""
        chunks = cut_chunks(candidates, at_once=self._at_once, width=self.width)
        try:
            yield from stream_chunks(self._pool, _measure_in_worker, chunks, self.width * 2)
        except BrokenProcessPool as error:
            raise StrategyError(
                "A process of the search was killed, perhaps for want of memory. Try fewer with --jobs."
            ) from error


def cut_chunks(candidates: Iterable[Candidate], *, at_once: int, width: int) -> Iterator[list[Candidate]]:
    """
    Cut candidates into chunks of at most `at_once`, taken when they are asked for.

    A list, which is a round of a method that learns, is cut evenly among `width` workers.
    """
    if isinstance(candidates, list):
        at_once = min(at_once, -(-len(candidates) // width))
    source = iter(candidates)
    return iter(lambda: list(islice(source, at_once)), [])


def stream_chunks(
    pool: Executor,
    work: Callable[[list[Candidate]], list[Trial]],
    chunks: Iterator[list[Candidate]],
    in_flight: int,
) -> Iterator[list[Trial]]:
    """Hand chunks to a pool, never more than `in_flight` at once, and give what comes back as it comes."""
    waiting: set[Future[list[Trial]]] = {pool.submit(work, chunk) for chunk in islice(chunks, in_flight)}
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
        waiting |= {pool.submit(work, chunk) for chunk in islice(chunks, in_flight - len(waiting))}


_worker: list[Measurer | SweptMeasurer] = []
"""What this process was begun for; only in processes of `Processes`."""


def _begin_worker(request: SearchRequest) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    from bt_run.run.optimize.swept import SweptMeasurer, measurer_of  # noqa: PLC0415  # not for the parent

    measurer = measurer_of(request)
    if isinstance(measurer, SweptMeasurer):
        measurer.__enter__()  # until the process ends
    _worker[:] = [measurer]


def _measure_in_worker(candidates: list[Candidate]) -> list[Trial]:
    return _worker[0].measure(candidates)
