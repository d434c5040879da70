"""A statement does the same through the driver as through SQLAlchemy."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, delete, insert, literal, select, update

from bt_run.core.errors import JournalError
from bt_run.journal import schema
from bt_run.journal.database import Place
from bt_run.journal.statement import Statement, driver_of, transaction

PLACE = Place.parse("x.sqlite")
CELLS = {
    "String": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    "Integer": st.integers(-(2**60), 2**60),
    "Amount": st.decimals(allow_nan=False, allow_infinity=False, places=8),
    "Measure": st.floats(),
    "Document": st.dictionaries(
        st.text(max_size=5), st.none() | st.integers() | st.decimals(places=2), max_size=3
    ),
    "Codes": st.lists(st.sampled_from(["long_entry", "long_exit"]), max_size=2).map(tuple),
    "Boolean": st.booleans(),
}


def rows_of(table: Any) -> Any:
    """Give what makes rows of a table, with values of all its types."""

    def cell(column: Any) -> Any:
        names = [base.__name__ for base in type(column.type).__mro__]
        found = next(CELLS[name] for name in names if name in CELLS)
        return st.none() | found if column.nullable else found

    return st.fixed_dictionaries(
        {
            column.name: cell(column)
            for column in table.columns
            if not (column.primary_key and column.autoincrement is True)
        }
    )


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Connection, Connection]]:
    """Give two connections, each to an empty database in memory with all tables."""
    engines = [create_engine("sqlite://"), create_engine("sqlite://")]
    with engines[0].connect() as one, engines[1].connect() as other:
        for connection in (one, other):
            schema.METADATA.create_all(connection)
            connection.commit()
        driver_of(one).isolation_level = None
        yield one, other
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize(
    "table",
    [schema.orders, schema.fills, schema.bars, schema.signals, schema.equity, schema.connections],
    ids=lambda table: table.name,
)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_same_row_lies_in_the_file_either_way(both, table, data):
    """Of each type of value, to the last bit."""
    one, other = both
    row = data.draw(rows_of(table))
    add = Statement(insert(table).inline())
    raw = driver_of(one)
    with transaction(raw, PLACE):
        add.run(raw, row)
    with other.begin():
        add.run(other, row)
    try:
        columns = ", ".join(f'"{column.name}", typeof("{column.name}")' for column in table.columns)
        question = f"SELECT {columns} FROM {table.name}"  # noqa: S608 - names of our own schema
        wanted, got = (list(connection.exec_driver_sql(question)) for connection in (other, one))

        assert 1 == len(got)
        assert wanted == got
    finally:
        for connection in (one, other):
            connection.rollback()
            with connection.begin():
                connection.execute(delete(table))


def test_a_change_tells_how_many_rows_it_met_and_a_question_whether_there_is_one(both):
    """Values that the statement itself holds, such as the 1 of the question, go with it."""
    raw, table = driver_of(both[0]), schema.symbols
    row = {
        "run": 1,
        "symbol": "BTCUSDT",
        "base_asset": "BTC",
        "quote_asset": "USDT",
        "tick_size": Decimal("1E-2"),
    }
    row |= {"lot_step": None, "min_notional": Decimal(5)}
    add = Statement(insert(table).inline())
    change = Statement(update(table).where(table.c.symbol == "BTCUSDT"))
    find = Statement(select(literal(1)).select_from(table).where(table.c.symbol == "BTCUSDT"))
    with transaction(raw, PLACE):
        assert None is find.run(raw, {}).fetchone()
        assert 0 == change.run(raw, {"tick_size": Decimal(1)}).rowcount
        add.run(raw, row)
        assert (1,) == find.run(raw, {}).fetchone()
        assert 1 == change.run(raw, {"tick_size": Decimal("1E+2")}).rowcount

    assert [("100", None)] == raw.execute("SELECT tick_size, lot_step FROM symbols").fetchall()


def test_a_transaction_that_fails_is_undone(tmp_path):
    """Whatever ended it, and also where the database has ended it by itself."""
    with closing(sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)) as raw:
        raw.execute("CREATE TABLE t (x)")
        with pytest.raises(KeyboardInterrupt), transaction(raw, PLACE):
            raw.execute("INSERT INTO t VALUES (1)")
            raise KeyboardInterrupt
        with pytest.raises(ZeroDivisionError), transaction(raw, PLACE):
            raw.execute("ROLLBACK")
            raise ZeroDivisionError
        with pytest.raises(JournalError, match=r"x\.sqlite failed: .*no such column"), transaction(raw, PLACE):
            raw.execute("INSERT INTO t VALUES (3)")
            raw.execute("INSERT INTO t VALUES (y)")
        with pytest.raises(JournalError, match=r"x\.sqlite failed: cannot commit"), transaction(raw, PLACE):
            raw.execute("INSERT INTO t VALUES (4)")
            raw.execute("ROLLBACK")
        with transaction(raw, PLACE):
            raw.execute("INSERT INTO t VALUES (2)")

        assert [(2,)] == raw.execute("SELECT x FROM t").fetchall()
        assert not raw.in_transaction


def test_nan_lies_as_null(both):
    """As SQLAlchemy's type has it."""
    raw = driver_of(both[0])
    kinds = {column.name: None for column in schema.bars.columns}
    row = kinds | {
        "run": 1,
        "symbol": "S",
        "interval": "1m",
        "open_time": 1,
        "source": "live",
        "tradable": True,
    }
    with transaction(raw, PLACE):
        Statement(insert(schema.bars).inline()).run(raw, row | {"open": math.nan, "close": 0.1})

        assert [(None, 0.1)] == raw.execute("SELECT open, close FROM bars").fetchall()
        raw.execute("DELETE FROM bars")
