"""A sweep on the disk outlives whoever writes it."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.trial import Trial
from bt_run.run.optimize.sweep_file import SweepFile

QUESTION = {"strategy": "rsi"}


def trials(*numbers):
    return [
        Trial(n, {"period": n, "kind": "sma"}, {"sharpe": n / 3, "sortino": None, "trades": n}) for n in numbers
    ]


def test_trials_read_back_as_they_were(tmp_path):
    """Numbers to the last bit, None, errors; in the order of their numbers."""
    given = [*trials(2, 0), Trial(1, {"period": 1}, {}, error="raised ValueError")]
    with SweepFile.create(tmp_path / "a.sqlite", question=QUESTION, seed=7) as file:
        file.add(given)
    with SweepFile.open(tmp_path / "a.sqlite") as file:
        assert sorted(given, key=lambda each: each.number) == list(file.trials())
        assert (QUESTION, 7, "", 3) == (file.question, file.seed, file.end, file.count())
        assert [True, False] == [file.is_done(2), file.is_done(3)]
    assert ["a.sqlite"] == [path.name for path in tmp_path.iterdir()]


def test_returns_are_kept_of_those_trials_that_have_them(tmp_path):
    """To the last bit."""
    returns = np.array([0.1, -1 / 3, 0.0])
    with SweepFile.create(tmp_path / "a.sqlite", question=QUESTION, seed=7) as file:
        file.add([Trial(0, {}, {}, returns=returns), Trial(1, {}, {})])
        kept = file.returns()

    assert [returns.tolist()] == [each.tolist() for each in kept]


def test_people_can_read_it_with_sqlite_alone(tmp_path):
    """The view gives the usual numbers as columns."""
    with SweepFile.create(tmp_path / "a.sqlite", question=QUESTION, seed=7) as file:
        file.add(trials(0, 3))
    connection = sqlite3.connect(tmp_path / "a.sqlite")
    found = connection.execute("SELECT number, sharpe, trades FROM results ORDER BY sharpe DESC").fetchall()
    connection.close()

    assert [(3, 1.0, 3), (0, 0.0, 0)] == found


def test_what_was_added_outlives_a_kill(tmp_path):
    """A process that is killed in the midst of it leaves what it had committed."""
    program = (
        "import sys, pathlib; from bt_run.core.trial import Trial\n"
        "from bt_run.run.optimize.sweep_file import SweepFile\n"
        "file = SweepFile.create(pathlib.Path(sys.argv[1]), question={}, seed=1)\n"
        "file.add([Trial(0, {}, {})]); file.set_end('interrupted'); file.add([Trial(1, {}, {})])\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    place = tmp_path / "a.sqlite"
    child = subprocess.Popen([sys.executable, "-c", program, place], stdin=-1, stdout=-1)
    with child:
        assert child.stdout.readline() == b"ready\n"
        with pytest.raises(ConfigError, match="is written by another process"):
            SweepFile.open(place)
        os.kill(child.pid, signal.SIGKILL)
    with SweepFile.open(place) as file:
        assert [0] == [trial.number for trial in file.trials()]
        assert file.end == "interrupted"


@pytest.fixture
def small_disk():
    """Let no file of this process grow beyond 150 kB, as a full disk does."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_keeps_what_was_stored(tmp_path, small_disk):
    """The error says how much that is; afterwards the file can be gone on with."""
    place = tmp_path / "a.sqlite"
    stored = 0
    with (
        pytest.raises(ConfigError, match=r"no space is left.*combinations stored before are kept") as refused,
        SweepFile.create(place, question=QUESTION, seed=7) as file,
    ):
        for first in range(0, 20_000, 100):
            file.add(trials(*range(first, first + 100)))
            file.set_end("interrupted")
            stored = first + 100
    with SweepFile.open(place) as file:
        assert file.count() == stored
        assert f"The {stored:,} combinations" in str(refused.value)
        assert [*range(stored)] == [trial.number for trial in file.trials()]


def test_other_files_are_left_alone(tmp_path):
    """Text, another program's database, a sweep of another version."""
    text, other, old = (tmp_path / name for name in ("a.txt", "b.sqlite", "c.sqlite"))
    text.write_text("my notes, which must not be lost" * 50)
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (a)")
    connection.close()
    SweepFile.create(old, question=QUESTION, seed=1).close()
    connection = sqlite3.connect(old)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    contents = [path.read_bytes() for path in (text, other, old)]

    for path, words in ((text, "not a sweep"), (other, "not a sweep"), (old, "another version")):
        for act in (SweepFile.open, lambda place: SweepFile.create(place, question=QUESTION, seed=1)):
            with pytest.raises(ConfigError, match=words):
                act(path)
    assert contents[0] == text.read_bytes()
    with closing(sqlite3.connect(other)) as connection:
        assert {"mine"} == {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    with pytest.raises(ConfigError, match=r"no sweep .*Leave --resume out"):
        SweepFile.open(tmp_path / "absent.sqlite")
