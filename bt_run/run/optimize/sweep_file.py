"""
A sweep on the disk: every trial in SQLite as it comes.

One process writes and holds the file for itself. What was added is on the disk half a second later, so that a
crash, a full disk or Ctrl-C leaves what was done, and a later run goes on from there.
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.atomic import check_target
from bt_run.core.errors import ConfigError
from bt_run.core.trial import Trial
from bt_run.run.optimize.sweep_schema import APPLICATION_ID, SCHEMA, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bt_run.core.market import FloatArray

__all__ = ["SweepFile"]

_COMMIT_S = 0.5
_AT_ONCE = 5_000
_FULL = "database or disk is full"


class SweepFile:
    """The trials of one search and what it asked; a context manager that commits and closes."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection
        self._committed = time.monotonic()

    @classmethod
    def create(cls, path: Path, *, question: Mapping[str, Any], seed: int) -> SweepFile:
        """
        Begin a new file, in place of one that is there.

        Args:
            path: Its folder must exist.
            question: What is searched, plain JSON values; a later run must ask the same to go on.
            seed: For the methods that draw.

        Raises:
            ConfigError: the place cannot be written, its disk is full, another process holds the file.
        """
        place = check_target(path)
        if place.exists():
            with cls.open(place):  # held by another process, or no sweep: refused before it is taken away
                pass
        with _telling(place):
            for each in (place, *_side_files(place)):
                each.unlink(missing_ok=True)
            made = cls(place, _connect(place))
            made._db.executescript(SCHEMA)
            made._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            made._db.execute(f"PRAGMA user_version = {VERSION}")
            made._set(question=json.dumps(question, sort_keys=True), seed=str(seed), end="")
            made._commit()
        return made

    @classmethod
    def open(cls, path: Path) -> SweepFile:
        """Open a file that is there. Raises ConfigError: not there, not a sweep, of another version, held."""
        if not path.is_file():
            raise ConfigError(f"There is no sweep {path} to go on with. Leave --resume out to begin one.")
        with _telling(path):
            connection = _connect(path)
            found = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if found == APPLICATION_ID and version == VERSION:
                return cls(path, connection)
            connection.close()
        if found != APPLICATION_ID:
            raise ConfigError(f"{path} is not a sweep of bt-run. Write to another file.")
        raise ConfigError(f"{path} was written by another version of bt-run. Begin anew with another file.")

    def __enter__(self) -> SweepFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def question(self) -> dict[str, Any]:
        """What is searched."""
        found: dict[str, Any] = json.loads(self._fact("question"))
        return found

    @property
    def seed(self) -> int:
        """The seed of the methods that draw."""
        return int(self._fact("seed"))

    @property
    def end(self) -> str:
        """How the search ended: ``finished``, ``timeout``, ``interrupted``; empty where it was cut off."""
        return self._fact("end")

    def set_end(self, how: str) -> None:
        """Write down how the search ended."""
        with _telling(self.path, self._stored):
            self._set(end=how)
            self._commit()

    def add(self, trials: Sequence[Trial]) -> None:
        """Add trials; a number that is there already is replaced. Raises ConfigError where the disk is full."""
        rows = [
            (
                each.number,
                json.dumps(dict(each.params)),
                json.dumps(dict(each.metrics)),
                each.error,
                each.engine,
            )
            for each in trials
        ]
        kept = [
            (each.number, each.returns.astype("<f8").tobytes()) for each in trials if each.returns is not None
        ]
        with _telling(self.path, self._stored):
            self._db.executemany("INSERT OR REPLACE INTO trials VALUES (?, ?, ?, ?, ?)", rows)
            self._db.executemany("INSERT OR REPLACE INTO returns VALUES (?, ?)", kept)
            if time.monotonic() - self._committed > _COMMIT_S:
                self._commit()

    def trials(self) -> Iterator[Trial]:
        """Read all trials in the order of their numbers; no more than some thousand are held at once."""
        first = -1
        while True:
            rows = self._db.execute(
                "SELECT * FROM trials WHERE number > ? ORDER BY number LIMIT ?", (first, _AT_ONCE)
            ).fetchall()
            if not rows:
                return
            for number, params, metrics, error, engine in rows:
                yield Trial(number, json.loads(params), json.loads(metrics), error, engine)
            first = rows[-1][0]

    def returns(self) -> list[FloatArray]:
        """Read the returns a day that were kept, in the order of the trials' numbers; shape (days,) each."""
        rows = self._db.execute("SELECT daily FROM returns ORDER BY number").fetchall()
        return [np.frombuffer(row[0], dtype="<f8").astype(np.float64) for row in rows]

    def count(self) -> int:
        """Count the trials."""
        return int(self._db.execute("SELECT count(*) FROM trials").fetchone()[0])

    def is_done(self, number: int) -> bool:
        """Tell whether the combination of this number was tried."""
        found = self._db.execute("SELECT 1 FROM trials WHERE number = ?", (number,)).fetchone()
        return found is not None

    def close(self) -> None:
        """Commit what was added and let the file go; one file is left, without SQLite's side files."""
        try:
            with _telling(self.path, self._stored):
                self._commit()
                self._db.execute("PRAGMA journal_mode = DELETE")
        finally:
            self._db.close()

    def _fact(self, name: str) -> str:
        return str(self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])

    def _set(self, **facts: str) -> None:
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    def _commit(self) -> None:
        self._db.commit()
        self._committed = time.monotonic()

    def _stored(self) -> str:
        self._db.rollback()
        return f" The {self.count():,} combinations stored before are kept; --resume goes on from there."


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0.2)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _side_files(path: Path) -> list[Path]:
    return [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm", "-journal")]


@contextmanager
def _telling(path: Path, stored: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Turn SQLite's errors into a sentence that names the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        said = str(error)
        if said == _FULL or "disk I/O error" in said:
            raise ConfigError(f"{path} cannot be written: no space is left on its disk.{stored()}") from error
        if "locked" in said:
            raise ConfigError(f"{path} is written by another process. Wait for it, or name another.") from error
        raise ConfigError(f"{path} cannot be written: {said}.") from error
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{path} is not a sweep of bt-run ({error}). Write to another file.") from error
