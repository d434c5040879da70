"""The write-ahead log of a journal that is a file, brought to the disk while nobody waits for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bt_run.core.errors import JournalError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LogFile"]

_NONE = -1


class LogFile:
    """
    A log that SQLite writes; nothing is read or written here.

    What was seen is committed without waiting for the disk, so it lies in the system's memory until the next
    order comes, and that order's commit would wait until all of it is written. The log is no file on which
    SQLite holds locks, so that to open and close it once more takes none away.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._path = journal.with_name(f"{journal.name}-wal")
        self._file = _NONE

    @property
    def can_flush(self) -> bool:
        """Whether the system has a call for it."""
        return hasattr(os, "fdatasync")

    def flush(self) -> None:
        """
        Wait until all that is in the log is on the disk.

        Nothing where the system has no call for it, and where there is no log: on a file system on which
        SQLite cannot keep one it writes without.

        Raises:
            JournalError: it could not be written.
        """
        if not self.can_flush:
            return
        try:
            if self._file == _NONE:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            os.fdatasync(self._file)
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalError(f"The journal {self._journal} failed: {error.strerror}.") from error

    def close(self) -> None:
        """Let go of the file."""
        if self._file != _NONE:
            os.close(self._file)
            self._file = _NONE
