"""
Commands for a bot that runs, through its journal.

Whoever gives one adds a row to the table ``commands`` in a short transaction beside the bot's own; the bot
reads it, obeys, and writes down what became of it. A command is for one run, so a bot that was killed leaves
none for the next. Which runs a bot listens for stands in their state, with the token by which it has the lock.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import insert

from bt_run.core.errors import ConfigError
from bt_run.journal import schema
from bt_run.journal.database import Place, open_engine, telling
from bt_run.journal.migrate import find_version
from bt_run.journal.queries import Window
from bt_run.journal.records import CommandRecord, RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bt_run.journal.journal import Journal
    from bt_run.journal.queries import JournalQueries

__all__ = ["LISTENS", "POLL_S", "CommandBox", "find_command", "listening_runs", "send_command"]

POLL_S = 0.5
"""The bot looks at most this often; a look takes a third of a millisecond."""

_BEAT_S = 30.0

LISTENS = "listens"
"""The key of the state that says who takes commands for a run."""


class CommandBox:
    """
    The bot's side: takes the commands for one run, and says that it lives. In the thread that owns the journal.

    Args:
        journal: The bot's own, open to write.
        run: Whose commands.
        now_ms: Gives the time, ms since 1970 UTC.
        steady: Gives seconds that nobody sets.
    """

    def __init__(
        self,
        journal: Journal,
        run: int,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._run = run
        self._now_ms = now_ms
        self._steady = steady
        self._looked_at = self._beaten_at = float("-inf")
        writer = journal.writer()
        journal.write_state(run, LISTENS, "" if writer is None else writer.token)

    def poll(self) -> list[CommandRecord]:
        """Take what has come, oldest first; looks only when the last look is `POLL_S` seconds old."""
        now = self._steady()
        if now - self._looked_at < POLL_S:
            return []
        self._looked_at = now
        if now - self._beaten_at >= _BEAT_S:
            self._beaten_at = now
            self._journal.beat()
        waiting = list(
            self._journal.find(CommandRecord, Window(run=self._run), schema.commands.c.taken_ms.is_(None))
        )
        taken = [replace(command, taken_ms=self._now_ms()) for command in waiting]
        for command in taken:
            self._journal.write_command(command)
        return taken

    def answer(self, command: CommandRecord, text: str) -> None:
        """Say what became of a command: a sentence or some lines."""
        self._journal.write_command(replace(command, answer=text))


def listening_runs(journal: JournalQueries) -> list[RunRecord]:
    """Give the runs for which whoever has the journal now takes commands; it may have died since."""
    writer = journal.writer()
    if writer is None:
        return []
    return [run for run in journal.runs() if run.ended_ms is None and _listens(journal, run, writer.token)]


def _listens(journal: JournalQueries, run: RunRecord, token: str) -> bool:
    return bool(token) and journal.state(run.run).get(LISTENS) == token


def send_command(journal: str | Path, run: int, verb: str, *, issued_ms: int) -> int:
    """
    Give a command to the bot that has the journal; gives the command's number.

    Raises:
        ConfigError: the journal is of an older version, whose bot takes no commands.
        JournalError: it could not be written within 5 seconds.
    """
    place = Place.parse(journal)
    engine = open_engine(place, durable=True)
    try:
        with telling(place), engine.begin() as connection:
            if find_version(connection, place) < schema.SCHEMA_VERSION:
                raise ConfigError(
                    f"The bot that writes {place} is of an older bt-run, which takes no commands. "
                    f"End it with SIGTERM, and start it with this one."
                )
            row = {"run": run, "verb": verb, "issued_ms": issued_ms}
            (number,) = connection.execute(insert(schema.commands), row).inserted_primary_key or (0,)
    finally:
        engine.dispose()
    return int(number)


def find_command(journal: JournalQueries, number: int) -> CommandRecord:
    """Give a command as it stands now. Raises ConfigError where there is none of this number."""
    found = list(journal.find(CommandRecord, Window(), schema.commands.c.id == number))
    if not found:
        raise ConfigError(f"The journal {journal.place} has no command {number}.")
    return found[0]
