"""``bt-run config show``: what holds, and where it came from."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from bt_run.cli.lazy import commands_of
from bt_run.cli.options import settings_option
from bt_run.core.errors import UnknownName
from bt_run.core.passwords import hide_password

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
@click.argument("command", nargs=-1)
@settings_option
@click.pass_context
def show(ctx: click.Context, command: tuple[str, ...]) -> None:
    """Print each option's value and origin, for one command or for all that run strategies."""
    root = ctx.find_root()
    settings = root.obj["file"]
    wanted = [command] if command else [("backtest",), ("compare",)]
    found = [
        (_find(root.command, words), _defaults(settings.defaults_for(root.command), words)) for words in wanted
    ]
    click.echo(f"Settings file: {settings.path or 'none found'}")
    for words, (item, defaults) in zip(wanted, found, strict=True):
        click.echo(f"\n[{'.'.join(words)}]")
        _print_options(root, item, defaults)


def _find(group: click.Command, words: tuple[str, ...]) -> click.Command:
    """Find a command by its words, such as ("data", "download")."""
    for word in words:
        known = commands_of(group) if isinstance(group, click.Group) else {}
        if word not in known:
            raise UnknownName("command", word, known)
        group = known[word]
    return group


def _defaults(tree: dict[str, Any], words: tuple[str, ...]) -> dict[str, Any]:
    for word in words:
        tree = tree.get(word, {})
    return tree


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
    return hide_password(str(value))
