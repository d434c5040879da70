"""Where a journal lies: a file of SQLite's, or any database that SQLAlchemy speaks to; and how to connect."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool, StaticPool

from bt_run.core.errors import ConfigError, JournalError
from bt_run.core.passwords import hide_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

__all__ = [
    "Place",
    "failure_of",
    "lengthen_log",
    "open_copy",
    "open_engine",
    "open_reading",
    "telling",
    "without_checks",
]

_BUSY_S = 5
_LIBPQ = ("psycopg", "psycopg2")
_LIBPQ_WAITS = {"connect_timeout": 10, "tcp_user_timeout": 15_000}  # seconds and milliseconds
_BIG_WAL_PAGES = 20_000
_WAL_PAGES = 1000
_WAL_BYTES = 4_000_000  # as long as it grows until it is copied, at 4 KiB a page


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """Where a journal lies; its text shows no password. `file` is None for a database that is not SQLite's."""

    url: URL
    file: Path | None

    @classmethod
    def parse(cls, given: str | Path) -> Place:
        """
        Read the name of a file, or a URL of SQLAlchemy's such as ``postgresql+psycopg://me@host/journal``.

        Raises:
            ConfigError: not a URL, a database of an unknown kind, or one in memory.
        """
        if isinstance(given, Path) or "://" not in given:
            return cls._of_file(Path(given).expanduser())
        try:
            url = make_url(given)
            url.get_dialect()
        except (ArgumentError, NoSuchModuleError, ValueError) as error:
            raise ConfigError(
                "The journal's URL is not understood. "
                "Write a file's name, or a URL such as postgresql+psycopg://user@host/journal."
            ) from error
        if url.get_backend_name() != "sqlite":
            return cls(url, None)
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise ConfigError("A journal in memory would be lost. Write a file's name, such as bt-run.sqlite.")
        return cls._of_file(Path(url.database))

    @classmethod
    def _of_file(cls, path: Path) -> Place:
        """Resolve links first, so that two names of one file meet at one lock."""
        path = path.resolve()
        return cls(URL.create("sqlite", database=str(path)), path)

    def __str__(self) -> str:
        return str(self.file) if self.file is not None else hide_password(self.address)

    def __repr__(self) -> str:
        return f"Place({str(self)!r})"

    @property
    def address(self) -> str:
        """Give what `parse` reads as this place: with its password, so to be handed on and never shown."""
        return str(self.file) if self.file is not None else self.url.render_as_string(hide_password=False)


def open_engine(place: Place, *, durable: bool, copies: bool | None = None) -> Engine:
    """
    Make an engine that writes.

    A server keeps what it commits as it is set up to.

    SQLite: write-ahead log, so that readers and the writer never wait for each other. With `durable` every
    commit waits for the disk; else a power failure, but no death of the process, may cost the last commits.
    A connection that does not copy leaves the copying of the log into the file to another one, because an order
    must not wait for it; unless it is said, the durable ones do not.
    """
    if place.file is None:
        return _open_server(place)
    engine = create_engine(place.url, poolclass=NullPool)
    pages = _WAL_PAGES if (not durable if copies is None else copies) else _BIG_WAL_PAGES

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver would leave out DDL and reads
        connection.execute(f"PRAGMA busy_timeout={_BUSY_S * 1000}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute(f"PRAGMA wal_autocheckpoint={pages}")
        connection.execute("PRAGMA foreign_keys=ON")

    _say_begin(engine, "BEGIN IMMEDIATE")
    return engine


def _open_server(place: Place) -> Engine:
    """Make an engine on a server; where that is PostgreSQL's, nothing is waited for without an end."""
    is_postgresql = place.url.get_backend_name() == "postgresql"
    waits = _LIBPQ_WAITS if is_postgresql and place.url.get_driver_name() in _LIBPQ else {}
    own = {name: value for name, value in waits.items() if name not in place.url.query}
    try:
        engine = create_engine(place.url, connect_args=own)
    except ImportError as error:
        raise ConfigError(f"{place}: this kind of database needs the package {error.name!r}.") from error
    if is_postgresql:

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _: object) -> None:
            cursor = connection.cursor()
            cursor.execute(f"SET lock_timeout = '{_BUSY_S}s'")
            cursor.close()
            connection.commit()

    return engine


