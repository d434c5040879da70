"""A search on a Dask cluster: a real scheduler and real workers on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from contextlib import ExitStack
from dataclasses import replace

import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.settings import BacktestSettings
from bt_run.core.trial import Candidate
from bt_run.run.optimize.cluster import _outcome, _Share
from bt_run.run.optimize.search import search, stream_trials
from bt_run.run.optimize.sweep import begin_sweep, resume_sweep, run_sweep
from bt_run.run.walk_forward.walk import plan_walk

SLOW = """import time

import backtrader as bt


class Slow(bt.Strategy):
    params = (("period", 10),)

    def start(self):
        time.sleep(0.05)

    def next(self):
        if len(self) % self.p.period == 0:
            self.close() if self.position else self.buy()
"""


class DaskCluster:
    """A scheduler and workers in processes of their own, ended with the block."""

    def __init__(self, folder):
        self.file = folder / "scheduler.json"
        self.folder = folder
        self._stack = ExitStack()
        self.workers = []

    def __enter__(self):
        self.scheduler = self._begin(
            "scheduler", "--port", "0", "--host", "127.0.0.1", "--scheduler-file", self.file
        )
        self._until(self.file.exists)
        self.address = json.loads(self.file.read_text())["address"]
        return self

    def __exit__(self, *_):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self._stack.close()

    def add_worker(self):
        worker = self._begin("worker", self.address, "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1",
                             "--local-directory", self.folder)  # fmt: skip
        self.workers.append(worker)
        return worker

    def wait_for_workers(self, count):
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def _begin(self, *words):
        log = self._stack.enter_context((self.folder / f"{words[0]}{len(self.workers)}.log").open("wb"))
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, words), "--no-dashboard"], stdout=log, stderr=log,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )  # fmt: skip

    @staticmethod
    def _until(is_so):
        until = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path):
    """Give a scheduler with two workers of one thread."""
    with DaskCluster(tmp_path) as found:
        found.add_worker()
        found.add_worker()
        found.wait_for_workers(2)
        yield found


@pytest.fixture
def slow(tmp_path):
    """Give a hand-written strategy that takes its time."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "slow.py").write_text(SLOW)
    return str(folder / "slow.py")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_lost_worker_s_share_is_done_again(request_of, cluster, slow):
    """One of two workers is killed midway; every combination comes once, with the numbers of this machine."""
    request = request_of(slow, "period=5:44", cluster=cluster.address)
    trials, killed = [], False
    for batch in stream_trials(request, seed=1):
        trials += batch
        if len(trials) >= 8 and not killed:
            cluster.workers[0].send_signal(signal.SIGKILL)
            killed = True
    here = search(replace(request, cluster="", jobs=1)).trials

    assert killed
    assert [*range(40)] == sorted(trial.number for trial in trials)
    assert here == tuple(sorted(trials, key=lambda trial: trial.number))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_kernel_runs_on_workers_too(request_of, cluster):
    """Several jobs one after another on the same workers, a method that learns among them."""
    for words in ({}, {"method": "tpe", "trials": 12, "seed": 3}):
        request = request_of("rsi", "period=5:30", "oversold=20:40:5", cluster=cluster.address, **words)
        there, here = search(request), search(replace(request, cluster="", jobs=2))

        assert here.trials == there.trials
        assert {"fast"} == {trial.engine for trial in there.trials}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_walk_searches_its_windows_on_the_workers(request_of, cluster, slow):
    """One of two is killed in the first window; all windows choose and earn what they do without a cluster."""
    request = request_of(slow, "period=5:14", cluster=cluster.address)

    def kill_one(done):
        if done >= 4 and cluster.workers[0].poll() is None:
            cluster.workers[0].send_signal(signal.SIGKILL)

    def walked(request, progress=None):
        walk = plan_walk(request, train="150d", test="60d", anchored=False)
        return walk.summarise(list(walk.run(progress=progress)))

    there, here = walked(request, kill_one), walked(replace(request, cluster="", jobs=1))

    assert 2 <= len(here.windows)
    assert cluster.workers[0].poll() is not None
    assert [each.params for each in here.windows] == [each.params for each in there.windows]
    assert [(10, 0)] * len(here.windows) == [(each.tried, each.failed) for each in there.windows]
    assert here.stitched.metrics == there.stitched.metrics


