"""
The journal's one writer.

An order's intent, every change of an order, and every fill are on the disk when the call returns; only then may
a request leave. What was merely seen (bars, signals, equity, balances, connections) is committed at once too,
but does not wait for the disk. So a killed process loses nothing that a call returned for; a power failure may
lose what was seen since the last order or checkpoint, and never an order, a fill or a fact of `write_state`.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import bindparam, func, insert, literal, select, update

from bt_run.core.atomic import check_target
from bt_run.core.errors import ConfigError
from bt_run.journal import schema
from bt_run.journal.column_types import plain
from bt_run.journal.database import Place, open_engine, telling
from bt_run.journal.migrate import HAS_WRITER, back_up, create, find_version, upgrade
from bt_run.journal.queries import TABLES, JournalQueries, column_names
from bt_run.journal.records import (
    BalanceRecord,
    BarRecord,
    CommandRecord,
    ConnectionRecord,
    EquityRecord,
    FillRecord,
    OrderRecord,
    RunRecord,
    SignalRecord,
    SymbolRecord,
)
from bt_run.journal.schema import SCHEMA_VERSION
from bt_run.journal.writer_lock import FileHold, RowHold, hold_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Connection, Table

    from bt_run.journal.records import OrderEvent

__all__ = ["Journal"]

R = TypeVar("R")


class Journal(JournalQueries):
    """
    A journal opened to write; made where there is none, brought up to date where it is old.

    To be used by one thread alone, the one that opened it: there are no locks inside, and another thread gets
    a RuntimeError. A second process, or a second Journal, on the same database is refused.

    Every method may raise JournalError; then nothing of what it was given was written.

    Args:
        journal: A file's name, or a URL of SQLAlchemy's; its password is never shown.

    Raises:
        JournalHeld: another process writes it.
        ConfigError: a newer bt-run made it, or it cannot be one.
        JournalError: the database failed.
    """

    def __init__(self, journal: str | Path) -> None:
        self.place = Place.parse(journal)
        self._owner = (os.getpid(), threading.get_ident())
        self._venues: dict[int, str] = {}
        self._closing = ExitStack()
        try:
            with telling(self.place):
                self._open()
        except BaseException:
            self._closing.close()
            raise

    def _open(self) -> None:
        hold = _hold_first(self.place)
        if isinstance(hold, FileHold):
            self._closing.callback(hold.release)
        durable = open_engine(self.place, durable=True)
        self._closing.callback(durable.dispose)
        quick = open_engine(self.place, durable=False) if self.place.file is not None else durable
        self._closing.callback(quick.dispose)
        self._durable = self._closing.enter_context(durable.connect())
        self._quick = self._closing.enter_context(quick.connect()) if quick is not durable else self._durable
        self._hold = hold
        with self._durable.begin():
            version = find_version(self._durable, self.place)
            if version == 0:
                create(self._durable)
            if version == 0 or version >= HAS_WRITER:
                self._take()
        if 0 < version < SCHEMA_VERSION:
            if self.place.file is not None:
                back_up(self.place.file)
            upgrade(self._durable)
        if 0 < version < HAS_WRITER:
            with self._durable.begin():
                self._take()

    def _take(self) -> None:
        self._hold.take(self._durable)
        if isinstance(self._hold, RowHold):
            self._closing.callback(self._release_row, self._hold)

    def _release_row(self, hold: RowHold) -> None:
        with self._durable.begin():
            hold.release(self._durable)

    def close(self) -> None:
        """Let go of the database and of the lock; a run that was not ended stays open in it."""
        with telling(self.place):
            self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- runs -------------------------------------------------------------------------------------------------

    def begin_run(
        self,
        *,
        venue: str,
        symbol: str,
        interval: str,
        strategy: str,
        started_ms: int,
        mode: str = "live",
        params: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        version: str = "",
        resumes: int | None = None,
    ) -> RunRecord:
        """Write down that a run begins, with its settings; give it with its number."""
        row = {
            "venue": venue,
            "mode": mode,
            "symbol": symbol,
            "interval": interval,
            "strategy": strategy,
            "params": plain(params or {}),
            "settings": plain(settings or {}),
            "version": version,
            "resumes": resumes,
            "started_ms": started_ms,
            "ended_ms": None,
            "outcome": "",
        }
        with self._writing(self._durable) as connection:
            done = connection.execute(insert(schema.runs), row)
        (number,) = done.inserted_primary_key or (0,)
        self._venues[number] = venue
        return RunRecord(run=number, **row)

    def end_run(self, run: int, *, ended_ms: int, outcome: str) -> None:
        """Write down that a run ended, and how."""
        change = update(schema.runs).where(schema.runs.c.run == run)
        with self._writing(self._durable) as connection:
            connection.execute(change, {"ended_ms": ended_ms, "outcome": outcome})

    def write_state(self, run: int, key: str, value: Any) -> None:
        """Keep a small fact of a run, such as that it is paused; waits for the disk."""
        with self._writing(self._durable) as connection:
            self._put(connection, schema.state, [{"run": run, "key": key, "value": value}])

    def write_command(self, record: CommandRecord) -> None:
        """Write that a command was taken or what became of it; waits for the disk."""
        with self._writing(self._durable) as connection:
            self._put(connection, schema.commands, [_ROW_OF[CommandRecord](record)])

    def write_symbol(self, record: SymbolRecord) -> None:
        """Keep what the exchange says of a symbol; the trades are counted with it."""
        with self._writing(self._durable) as connection:
            self._put(connection, schema.symbols, [_ROW_OF[SymbolRecord](record)])

    def beat(self) -> None:
        """Say that this writer lives; one that is no file wants it once a minute, if nothing is written."""
        with self._writing(self._durable):
            pass

    # --- orders and fills: on the disk when the call returns --------------------------------------------------

    def write_order(self, record: OrderRecord, event: OrderEvent) -> None:
        """Write an order as it stands now and one line of its story, together."""
        self.write_orders([(record, event)])

    def write_orders(self, changes: Sequence[tuple[OrderRecord, OrderEvent]]) -> None:
        """Write several orders together or none of them: the legs of an order list."""
        with self._writing(self._durable) as connection:
            for record, event in changes:
                self._put_order(connection, record, event)

    def write_fill(
        self, record: FillRecord, order: OrderRecord | None = None, event: OrderEvent | None = None
    ) -> bool:
        """
        Write a fill, and together with it the order as the fill leaves it and the line of its story.

        Returns:
            Whether the fill was new. The same trade of the same order is written once; of a fill that is
            there already nothing is written, the order and its story neither.
        """
        row = _ROW_OF[FillRecord](record)
        with self._writing(self._durable) as connection:
            row["venue"] = self._venue_of(connection, record.run)
            if connection.execute(_FIND_FILL, {f"k_{name}": row[name] for name in _FILL_KEY}).first():
                return False
            connection.execute(_INSERT_FILL, row)
            if order is not None and event is not None:
                self._put_order(connection, order, event)
        return True

    def _put_order(self, connection: Connection, record: OrderRecord, event: OrderEvent) -> None:
        self._put(connection, schema.orders, [_ROW_OF[OrderRecord](record)])
        line = {
            "e_run": record.run,
            "e_client_id": record.client_id,
            "e_kind": event.kind,
            "e_time_ms": event.time_ms,
            "e_details": event.details,
        }
        connection.execute(_INSERT_EVENT, line)

    def _venue_of(self, connection: Connection, run: int) -> str:
        if run not in self._venues:
            found = connection.execute(select(schema.runs.c.venue).where(schema.runs.c.run == run)).scalar()
            if found is None:
                raise ConfigError(f"The journal {self.place} has no run {run} to write to.")
            self._venues[run] = found
        return self._venues[run]

    # --- what was seen: committed, but not waited for ---------------------------------------------------------

    def write_bars(self, records: Sequence[BarRecord]) -> int:
        """Write the bars that are not there yet, and give their number; a bar stays as it was seen first."""
        if not records:
            return 0
        with self._writing(self._quick) as connection:
            fresh = [row for row in map(_ROW_OF[BarRecord], records) if not _has_bar(connection, row)]
            if fresh:
                connection.execute(_INSERT_BAR, fresh)
        return len(fresh)

    def write_signal(self, record: SignalRecord) -> None:
        """Write what the strategy decided at a bar."""
        self._see(record)

    def write_equity(self, record: EquityRecord) -> None:
        """Write the account at the close of a bar."""
        self._see(record)

    def write_balances(self, records: Sequence[BalanceRecord]) -> None:
        """Write what the account holds, one record an asset."""
        self._see(*records)

    def write_connection(self, record: ConnectionRecord) -> None:
        """Write what befell a connection."""
        with self._writing(self._quick) as connection:
            connection.execute(_INSERT_CONNECTION, _ROW_OF[ConnectionRecord](record))

    def _see(self, *records: Any) -> None:
        if not records:
            return
        kind = type(records[0])
        with self._writing(self._quick) as connection:
            self._put(connection, TABLES[kind].table, [_ROW_OF[kind](record) for record in records])

    # ----------------------------------------------------------------------------------------------------------

    def _put(self, connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        """Change the rows that are there and add the others; in words that every database knows."""
        keys, change, add = _PUT[table.name]
        for row in rows:
            changed = {f"k_{name}" if name in keys else name: value for name, value in row.items()}
            if not connection.execute(change, changed).rowcount:
                connection.execute(add, row)

    def _reading(self) -> Connection:
        self._check_thread()
        return self._quick

    @contextmanager
    def _writing(self, connection: Connection) -> Iterator[Connection]:
        """Run one transaction: all of it is written, or none."""
        self._check_thread()
        with telling(self.place), connection.begin():
            self._hold.beat(connection)
            yield connection

    def _check_thread(self) -> None:
        if self._owner != (os.getpid(), threading.get_ident()):
            raise RuntimeError(
                "The journal is used by a thread or process that did not open it. "
                "Send what is to be written to the thread that did."
            )


def _hold_first(place: Place) -> FileHold | RowHold:
    """A file is locked before it is opened; of another database the lock lies inside."""
    if place.file is None:
        return RowHold(place)
    return hold_file(place, check_target(place.file))


def _has_bar(connection: Connection, row: Mapping[str, Any]) -> bool:
    return connection.execute(_FIND_BAR, {f"k_{name}": row[name] for name in _BAR_KEY}).first() is not None


def _rows_of(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    names = column_names(kind)
    get = attrgetter(*names)
    return lambda record: dict(zip(names, get(record), strict=True))


def _change_and_add(table: Table) -> tuple[tuple[str, ...], Any, Any]:
    """Compose the statements once: SQLAlchemy then keeps their compiled text."""
    keys = _key_of(table)
    return keys, update(table).where(*_is_key(table)), insert(table)


def _key_of(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


def _is_key(table: Table) -> list[Any]:
    return [table.c[name] == bindparam(f"k_{name}") for name in _key_of(table)]


def _insert_event() -> Any:
    """Give the line the next number of its order in the same statement."""
    table = schema.order_events
    names = ("run", "client_id", "kind", "time_ms", "details")
    given: dict[str, Any] = {name: bindparam(f"e_{name}", type_=table.c[name].type) for name in names}
    following = (
        select(func.coalesce(func.max(table.c.sequence), 0) + 1)
        .where(table.c.run == given["run"], table.c.client_id == given["client_id"])
        .scalar_subquery()
    )
    return insert(table).values(sequence=following, **given)


_ROW_OF = {kind: _rows_of(kind) for kind in TABLES}
_PUT = {
    table.name: _change_and_add(table)
    for table in (
        schema.orders,
        schema.signals,
        schema.equity,
        schema.balances,
        schema.commands,
        schema.state,
        schema.symbols,
    )
}
_FILL_KEY = _key_of(schema.fills)
_BAR_KEY = _key_of(schema.bars)
_FIND_FILL = select(literal(1)).select_from(schema.fills).where(*_is_key(schema.fills))
_FIND_BAR = select(literal(1)).select_from(schema.bars).where(*_is_key(schema.bars))
_INSERT_FILL = insert(schema.fills)
_INSERT_BAR = insert(schema.bars)
_INSERT_CONNECTION = insert(schema.connections)
_INSERT_EVENT = _insert_event()
