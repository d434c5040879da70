"""
Statements for rows, composed by SQLAlchemy and run by the shortest way to the database.

A market order waits for its intent to be written. Between bars the processor's caches go cold, and SQLAlchemy's
way from a row to the driver then takes longer than SQLite's own work. So a file's driver gets the text that
SQLAlchemy has composed, and the values as its types write them. Other databases are spoken to by SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Connection

    Way = Connection | sqlite3.Connection

__all__ = ["Statement", "driver_of", "transaction"]

_NAMED: Any = sqlite.dialect(paramstyle="named")


class Statement:
    """
    One statement with named values; `run` takes them as a row, whose names are the same each time.

    What `run` returns has `rowcount` and `fetchone` as the cursors of DBAPI have.
    """

    def __init__(self, composed: Any) -> None:
        self._composed = composed
        self._text = ""
        self._fixed: dict[str, Any] = {}
        self._writers: tuple[tuple[str, Callable[[Any], Any]], ...] = ()

    def run(self, way: Way, row: Mapping[str, Any]) -> Any:
        """Run it with these values, in a transaction that is open."""
        if not isinstance(way, sqlite3.Connection):
            return way.execute(self._composed, row)
        if not self._text:
            self._compile(row)
        values = {**self._fixed, **row}
        for name, written in self._writers:
            values[name] = written(values[name])
        return way.execute(self._text, values)

    def _compile(self, row: Mapping[str, Any]) -> None:
        compiled = self._composed.compile(dialect=_NAMED, column_keys=list(row))
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        writers = {name: _writer_of(bind.type) for name, bind in binds.items()}
        self._writers = tuple((name, writer) for name, writer in writers.items() if writer is not None)
        self._fixed = {name: bind.value for name, bind in binds.items() if name not in row}
        self._text = str(compiled)


def _writer_of(kind: Any) -> Any:
    """Give what turns a value into what the driver takes; None where it takes the value as it is."""
    return kind.dialect_impl(_NAMED).bind_processor(_NAMED)


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Give the driver's own connection of one to SQLite."""
    raw: Any = connection.connection.driver_connection
    return raw  # type: ignore[no-any-return]  # SQLAlchemy does not know which driver it has


@contextmanager
def transaction(raw: sqlite3.Connection) -> Iterator[None]:
    """Write all that is written within, or nothing; no other transaction may be open."""
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise
