"""``bt-run alerts``: the group of commands for messages to people."""

from __future__ import annotations

import click

from bt_run.cli.lazy import LazyGroup

__all__ = ["ALERT_COMMANDS", "alerts"]

ALERT_COMMANDS = {
    "add": ("bt_run.cli.alerts_rules:add", "Add an indicator rule."),
    "disable": ("bt_run.cli.alerts_rules:disable", "Switch a rule off."),
    "enable": ("bt_run.cli.alerts_rules:enable", "Switch a rule on."),
    "functions": ("bt_run.cli.alerts_functions:functions", "List the functions that rules may use."),
    "list": ("bt_run.cli.alerts_list:list_alerts", "Show where messages go, which, and the rules."),
    "log": ("bt_run.cli.alerts_list:log", "Show the newest messages and what became of them."),
    "remove": ("bt_run.cli.alerts_rules:remove", "Remove a rule."),
    "test": ("bt_run.cli.alerts_try:try_targets", "Send a message with a chart to each target."),
    "watch": ("bt_run.cli.alerts_watch:watch", "Watch the rules without trading."),
}
"""Command name: where it lives and its one line, so that --help need import none of them."""

_EPILOG = """\b
Examples:
  bt-run alerts test
  bt-run alerts add "rsi(14) < 30" --symbol BTCUSDT --interval 5m
  bt-run alerts add "close crosses above sma(200) on 1h" --symbol ETHUSDT
  bt-run alerts list
  bt-run alerts log

\b
Where messages go stands in bt-run.toml or in the environment, as URLs of apprise:
  [alerts]
  urls = ["tgram://TOKEN/CHAT_ID", "discord://ID/TOKEN", "mailto://USER:PASSWORD@gmail.com"]
  BT_RUN_ALERT_URLS="tgram://TOKEN/CHAT_ID" bt-run live -s rsi
"""


@click.group(cls=LazyGroup, table=ALERT_COMMANDS, epilog=_EPILOG)
def alerts() -> None:
    """Send messages of signals, trades and rules: Telegram, mail, Discord, Slack, SMS, webhooks."""
