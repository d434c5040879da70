"""Records as rows, and the statements that write them: made once, for every journal of this process."""

from __future__ import annotations

import sqlite3
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, literal_column, select, update
from sqlalchemy.dialects import sqlite

from bt_run.journal import schema
from bt_run.journal.queries import TABLES, column_names
from bt_run.journal.records import OrderEvent, OrderRecord
from bt_run.journal.statement import RecordStatement, Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Table

    from bt_run.journal.statement import Way

__all__ = [
    "INSERT_BAR",
    "INSERT_CONNECTION",
    "INSERT_FILL",
    "PUT_TABLES",
    "has_bar",
    "has_fill",
    "look_ahead",
    "put",
    "put_order",
    "rehearse",
    "row_of",
]


def put(way: Way, table: Table, row: Mapping[str, Any]) -> None:
    """Change the row if it is there, else add it; in words that the database knows."""
    if isinstance(way, sqlite3.Connection):
        _PUT_AT_ONCE[table.name].run(way, row)
        return
    keys, change, add = _PUT[table.name]
    changed = {f"k_{name}" if name in keys else name: value for name, value in row.items()}
    if not change.run(way, changed).rowcount:
        add.run(way, row)


def put_order(way: Way, record: OrderRecord, event: OrderEvent) -> None:
    """Write an order as it stands, and a line of its story."""
    if isinstance(way, sqlite3.Connection):
        _PUT_ORDER.run_record(way, record)
    else:
        put(way, schema.orders, row_of(record))
    line = {
        "e_run": record.run,
        "e_client_id": record.client_id,
        "e_kind": event.kind,
        "e_time_ms": event.time_ms,
        "e_details": event.details,
    }
    _INSERT_EVENT.run(way, line)


def rehearse(raw: sqlite3.Connection, run: int) -> None:
    """Write an order of a run that is there, and undo it: the statements are ready then."""
    record = OrderRecord(run, "rehearsal", "", "BUY", "MARKET", None, 0, 0, "NEW")
    raw.execute("BEGIN IMMEDIATE")
    try:
        put_order(raw, record, OrderEvent("", 0))
        put_order(raw, record, OrderEvent("", 0))
    finally:
        raw.execute("ROLLBACK")


def look_ahead(raw: sqlite3.Connection, run: int) -> None:
    """
    Read the pages in which the next order of a run will be written.

    A connection forgets all pages as soon as another one has written; an order would read them one by one.
    """
    raw.execute(_LOOK_AHEAD, {"run": run}).fetchall()


def row_of(record: Any) -> dict[str, Any]:
    """Give a record of any kind as a row of its table."""
    return _ROW_OF[type(record)](record)


def has_fill(way: Way, row: Mapping[str, Any]) -> bool:
    """Tell whether this trade of this order is written already."""
    return _is_there(way, _FIND_FILL, _FILL_KEY, row)


def has_bar(way: Way, row: Mapping[str, Any]) -> bool:
    """Tell whether this bar is written already."""
    return _is_there(way, _FIND_BAR, _BAR_KEY, row)


def _is_there(way: Way, find: Statement, key: tuple[str, ...], row: Mapping[str, Any]) -> bool:
    return find.run(way, {f"k_{name}": row[name] for name in key}).fetchone() is not None


def _rows_of(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    names = column_names(kind)
    get = attrgetter(*names)
    return lambda record: dict(zip(names, get(record), strict=True))


def _change_and_add(table: Table) -> tuple[tuple[str, ...], Statement, Statement]:
    keys = _key_of(table)
    return keys, Statement(update(table).where(*_is_key(table))), _insert(table)


def _add_or_change(table: Table) -> Any:
    """Look for the row once; only SQLite is known to have these words."""
    add = sqlite.insert(table)
    keys = _key_of(table)
    others = {column.name: add.excluded[column.name] for column in table.columns if column.name not in keys}
    return add.on_conflict_do_update(index_elements=keys, set_=others).inline()


def _insert(table: Table) -> Statement:
    return Statement(insert(table).inline())  # nobody asks for the number that a row was given


def _find(table: Table) -> Statement:
    return Statement(select(literal_column("1")).select_from(table).where(*_is_key(table)))


def _key_of(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


def _is_key(table: Table) -> list[Any]:
    return [table.c[name] == bindparam(f"k_{name}") for name in _key_of(table)]


def _insert_event() -> Statement:
    """Give the line the next number of its order in the same statement."""
    table = schema.order_events
    names = ("run", "client_id", "kind", "time_ms", "details")
    given: dict[str, Any] = {name: bindparam(f"e_{name}", type_=table.c[name].type) for name in names}
    following = (
        select(func.coalesce(func.max(table.c.sequence), literal_column("0")) + literal_column("1"))
        .where(table.c.run == given["run"], table.c.client_id == given["client_id"])
        .scalar_subquery()
    )
    return Statement(insert(table).values(sequence=following, **given).inline())


_ROW_OF = {kind: _rows_of(kind) for kind in TABLES}
PUT_TABLES = (
    schema.orders,
    schema.signals,
    schema.equity,
    schema.balances,
    schema.commands,
    schema.state,
    schema.symbols,
)
"""Whose rows `put` writes; a row has all of the table's columns."""

_PUT = {table.name: _change_and_add(table) for table in PUT_TABLES}
_PUT_AT_ONCE = {table.name: Statement(_add_or_change(table)) for table in PUT_TABLES}
_PUT_ORDER = RecordStatement(_add_or_change(schema.orders), column_names(OrderRecord))
# A run's next order and its line follow its newest ones: in either tree, at the end of the run's part.
_LOOK_AHEAD = """
SELECT (SELECT strategy FROM runs WHERE run = :run), (SELECT max(client_id) FROM orders WHERE run = :run),
    (SELECT max(client_id) FROM order_events WHERE run = :run)
"""
_FILL_KEY = _key_of(schema.fills)
_BAR_KEY = _key_of(schema.bars)
_FIND_FILL = _find(schema.fills)
_FIND_BAR = _find(schema.bars)
INSERT_FILL = _insert(schema.fills)
INSERT_BAR = _insert(schema.bars)
INSERT_CONNECTION = _insert(schema.connections)
_INSERT_EVENT = _insert_event()
