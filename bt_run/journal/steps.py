"""Alembic's part in bringing a journal up to date; the steps are the files of ``versions/``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bt_run.journal.schema import VERSION_TABLE

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["run_steps"]

_VERSIONS = Path(__file__).parent / "versions"


def run_steps(connection: Connection, version: int) -> None:
    """Run the steps from the journal's version up to this one, in the transaction that is open."""
    scripts = ScriptDirectory(str(_VERSIONS.parent), version_locations=[str(_VERSIONS)])

    def steps(revision: Any, _: MigrationContext) -> Any:
        return scripts._upgrade_revs(f"{version:04}", revision)  # as Alembic's own commands do

    options = {"fn": steps, "version_table": VERSION_TABLE, "transactional_ddl": True}
    context = MigrationContext.configure(connection, opts=options)
    with Operations.context(context):
        context.run_migrations()
