"""``bt-run config show``: what holds, and where it came from."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from bt_run.cli.main import COMMANDS, import_command

__all__ = ["config"]

_EPILOG = """\b
Examples:
  bt-run config show
  bt-run config show backtest
  bt-run --config my.toml config show compare

\b
A settings file gives any option a default; flags and environment variables win:
  cash = 5000               # for every command that has --cash
  [backtest]                # for bt-run backtest only
  stake = "100USDT"
  stop-loss = 5
"""

_ORIGINS = {
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "settings file",
    ParameterSource.DEFAULT: "default",
}


@click.group(epilog=_EPILOG)
def config() -> None:
    """Show the settings that hold and where they come from."""


@config.command()
@click.argument("command", required=False)
@click.pass_context
def show(ctx: click.Context, command: str | None) -> None:
    """Print each option's value and origin, for one command or for all that run strategies."""
    from bt_run.core.errors import UnknownName

    if command is not None and command not in COMMANDS:
        raise UnknownName("command", command, COMMANDS)
    root = ctx.find_root()
    settings = root.obj["file"]
    click.echo(f"Settings file: {settings.path or 'none found'}")
    for name in [command] if command else ["backtest", "compare"]:
        found = import_command(name)
        click.echo(f"\n[{name}]")
        _print_options(root, found, settings.defaults_for(found))


def _print_options(root: click.Context, command: click.Command, defaults: dict[str, Any]) -> None:
    """Let click itself work out the values of a call without flags, so that this cannot disagree with a run."""
    context = click.Context(command, info_name=command.name, parent=root, default_map=defaults)
    context.resilient_parsing = True
    rows = []
    for param in command.get_params(context):
        if param.name is None or param.param_type_name != "option" or param.is_eager:
            continue
        value, source = param.consume_value(context, {})
        origin = _ORIGINS.get(source, "default")
        key = next(option for option in param.opts if option.startswith("--")).removeprefix("--")
        rows.append((key, _written(value), origin))
    width = max((len(key) for key, _, _ in rows), default=0)
    for key, value, origin in rows:
        click.echo(f"{key:<{width}}  {value:<24}  {origin}")


def _written(value: Any) -> str:
    if value is None or repr(value) == "Sentinel.UNSET" or value == ():
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
