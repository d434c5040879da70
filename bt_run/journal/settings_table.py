"""What a person has set on the web desk: documents by name, beside the bot that writes the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from bt_run.core.errors import ConfigError
from bt_run.journal.bring_up import bring_up
from bt_run.journal.database import Place, open_engine, open_reading, telling
from bt_run.journal.schema import settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["MOST_SETTINGS", "find_setting", "forget_setting", "keep_setting", "setting_names"]

MOST_SETTINGS = 64
"""Documents that a journal keeps."""


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
        ConfigError: a new name, and there are `MOST_SETTINGS` already; or as `find_setting`.
        JournalError: as `find_setting`.
    """
    place = Place.parse(journal)
    bring_up(place, wanted="settings")
    engine = open_engine(place, durable=False)
    row = {"document": dict(document), "changed_ms": changed_ms}
    try:
        with telling(place), engine.begin() as connection:
            is_there = settings.c.name == name
            if not connection.execute(update(settings).where(is_there), row).rowcount:
                kept = connection.execute(select(func.count()).select_from(settings)).scalar_one()
                if kept >= MOST_SETTINGS:
                    raise ConfigError(f"The journal keeps {kept} documents of settings. Delete one first.")
                connection.execute(insert(settings), {"name": name, **row})
    finally:
        engine.dispose()


def setting_names(journal: str | Path) -> list[str]:
    """Give the names of all documents, sorted; none where there is no such file. Raises as `find_setting`."""
    place = Place.parse(journal)
    if place.file is not None and not place.file.is_file():
        return []
    bring_up(place, wanted="settings")
    engine = open_reading(place)
    try:
        with telling(place), engine.begin() as connection:
            return sorted(row[0] for row in connection.execute(select(settings.c.name)))
    finally:
        engine.dispose()


def forget_setting(journal: str | Path, name: str) -> bool:
    """Delete the document of a name; tells whether there was one. Raises as `find_setting`."""
    if name not in setting_names(journal):
        return False
    place = Place.parse(journal)
    engine = open_engine(place, durable=False)
    try:
        with telling(place), engine.begin() as connection:
            return bool(connection.execute(delete(settings).where(settings.c.name == name)).rowcount)
    finally:
        engine.dispose()
