"""Options that the commands of the journal share, and the journal they open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli import types
from bt_run.cli.options import check_outputs, settings_option
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.journal.queries import JournalQueries, JournalReader, Window

__all__ = [
    "LAST",
    "file_of_journal",
    "format_options",
    "journal_options",
    "open_journal",
    "parse_run",
    "window_of",
    "window_options",
]

LAST = "last"


def parse_run(text: str) -> int | str:
    """Read the number of a run, or ``last``. Raises ConfigError."""
    if text.strip().lower() == LAST:
        return LAST
    if not text.strip().isdecimal():
        raise ConfigError(f"{text!r} is not a run. Write its number, or last.")
    return int(text)


RUN = types.Parsed("run", parse_run)


def journal_options(command: Any) -> Any:
    """Add --journal and --config."""
    given = click.option(
        "--journal",
        default="bt-run.sqlite",
        show_default=True,
        envvar="BT_RUN_JOURNAL",
        show_envvar=True,
        metavar="FILE|URL",
        help="The journal: a file of SQLite's, or a URL of SQLAlchemy's.",
    )
    return given(settings_option(command))


def window_options(*, run: bool = True) -> Callable[[Any], Any]:
    """Make a decorator that adds --run, --symbol, --since and --until."""

    def decorate(command: Any) -> Any:
        command = click.option("--until", type=types.END, help="Up to a date or ISO time, UTC; a date whole.")(
            command
        )
        command = click.option("--since", type=types.START, help="From a date or an ISO time on, UTC.")(command)
        command = click.option("--symbol", type=types.SYMBOL, help="Of this symbol only.")(command)
        if run:
            command = click.option("--run", type=RUN, help="Of this run only: its number, or last.")(command)
        return command

    return decorate


def format_options(*formats: str) -> Callable[[Any], Any]:
    """Make a decorator that adds --format and --output."""

    def decorate(command: Any) -> Any:
        command = click.option(
            "--output",
            "-o",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write to this file; .csv and .json say the format.",
        )(command)
        return click.option(
            "--format", "format_", type=click.Choice(formats), help=f"How to write it.  [default: {formats[0]}]"
        )(command)

    return decorate


def file_of_journal(journal: str) -> str:
    """Give the journal's file, empty where it is no file. Raises ConfigError."""
    from bt_run.journal.database import Place

    return str(Place.parse(journal).file or "")


def open_journal(journal: str, *, output: Path | None = None) -> JournalReader:
    """Open the journal to read it; `output` must not be its file. Raises ConfigError, JournalError."""
    from bt_run.journal.queries import JournalReader

    check_outputs(None, output, plot=None, inputs=[file_of_journal(journal)])
    return JournalReader(journal)


def window_of(
    journal: JournalQueries, *, run: int | str | None, symbol: str | None, since: int | None, until: int | None
) -> Window:
    """Turn options into a window; the run must be there. Raises ConfigError."""
    from bt_run.journal.queries import Window

    if run == LAST:
        newest = journal.last_run()
        if newest is None:
            raise ConfigError(f"The journal {journal.place} has no runs.")
        run = newest.run
    if run is not None:
        journal.run(int(run))
    return Window(None if run is None else int(run), symbol, since, until)
