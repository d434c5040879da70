"""``bt-run alerts list`` and ``log``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bt_run.cli.alert_settings import read_alert_settings, targets_of
from bt_run.cli.journal_options import journal_options

if TYPE_CHECKING:
    from bt_run.alerts.settings import AlertSettings
    from bt_run.journal.records import AlertRecord, DeliveryRecord
    from bt_run.run.alerting.rules import AlertRule

__all__ = ["list_alerts", "log"]

_LOG_EPILOG = """\b
Examples:
  bt-run alerts log
  bt-run alerts log --count 100 --journal bots/btc.sqlite
"""


@click.command(name="list")
@journal_options
@click.pass_context
def list_alerts(ctx: click.Context, /, *, journal: str) -> None:
    """Show where messages go (without secrets), which are sent, and the indicator rules."""
    from bt_run.journal.database import Place
    from bt_run.run.alerting.rules import AlertRules

    settings = read_alert_settings(ctx)
    for line in _settings_lines(settings):
        click.echo(line)
    place = Place.parse(journal)
    rules: list[AlertRule] = []
    if place.file is None or place.file.is_file():
        opened = AlertRules(journal)
        try:
            rules = opened.all()
        finally:
            opened.close()
    click.echo(f"Rules      {len(rules) or 'none'} in {place}")
    for rule in rules:
        click.echo(f"  {_rule_line(rule)}")


def _settings_lines(settings: AlertSettings) -> list[str]:
    from bt_run.alerts.happening import KINDS

    policy, quiet = settings.policy, settings.policy.quiet
    names = [target.name for target in targets_of(settings)]
    lines = [f"Targets    {names[0] if names else 'none; see bt-run alerts --help'}"]
    lines += [f"           {name}" for name in names[1:]]
    sent = [kind for kind in KINDS if kind in policy.kinds]
    lines.append(f"Messages   {'all' if len(sent) == len(KINDS) else ', '.join(sent) or 'none'}")
    if quiet is not None:
        lines.append(f"Quiet      {quiet.start:%H:%M}-{quiet.end:%H:%M} {quiet.zone}, urgent ones excepted")
    lines.append(f"Telegram   control is {'on' if settings.telegram.is_on else 'off'}")
    return lines


def _rule_line(rule: AlertRule) -> str:
    state = "on " if rule.is_on else "off"
    pause = f", every {rule.cooldown_s} s at most" if rule.cooldown_s else ""
    return f"{rule.number:>3}  {state}  {rule.symbol} {rule.interval}: {rule.text}{pause}"


@click.command(epilog=_LOG_EPILOG)
@click.option(
    "--count", "-n", type=click.IntRange(min=1), default=20, show_default=True, help="How many messages."
)
@journal_options
def log(*, count: int, journal: str) -> None:
    """Show the newest messages, and for each target what became of them."""
    from bt_run.cli.journal_options import open_journal
    from bt_run.journal.alert_tables import AlertTables

    open_journal(journal).close()  # names one that is not there, and makes none
    with AlertTables(journal) as tables:
        found = tables.newest(count)
    shown = 0
    for record, delivery in found:
        if record.id != shown:
            shown = record.id
            click.echo(_message_line(record))
        click.echo(f"    {_delivery_line(delivery)}")
    if not found:
        click.echo("No messages yet.")


def _message_line(record: AlertRecord) -> str:
    from bt_run.run.alerting.telling import clock_words

    return f"{record.id:>4}  {clock_words(record.time_ms)}  {record.kind:<12} {record.title}"


def _delivery_line(delivery: DeliveryRecord) -> str:
    tries = "" if delivery.attempts < 2 else f" after {delivery.attempts} tries"
    why = f": {delivery.reason}" if delivery.reason and delivery.state != "sent" else ""
    return f"{delivery.state:<8} {delivery.target}{tries}{why}"
