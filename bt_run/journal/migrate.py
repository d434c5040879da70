"""
Which version a journal is of, and bringing an old one up to date.

A file is copied to ``<journal>.before-v<new version>`` first. Then all of it happens in one transaction of the
database, so that a process killed in the middle leaves the old journal as it was.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, insert, inspect, select

from bt_run.core.atomic import replacing
from bt_run.core.errors import ConfigError
from bt_run.journal.database import without_checks
from bt_run.journal.schema import METADATA, SCHEMA_VERSION, VERSION_TABLE

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from bt_run.journal.database import Place

__all__ = ["HAS_WRITER", "back_up", "create", "find_version", "upgrade"]

HAS_WRITER = 2
"""From this version on there is a table ``writer``. No later version may change it: the lock comes first."""

_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True, nullable=False))


def find_version(connection: Connection, place: Place) -> int:
    """
    Find a journal's version; 0 for an empty database.

    Raises:
        ConfigError: a newer bt-run made it, or it is a database of something else.
    """
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE not in tables:
        if place.file is not None and tables:
            raise ConfigError(f"{place} is a database, but not a journal of bt-run. Name another file.")
        return 0
    said = connection.execute(select(_version.c.version_num)).scalar() or "0"
    if not said.isdecimal() or int(said) > SCHEMA_VERSION:
        raise ConfigError(
            f"The journal {place} is of version {said.lstrip('0')}; this bt-run knows versions up to "
            f"{SCHEMA_VERSION}. Use the newer bt-run that wrote it, or name another journal."
        )
    return int(said)


def create(connection: Connection) -> None:
    """Make all tables of the newest version in an empty database, in a transaction that is open."""
    METADATA.create_all(connection)
    _version.create(connection)
    connection.execute(insert(_version), {"version_num": f"{SCHEMA_VERSION:04}"})


def back_up(path: Path) -> Path:
    """Copy a journal's file beside it, whole or not at all; an older copy is never written over."""
    target = path.with_name(f"{path.name}.before-v{SCHEMA_VERSION}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.before-v{SCHEMA_VERSION}-{number}")
    with (
        replacing(target, durable=True) as temporary,
        closing(sqlite3.connect(path)) as source,
        closing(sqlite3.connect(temporary)) as copy,
    ):
        source.backup(copy)
    target.chmod(path.stat().st_mode & 0o777)
    return target


def upgrade(connection: Connection, *, version: int = SCHEMA_VERSION) -> None:
    """Run the steps that the journal lacks, in one transaction; `version` is where to stop."""
    from bt_run.journal.steps import run_steps  # noqa: PLC0415  # Alembic takes time; few journals need it

    with without_checks(connection), connection.begin():
        run_steps(connection, version)
