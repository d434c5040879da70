"""``bt-run alerts add``, ``remove``, ``enable``, ``disable``: indicator rules."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from bt_run.cli import types
from bt_run.cli.journal_options import journal_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.run.alerting.rules import AlertRule, AlertRules

__all__ = ["add", "disable", "enable", "remove"]

_ADD_EPILOG = """\b
Examples:
  bt-run alerts add "rsi(14) < 30" --symbol BTCUSDT --interval 5m
  bt-run alerts add "close crosses above sma(200) and 2 * sma(volume, 20) < volume" --symbol ETHUSDT -i 1h
  bt-run alerts add "macd(12,26,9) crosses below macd(12,26,9).signal on 4h" --symbol BTCUSDT

\b
A rule speaks when it begins to hold at the close of a bar, and again when it has not held in between. Any
function of TA-Lib may be used: bt-run alerts functions lists them.
"""


def _cooldown(text: str) -> int:
    from bt_run.alerts.settings import parse_seconds

    return round(parse_seconds(text))


@contextmanager
def _rules(journal: str) -> Iterator[AlertRules]:
    from bt_run.run.alerting.rules import AlertRules

    opened = AlertRules(journal)
    try:
        yield opened
    finally:
        opened.close()


@click.command(epilog=_ADD_EPILOG)
@click.argument("rule")
@click.option("--symbol", required=True, help="Of which market.")
@click.option(
    "--interval", "-i", type=types.INTERVAL, help="Of the bars; may stand in the rule.  [default: 1m]"
)
@click.option(
    "--cooldown",
    type=types.Parsed("time", _cooldown),
    default="15m",
    show_default=True,
    help="The least time between two messages of the rule.",
)
@journal_options
def add(*, rule: str, symbol: str, interval: object, cooldown: int, journal: str) -> None:
    """Add an indicator rule, such as "rsi(14) < 30"; bots and watchers that run take it up."""
    with _rules(journal) as rules:
        added = rules.add(
            rule, symbol=symbol, interval=None if interval is None else str(interval), cooldown_s=cooldown
        )
    click.echo(_said(added))


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@journal_options
def remove(*, number: int, journal: str) -> None:
    """Remove a rule by its number; messages that it made stay in the log."""
    with _rules(journal) as rules:
        was = rules.remove(number)
    click.echo(f"Removed: {_said(was)}")


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@journal_options
def enable(*, number: int, journal: str) -> None:
    """Switch a rule on by its number."""
    _switch(number, journal, is_on=True)


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@journal_options
def disable(*, number: int, journal: str) -> None:
    """Switch a rule off by its number; it is kept."""
    _switch(number, journal, is_on=False)


def _switch(number: int, journal: str, *, is_on: bool) -> None:
    with _rules(journal) as rules:
        changed = rules.switch(number, is_on=is_on)
    click.echo(f"{'On' if is_on else 'Off'}: {_said(changed)}")


def _said(rule: AlertRule) -> str:
    return f"Rule {rule.number}: {rule.symbol} {rule.interval}: {rule.text}"
