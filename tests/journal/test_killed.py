"""A process killed at any instant loses nothing that it was told is written."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bt_run.journal.journal import Journal
from bt_run.journal.queries import JournalReader

CHILD = Path(__file__).with_name("writing_child.py")


def write_and_kill(path: Path, lines: int) -> list[list[str]]:
    """Let a process write, kill -9 it when it has said so many lines, and give all that it said."""
    child = subprocess.Popen([sys.executable, str(CHILD), str(path)], stdout=subprocess.PIPE, text=True)
    try:
        said = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        said += child.stdout.readlines()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    assert -9 == child.returncode
    return [line.split() for line in said if line.endswith("\n")]


@pytest.mark.parametrize("seed", range(2))
def test_all_that_was_committed_is_there(path: Path, seed: int):
    """Orders, stories, fills, bars and state; the file opens, is whole, and its lock is free; twice over."""
    chance = random.Random(seed)
    said = write_and_kill(path, chance.randint(1, 40)) + write_and_kill(path, chance.randint(1, 90))
    with closing(sqlite3.connect(path)) as raw:
        assert [("ok",)] == raw.execute("PRAGMA integrity_check").fetchall()
        assert [] == raw.execute("PRAGMA foreign_key_check").fetchall()
    with Journal(path) as journal:
        orders = {order.client_id: order for order in journal.orders()}
        fills = {fill.client_id for fill in journal.fills()}
        bars = {(bar.run, bar.open_time) for run in journal.runs() for bar in journal.bars(run.run)}
        state = {run.run: journal.state(run.run).get("last", 0) for run in journal.runs()}
        stories = {name: len(journal.story(name)) for name in list(orders)[-3:]}

    assert {"run", "order", "bar", "fill", "state"} >= {line[0] for line in said}
    assert [] == [line for line in said if line[0] == "order" and line[2] not in orders]
    assert [] == [line for line in said if line[0] == "fill" and line[2] not in fills]
    assert [] == [line for line in said if line[0] == "bar" and (int(line[1]), int(line[2])) not in bars]
    assert [] == [line for line in said if line[0] == "state" and int(line[2]) > state[int(line[1])]]
    assert {1, 2} == set(state)
    # A fill and what it makes of its order are there together, or neither.
    assert fills == {name for name, order in orders.items() if order.state == "FILLED"}
    assert stories == {name: 2 if name in fills else 1 for name in stories}


def test_the_journal_of_a_killed_process_can_be_read_before_anybody_opens_it_to_write(path: Path):
    """The log beside the file holds the newest; a reader sees it."""
    said = write_and_kill(path, 30)
    with JournalReader(path) as reader:
        names = {order.client_id for order in reader.orders()}

    assert {line[2] for line in said if line[0] == "order"} <= names
    assert len(names) >= 7
