"""Reading a journal: everything comes back as the records of `bt_run.journal.records`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select

from bt_run.core.errors import ConfigError
from bt_run.journal import schema
from bt_run.journal.database import Place, open_copy, open_reading, telling
from bt_run.journal.migrate import find_version, upgrade
from bt_run.journal.records import (
    TERMINAL_STATES,
    BalanceRecord,
    BarRecord,
    CommandRecord,
    ConnectionRecord,
    EquityRecord,
    FillRecord,
    OrderEvent,
    OrderRecord,
    RunRecord,
    SignalRecord,
    SymbolRecord,
    WriterRecord,
)
from bt_run.journal.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Connection, Engine, Select, Table

__all__ = ["TABLES", "JournalQueries", "JournalReader", "Window", "column_names"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Window:
    """
    What to look at: of one run, of one symbol, from `since` up to and including `until`; None for all.

    The time of a run is its start, of an order its making, of a bar, a signal and equity the bar's open time.
    """

    run: int | None = None
    symbol: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """The table of a record, its column of time, and the columns that put the rows in order."""

    table: Table
    time: str
    order: tuple[str, ...]


TABLES: dict[type[Any], _Source] = {
    RunRecord: _Source(schema.runs, "started_ms", ("run",)),
    OrderRecord: _Source(schema.orders, "created_ms", ("created_ms", "run", "client_id")),
    FillRecord: _Source(schema.fills, "time_ms", ("time_ms", "symbol", "trade_id")),
    SignalRecord: _Source(schema.signals, "open_time", ("run", "symbol", "open_time")),
    BalanceRecord: _Source(schema.balances, "time_ms", ("run", "time_ms", "asset")),
    EquityRecord: _Source(schema.equity, "open_time", ("run", "symbol", "open_time")),
    BarRecord: _Source(schema.bars, "open_time", ("run", "symbol", "interval", "open_time")),
    ConnectionRecord: _Source(schema.connections, "time_ms", ("id",)),
    CommandRecord: _Source(schema.commands, "issued_ms", ("id",)),
    SymbolRecord: _Source(schema.symbols, "", ("run", "symbol")),
    OrderEvent: _Source(schema.order_events, "time_ms", ("run", "client_id", "sequence")),
}
"""Where each kind of record lies."""


def column_names(kind: type[Any]) -> tuple[str, ...]:
    """Give the columns of a record, in the order of its fields."""
    return tuple(field.name for field in fields(kind))


class JournalQueries:
    """The questions that a journal answers, for its writer and for readers alike; all times in ms UTC."""

    place: Place

    def _reading(self) -> Connection:
        """Give the connection to read with."""
        raise NotImplementedError

    def find(self, kind: type[R], window: Window = Window(), *conditions: Any) -> Iterator[R]:
        """Yield the records of one kind in a window, in order, a thousand rows at a time in memory."""
        source = TABLES[kind]
        columns = source.table.c
        statement = select(*(columns[name] for name in column_names(kind))).where(*conditions)
        statement = _within(statement, source, window).order_by(*(columns[name] for name in source.order))
        with telling(self.place), self._reading().begin() as transaction:
            rows = transaction.connection.execute(statement.execution_options(yield_per=1000))
            for row in rows:
                yield kind(*row)

    def runs(
        self, *, symbol: str | None = None, since: int | None = None, until: int | None = None
    ) -> list[RunRecord]:
        """Give the runs, oldest first."""
        return list(self.find(RunRecord, Window(None, symbol, since, until)))

    def run(self, number: int) -> RunRecord:
        """Give one run. Raises ConfigError where there is none of this number."""
        found = next(iter(list(self.find(RunRecord, Window(run=number)))), None)
        if found is None:
            known = [run.run for run in self.runs()]
            has = f"It has runs {known[0]} to {known[-1]}" if known else "It has no runs"
            raise ConfigError(f"The journal {self.place} has no run {number}. {has}; see bt-run journal runs.")
        return found

    def last_run(
        self,
        *,
        venue: str | None = None,
        mode: str | None = None,
        symbol: str | None = None,
        strategy: str | None = None,
    ) -> RunRecord | None:
        """Give the newest run that fits, ended or not; None where none does."""
        wanted = {"venue": venue, "mode": mode, "symbol": symbol, "strategy": strategy}
        conditions = [schema.runs.c[name] == value for name, value in wanted.items() if value is not None]
        statement = select(schema.runs.c.run).where(*conditions).order_by(schema.runs.c.run.desc()).limit(1)
        with telling(self.place), self._reading().begin() as transaction:
            number = transaction.connection.execute(statement).scalar()
        return None if number is None else self.run(number)

    def orders(
        self,
        *,
        run: int | None = None,
        symbol: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[OrderRecord]:
        """Give the orders by the time they were made."""
        return list(self.find(OrderRecord, Window(run, symbol, since, until)))

    def order(self, client_id: str, *, run: int | None = None) -> OrderRecord | None:
        """Give one order, of the newest run that used its id; None where it is not known."""
        columns = schema.orders.c
        by_key = columns.run.in_(select(schema.runs.c.run))  # a look for each run; else at every order
        found = list(self.find(OrderRecord, Window(run=run), columns.client_id == client_id, by_key))
        return max(found, key=lambda order: order.run, default=None)

    def open_orders(
        self, *, venue: str | None = None, mode: str | None = None, symbol: str | None = None
    ) -> list[OrderRecord]:
        """
        Give the orders of all runs that are not known to be done: what a start must ask the exchange for.

        Give `venue` and `mode` wherever one journal may hold runs of several.
        """
        chosen = select(schema.runs.c.run)
        if venue is not None:
            chosen = chosen.where(schema.runs.c.venue == venue)
        if mode is not None:
            chosen = chosen.where(schema.runs.c.mode == mode)
        is_open = schema.orders.c.state.not_in(TERMINAL_STATES)
        return list(self.find(OrderRecord, Window(symbol=symbol), is_open, schema.orders.c.run.in_(chosen)))

    def story(self, client_id: str, *, run: int | None = None) -> list[OrderEvent]:
        """Give what befell an order, from its first line on; of the newest run that used its id."""
        order = self.order(client_id, run=run)
        if order is None:
            return []
        return list(self.find(OrderEvent, Window(order.run), schema.order_events.c.client_id == client_id))

    def fills(
        self,
        *,
        run: int | None = None,
        symbol: str | None = None,
        since: int | None = None,
        until: int | None = None,
        client_id: str | None = None,
    ) -> list[FillRecord]:
        """Give the fills by time."""
        conditions = [] if client_id is None else [schema.fills.c.client_id == client_id]
        return list(self.find(FillRecord, Window(run, symbol, since, until), *conditions))

    def bars(
        self,
        run: int,
        *,
        symbol: str | None = None,
        interval: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[BarRecord]:
        """Give the bars that a run saw."""
        conditions = [] if interval is None else [schema.bars.c.interval == interval]
        return list(self.find(BarRecord, Window(run, symbol, since, until), *conditions))

    def signals(self, run: int, *, since: int | None = None, until: int | None = None) -> list[SignalRecord]:
        """Give what a run decided at its bars."""
        return list(self.find(SignalRecord, Window(run, None, since, until)))

    def equity(self, run: int, *, since: int | None = None, until: int | None = None) -> list[EquityRecord]:
        """Give the account of a run at the close of its bars."""
        return list(self.find(EquityRecord, Window(run, None, since, until)))

    def balances(self, run: int, *, since: int | None = None, until: int | None = None) -> list[BalanceRecord]:
        """Give the balances that a run was told."""
        return list(self.find(BalanceRecord, Window(run, None, since, until)))

    def connections(self, run: int) -> list[ConnectionRecord]:
        """Give what befell the connections of a run, in order."""
        return list(self.find(ConnectionRecord, Window(run)))

    def symbols(self, run: int | None = None) -> list[SymbolRecord]:
        """Give what the exchange said of the symbols of a run, or of all runs."""
        return list(self.find(SymbolRecord, Window(run)))

    def state(self, run: int) -> dict[str, Any]:
        """Give the small facts that a run kept; empty where it kept none."""
        table = schema.state
        statement = select(table.c.key, table.c.value).where(table.c.run == run).order_by(table.c.key)
        with telling(self.place), self._reading().begin() as transaction:
            rows = transaction.connection.execute(statement).all()
        return {key: value for key, value in rows}  # noqa: C416  # a row is no pair to the type checker

    def writer(self) -> WriterRecord | None:
        """Give who writes the journal; the one who wrote it last where nobody does, None where nobody has."""
        statement = select(*(schema.writer.c[name] for name in column_names(WriterRecord)))
        with telling(self.place), self._reading().begin() as transaction:
            row = transaction.connection.execute(statement).first()
        return None if row is None else WriterRecord(*row)


def _within(statement: Select[Any], source: _Source, window: Window) -> Select[Any]:
    """Leave out what lies outside of a window; what a table has no column for does not count."""
    columns = source.table.c
    if window.run is not None:
        statement = statement.where(columns["run"] == window.run)
    if window.symbol is not None and "symbol" in columns:
        statement = statement.where(columns["symbol"] == window.symbol)
    if window.since is not None and source.time:
        statement = statement.where(columns[source.time] >= window.since)
    if window.until is not None and source.time:
        statement = statement.where(columns[source.time] <= window.until)
    return statement


class JournalReader(JournalQueries):
    """
    A journal opened only to read: needs no lock, and works while a bot writes.

    An older journal is brought up to date in memory; its file stays as it is.

    Args:
        journal: A file's name or a URL of SQLAlchemy's.

    Raises:
        ConfigError: there is no such journal, or a newer bt-run made it.
        JournalError: it cannot be read.
    """

    def __init__(self, journal: str | Path) -> None:
        self.place = Place.parse(journal)
        self._engine = open_reading(self.place)
        self._connection: Connection | None = None
        try:
            with telling(self.place):
                self._connection = self._connect()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> Connection:
        version = _version_of(self._engine, self.place)
        if version == 0:
            raise ConfigError(f"The journal {self.place} is empty: no run has been written to it.")
        if version < SCHEMA_VERSION:
            self._engine.dispose()
            self._engine = open_copy(self.place)
            with self._engine.connect() as copy:
                upgrade(copy)
        return self._engine.connect()

    def _reading(self) -> Connection:
        if self._connection is None:
            raise ValueError("This reader is closed.")
        return self._connection

    def close(self) -> None:
        """Let go of the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _version_of(engine: Engine, place: Place) -> int:
    with engine.connect() as connection:
        return find_version(connection, place)
