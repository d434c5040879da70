"""
The journal's one writer.

Every change of an order, and every fill, is on the disk when the call returns. What was merely seen (bars,
signals, equity, balances, connections) is committed at once too, but does not wait for the disk; nor does the
intent of a request that is about to leave (`write_intents`). So a killed process loses nothing that a call
returned for. A power failure may lose what was seen since the last order, checkpoint or `stay_ready`, and the
orders of the last request, which the exchange knows by the ids that follow the last one here; never another
order, a fill or a fact of `write_state`.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from bt_run.core.atomic import check_target
from bt_run.core.errors import ConfigError
from bt_run.journal import schema
from bt_run.journal.column_types import plain
from bt_run.journal.database import Place, lengthen_log, open_engine, telling
from bt_run.journal.log_file import LogFile
from bt_run.journal.migrate import HAS_WRITER, back_up, create, find_version, upgrade
from bt_run.journal.queries import TABLES, JournalQueries
from bt_run.journal.records import RunRecord
from bt_run.journal.rows import (
    INSERT_BAR,
    INSERT_CONNECTION,
    INSERT_FILL,
    has_bar,
    has_fill,
    look_ahead,
    put,
    put_order,
    rehearse,
    row_of,
)
from bt_run.journal.schema import SCHEMA_VERSION
from bt_run.journal.statement import driver_of, transaction
from bt_run.journal.writer_lock import FileHold, RowHold, hold_file

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Connection

    from bt_run.journal.records import (
        BalanceRecord,
        BarRecord,
        CommandRecord,
        ConnectionRecord,
        EquityRecord,
        FillRecord,
        OrderEvent,
        OrderRecord,
        SignalRecord,
        SymbolRecord,
    )
    from bt_run.journal.statement import Way

__all__ = ["Journal"]


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
        self._log = None if self.place.file is None else LogFile(self.place.file)
        self._is_on_disk = True  # what `write_intents` was given last
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
        self._intents: sqlite3.Connection | None = None
        if self._log is not None and self._log.can_flush:
            hasty = open_engine(self.place, durable=False, copies=False)
            self._closing.callback(hasty.dispose)
            self._intents = driver_of(self._closing.enter_context(hasty.connect()))
        self._hold = hold
        if self._log is not None:
            self._closing.callback(self._log.close)
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
        with self._quickly(self._durable) as way:
            put(way, schema.state, {"run": run, "key": key, "value": value})

    def write_command(self, record: CommandRecord) -> None:
        """Write that a command was taken or what became of it; waits for the disk."""
        with self._quickly(self._durable) as way:
            put(way, schema.commands, row_of(record))

    def write_symbol(self, record: SymbolRecord) -> None:
        """Keep what the exchange says of a symbol; the trades are counted with it."""
        with self._quickly(self._durable) as way:
            put(way, schema.symbols, row_of(record))

    def beat(self) -> None:
        """Say that this writer lives; one that is no file wants it once a minute, if nothing is written."""
        if isinstance(self._hold, FileHold):
            self._check_thread()
            return
        with self._writing(self._durable):
            pass

    def make_ready(self, run: int) -> None:
        """
        Do now what the first orders of a run would wait for: compose statements, and lengthen a file's log.

        Nothing is written that anybody could read.
        """
        if not isinstance(self._hold, FileHold):
            return
        self._check_thread()
        with telling(self.place):
            lengthen_log(driver_of(self._durable))
            rehearse(self._intents or driver_of(self._durable), run)
        runs = schema.runs
        with self._writing(self._durable) as connection:  # the longer log is on the disk with it
            connection.execute(update(runs).where(runs.c.run == run), {"outcome": ""})

    def stay_ready(self, run: int) -> None:
        """
        Do now what the next order would wait for, after what was seen has been written; nothing is written.

        That is: bring what was seen to the disk, and read what an order's connection has to read again.
        """
        if self._log is None:
            return
        self._check_thread()
        self._flush(self._log)
        with telling(self.place):
            look_ahead(self._intents or driver_of(self._durable), run)

    # --- orders and fills: on the disk when the call returns, but for intents ---------------------------------

    def write_intents(self, changes: Sequence[tuple[OrderRecord, OrderEvent]]) -> None:
        """
        Write the orders of one request together, before it leaves, and wait for the disk only where it must be.

        That is: for the intents of the request before, if nothing has brought them there since. So whatever
        becomes of the power, the orders of one request at most are missing here, and those have the ids that
        follow the last one.
        """
        if self._intents is None:
            self.write_orders(changes)
            return
        self._check_thread()
        if not self._is_on_disk and self._log is not None:
            self._flush(self._log)
        with transaction(self._intents, self.place):
            for record, event in changes:
                put_order(self._intents, record, event)
        self._is_on_disk = False

    def _flush(self, log: LogFile) -> None:
        log.flush()
        self._is_on_disk = True

    def write_order(self, record: OrderRecord, event: OrderEvent) -> None:
        """Write an order as it stands now and one line of its story, together."""
        self.write_orders([(record, event)])

    def write_orders(self, changes: Sequence[tuple[OrderRecord, OrderEvent]]) -> None:
        """Write several orders together or none of them: the legs of an order list."""
        with self._quickly(self._durable) as way:
            for record, event in changes:
                put_order(way, record, event)

    def write_fill(
        self, record: FillRecord, order: OrderRecord | None = None, event: OrderEvent | None = None
    ) -> bool:
        """
        Write a fill, and together with it the order as the fill leaves it and the line of its story.

        Returns:
            Whether the fill was new. The same trade of the same order is written once; of a fill that is
            there already nothing is written, the order and its story neither.
        """
        row = row_of(record)
        row["venue"] = self._venue_of(record.run)
        with self._quickly(self._durable) as way:
            if has_fill(way, row):
                return False
            INSERT_FILL.run(way, row)
            if order is not None and event is not None:
                put_order(way, order, event)
        return True

    def _venue_of(self, run: int) -> str:
        if run not in self._venues:
            chosen = select(schema.runs.c.venue).where(schema.runs.c.run == run)
            with self._writing(self._durable) as connection:
                found = connection.execute(chosen).scalar()
            if found is None:
                raise ConfigError(f"The journal {self.place} has no run {run} to write to.")
            self._venues[run] = found
        return self._venues[run]

    # --- what was seen: committed, but not waited for ---------------------------------------------------------

    def write_bars(self, records: Sequence[BarRecord]) -> int:
        """Write the bars that are not there yet, and give their number; a bar stays as it was seen first."""
        if not records:
            return 0
        with self._quickly(self._quick) as way:
            fresh = [row for row in map(row_of, records) if not has_bar(way, row)]
            for row in fresh:
                INSERT_BAR.run(way, row)
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
        with self._quickly(self._quick) as way:
            INSERT_CONNECTION.run(way, row_of(record))

    def _see(self, *records: Any) -> None:
        if not records:
            return
        kind = type(records[0])
        with self._quickly(self._quick) as way:
            for record in records:
                put(way, TABLES[kind].table, row_of(record))

    # ----------------------------------------------------------------------------------------------------------

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

    @contextmanager
    def _quickly(self, connection: Connection) -> Iterator[Way]:
        """Run one transaction for statements over rows, on the driver itself where that is SQLite's."""
        if isinstance(self._hold, FileHold):
            self._check_thread()
            way = driver_of(connection)
            before = way.total_changes
            with transaction(way, self.place):
                yield way
            # A durable commit waits for the whole log, unless there was nothing to write.
            self._is_on_disk |= connection is self._durable and way.total_changes > before
        else:
            with self._writing(connection):
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
