"""The journal in PostgreSQL: what a file can do, and the lock that is a row."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import MetaData, create_engine, inspect

from bt_run.core.errors import ConfigError, JournalError, JournalHeld
from bt_run.journal import database, writer_lock
from bt_run.journal.database import Place
from bt_run.journal.journal import Journal
from bt_run.journal.migrate import find_version, upgrade
from bt_run.journal.queries import JournalReader
from bt_run.journal.records import ConnectionRecord, EquityRecord, OrderEvent, SignalRecord
from bt_run.journal.schema import SCHEMA_VERSION

pytestmark = pytest.mark.slow

HOLD = """
import sys
from bt_run.journal.journal import Journal
with Journal(sys.argv[1]) as journal:
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_is_written_is_read(postgres_url: str, begin, make):
    """Made, written, changed, read, opened again."""
    with Journal(postgres_url) as journal:
        run = begin(journal)
        bar = make.bar(run=run, volume=float("nan"))
        filled = make.order(run=run, state="FILLED", exchange_id=2**40)
        journal.write_order(make.order(run=run), OrderEvent("Submitted", 1, {"why": "signal"}))

        assert [1, 0] == [journal.write_bars([bar]) for _ in range(2)]
        assert journal.write_fill(make.fill(2**50, run=run), filled, OrderEvent("Fill", 2))
        assert not journal.write_fill(make.fill(2**50, run=run))
        journal.write_signal(SignalRecord(run, "BTCUSDT", 1, ("long_entry",), {"RSI": 29.5}))
        journal.write_equity(EquityRecord(run, "BTCUSDT", 1, *([make.order().price] * 4)))
        journal.write_connection(ConnectionRecord(run, 1, "account", "down", {"reason": "the cut · ž"}))
        for value in ({"a": 1}, [1, "two"]):
            journal.write_state(run, "opening", value)
        with JournalReader(postgres_url) as reader:
            assert [filled] == reader.orders(run=run)
            assert [1, 2] == [line.sequence for line in reader.story(filled.client_id)]
            assert [make.fill(2**50, run=run)] == reader.fills()
            assert [str(bar)] == [str(found) for found in reader.bars(run)]
            assert {"opening": [1, "two"]} == reader.state(run)
            assert "the cut · ž" == reader.connections(run)[0].details["reason"]
    with Journal(postgres_url) as journal:
        assert [2] == [begin(journal)]
        assert 2 == len(journal.runs())


def columns_of(url: str) -> dict[str, list[str]]:
    """Give the columns of each table with their types, its key and its indexes."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = MetaData()
        found.reflect(connection)
        keys = {
            name: inspect(connection).get_pk_constraint(name)["constrained_columns"] for name in found.tables
        }
    engine.dispose()
    return {
        name: [
            *sorted(f"{column.name} {column.type} {column.nullable}" for column in table.columns),
            *keys[name],
            *sorted(f"{index.name} {index.columns.keys()}" for index in table.indexes),
        ]
        for name, table in found.tables.items()
    }


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_older_journal_is_brought_up_to_what_a_new_one_is(postgres_url: str, version: int):
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        upgrade(connection, version=version)
    with engine.begin() as connection:
        assert version == find_version(connection, Place.parse(postgres_url))
    with pytest.raises(ConfigError, match=r"older version\. Start a run with it"):
        JournalReader(postgres_url)
    Journal(postgres_url).close()
    upgraded = columns_of(postgres_url)

    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    Journal(postgres_url).close()
    assert columns_of(postgres_url) == upgraded


def test_a_second_writer_is_refused_and_told_of_the_first(postgres_url: str):
    with Journal(postgres_url), pytest.raises(JournalHeld, match="is being written by process") as caught:
        Journal(postgres_url)
    assert "hush" not in str(caught.value)
    Journal(postgres_url).close()


def test_the_lock_of_a_killed_writer_is_free(postgres_url: str):
    """On the same machine at once: its process is gone."""
    words = [sys.executable, "-c", HOLD, postgres_url]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(JournalHeld, match=f"process {child.pid} "):
            Journal(postgres_url)
        child.kill()
        child.wait(20)
        Journal(postgres_url).close()


def test_a_writer_that_was_silent_for_too_long_and_was_replaced_writes_no_more(
    postgres_url: str, begin, make, monkeypatch: pytest.MonkeyPatch
):
    """Such as one whose machine slept; another machine's process cannot be looked for."""
    monkeypatch.setattr(writer_lock, "STALE_S", -1)
    with Journal(postgres_url) as first:
        run = begin(first)
        with Journal(postgres_url):
            with pytest.raises(JournalError, match="taken over by another process"):
                first.write_order(make.order(run=run), OrderEvent("Submitted", 1))
            with JournalReader(postgres_url) as reader:
                assert [] == reader.orders()


def test_a_writer_that_hangs_in_a_transaction_is_waited_for_a_while_only(postgres_url: str, monkeypatch):
    """Such as one that was stopped with SIGSTOP; the second is told instead of hanging too."""
    monkeypatch.setattr(database, "_BUSY_S", 1)
    with Journal(postgres_url):
        engine = create_engine(postgres_url)
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT * FROM writer FOR UPDATE")
            with pytest.raises(JournalError, match=r"lock timeout.*End that program"):
                Journal(postgres_url)
        engine.dispose()


def test_a_connection_that_is_cut_ends_the_writing_and_frees_the_lock(postgres_url: str, begin, make):
    """Nothing of what was under way is written; the journal is closed over a new connection."""
    with Journal(postgres_url) as journal:
        run = begin(journal)
        engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        engine.dispose()
        with pytest.raises(JournalError, match=r"terminating connection|closed the connection") as caught:
            journal.write_order(make.order(run=run), OrderEvent("Submitted", 1))
        assert "hush" not in str(caught.value)
    with Journal(postgres_url) as journal:
        assert [] == journal.orders()


def test_a_server_that_is_gone_is_told_without_the_password(postgres_url: str):
    gone = Place.parse(postgres_url).url.set(port=1)
    with pytest.raises(JournalError, match="refused") as caught:
        Journal(gone.render_as_string(hide_password=False))
    assert "hush" not in str(caught.value)


def test_a_wrong_password_is_told_without_it(postgres_url: str):
    wrong = Place.parse(postgres_url).url.set(password="wrong-hush")  # noqa: S106
    with pytest.raises(JournalError, match="password authentication failed") as caught:
        Journal(wrong.render_as_string(hide_password=False))
    assert "hush" not in str(caught.value)
