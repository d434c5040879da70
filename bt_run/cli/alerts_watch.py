"""``bt-run alerts watch``: the rules alone."""

from __future__ import annotations

import click

from bt_run.cli import types
from bt_run.cli.alert_settings import read_alert_settings, targets_of
from bt_run.cli.journal_options import journal_options
from bt_run.cli.live_options import parse_duration
from bt_run.core.errors import ConfigError

__all__ = ["watch"]

_INTERRUPTED = 130

_EPILOG = """\b
Examples:
  bt-run alerts watch
  bt-run alerts watch --venue mainnet --duration 8h

\b
Needs no key and sends no order. A running bt-run live or bt-run signals watches the rules of its own
symbols too; a rule speaks once, whoever sees it first.
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--venue", default="data", show_default=True, help="Where the bars come from; data is Binance's own."
)
@click.option(
    "--history", type=click.IntRange(min=0), default=1000, show_default=True, help="Bars to warm up with."
)
@click.option("--duration", type=types.Parsed("duration", parse_duration), help="End after so long: 30m, 8h.")
@journal_options
@click.pass_context
def watch(ctx: click.Context, /, *, venue: str, history: int, duration: float | None, journal: str) -> None:
    """Watch the rules without trading, and send what they say; Ctrl-C ends it."""
    settings = read_alert_settings(ctx)
    targets = targets_of(settings)
    if not targets:
        raise ConfigError("There is no target for what the rules say. See bt-run alerts --help.")
    from bt_run.cli.venues import venue_named
    from bt_run.run.alerting.desk import AlertDesk
    from bt_run.run.alerting.rules import AlertRules
    from bt_run.run.alerting.station import RuleStation
    from bt_run.run.live.os_signals import INTERRUPT

    rules = AlertRules(journal)
    desk = AlertDesk(settings, targets, journal).start()
    try:
        station = RuleStation(
            venue_named(venue),
            rules,
            desk,
            history=history,
            say=lambda sentence: click.echo(sentence, err=True),
            duration_s=duration,
        )
        reason = station.run()
    finally:
        is_sent = desk.close()
        rules.close()
    if not is_sent:
        click.echo("Some messages are not sent yet; the next start sends them.", err=True)
    if reason == INTERRUPT:
        ctx.exit(_INTERRUPTED)
