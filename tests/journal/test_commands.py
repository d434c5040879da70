"""Commands from outside, beside the bot that writes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bt_run.core.errors import ConfigError, JournalError
from bt_run.journal import database
from bt_run.journal.commands import POLL_S, CommandBox, find_command, listening_runs, send_command
from bt_run.journal.journal import Journal
from bt_run.journal.queries import JournalReader
from bt_run.journal.records import CommandRecord

HERE = Path(__file__).parent
NOW = 1_789_000_000_500
SEND = (
    "import sys; from bt_run.journal.commands import send_command;"
    "print(send_command(sys.argv[1], int(sys.argv[2]), sys.argv[3], issued_ms=7))"
)


class Steady:
    """Seconds that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
def box(journal: Journal, steady: Steady) -> CommandBox:
    return CommandBox(journal, 1, now_ms=lambda: NOW, steady=steady)


def send_elsewhere(path: Path, verb: str) -> int:
    """Give a command from another process."""
    words = [sys.executable, "-c", SEND, str(path), "1", verb]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def test_a_command_of_another_process_is_taken_once_and_answered(path: Path, box: CommandBox):
    number = send_elsewhere(path, "pause")
    with JournalReader(path) as reader:
        assert CommandRecord(number, 1, "pause", 7) == find_command(reader, number)
        (command,) = box.poll()
        assert CommandRecord(number, 1, "pause", 7, NOW) == command == find_command(reader, number)
        box.answer(command, "No entries any more.")
        assert "No entries any more." == find_command(reader, number).answer


def test_it_looks_twice_a_second_at_most(path: Path, box: CommandBox, steady: Steady):
    assert [] == box.poll()
    for verb in ("pause", "resume"):
        send_command(path, 1, verb, issued_ms=NOW)
    steady.now = POLL_S - 0.01
    assert [] == box.poll()
    steady.now = POLL_S
    assert ["pause", "resume"] == [command.verb for command in box.poll()]
    steady.now = 2 * POLL_S
    assert [] == box.poll()


def test_a_command_for_a_run_that_was_killed_is_not_for_the_next(
    path: Path, journal: Journal, begin: Callable[..., int]
):
    send_command(path, 1, "panic", issued_ms=NOW)

    assert [] == CommandBox(journal, begin(journal)).poll()


def test_who_listens(path: Path, begin: Callable[..., int]):
    """The runs of whoever has the lock now, while they last; several at once."""
    with Journal(path) as first:
        CommandBox(first, begin(first))
    with Journal(path) as second:
        begin(second)
        runs = [begin(second), begin(second)]
        for run in runs:
            CommandBox(second, run)
        with JournalReader(path) as reader:
            assert runs == [run.run for run in listening_runs(reader)]
            second.end_run(runs[0], ended_ms=NOW, outcome="done")
            assert runs[1:] == [run.run for run in listening_runs(reader)]


def test_a_bot_of_an_older_version_takes_none(path: Path):
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript((HERE / "journal_v2.sql").read_text(encoding="utf-8"))
    with pytest.raises(ConfigError, match="of an older bt-run, which takes no commands"):
        send_command(path, 2, "stop", issued_ms=NOW)


def test_a_bot_that_hangs_in_a_transaction_is_told_of(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "_BUSY_S", 0)
    with journal._writing(journal._durable), pytest.raises(JournalError, match="Another program holds it"):
        send_command(path, 1, "stop", issued_ms=NOW)


def test_no_such_command(path: Path, journal: Journal):
    with pytest.raises(ConfigError, match="has no command 9"):
        find_command(journal, 9)
