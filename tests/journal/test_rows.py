"""Rows are written whole."""

from __future__ import annotations

import pytest

from bt_run.journal import schema
from bt_run.journal.queries import TABLES, column_names
from bt_run.journal.rows import PUT_TABLES

KINDS = [kind for kind in TABLES if TABLES[kind].table in PUT_TABLES]


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_is_written_again_has_all_columns(kind):
    """What it left out would be emptied in the row that is there."""
    assert {column.name for column in TABLES[kind].table.columns} == set(column_names(kind))


def test_all_tables_but_one_are_written_from_records():
    """The facts of a run are no record; their three columns are given one by one."""
    from_records = {TABLES[kind].table.name for kind in KINDS}

    assert {schema.state.name} == {table.name for table in PUT_TABLES} - from_records
