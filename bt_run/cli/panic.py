"""``bt-run panic``: cancel and close at once, with the bot or without it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bt_run.cli.journal_options import journal_options, open_journal
from bt_run.cli.verbs import symbol_option, waiting
from bt_run.core.errors import ConfigError, NoAnswer

if TYPE_CHECKING:
    from bt_run.run.panic.all_symbols import PanicTarget

__all__ = ["panic"]

_NOT_DONE = 5
_FAILED = ("NOT DONE", "NOT SOLD", "NOTHING WAS DONE")

_EPILOG = """\b
Examples:
  bt-run panic
  bt-run panic --journal bots/btc.sqlite --yes
  bt-run panic --kill --yes

\b
Our orders are cancelled, our position is sold at market, the bot ends. Orders and coins that are not
the bot's are not touched. It needs the API keys of the venue. The next start begins paused, until
"bt-run resume".

\b
Exit code 0: nothing of ours is open, or too small to sell. Exit code 5: not done, run it again.
Exit code 7: the bot hangs; --kill ends its process and goes on without it.
"""


@click.command(epilog=_EPILOG)
@journal_options
@symbol_option
@click.option("--venue", help="Where, if the journal has runs of several venues.  [default: of the newest run]")
@click.option("--yes", is_flag=True, help="Do not ask, also on mainnet.")
@click.option("--kill", is_flag=True, help="Kill a bot that does not answer within 10 seconds, then go on.")
def panic(*, journal: str, symbol: str | None, venue: str | None, yes: bool, kill: bool) -> int:
    """Cancel all orders of the bot and close its position, at once; also when the bot is dead."""
    from bt_run.run.panic.all_symbols import NothingTraded, find_target
    from bt_run.run.verbs import is_running, kill_bot, tell_bot

    running = is_running(journal)
    try:
        with open_journal(journal) as reader:
            _confirm(find_target(reader, symbol=symbol, venue=venue), yes=yes)
    except NothingTraded:
        if not running:  # A paper run has its position in the process alone; only the bot itself can close it.
            raise
    if running:
        try:
            with waiting("Waiting for the bot to cancel and close ..."):
                answers = tell_bot(journal, "panic", symbol=symbol)
        except NoAnswer as error:
            if not kill:
                raise
            click.echo(f"{error}\n{kill_bot(journal)}", err=True)
        else:
            for answer in answers:
                click.echo(answer)
            return _NOT_DONE if any(word in answer for answer in answers for word in _FAILED) else 0
    return _from_journal(journal, symbol=symbol, venue=venue)


def _confirm(target: PanicTarget, *, yes: bool) -> None:
    """On mainnet the symbol is typed, because a slip sells at market."""
    if target.venue != "mainnet" or yes or not target.symbols:
        return
    names = " ".join(target.symbols)
    if not sys.stdin.isatty():
        raise ConfigError(f"This sells {names} at market on mainnet. Without a terminal, say --yes.")
    typed = click.prompt(f"This cancels and sells at market on mainnet: {names}. Type it to go on", err=True)
    if typed.strip().upper() != names:
        raise ConfigError("That was something else; nothing was done.")


def _from_journal(journal: str, *, symbol: str | None, venue: str | None) -> int:
    from brokers.binance.credentials import find_credentials
    from brokers.binance.rest_gateway import BinanceGateway
    from bt_run.cli.venues import venue_named
    from bt_run.journal.journal import Journal
    from bt_run.run.panic.all_symbols import close_all, find_target
    from bt_run.run.verbs import hold_entries

    with Journal(journal) as opened:
        target = find_target(opened, symbol=symbol, venue=venue)
        hold_entries(opened, "since bt-run panic", venue=target.venue)
        if not target.symbols:
            click.echo(f"The journal has no open order and nothing held at {target.venue}.")
            return 0
        gateway = BinanceGateway(venue_named(target.venue), find_credentials(target.venue))
        try:
            with waiting("Asking the exchange ...") as show:
                gateway.connect()
                reports, failures = close_all(opened, gateway, target, tell=show)
        finally:
            gateway.close()
    for line in (*(line for report in reports for line in report.sentences), *failures):
        click.echo(line)
    return 0 if not failures and all(report.is_done for report in reports) else _NOT_DONE
