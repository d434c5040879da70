"""The doctor's look at the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.journal.database import Place, open_reading
from bt_run.journal.migrate import find_version
from bt_run.journal.queries import JournalReader
from bt_run.journal.schema import SCHEMA_VERSION
from bt_run.journal.writer_lock import is_held
from bt_run.run.doctor.finding import Finding
from bt_run.run.live.books import symbols_of

if TYPE_CHECKING:
    from pathlib import Path

    from bt_run.journal.records import RunRecord

__all__ = ["check_journal"]


def check_journal(journal: str | Path) -> Finding:
    """Open the journal to read it: its version, its runs, and who writes it."""
    place = Place.parse(journal)
    if place.file is not None and not place.file.exists():
        return Finding("Journal", "ok", f"There is none yet; a live run makes {place}.")
    with JournalReader(journal) as reader:
        runs = reader.runs()
        writer = reader.writer()
    engine = open_reading(place)
    try:
        with engine.connect() as connection:
            version = find_version(connection, place)
    finally:
        engine.dispose()
    newest = {_what(run): run for run in runs}  # a later start of the same has seen to an earlier one
    killed = [run.run for run in newest.values() if run.ended_ms is None]
    text = f"{place}: version {version}, {len(runs)} {'run' if len(runs) == 1 else 'runs'}."
    if version < SCHEMA_VERSION:
        text += f" The next live run brings it to version {SCHEMA_VERSION}."
    if is_held(place):
        who = "a process" if writer is None else f"process {writer.pid} on {writer.host}"
        return Finding("Journal", "ok", f"{text} It is being written by {who}.")
    if killed:
        advice = "The next live run goes on from it; bt-run panic closes what it left."
        return Finding("Journal", "warning", f"{text} Run {max(killed)} did not end: it was killed.", advice)
    return Finding("Journal", "ok", text)


def _what(run: RunRecord) -> tuple[object, ...]:
    return run.venue, run.mode, run.strategy, symbols_of(run)
