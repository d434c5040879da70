"""The settings of alerts as a command finds them: the settings file, ``.env``, the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from bt_run.alerts.settings import AlertSettings
    from bt_run.alerts.target import Target
    from bt_run.run.alerting.listener import LiveAlerts

__all__ = [
    "alerts_option",
    "listener_for",
    "read_alert_settings",
    "say_unsent",
    "settings_for_run",
    "targets_of",
]


def read_alert_settings(ctx: click.Context) -> AlertSettings:
    """Read them; the environment wins over ``.env``. Raises ConfigError."""
    from bt_run.alerts.settings import AlertSettings
    from bt_run.core.environment import read_variables

    file = ctx.find_root().obj["file"]
    return AlertSettings.of(file.alerts, read_variables(), source=str(file.path or "bt-run.toml"))


def targets_of(settings: AlertSettings) -> tuple[Target, ...]:
    """Make a target of each URL; nothing is sent. Raises ConfigError for one that is not understood."""
    if not settings.urls:
        return ()
    from bt_run.alerts.target import make_targets

    return make_targets(settings.urls, telegram_url=settings.telegram.url)


alerts_option = click.option(
    "--alerts/--no-alerts",
    default=None,
    help="Send messages to the targets of [alerts].  [default: where there are any; with --data not]",
)


def settings_for_run(ctx: click.Context, *, wants: bool | None, is_replay: bool) -> AlertSettings | None:
    """
    Give the settings by which a run sends messages; None where it sends none.

    A replay of the past alarms nobody unless it is told to.

    Raises:
        ConfigError: messages are wanted, and no target is named.
    """
    if wants is False or (wants is None and is_replay):
        return None
    settings = read_alert_settings(ctx)
    if settings.is_on:
        return settings
    if wants:
        raise ConfigError(
            "--alerts needs a target: [alerts] urls = [...] in bt-run.toml, or BT_RUN_ALERT_URLS."
        )
    return None


def listener_for(ctx: click.Context, *, wants: bool | None, is_replay: bool) -> LiveAlerts | None:
    """Make what sends a live run's messages; None where it sends none. Raises ConfigError before the run."""
    settings = settings_for_run(ctx, wants=wants, is_replay=is_replay)
    if settings is None:
        return None
    from bt_run.run.alerting.listener import LiveAlerts

    return LiveAlerts(settings, targets_of(settings))


def say_unsent(*, is_unsent: bool) -> None:
    """Warn of messages that were due and are not sent."""
    if is_unsent:
        click.echo("Some messages are not sent yet; they wait in the journal for the next start.", err=True)
