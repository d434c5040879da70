"""``bt-run pause``, ``resume``, ``stop``: words for a bot that runs."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from bt_run.cli import types
from bt_run.cli.journal_options import journal_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bt_run.run.verbs import Verb

__all__ = ["pause", "resume", "stop", "symbol_option", "waiting"]

symbol_option = click.option(
    "--symbol", type=types.SYMBOL, help="Only the bot of this symbol, where a journal has several."
)

_PAUSE_EPILOG = """\b
Examples:
  bt-run pause
  bt-run pause --journal bots/btc.sqlite --symbol BTCUSDT

\b
Open positions keep their protective orders, and exits go on. bt-run resume allows entries again.
Without a bot that runs, the next start begins paused.
"""

_RESUME_EPILOG = """\b
Examples:
  bt-run resume

\b
Also a limit that was reached is forgotten: the daily loss and the drawdown count from the equity of
that moment on, a cool-down ends.
"""

_STOP_EPILOG = """\b
Examples:
  bt-run stop

\b
Like SIGTERM or Ctrl-C: open orders are left as bt-run live --on-stop says. bt-run panic closes the
position too.
"""


@contextmanager
def waiting(text: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal that it waits; yields what to call with a new text."""
    if not sys.stderr.isatty():
        yield lambda said: None
        return
    from rich.console import Console

    with Console(stderr=True).status(text) as status:
        yield status.update


def _tell(journal: str, verb: Verb, symbol: str | None) -> None:
    from bt_run.run.verbs import tell_bot

    with waiting(f"Waiting for the bot's answer to {verb} ..."):
        answers = tell_bot(journal, verb, symbol=symbol)
    for answer in answers:
        click.echo(answer)


@click.command(epilog=_PAUSE_EPILOG)
@journal_options
@symbol_option
def pause(*, journal: str, symbol: str | None) -> None:
    """Let a running bot open no new positions; protection stays."""
    from bt_run.journal.journal import Journal
    from bt_run.run.verbs import hold_entries, is_running

    if is_running(journal):
        _tell(journal, "pause", symbol)
        return
    with Journal(journal) as opened:
        runs = hold_entries(opened, "by bt-run pause", symbol=symbol)
    _say_next(runs, "paused")


@click.command(epilog=_RESUME_EPILOG)
@journal_options
@symbol_option
def resume(*, journal: str, symbol: str | None) -> None:
    """Let a bot open positions again, after a pause or a limit that was reached."""
    from bt_run.journal.journal import Journal
    from bt_run.run.verbs import is_running, release_entries

    if is_running(journal):
        _tell(journal, "resume", symbol)
        return
    with Journal(journal) as opened:
        runs = release_entries(opened, symbol=symbol)
    _say_next(runs, "with entries allowed")


def _say_next(runs: list[str], how: str) -> None:
    if not runs:
        click.echo("No bot runs, and the journal has no run that a start would go on from.")
        return
    click.echo(f"No bot runs. The next start begins {how}:")
    for run in runs:
        click.echo(f"  {run}")


@click.command(epilog=_STOP_EPILOG)
@journal_options
@symbol_option
def stop(*, journal: str, symbol: str | None) -> None:
    """End a running bot; its orders are left as its settings say."""
    from bt_run.run.verbs import is_running

    if not is_running(journal):
        click.echo("No bot runs on this journal. bt-run panic ends what one has left at the exchange.")
        return
    _tell(journal, "stop", symbol)
