"""One writer a journal; readers as many as there are."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url, update

from bt_run.core.errors import ConfigError, JournalError
from bt_run.journal import writer_lock
from bt_run.journal.commands import CommandBox
from bt_run.journal.database import Place
from bt_run.journal.journal import Journal
from bt_run.journal.queries import JournalReader
from bt_run.journal.records import OrderEvent
from bt_run.journal.schema import writer

OPEN = "import sys; from bt_run.journal.journal import Journal; Journal(sys.argv[1]).close(); print('opened')"


def open_elsewhere(path: Path) -> subprocess.CompletedProcess[str]:
    """Open the journal to write in another process, and close it."""
    return subprocess.run([sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, check=False)


def test_the_second_bot_is_refused_and_told_who_has_it(path: Path, journal):
    """In another process and in this one, by any name of the file; it opens when the first is gone."""
    link = path.with_name("link.sqlite")
    link.symlink_to(path)
    elsewhere = open_elsewhere(path)

    assert 1 == elsewhere.returncode
    assert f"is being written by process {os.getpid()} on " in elsewhere.stderr
    for name in (path, link, f"sqlite:///{path}"):
        with pytest.raises(ConfigError, match=r"End that one, or give this one a journal of its own"):
            Journal(name)
    journal.close()

    assert "opened\n" == open_elsewhere(path).stdout


def test_a_journal_that_could_not_be_opened_leaves_no_lock(path: Path):
    """The file is no database: an error, and the next one gets the same error, not the lock's."""
    path.write_bytes(b"no database at all, but longer than the header that SQLite reads" * 20)
    for _ in range(2):
        with pytest.raises(JournalError, match=r"is not a database\. It is not a journal"):
            Journal(path)


def test_a_reader_works_while_a_bot_writes(path: Path, journal, make):
    """It needs no lock, sees what was committed, and holds nobody up, even in the middle of reading."""
    for number in range(20):
        journal.write_order(make.order(f"c{number}"), OrderEvent("Submitted", 1))
    with JournalReader(path) as reader, JournalReader(path) as second:
        half = second.find(type(make.order()))
        next(half)
        assert 20 == len(reader.orders())
        journal.write_order(make.order("while"), OrderEvent("Submitted", 1))
        assert 21 == len(reader.orders())
        assert 19 == len(list(half))


def test_a_reader_cannot_write(path: Path, journal):
    """Whatever it is asked."""
    with JournalReader(path) as reader, pytest.raises(Exception, match="readonly"):
        reader._reading().exec_driver_sql("DELETE FROM runs")


def test_a_reader_of_what_is_not_there(tmp_path: Path):
    """A sentence, and no file is made."""
    with pytest.raises(ConfigError, match=r"There is no journal .*none.sqlite. A live run makes one"):
        JournalReader(tmp_path / "none.sqlite")
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(ConfigError, match="is empty: no run"):
        JournalReader(tmp_path / "empty.sqlite")

    assert ["empty.sqlite"] == sorted(path.name for path in tmp_path.iterdir())


def test_a_closed_reader_says_so(path: Path, journal):
    """And may be closed twice."""
    reader = JournalReader(path)
    reader.close()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.runs()


@pytest.fixture
def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a journal be treated as one in a database that is no file, whose lock is a row."""

    def parse(given: str | Path) -> Place:
        return Place(make_url(f"sqlite:///{given}"), None)

    monkeypatch.setattr(Place, "parse", parse)


@pytest.mark.usefixtures("no_file")
class TestRow:
    def test_the_second_is_refused_and_gets_it_when_the_first_lets_go(self, path: Path, begin):
        with Journal(path) as first:
            begin(first)
            with pytest.raises(ConfigError, match=rf"process {os.getpid()} on .* silent for 120 seconds"):
                Journal(path)
        with Journal(path) as second:
            assert 1 == len(second.runs())

    def test_one_that_was_silent_for_long_loses_it_and_is_told_at_its_next_word(
        self, path: Path, begin, make, monkeypatch
    ):
        first = Journal(path)
        begin(first)
        now = writer_lock._now_ms()
        monkeypatch.setattr(writer_lock, "_now_ms", lambda: now + 1000 * writer_lock.STALE_S + 1)
        with Journal(path) as second:
            second.write_order(make.order("second"), OrderEvent("Submitted", 1))
            with pytest.raises(JournalError, match="taken over by another process"):
                first.write_order(make.order("first"), OrderEvent("Submitted", 1))
            assert ["second"] == [order.client_id for order in second.orders()]
            first.close()
            second.beat()

    def test_a_beat_keeps_it(self, path: Path, begin, monkeypatch):
        now = writer_lock._now_ms()
        with Journal(path) as first:
            begin(first)
            for step in (100_000, 200_000):
                monkeypatch.setattr(writer_lock, "_now_ms", lambda ahead=step: now + ahead)
                first.beat()
            with pytest.raises(ConfigError, match="is being written by"):
                Journal(path)

    def test_a_bot_that_has_nothing_to_write_keeps_it(self, path: Path, begin, monkeypatch):
        """Between two bars of an hour it looks for commands alone."""
        now, minutes = writer_lock._now_ms(), 0
        monkeypatch.setattr(writer_lock, "_now_ms", lambda: now + 60_000 * minutes)
        with Journal(path) as first:
            box = CommandBox(first, begin(first), steady=lambda: 60.0 * minutes)
            for _ in range(5):
                minutes += 1
                box.poll()
            with pytest.raises(ConfigError, match="is being written by"):
                Journal(path)

    def test_a_process_of_this_machine_that_is_gone_loses_it_at_once(self, path: Path, begin):
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        first = Journal(path)
        begin(first)
        with first._durable.begin():
            first._durable.execute(update(writer).values({"pid": gone.pid, "token": "x"}))

        Journal(path).close()
        with suppress(JournalError):
            first.close()

    def test_a_process_of_another_machine_keeps_it(self, path: Path, begin):
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        first = Journal(path)
        begin(first)
        with first._durable.begin():
            first._durable.execute(update(writer).values({"pid": gone.pid, "host": "elsewhere"}))

        with pytest.raises(ConfigError, match=rf"process {gone.pid} on elsewhere since"):
            Journal(path)
        with suppress(JournalError):
            first.close()
