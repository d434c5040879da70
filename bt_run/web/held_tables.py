"""The alert tables of the desk's journal, opened once: opening takes the journal's lock, reading does not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from bt_run.journal.alert_tables import AlertTables

__all__ = ["HeldTables"]


class HeldTables:
    """Tables that are opened when they are first asked for. May be used by any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[str, AlertTables] | None = None

    def open(self, journal: str) -> AlertTables:
        """
        Give the tables of a journal, which is made where there is none.

        Raises:
            ConfigError: the desk has no journal, or it is none, or an older bot writes it.
            JournalError: the database failed.
        """
        from bt_run.journal.alert_tables import AlertTables  # noqa: PLC0415  # only where a journal is used

        _demand(journal)
        with self._lock:
            if self._held is None or self._held[0] != journal:
                opened = AlertTables(journal)
                self._close()
                self._held = (journal, opened)
            return self._held[1]

    def find(self, journal: str) -> AlertTables | None:
        """Give the tables of a journal; None for a file that is not there yet. Raises as `open`."""
        from bt_run.journal.database import Place  # noqa: PLC0415

        _demand(journal)
        file = Place.parse(journal).file
        return None if file is not None and not file.is_file() else self.open(journal)

    def close(self) -> None:
        """Let go of the journal."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._held is not None:
            self._held[1].close()
            self._held = None


def _demand(journal: str) -> None:
    if not journal:
        raise ConfigError("The desk was started without a journal. Give --journal.")