class Ended:
    """What Dask gives of a task that ended."""

    def __init__(self, status, result=None):
        self.status = status
        self.result = self.exception = lambda: result


class KilledWorker(Exception):
    """By the name of Dask's error for a task that took four workers with it."""


def test_a_share_that_takes_its_workers_along_is_split_and_then_recorded():
    """Lost shares are handed out again, four times at most; an error of ours is raised."""
    both = _Share([Candidate(0, {"a": 1}), Candidate(1, {"a": 2})])
    one = _Share([Candidate(1, {"a": 2})])
    trials, again = _outcome(Ended("error", KilledWorker()), both)
    (recorded,), nothing = _outcome(Ended("error", KilledWorker()), one)

    assert (trials, [[0], [1]]) == ([], [[each.number for each in share.candidates] for share in again])
    assert (nothing, 1, True) == ([], recorded.number, "Every worker that ran it was lost" in recorded.error)
    assert _outcome(Ended("cancelled"), one) == ([], [_Share(one.candidates, 2)])
    assert len(_outcome(Ended("lost"), _Share(one.candidates, 4))[0]) == 1
    with pytest.raises(ZeroDivisionError):
        _outcome(Ended("error", ZeroDivisionError()), one)


@pytest.mark.parametrize("error", [ConnectionResetError("reset by peer"), CancelledError()])
def test_a_result_that_is_lost_on_its_way_is_asked_for_again(error):
    """The scheduler may die between the end of a share and the fetching of its result."""

    def fetch():
        raise error

    share = _Share([Candidate(1, {"a": 2})])
    ended = Ended("finished")
    ended.result = fetch

    assert ([], [_Share(share.candidates, 2)]) == _outcome(ended, share)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_dead_scheduler_is_an_error_and_nothing_is_lost(request_of, cluster, slow, tmp_path):
    """What was stored is there, and the search goes on without a cluster."""
    request = request_of(slow, "period=5:44", cluster=cluster.address)
    place = tmp_path / "a.sqlite"

    def kill_late(done):
        if done >= 8:
            cluster.scheduler.send_signal(signal.SIGKILL)

    with begin_sweep(request, place) as file, pytest.raises(ConfigError, match=r"is gone.*--resume goes on"):
        run_sweep(request, file, progress=kill_late)
    local = replace(request, cluster="", jobs=1)
    with resume_sweep(local, place) as file:
        stored = file.count()
        run_sweep(local, file)
        assert 8 <= stored < 40
        assert [*range(40)] == [trial.number for trial in file.trials()]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_no_scheduler_and_no_workers_are_told(request_of, tmp_path, monkeypatch):
    """With the command that starts them."""
    import bt_run.run.optimize.cluster as module

    monkeypatch.setattr(module, "_CONNECT_S", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    for wrong in (address, "gopher://x"):
        with pytest.raises(ConfigError, match=r"No Dask scheduler answers.*dask scheduler"):
            search(request_of("rsi", "period=5:6", cluster=wrong))
        with pytest.raises(ConfigError, match="No Dask scheduler answers"):
            begin_sweep(request_of("rsi", "period=5:6", cluster=wrong), tmp_path / "a.sqlite")
    assert not (tmp_path / "a.sqlite").exists()
    with DaskCluster(tmp_path) as found, pytest.raises(ConfigError, match=r"no workers.*dask worker tcp"):
        search(request_of("rsi", "period=5:6", settings=BacktestSettings(), cluster=found.address))
