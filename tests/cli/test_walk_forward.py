"""``bt-run walk-forward`` as a user runs it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path

import pytest

from bt_run.run.walk_forward import walk as walk_module

WORDS = (
    "walk-forward", "-s", "rsi", "-d", "btc_1d.csv", "-p", "period=7:21:7", "--to", "2019-06-30",
    "--train", "300d", "--test", "120d", "--jobs", "1",
)  # fmt: skip


def test_windows_summary_and_luck_fit_80_columns(bt_run, work):
    """A row a window, promise beside fulfilment, and files on request."""
    ran = bt_run(*WORDS, "--json", "wf.json", "--csv", "wf.csv", "--equity", "e.csv", "--trades", "t.csv")
    told = json.loads((work / "wf.json").read_text())
    windows = (work / "wf.csv").read_text().splitlines()

    assert ran.returncode == 0, ran.stderr
    assert max(len(line.rstrip()) for line in ran.stdout.splitlines()) <= 80
    assert "Promise and fulfilment" in ran.stdout
    assert "Luck or skill" in ran.stdout
    assert len(told["windows"]) == len(windows) - 1 >= 3
    assert told["stitched"]["data"]["bars"] == len((work / "e.csv").read_text().splitlines()) - 1
    assert told["luck"]["verdict"] in ("yes", "no", "unknown")


def test_the_picture_is_written(bt_run, work):
    """A PNG of some size."""
    ran = bt_run(*WORDS, "--plot", "wf.png", "--anchored", "--quiet")

    assert (0, "") == (ran.returncode, ran.stdout)
    assert (work / "wf.png").stat().st_size > 30_000


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--train", "9y", "--data", "absent.csv"), "is not a span"),  # before bars are read
        (("--train", "2000d"), "not enough to train on"),
        (("--test", "1d"), "shorter than two bars"),
        (("--metric", "sharp"), "'sharpe'"),
        (("--plot", "x.gif"), "cannot be written as"),
    ],
)
def test_bad_input_is_a_sentence(bt_run, work, more, words):
    """Exit code 2, nothing run, nothing written."""
    ran = bt_run(*WORDS, *more)

    assert ran.returncode == 2
    assert words in " ".join(ran.stderr.split())
    assert not list(work.iterdir())


def test_ctrl_c_shows_the_windows_that_are_done(bt_run, work, monkeypatch):
    """And writes nothing: half an analysis would pass for a whole one."""
    search = walk_module.stream_trials
    calls = []

    def stopped(request, **told):
        calls.append(request)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return search(request, **told)

    monkeypatch.setattr(walk_module, "stream_trials", stopped)
    ran = bt_run(*WORDS, "--json", "wf.json")

    assert ran.returncode == 130
    assert "Stopped after 2 of" in ran.stdout
    assert not (work / "wf.json").exists()


@pytest.mark.slow
def test_ctrl_c_stops_the_workers_and_leaves_nothing(bt_run_started, work):
    """A walk in processes, interrupted as a terminal does it: exit code 130, no file, no process left."""
    words = [*WORDS[:-1], "2", "--engine", "backtrader", "-p", "oversold=20:40:1", "--json", "wf.json"]
    child = bt_run_started(*words, start_new_session=True)
    deadline = time.monotonic() + 120
    while _children(child.pid) < 2:
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGINT)
    _, said = child.communicate(timeout=60)

    assert child.returncode == 130, said
    assert "Traceback" not in said
    assert not list(work.iterdir())
    until = time.monotonic() + 30
    while _alive_in_group(child.pid):
        assert time.monotonic() < until
        time.sleep(0.05)


def _alive_in_group(group):
    """List the processes of a group that have not ended; those that nobody has collected yet have."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgrp = stat.read_text().rpartition(")")[2].split()[:3]
            found += [stat.parent.name] if int(pgrp) == group and state != "Z" else []
    return found


def _children(pid):
    """Count the processes that a process has begun."""
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
