"""
Run the combinations of a search on a Dask cluster.

The bars, the settings and the strategy's file are sent once to each worker; what goes to and fro after that are
parameters and results. The scheduler gives a lost worker's share to the others. Where it cannot, because the
bars were lost with the worker, or a task took a worker with it three times, we hand it out anew.
"""

from __future__ import annotations

import dataclasses
import logging
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bt_run import __version__
from bt_run.core.errors import ConfigError
from bt_run.core.trial import Trial
from bt_run.run.optimize.measure import Measurer
from bt_run.run.optimize.swept import SweptMeasurer, why_not_swept
from bt_run.run.optimize.workers import cut_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bt_run.core.trial import Candidate
    from bt_run.run.optimize.request import SearchRequest

    _Shares = dict[Any, "_Share"]  # by Dask's future, which has no types

__all__ = ["Cluster", "ClusterGone", "check_cluster"]

_CONNECT_S = 10
_LOOK_S = 1.0  # how often a search that waits looks whether anybody still works for it
_PATIENCE_S = 60.0  # how long it waits for new workers when all are gone
_AT_ONCE = 64  # combinations that the kernel runs in one task; their results take a few milliseconds to send
_TRIES = 4


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker gets once: the request, and the text of its strategy where that is a file."""

    key: str
    request: SearchRequest
    code: bytes | None


@dataclass(frozen=True, slots=True)
class _Share:
    """Candidates that are handed out together, and how often they were."""

    candidates: list[Candidate]
    tries: int = 1


class ClusterGone(ConfigError):
    """A cluster was lost while it worked; what it gave before is whole."""


class Cluster:
    """
    Runs candidates on the workers of a Dask scheduler; a context manager that lets go of what it sent.

    Raises:
        ConfigError: Dask is not installed, no scheduler answers, it has no workers, or these are of another
            version.
    """

    def __init__(self, request: SearchRequest) -> None:
        self._address = request.cluster
        self._client: Any = _connect(request.cluster)
        try:
            self.width = self._threads()
            self._check_workers()
        except BaseException:
            self._client.close()
            raise
        is_swept = why_not_swept(request, Measurer.load(request)) is None
        self._at_once = _AT_ONCE if is_swept else 1
        local = dataclasses.replace(request, cluster="", jobs=None)
        path = Path(request.spec.rpartition(".py")[0] + ".py")
        code = path.read_bytes() if ".py" in request.spec else None
        self._job = _Job(uuid4().hex, local, code)
        self._sent: Any = None

    def __enter__(self) -> Cluster:
        self._send()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what was sent, and of the scheduler."""
        self._sent = None
        with suppress(Exception):  # the scheduler may be gone, and there is nothing left to do with it
            self._client.close(timeout=2)

    def stream(self, candidates: Iterable[Candidate]) -> Iterator[list[Trial]]:
        """
        Run candidates; trials come as they end.

        Raises:
            ClusterGone: the scheduler is gone, or all workers are and none comes within a minute.
        """
        chunks = cut_chunks(candidates, at_once=self._at_once, width=self.width)
        again: deque[_Share] = deque()  # those that came to nothing
        handed_out: _Shares = {}
        while True:
            self._wait_for_workers()
            room = 2 * self.width - len(handed_out)
            todo = [*(again.popleft() for _ in range(min(room, len(again))))]
            todo += [_Share(chunk) for chunk in islice(chunks, room - len(todo))]
            if todo:
                self._send()
            for share in todo:
                handed_out[self._submit(share)] = share
            if not handed_out:
                return
            for future in self._ended(handed_out):
                trials, lost = _outcome(future, handed_out.pop(future))
                again.extend(lost)
                if trials:
                    yield trials

    def _ended(self, handed_out: _Shares) -> list[Any]:
        """Wait a second for shares to end, and give those that did, whatever became of them."""
        from distributed import wait  # noqa: PLC0415
        from distributed.client import FuturesCancelledError  # noqa: PLC0415

        look: Any = wait
        with suppress(TimeoutError, FuturesCancelledError), self._client.as_current():
            look(list(handed_out), timeout=_LOOK_S, return_when="FIRST_COMPLETED")
        return [future for future in handed_out if future.status != "pending"]

    def _send(self) -> None:
        """Put the job on every worker; again where it was lost with its last holder."""
        if self._sent is not None and self._sent.status == "finished":
            return
        try:
            self._sent = self._client.scatter(self._job, broadcast=True, hash=False)
        except OSError as error:  # a broken connection, or nobody left to take it
            raise self._gone() from error

    def _submit(self, share: _Share) -> Any:
        """Hand a share out; gives its future."""
        from distributed.client import ClosedClientError  # noqa: PLC0415

        try:
            return self._client.submit(_measure_on_worker, self._sent, share.candidates, pure=False)
        except ClosedClientError as error:  # it has just given up to connect again
            raise self._gone() from error

    def _wait_for_workers(self) -> None:
        """Come back when a worker is there; raises ConfigError where none comes, or the scheduler is gone."""
        ends = time.monotonic() + _PATIENCE_S
        while self._client.status in ("running", "connecting"):  # it tries for some seconds to connect again
            if self._client.status == "running" and self._threads():
                return
            if time.monotonic() > ends:
                raise ClusterGone(
                    f"The scheduler {self._address} has lost all its workers. Start some with: dask worker "
                    f"{self._address}."
                )
            time.sleep(_LOOK_S)
        raise self._gone()

    def _gone(self) -> ClusterGone:
        return ClusterGone(f"The scheduler {self._address} is gone.")

    def _threads(self) -> int:
        """Count the threads of all workers."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        return sum(int(worker["nthreads"]) for worker in workers.values())

    def _check_workers(self) -> None:
        if not self.width:
            raise ConfigError(
                f"The scheduler {self._address} has no workers. Start some with: dask worker {self._address}"
            )
        try:
            found = self._client.run(_version)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"A worker of {self._address} cannot import {error.name}. Install bt-run[cluster] there."
            ) from error
        for worker, version in found.items():
            if version != __version__:
                raise ConfigError(
                    f"The worker {worker} has bt-run {version}, this is {__version__}. Give both the same."
                )


def check_cluster(request: SearchRequest) -> None:
    """Check that the scheduler of a request answers and has workers that fit; raises as `Cluster` does."""
    Cluster(request).close()


def _connect(address: str) -> Any:
    try:
        from distributed import Client  # noqa: PLC0415  # an extra, and a second to import
    except ModuleNotFoundError as error:
        raise ConfigError("A cluster needs Dask. Install it with: pip install 'bt-run[cluster]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said by our errors
    try:
        connect: Any = Client
        return connect(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:  # nobody listens, no such host, no such protocol
        raise ConfigError(
            f"No Dask scheduler answers at {address!r}. Start one with: dask scheduler. "
            f"Its address looks like tcp://host:8786."
        ) from error


def _outcome(future: Any, share: _Share) -> tuple[list[Trial], list[_Share]]:
    """
    Give the trials of a share that ended, and what of it is to be handed out again.

    Where a share took its workers along, each of its candidates is tried alone, to find out which of them did.
    """
    if future.status == "finished":
        with suppress(OSError, CancelledError):  # the connection broke while its result was fetched
            return future.result(), []
    error = future.exception() if future.status == "error" else None
    was_killed = type(error).__name__ == "KilledWorker"
    if error is not None and not was_killed:
        raise error
    if was_killed and len(share.candidates) > 1:
        return [], [_Share([candidate]) for candidate in share.candidates]
    if was_killed or share.tries >= _TRIES:
        words = "Every worker that ran it was lost, perhaps for want of memory."
        return [Trial(each.number, each.params, {}, error=words) for each in share.candidates], []
    return [], [_Share(share.candidates, share.tries + 1)]


_measurers: dict[str, Measurer | SweptMeasurer] = {}  # of this worker, by job; one job at a time
_making = threading.Lock()
_one_by_one = threading.Lock()


def _version() -> str:
    return __version__


def _measure_on_worker(job: _Job, candidates: list[Candidate]) -> list[Trial]:
    """Run candidates in a worker, with what an earlier task made of the job."""
    with _making:
        if job.key not in _measurers:
            _forget_jobs()
            _measurers[job.key] = _measurer_of(job)
        measurer = _measurers[job.key]
    if isinstance(measurer, SweptMeasurer):
        return measurer.measure(candidates)
    with _one_by_one:  # Backtrader gains nothing from threads
        return measurer.measure(candidates)


def _forget_jobs() -> None:
    for measurer in _measurers.values():
        if isinstance(measurer, SweptMeasurer):
            measurer.close()
    _measurers.clear()


def _measurer_of(job: _Job) -> Measurer | SweptMeasurer:
    request = job.request
    if job.code is not None:
        before, _, after = request.spec.rpartition(".py")
        path = Path(tempfile.mkdtemp(prefix="bt-run-")) / f"{Path(before).name}.py"
        path.write_bytes(job.code)
        request = dataclasses.replace(request, spec=f"{path}{after}")
    measurer = Measurer.load(request)
    if why_not_swept(request, measurer) is not None:
        return measurer
    return SweptMeasurer(request, measurer).__enter__()
