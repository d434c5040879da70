"""``bt-run journal``: the group of commands that read the journal of live runs."""

from __future__ import annotations

import click

from bt_run.cli.lazy import LazyGroup

__all__ = ["JOURNAL_COMMANDS", "journal"]

JOURNAL_COMMANDS = {
    "export": ("bt_run.cli.journal_export:export", "Write all that the journal holds, or one kind of it."),
    "orders": ("bt_run.cli.journal_orders:orders", "List orders: what was wanted, and how it stands."),
    "runs": ("bt_run.cli.journal_runs:runs", "List live runs: when, where, what, how they ended."),
    "show": (
        "bt_run.cli.journal_show:show",
        "Show one run: settings, counts, profit, orders with their story.",
    ),
    "trades": ("bt_run.cli.journal_trades:trades", "List round trips: entry, exit, fees, profit."),
}
"""Command name: where it lives and its one line, so that --help need import none of them."""

_EPILOG = """\b
Examples:
  bt-run journal runs
  bt-run journal show last
  bt-run journal trades --symbol BTCUSDT --since 2026-11-01
  bt-run journal orders --run 3 --format csv --output orders.csv
  bt-run journal export --output journal.json

\b
The journal is ./bt-run.sqlite, or what --journal or BT_RUN_JOURNAL name: a file, or a URL of
SQLAlchemy's. Reading disturbs no bot that is writing it.
"""


@click.group(cls=LazyGroup, table=JOURNAL_COMMANDS, epilog=_EPILOG)
def journal() -> None:
    """List and export what live runs did: runs, orders, trades."""
