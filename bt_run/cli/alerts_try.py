"""``bt-run alerts test``: does every target take a message."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from bt_run.cli.alert_settings import read_alert_settings, targets_of
from bt_run.cli.options import settings_option
from bt_run.cli.verbs import waiting
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from bt_run.alerts.happening import Picture

__all__ = ["try_targets"]

_REFUSED = 5
_MINUTE_MS = 60_000

_EPILOG = """\b
Examples:
  bt-run alerts test
  BT_RUN_ALERT_URLS="tgram://TOKEN/CHAT_ID" bt-run alerts test

\b
Exits with 5 where a target did not take the message.
"""


@click.command(name="test", epilog=_EPILOG)
@settings_option
@click.pass_context
def try_targets(ctx: click.Context, /) -> None:
    """Send a message with a chart to each target, and say for each what happened."""
    settings = read_alert_settings(ctx)
    targets = targets_of(settings)
    if not targets:
        raise ConfigError(
            "There is no target. Write one into bt-run.toml, [alerts] urls = [...], or into BT_RUN_ALERT_URLS, "
            "such as tgram://TOKEN/CHAT_ID."
        )
    from bt_run.run.alerting.picture import draw_picture

    failed = 0
    with waiting("Drawing a chart ...") as say:
        image = draw_picture(_sample()) if settings.charts else None
        for target in targets:
            say(f"Sending to {target.name} ...")
            outcome = target.send("bt-run: a test", "If you can read this, alerts arrive here.", image)
            failed += not outcome.is_sent
            click.echo(f"{'sent' if outcome.is_sent else 'failed':<7} {target.name}")
            if not outcome.is_sent:
                click.echo(f"        {outcome.reason}")
    if failed:
        ctx.exit(_REFUSED)


def _sample() -> Picture:
    """Make a chart of a market that never was."""
    from bt_run.alerts.happening import Mark, Picture

    start = 1_767_225_600_000
    closes = [100 + 6 * math.sin(n / 7) + 2 * math.sin(n / 2.3) for n in range(80)]
    rows = []
    for n, close in enumerate(closes):
        opened = closes[n - 1] if n else close
        rows.append(
            (start + n * _MINUTE_MS, opened, max(opened, close) + 0.4, min(opened, close) - 0.4, close, 1.0)
        )
    mark = Mark(start + 75 * _MINUTE_MS, closes[75], "long entry", "a test")
    return Picture("bt-run: a test", "1m", tuple(rows), (mark,), "a market that never was")
