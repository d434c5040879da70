"""``bt-run strategies``: list what there is, write a new one, check one."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from bt_run.cli.strategy_check import check

__all__ = ["strategies"]

_EPILOG = """\b
Examples:
  bt-run strategies
  bt-run strategies new mine.py
  bt-run strategies check --strategy ./mine.py:Mine --data btc_1d.csv
  bt-run backtest --strategy ./mine.py:Mine --data btc_1d.csv
"""


@click.group(invoke_without_command=True, epilog=_EPILOG)
@click.pass_context
def strategies(ctx: click.Context) -> None:
    """List strategies with their parameters, write a new one, or check one."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_strategies)


@strategies.command("list")
def list_strategies() -> None:
    """List the installed strategies and their parameters."""
    from rich.console import Console

    from bt_run.cli.strategy_list import strategy_list

    Console(highlight=False).print(strategy_list())


@strategies.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--class-name", help="Name of the class.  [default: from the file's name]")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
def new(path: Path, class_name: str | None, *, force: bool) -> None:
    """Write a commented strategy to start from."""
    from bt_run.core.atomic import replacing
    from bt_run.core.errors import ConfigError
    from strategies.template import class_name_for, template

    if path.suffix != ".py":
        raise ConfigError(f"{path} does not end in .py. Write, for example, bt-run strategies new mine.py.")
    if path.exists() and not force:
        raise ConfigError(f"{path} exists already. Choose another name, or add --force to overwrite it.")
    name = class_name or class_name_for(path)
    text = template(name)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    shown = path if path.parent != Path() else f"./{path}"
    click.echo(f"Wrote {path}. Run it with:")
    spec, picture = shlex.quote(f"{shown}:{name}"), shlex.quote(f"{path.stem}.png")
    click.echo(f"  bt-run backtest --strategy {spec} --data btc_1d.csv --plot {picture}")


strategies.add_command(check)
