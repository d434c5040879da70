"""A store survives whatever ends its writers, and two writers at once lose and double nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.store import Store

HOUR = Interval(1, "h")
H = 3_600_000
START = 1_706_572_800_000  # 2024-01-30: two days before the month turns

PRELUDE = """
import os, random, shutil, signal, sys, time
from pathlib import Path
import numpy as np
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.store import Store

H = 3_600_000
START = 1_706_572_800_000
root = Path(sys.argv[1])

def write(folder, first, last, step=1):
    times = np.arange(first, last + 1, step, dtype=np.int64) * H + START
    bars = Bars.of(times, **dict.fromkeys(BAR_COLUMNS[1:], times / 7))
    return Store(folder).write("BTCUSDT", Interval(1, "h"), bars, source="rest")

def fork(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child
"""

AT_EVERY_STEP = """
def die_at(step, folder):
    seen = 0
    def watch(event, details):
        nonlocal seen
        if event in ("open", "os.rename", "os.remove", "os.chmod") and str(folder) in str(details[0]):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)

def work(step, folder):
    die_at(step, folder)
    write(folder, 30, 99)

os.waitpid(fork(lambda: write(root / "0", 0, 39)), 0)
for step in range(1, 100):
    folder = root / str(step)
    shutil.copytree(root / "0", folder)
    _, status = os.waitpid(fork(lambda: work(step, folder)), 0)
    if os.WIFEXITED(status):
        sys.exit(os.WEXITSTATUS(status))
sys.exit("the write never came to its end")
"""

AT_RANDOM = """
random.seed(int(sys.argv[2]))

def work(folder):
    for first in range(0, 1000, 10):
        write(folder, first, first + 14)
        with (folder / "done").open("a") as log:
            log.write(f"{first + 14}\\n")

for number in range(8):
    folder = root / str(number)
    child = fork(lambda: work(folder))
    while not (folder / "done").exists():
        time.sleep(0.001)
    time.sleep(random.random() * 0.15)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""

TWO_AT_ONCE = """
def work(lane):
    for first in range(lane, 400, 40):
        write(root / "both", first, min(first + 78, 399), 2)

children = [fork(lambda lane=lane: work(lane)) for lane in (0, 1)]
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def run(script: str, *words: object) -> None:
    """Run a script in a process that may fork, because nothing but it runs in it."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELUDE + script, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (0, "") == (ran.returncode, ran.stderr)


def check_store(folder: Path) -> set[int]:
    """Check that the store is whole, promises no bar that it lacks, and takes new ones; give its hours."""
    store = Store(folder)
    bars = store.read("BTCUSDT", HOUR)
    there = set(((bars.open_time - START) // H).tolist())
    last = max(there, default=0)
    missing = store.missing("BTCUSDT", HOUR, start=START, end=START + last * H)
    covered = {hour for hour in range(last + 1) if not any(a <= START + hour * H <= b for a, b in missing)}

    assert (np.diff(bars.open_time) > 0).all()
    assert (bars.close == bars.open_time / 7).all()
    assert covered <= there

    extra = Bars.of([START + 2000 * H], **dict.fromkeys(BAR_COLUMNS[1:], np.ones(1)))

    assert 1 == store.write("BTCUSDT", HOUR, extra)
    assert [] == list(store.folder("BTCUSDT", HOUR).glob(".*.*"))
    return there


@pytest.mark.slow
def test_a_kill_before_any_step_of_a_write_leaves_a_valid_store(tmp_path: Path):
    """Before every opening, renaming and removing of a file, of which a write over two months has many."""
    run(AT_EVERY_STEP, tmp_path)
    folders = sorted(tmp_path.glob("[1-9]*"), key=lambda folder: int(folder.name))
    found = [check_store(folder) for folder in folders]

    assert len(found) > 10
    assert all(set(range(40)) <= hours <= set(range(100)) for hours in found)
    assert set(range(100)) == found[-1]
    assert any(set(range(40)) < hours < set(range(100)) for hours in found)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_kill_at_any_moment_loses_nothing_that_was_reported(tmp_path: Path, seed: int):
    """What write() returned from is there and covered."""
    run(AT_RANDOM, tmp_path, seed)
    for folder in tmp_path.iterdir():
        reported = int((folder / "done").read_text().split()[-1])

        assert set(range(reported + 1)) <= check_store(folder)


def test_two_processes_at_once_lose_and_double_nothing(tmp_path: Path):
    """One writes the even hours, the other the odd ones, into the same months."""
    run(TWO_AT_ONCE, tmp_path)

    assert set(range(400)) == check_store(tmp_path / "both")
