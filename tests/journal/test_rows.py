"""Rows are written whole, and into few pages."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from bt_run.journal import schema
from bt_run.journal.journal import Journal
from bt_run.journal.queries import TABLES, column_names
from bt_run.journal.records import OrderEvent
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


def test_a_new_order_goes_into_two_pages(journal: Journal, make, path: Path):
    """One for the order and one for its line: it waits for each."""
    with closing(sqlite3.connect(path)) as raw:
        (page,) = raw.execute("PRAGMA page_size").fetchone()
    log, sizes = path.with_name(f"{path.name}-wal"), []
    for number in range(3):
        journal.write_order(make.order(f"c{number}"), OrderEvent("Intent", 1, {"bar": 1}))
        sizes.append(log.stat().st_size)

    assert [2 * (page + 24)] * 2 == [after - before for before, after in pairwise(sizes)]


def test_an_order_without_its_run_is_looked_for_by_the_key_of_each_run(
    journal: Journal, make, begin, path: Path
):
    """There is no index by client id; the newest run that used the id has it."""
    for run in (1, begin(journal), begin(journal)):
        for name in ("a", "b") if run < 3 else ("c",):
            journal.write_order(make.order(name, run=run), OrderEvent("Intent", run))

    assert [2, 2, 3] == [journal.order(name).run for name in ("a", "b", "c")]
    assert 1 == journal.order("a", run=1).run
    assert (None, None) == (journal.order("d"), journal.order("c", run=1))
    assert [2] == [line.time_ms for line in journal.story("a")]
