"""The page beside ``bt-run live --web``."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from contextlib import ExitStack

    from bt_run.run.live.plan import LivePlan

__all__ = ["open_page"]


def open_page(stack: ExitStack, plan: LivePlan, *, port: int, opens: bool, to_stderr: bool) -> LivePlan:
    """
    Start the desk beside a run and print its address; the stack ends it.

    `opens`: show it in a browser too, where a person sits at a terminal. A service opens none.

    Returns:
        The plan, with a journal that the page can read: a run without one gets one that goes with it.

    Raises:
        ConfigError: the port is taken, or the desk did not start.
    """
    from bt_run.web.beside import BesidePlan, DeskBeside

    if plan.journal is None:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bt-run-", ignore_cleanup_errors=True))
        plan = replace(plan, journal=Path(folder) / "journal.sqlite")
    note = " · ".join(dict.fromkeys(note for note in plan.notes.values() if note))
    shown = BesidePlan(
        plan.venue, str(plan.journal), plan.symbols, str(plan.interval), note=note, port=port,
        opens=opens and sys.stderr.isatty(),
    )  # fmt: skip
    desk = stack.enter_context(DeskBeside(shown))
    click.echo(desk.url, err=to_stderr)
    return plan
