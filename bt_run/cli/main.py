"""The entry point: find the command, import only it, turn errors into sentences and exit codes."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bt_run import __version__
from bt_run.cli.lazy import LazyGroup
from bt_run.core.errors import BtRunError, StrategyError
from bt_run.core.rooms import check_rooms

if TYPE_CHECKING:
    from bt_run.cli.settings_file import SettingsFile

__all__ = ["COMMANDS", "cli", "main", "read_settings", "run"]

COMMANDS = {
    "alerts": ("bt_run.cli.alerts:alerts", "Send messages of signals, trades and rules to people."),
    "backtest": ("bt_run.cli.backtest:backtest", "Run one strategy over one file of bars."),
    "compare": ("bt_run.cli.compare:compare", "Run several strategies side by side."),
    "config": ("bt_run.cli.config:config", "Show the settings that hold and where they come from."),
    "data": ("bt_run.cli.data:data", "Download, list, verify and convert market data."),
    "doctor": ("bt_run.cli.doctor:doctor", "Check what a live run needs, and say what to mend."),
    "live": ("bt_run.cli.live:live", "Trade one strategy on an exchange: testnet, paper, practice, mainnet."),
    "journal": ("bt_run.cli.journal:journal", "List and export what live runs did: runs, orders, trades."),
    "optimize": ("bt_run.cli.optimize:optimize", "Search the parameters of a strategy for the best results."),
    "panic": ("bt_run.cli.panic:panic", "Cancel all orders of the bot and close its position, at once."),
    "pause": ("bt_run.cli.verbs:pause", "Let a running bot open no new positions; protection stays."),
    "parity": ("bt_run.cli.parity:parity", "Compare a live run with a backtest of the bars that it saw."),
    "practice": ("bt_run.cli.practice:practice", "Serve a practice exchange: Binance's protocol, no risk."),
    "report": ("bt_run.cli.report:report", "Write the report of a live run, from its journal."),
    "resume": ("bt_run.cli.verbs:resume", "Let a bot open positions again."),
    "signals": ("bt_run.cli.signals:signals", "Watch pairs: signals as they happen, and what they are worth."),
    "stop": ("bt_run.cli.verbs:stop", "End a running bot; its orders are left as its settings say."),
    "strategies": ("bt_run.cli.strategies:strategies", "List strategies, write a new one, or check one."),
    "walk-forward": (
        "bt_run.cli.walk_forward:walk_forward",
        "Search on the past, trade on what follows, and go on.",
    ),
    "web": ("bt_run.cli.web:web", "Show the market on a page: live chart, indicators, strategies."),
}
"""Command name: where it lives and its one line, so that --help need import none of them."""

INTERRUPTED = 130
TERMINATED = 143

_EPILOG = """\b
Examples:
  bt-run backtest --strategy rsi --data btc_1d.csv --plot rsi.png
  bt-run compare -s rsi -s sar -s macd:fast=8 --data btc_1d.csv --plot equity.png
  bt-run strategies new mine.py
  bt-run backtest --strategy ./mine.py:Mine --data btc_1d.csv
"""


def read_settings(path: Path | None) -> SettingsFile:
    """Find, read and check the settings file against the options of all commands. Raises ConfigError."""
    from bt_run.cli.settings_file import find_settings_file, read_settings_file

    settings = read_settings_file(find_settings_file(path))
    if settings.path is not None:
        settings.check(cli)
    return settings


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    epilog=_EPILOG,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "BT_RUN",
        "max_content_width": 100,
    },
)
@click.version_option(__version__, "-V", "--version", prog_name="bt-run", message="%(prog)s %(version)s")
@click.option(
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file. Without it: BT_RUN_CONFIG, ./bt-run.toml, ~/.config/bt-run/bt-run.toml.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, config_path: Path | None, debug: bool) -> None:
    """Backtest one TA-Lib strategy class with Backtrader, and compare it with others."""
    check_rooms()
    settings = read_settings(config_path)
    ctx.obj = {"debug": debug, "file": settings}
    if settings.path is not None:
        ctx.default_map = settings.defaults_for(cli)


def main(args: list[str] | None = None) -> None:
    """
    Run the command line and exit.

    Exit codes: 0 done; 1 a bug of ours; 2 a wrong option or setting; 3 unusable data; 4 the strategy;
    5 the exchange; 6 the journal; 7 a bot that does not answer; 130 interrupted; 143 terminated.
    """
    words = sys.argv[1:] if args is None else args
    signal.signal(signal.SIGTERM, _terminate)
    code = run(words)
    gc.freeze()  # else the end of the interpreter looks for garbage among all that was imported, for a second
    sys.exit(code)


class Terminated(BaseException):
    """SIGTERM came; not an Exception, so that no strategy swallows it."""


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def run(words: list[str]) -> int:
    """Run the command line and give its exit code; every error is printed as a sentence or two."""
    debug = "--debug" in words
    try:
        return _run_command(words)
    except click.ClickException as error:
        error.show()
        _show_origin(error)
        return error.exit_code
    except BtRunError as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, StrategyError) and error.story:
            click.echo(f"{error.story.rstrip()}\n", err=True)
        click.echo(f"Error: {error.problem if isinstance(error, StrategyError) else error}", err=True)
        return error.exit_code
    except OSError as error:
        if debug or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _point_stdout_away()
        click.echo("Error: The output could not be written: no space is left.", err=True)
        return 1


def _run_command(words: list[str]) -> int:
    """Let click run the command; an end from outside is no error of the command."""
    try:
        code: Any = cli.main(args=_lift_debug(words), prog_name="bt-run", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("\nInterrupted. Nothing was left half-written.", err=True)
        return INTERRUPTED
    except Terminated:
        click.echo("Terminated. Nothing was left half-written.", err=True)
        return TERMINATED
    except BrokenPipeError:
        _point_stdout_away()
        return 0
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # rich meets the closed pipe first and exits with 1
            return 0
        raise
    return code if isinstance(code, int) else 0


def _point_stdout_away() -> None:
    """Nobody reads our output any more; without this Python's own flush at exit would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_origin(error: click.ClickException) -> None:
    """Say where a wrong value came from when it was not typed."""
    if not isinstance(error, click.BadParameter) or error.ctx is None or error.param is None:
        return
    source = error.ctx.get_parameter_source(error.param.name or "")
    if source is ParameterSource.DEFAULT_MAP:
        click.echo(f"The value stands in {error.ctx.find_root().obj['file'].path}.", err=True)
    elif source is ParameterSource.ENVIRONMENT:
        click.echo("The value stands in an environment variable; see bt-run config show.", err=True)


def _lift_debug(words: list[str]) -> list[str]:
    """Let --debug stand anywhere, also behind the command."""
    return ["--debug", *(word for word in words if word != "--debug")] if "--debug" in words else words
