"""
One writer a journal.

Of a file the operating system keeps the lock and lets it go when the process dies, however it dies; who has
it stands in the journal's table ``writer``, for the sentence that the second gets. Of any other database that
row is the lock itself: its holder renews it within every transaction, and a row that was not renewed for
`STALE_S` seconds, or whose process on this machine is gone, may be taken over.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError, JournalError, JournalHeld
from bt_run.journal.database import open_reading
from bt_run.journal.schema import writer

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from bt_run.journal.database import Place

__all__ = ["STALE_S", "FileHold", "RowHold", "hold_file", "is_held"]

STALE_S = 120
"""After this many seconds without a beat the holder of a database's row counts as dead."""


class FileHold:
    """The lock of a journal that is a file; made by `hold_file`."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    def take(self, connection: Connection) -> None:
        """Write down who has the lock, in a transaction that is open."""
        connection.execute(delete(writer))
        connection.execute(insert(writer), _own_row(secrets.token_hex(16)))

    def beat(self, connection: Connection) -> None:
        """Do nothing: the operating system knows that we live."""

    def release(self, connection: Connection | None = None) -> None:
        """Let the next one in."""
        self._lock.release()


def hold_file(place: Place, path: Path) -> FileHold:
    """
    Take the lock ``<journal>.lock``.

    Raises:
        JournalHeld: another process has it; names it and says what to do.
    """
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise JournalHeld(_refusal(place, _find_holder(place))) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"The journal {place} cannot be locked: {reason}.") from error
    return FileHold(lock)


def is_held(place: Place) -> bool:
    """Tell whether somebody writes the journal now; a bot that starts in this very moment may be refused."""
    if place.file is None:
        holder = _find_holder(place)
        return holder is not None and not _is_dead(holder)
    try:
        hold_file(place, place.file).release()
    except JournalHeld:
        return True
    return False


class RowHold:
    """The lock of a journal in a database: a row that is renewed."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._token = secrets.token_hex(16)

    def take(self, connection: Connection) -> None:
        """
        Take the row, in a transaction that is open.

        Raises:
            JournalHeld: another process has it.
        """
        found = connection.execute(select(writer).with_for_update()).first()
        own = _own_row(self._token)
        if found is None:
            try:
                connection.execute(insert(writer), own)
            except IntegrityError:
                raise JournalHeld(_refusal(self._place, None)) from None
            return
        if not _is_dead(found):
            raise JournalHeld(_refusal(self._place, found, waits=True))
        connection.execute(update(writer).where(writer.c.token == found.token), own)

    def beat(self, connection: Connection) -> None:
        """
        Say that we live, and make sure that the row is still ours.

        Raises:
            JournalError: another process took it because we were silent for too long.
        """
        mine = update(writer).where(writer.c.token == self._token).values(beat_ms=_now_ms())
        if connection.execute(mine).rowcount != 1:
            raise JournalError(
                f"The journal {self._place} was taken over by another process, because this one was silent for "
                f"more than {STALE_S} seconds. End this run; the other one goes on."
            )

    def release(self, connection: Connection | None = None) -> None:
        """Let the next one in."""
        if connection is not None:
            connection.execute(delete(writer).where(writer.c.token == self._token))


def _own_row(token: str) -> dict[str, Any]:
    now = _now_ms()
    return {
        "id": 1,
        "token": token,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since_ms": now,
        "beat_ms": now,
    }


def _is_dead(row: Row[Any]) -> bool:
    if _now_ms() - row.beat_ms > STALE_S * 1000:
        return True
    if row.host != socket.gethostname() or row.pid == os.getpid():
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _find_holder(place: Place) -> Row[Any] | None:
    """Look who has the file; None where it is so new, or so old, that nobody has written it down."""
    engine = open_reading(place)
    try:
        with engine.connect() as connection:
            return connection.execute(select(writer)).first()
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()


def _refusal(place: Place, holder: Row[Any] | None, *, waits: bool = False) -> str:
    who = "another process"
    if holder is not None:
        who = f"process {holder.pid} on {holder.host} since {iso_utc(holder.since_ms // 1000 * 1000)}"
    wait = f", or wait until it has been silent for {STALE_S} seconds" if waits else ""
    return (
        f"The journal {place} is being written by {who}. Two bots on one journal would trade on each other's "
        f"orders. End that one{wait}, or give this one a journal of its own."
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