def lengthen_log(raw: sqlite3.Connection) -> None:
    """
    Make a file's write-ahead log as long as it will become, with nothing in it.

    A commit that makes the log longer waits for the file system to write down its new length and blocks too;
    one that writes over what is there waits for its own bytes alone. A transaction that is too large for the
    cache goes into the log before it is undone, and the next one begins where it began.
    """
    (cache,) = raw.execute("PRAGMA cache_size").fetchone()
    raw.execute("PRAGMA cache_size=10")
    try:
        raw.execute("BEGIN IMMEDIATE")
        try:
            raw.execute("CREATE TABLE filler (filling)")
            raw.execute("INSERT INTO filler VALUES (zeroblob(?))", (_WAL_BYTES,))
        finally:
            raw.execute("ROLLBACK")
    finally:
        raw.execute(f"PRAGMA cache_size={cache}")


def open_reading(place: Place) -> Engine:
    """
    Make an engine that only reads; it takes no lock, and a bot that writes is not held up.

    Raises:
        ConfigError: there is no such file.
    """
    if place.file is None:
        return open_engine(place, durable=False)
    if not place.file.is_file():
        raise ConfigError(
            f"There is no journal {place}. A live run makes one; "
            f"another is named with --journal or BT_RUN_JOURNAL."
        )
    address = place.file.as_uri()
    engine = create_engine("sqlite://", creator=lambda: _connect_reading(address), poolclass=NullPool)
    _say_begin(engine, "BEGIN")
    return engine


def _connect_reading(address: str) -> sqlite3.Connection:
    """Where the folder cannot be written to, SQLite cannot share its memory; a journal at rest needs none."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(f"{address}?{mode}", uri=True, timeout=_BUSY_S, isolation_level=None)
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            if "unable to open" not in str(error) or "immutable" in mode:
                raise
            continue
        except BaseException:
            connection.close()
            raise
        return connection
    raise AssertionError


def open_copy(place: Place) -> Engine:
    """Copy a file into memory and make an engine on the copy, where an old journal is brought up to date."""
    if place.file is None:
        raise ConfigError(f"The journal {place} is of an older version. Start a run with it to bring it up.")
    source = _connect_reading(place.file.as_uri())
    copy = sqlite3.connect(":memory:", isolation_level=None)
    try:
        source.backup(copy)
    finally:
        source.close()
    engine = create_engine("sqlite://", creator=lambda: copy, poolclass=StaticPool)
    _say_begin(engine, "BEGIN")
    return engine


def _say_begin(engine: Engine, word: str) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(word)


@contextmanager
def without_checks(connection: Connection) -> Iterator[None]:
    """Let foreign keys go unchecked while tables are altered: SQLite may have to make a table anew for it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


@contextmanager
def telling(place: Place) -> Iterator[None]:
    """Turn an error of the database into a JournalError that names the journal and what the database said."""
    try:
        yield
    except DBAPIError as error:
        raise JournalError(f"The journal {place} failed: {_reason(error.orig)}") from error
    except sqlite3.Error as error:
        raise failure_of(place, error) from error


def failure_of(place: Place, error: sqlite3.Error) -> JournalError:
    """Give the JournalError that `telling` makes of an error of SQLite's driver."""
    return JournalError(f"The journal {place} failed: {_reason(error)}")


def _reason(error: BaseException | None) -> str:
    """Give the first line of what the database said, and what helps against the common ones."""
    said = (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")
    for sign, hint in _HINTS:
        if sign in said:
            return f"{said}. {hint}"
    return f"{said}."


_HINTS = (
    ("is not a database", "It is not a journal, or damaged. Name another file."),
    ("malformed", "The file is damaged. Move it away and start with its backup or a new one."),
    ("database is locked", "Another program holds it in a transaction. End that program."),
    ("lock timeout", "Another program holds it in a transaction. End that program."),
    ("full", "Make room on the disk."),
    ("readonly", "Allow writing to the file and its folder."),
    ("no such table", "It is a database, but not a journal of bt-run. Name another file."),
)
