"""What a person has set on the web desk: documents by name, beside the bot that writes the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from bt_run.journal.bring_up import bring_up
from bt_run.journal.database import Place, open_engine, open_reading, telling
from bt_run.journal.schema import settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["find_setting", "keep_setting"]


def find_setting(journal: str | Path, name: str) -> dict[str, Any] | None:
    """
    Give the document of a name; None where none is kept, or there is no such file.

    Raises:
        ConfigError: a bot of an older version writes the journal, or it cannot be one.
        JournalError: the database failed.
    """
    place = Place.parse(journal)
    if place.file is not None and not place.file.is_file():
        return None
    bring_up(place, wanted="settings")
    engine = open_reading(place)
    try:
        with telling(place), engine.begin() as connection:
            found = connection.execute(select(settings.c.document).where(settings.c.name == name)).first()
    finally:
        engine.dispose()
    return None if found is None else dict(found[0])


def keep_setting(journal: str | Path, name: str, document: Mapping[str, Any], *, changed_ms: int) -> None:
    """
    Keep a document in the place of the one of that name, whole or not at all.

    Raises:
        ConfigError, JournalError: as `find_setting`.
    """
    place = Place.parse(journal)
    bring_up(place, wanted="settings")
    engine = open_engine(place, durable=False)
    row = {"document": dict(document), "changed_ms": changed_ms}
    try:
        with telling(place), engine.begin() as connection:
            is_there = settings.c.name == name
            if not connection.execute(update(settings).where(is_there), row).rowcount:
                connection.execute(insert(settings), {"name": name, **row})
    finally:
        engine.dispose()
