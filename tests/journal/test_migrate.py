"""
Journals of older versions are brought up to date, with all they hold.

``journal_v1.sql`` is the dump (``iterdump`` of sqlite3) of a journal of version 1 with two runs, three orders
and two fills; each later one is of the same journal, with something in the tables that came with its version.
When the schema changes, dump one of the version before the change, with something in each table,
and put it beside it: every dump is tested.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from bt_run.core.errors import ConfigError
from bt_run.journal.alert_tables import AlertTables
from bt_run.journal.commands import find_command
from bt_run.journal.hand_orders import HandOrders
from bt_run.journal.journal import Journal
from bt_run.journal.queries import JournalReader
from bt_run.journal.records import (
    BalanceRecord,
    CommandRecord,
    EquityRecord,
    OrderEvent,
    SignalRecord,
    SymbolRecord,
)
from bt_run.journal.schema import METADATA, SCHEMA_VERSION, VERSION_TABLE
from bt_run.journal.settings_table import find_setting

HERE = Path(__file__).parent
DUMPS = sorted(HERE.glob("journal_v*.sql"))
RUNS = 2


def restore(dump: Path, path: Path) -> None:
    """Make a journal of a dump."""
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(dump.read_text(encoding="utf-8"))


def rows(path: Path, table: str) -> list[tuple]:
    """Give the rows of a table as SQLite has them."""
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608


def version(path: Path) -> str:
    """Give the version that the file says it is of."""
    return rows(path, VERSION_TABLE)[0][0]


def shape(path: Path) -> dict[str, set[tuple]]:
    """Give the columns and keys of every table, whatever their order."""
    with closing(sqlite3.connect(path)) as raw:
        names = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: {row[1:4] + row[5:] for row in raw.execute(f"PRAGMA table_info({name})")} for name in names
        }


def without_rowid(path: Path) -> set[str]:
    """Give the tables that lie in the trees of their keys."""
    with closing(sqlite3.connect(path)) as raw:
        made = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name for name, sql in made if sql.rstrip().endswith("WITHOUT ROWID")}


def indexes(path: Path) -> list[tuple]:
    """Give the indexes and their tables, also those that SQLite has made of keys."""
    return sorted(row[1:3] for row in rows(path, "sqlite_master") if row[0] == "index")


@pytest.fixture(params=DUMPS, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, path: Path) -> Path:
    """Give a journal of an older version."""
    restore(request.param, path)
    return path


def test_every_older_version_has_a_dump():
    """Of each version before the present one, and of no other."""
    assert [f"journal_v{number}.sql" for number in range(1, SCHEMA_VERSION)] == [path.name for path in DUMPS]


def test_the_schema_changes_only_with_its_version(path: Path):
    """What a new journal looks like stands in a file. Where this fails, a new version and its step are due."""
    Journal(path).close()
    with closing(sqlite3.connect(path)) as raw:
        made = [sql for (sql,) in raw.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name")]
    text = "".join(re.sub(r"\s+", " ", sql).replace(" ,", ",") + ";\n" for sql in made)

    assert (HERE / f"schema_v{SCHEMA_VERSION}.txt").read_text(encoding="utf-8") == text


def test_an_old_journal_gets_the_same_tables_as_a_new_one(old: Path, tmp_path: Path):
    """Columns, types, keys; Alembic finds no difference to the tables of the code either."""
    Journal(old).close()
    Journal(tmp_path / "new.sqlite").close()
    engine = create_engine(f"sqlite:///{old}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        differences = compare_metadata(context, METADATA)
    engine.dispose()

    assert shape(tmp_path / "new.sqlite") == shape(old)
    assert {"orders", "order_events"} == without_rowid(tmp_path / "new.sqlite") == without_rowid(old)
    assert indexes(tmp_path / "new.sqlite") == indexes(old)
    assert [] == differences
    assert f"{SCHEMA_VERSION:04}" == version(old)


def test_nothing_is_lost(old: Path):
    """All rows, to the last digit; and the journal goes on."""
    old_version = int(version(old))
    with Journal(old) as journal:
        orders, fills = journal.orders(), journal.fills()
        assert RUNS == len(journal.runs())
        assert ["btr-1", "btr-2", "btr-3"] == [order.client_id for order in orders]
        assert [9007199254740993, 9007199254740994, None] == [order.exchange_id for order in orders]
        assert Decimal("0.000000000000000001") == orders[2].quantity
        assert [Decimal("64000.01"), Decimal("65000.12345678")] == [fill.price for fill in fills]
        assert [orders[2]] == journal.open_orders(venue="practice", mode="live")
        assert ["Submitted", "Fill"] == [line.kind for line in journal.story("btr-1")]
        assert not journal.write_fill(fills[0])
        journal.write_order(orders[2], OrderEvent("Accepted", 5, {"on": "stream"}))
        assert {"on": "stream"} == journal.story("btr-3")[1].details
        if old_version >= 2:
            seen = (journal.bars(2), journal.signals(2), journal.equity(2), journal.balances(2))
            assert [1, 1, 1, 1, 1] == [*map(len, seen), len(journal.connections(2))]
            assert {"paused": True} == journal.state(2)
            assert Decimal("0.00001") == journal.symbols(2)[0].lot_step
        if old_version >= 3:
            answer = "Paused: no new entries. Exits and protective orders go on."
            assert answer == find_command(journal, 1).answer
        if old_version >= 4:
            with AlertTables(old) as tables:
                assert ["rsi(14) < 30"] == [rule.text for rule in tables.rules()]
                assert [("rule", "sent")] == [(told.kind, way.state) for told, way in tables.newest(9)]
        if old_version >= 5:
            assert {"symbol": "ETHUSDT"} == find_setting(old, "desk")
        if old_version >= 6:
            (by_hand,) = HandOrders(old).unsettled("practice")
            assert ("hand-1", Decimal("63000.50"), 2) == (
                by_hand.order.client_id,
                by_hand.order.price,
                len(by_hand.story),
            )
        assert 3 == journal.begin_run(venue="x", symbol="B", interval="1m", strategy="s", started_ms=1).run


@pytest.mark.parametrize("table", ["orders", "order_events"])
def test_a_table_that_is_made_anew_holds_what_it_held(old: Path, table: str):
    """Each value as it lay there, of its type."""

    def cells() -> list[tuple]:
        with closing(sqlite3.connect(old)) as raw:
            return raw.execute(f"SELECT {wanted} FROM {table} ORDER BY 1, 2, 3").fetchall()  # noqa: S608

    names = sorted(name for name, *_ in shape(old)[table])
    wanted = ", ".join(f"{name}, typeof({name})" for name in ("run", "client_id", *names))
    before = cells()
    Journal(old).close()

    assert before
    assert before == cells()


def test_every_row_of_an_old_journal_can_be_written_again(old: Path, make, begin):
    """A row is found by the keys of its table, which older versions made in other ways."""
    tables, found = ("orders", "signals", "equity", "balances", "symbols", "state", "commands"), []
    amount = Decimal("1.5")
    with Journal(old) as journal:
        run = begin(journal)
        for number in (1, 2):
            values = {"number": number}
            journal.write_order(make.order(run=run, updated_ms=number), OrderEvent("Intent", number))
            journal.write_signal(SignalRecord(run, "BTCUSDT", 1, (), values))
            journal.write_equity(EquityRecord(run, "BTCUSDT", 1, amount, amount, amount, number * amount))
            journal.write_balances([BalanceRecord(run, 1, "USDT", number * amount, amount)])
            journal.write_symbol(SymbolRecord(run, "BTCUSDT", "BTC", "USDT", number * amount))
            journal.write_command(CommandRecord(id=77, run=run, verb="pause", issued_ms=number))
            journal.write_state(run, "number", number)
            found.append({table: [row for row in rows(old, table) if run in row] for table in tables})

    for table in tables:
        assert [1, 1] == [len(time[table]) for time in found], table
        assert found[0][table] != found[1][table], table


def test_the_old_file_is_kept_beside_it(old: Path):
    """Whole, usable, and never written over by the next one."""
    before, was = rows(old, "orders"), version(old)
    Journal(old).close()
    kept = old.with_name(f"{old.name}.before-v{SCHEMA_VERSION}")

    assert before == rows(kept, "orders")
    assert was == version(kept)
    old.write_bytes(kept.read_bytes())
    Journal(old).close()
    assert was == version(old.with_name(f"{kept.name}-2"))


@pytest.mark.parametrize(
    ("dump", "number"), [*((1, number) for number in (0, 9, 30)), *((6, number) for number in (1, 5, 6, 9, 11))]
)
def test_a_kill_in_the_middle_leaves_the_old_journal(path: Path, dump: int, number: int):
    """As it was; and the next start brings it up to date."""
    restore(HERE / f"journal_v{dump}.sql", path)
    tables = ("orders", "order_events", "fills", VERSION_TABLE)
    before = [rows(path, table) for table in tables]
    ran = subprocess.run(
        [sys.executable, HERE / "dying_child.py", path, str(number)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (-9, "") == (ran.returncode, ran.stdout)
    assert before == [rows(path, table) for table in tables]
    with Journal(path) as journal:
        assert 3 == len(journal.orders())


def test_an_old_journal_can_be_read_without_touching_it(old: Path):
    """A reader brings a copy in memory up to date; the file and its folder stay as they are."""
    before = old.read_bytes()
    with JournalReader(old) as reader:
        assert ["btr-1", "btr-2", "btr-3"] == [order.client_id for order in reader.orders()]
        assert "live" == reader.runs()[0].mode

    assert before == old.read_bytes()
    assert [old.name] == [path.name for path in old.parent.iterdir()]


def test_a_journal_of_a_newer_version_is_refused(path: Path):
    """To write and to read; it stays as it is."""
    Journal(path).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099'")  # noqa: S608
        raw.commit()
    for open_it in (Journal, JournalReader):
        with pytest.raises(
            ConfigError, match=rf"is of version 99; this bt-run knows versions up to {SCHEMA_VERSION}"
        ):
            open_it(path)

    assert "0099" == version(path)


def test_a_database_of_something_else_is_refused(path: Path):
    """Our tables do not go into it."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE orders (id INTEGER)")
        raw.commit()
    for open_it in (Journal, JournalReader):
        with pytest.raises(ConfigError, match="is a database, but not a journal of bt-run"):
            open_it(path)

    assert {"orders"} == set(shape(path))
