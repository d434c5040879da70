"""
Statements for rows, composed by SQLAlchemy and run by the shortest way to the database.

A market order waits for its intent to be written. Between bars the processor's caches go cold, and SQLAlchemy's
way from a row to the driver then takes longer than SQLite's own work. So a file's driver gets the text that
SQLAlchemy has composed, and the values as its types write them. Other databases are spoken to by SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite

from bt_run.journal.database import failure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from sqlalchemy import Connection

    from bt_run.journal.database import Place

    Way = Connection | sqlite3.Connection

__all__ = ["RecordStatement", "Statement", "driver_of", "transaction"]

_PLACED: Any = sqlite.dialect(paramstyle="qmark")


class Statement:
    """
    One statement with named values; `run` takes them as a row, whose names are the same each time.

    What `run` returns has `rowcount` and `fetchone` as the cursors of DBAPI have.
    """

    def __init__(self, composed: Any) -> None:
        self._composed = composed
        self._text = ""
        self._fixed: dict[str, Any] = {}
        self._places: Sequence[str] = ()
        self._writers: tuple[tuple[int, Callable[[Any], Any]], ...] = ()

    def run(self, way: Way, row: Mapping[str, Any]) -> Any:
        """Run it with these values, in a transaction that is open."""
        if not isinstance(way, sqlite3.Connection):
            return way.execute(self._composed, row)
        if not self._text:
            self._compile(list(row))
        given = {**self._fixed, **row} if self._fixed else row
        return self._execute(way, [given[name] for name in self._places])

    def _execute(self, raw: sqlite3.Connection, values: list[Any]) -> sqlite3.Cursor:
        for place, written in self._writers:
            values[place] = written(values[place])
        return raw.execute(self._text, values)

    def _compile(self, names: Sequence[str]) -> None:
        compiled = self._composed.compile(dialect=_PLACED, column_keys=names)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self._places = compiled.positiontup
        writers = [_writer_of(binds[name].type) for name in self._places]
        self._writers = tuple((place, writer) for place, writer in enumerate(writers) if writer is not None)
        self._fixed = {name: bind.value for name, bind in binds.items() if name not in names}
        self._text = str(compiled)


class RecordStatement(Statement):
    """A statement whose values records have under these names; for SQLite's driver alone."""

    def __init__(self, composed: Any, names: Sequence[str]) -> None:
        super().__init__(composed)
        self._names = names
        self._values_of: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)

    def run_record(self, raw: sqlite3.Connection, record: Any) -> None:
        """Run it with what the record has, in a transaction that is open; no row is made on the way."""
        if not self._text:
            self._compile(self._names)
            self._values_of = attrgetter(*self._places)
        self._execute(raw, list(self._values_of(record)))


def _writer_of(kind: Any) -> Any:
    """Give what turns a value into what the driver takes; None where it takes the value as it is."""
    return kind.dialect_impl(_PLACED).bind_processor(_PLACED)


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Give the driver's own connection of one to SQLite."""
    raw: Any = connection.connection.driver_connection
    return raw  # type: ignore[no-any-return]  # SQLAlchemy does not know which driver it has


class transaction:  # noqa: N801 - a word to use with `with`, as contextlib's are
    """
    Write all that is written within, or nothing; no other transaction may be open.

    Errors of the driver's, within or at its end, become a JournalError that names the place. It is no
    generator: an order would wait for the steps of contextlib.
    """

    __slots__ = ("_place", "_raw")

    def __init__(self, raw: sqlite3.Connection, place: Place) -> None:
        self._raw = raw
        self._place = place

    def __enter__(self) -> None:
        try:
            self._raw.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise failure_of(self._place, error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end(commits=kind is None)
        except sqlite3.Error as failed:
            error = failed
        if isinstance(error, sqlite3.Error):
            raise failure_of(self._place, error) from error

    def _end(self, *, commits: bool) -> None:
        try:
            if commits:
                self._raw.execute("COMMIT")
        finally:
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
