"""Make a journal, or bring it up to date, for tables that others than its writer add to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError
from bt_run.journal import schema
from bt_run.journal.database import open_engine, telling
from bt_run.journal.migrate import find_version
from bt_run.journal.writer_lock import is_held

if TYPE_CHECKING:
    from bt_run.journal.database import Place

__all__ = ["bring_up"]


def bring_up(place: Place, *, wanted: str) -> None:
    """
    Make the journal, or bring it up to date, unless a bot has it.

    Args:
        place: Where it lies.
        wanted: What its tables are wanted for, such as ``alerts``, for the error.

    Raises:
        ConfigError: a bot of an older version writes it, or it cannot be a journal.
        JournalError: the database failed.
    """
    from bt_run.journal.journal import Journal  # noqa: PLC0415  # only where it must be made or mended

    if place.file is not None and not place.file.exists():
        Journal(place.file).close()
        return
    engine = open_engine(place, durable=False)
    try:
        with telling(place), engine.begin() as connection:
            version = find_version(connection, place)
    finally:
        engine.dispose()
    if version == schema.SCHEMA_VERSION:
        return
    if is_held(place):
        raise ConfigError(
            f"The bot that writes {place} is of an older bt-run, which keeps no {wanted}. "
            f"Start it with this one."
        )
    Journal(place.address).close()
