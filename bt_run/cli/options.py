"""Options that several commands share, said once."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from bt_run.cli import types
from bt_run.cli.output import is_stdout
from bt_run.core.atomic import check_target
from bt_run.core.errors import ConfigError
from bt_run.core.settings import BacktestSettings, EngineChoice, Protection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from click.shell_completion import CompletionItem

    from bt_run.core.money import Stake

__all__ = [
    "ACCOUNT_KEYS",
    "DATA_KEYS",
    "account_options",
    "check_outputs",
    "complete_data",
    "complete_strategy",
    "data_options",
    "param_option",
    "pick",
    "settings_of",
    "settings_option",
    "stacked",
    "stop_loss_option",
    "store_option",
    "strategy_option",
    "take_profit_option",
]


def complete_strategy(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of installed strategies; the shell completes files by itself."""
    from importlib.metadata import entry_points

    from click.shell_completion import CompletionItem

    names = sorted({entry.name for entry in entry_points(group="bt_run.strategies")})
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def complete_data(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete files, and the names of those in the user's and the shipped data folder."""
    from click.shell_completion import CompletionItem

    from feeds.locate import shipped_data

    own = ctx.params.get("data_dir") or os.environ.get("BT_RUN_DATA_DIR")
    folders = [Path(own)] if own else []
    shipped = shipped_data()
    folders += [shipped] if shipped is not None else []
    found = {path.name for folder in folders if folder.is_dir() for path in folder.glob("*.csv*")}
    near = {f"{path.name}/" if path.is_dir() else path.name for path in Path().iterdir()}
    items = [CompletionItem(name) for name in sorted(found | near) if name.startswith(incomplete)]
    return items if items and "/" not in incomplete else [CompletionItem(incomplete, type="file")]


def stacked(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make one decorator of many, in the order in which --help shall show them."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _use_settings_file(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    """Take this file's defaults in place of those found before; eager, so it comes before other options."""
    if value is None:
        return
    from bt_run.cli.main import cli, read_settings

    root = ctx.find_root()
    root.obj["file"] = settings = read_settings(value)
    defaults: Any = settings.defaults_for(cli)
    for word in ctx.command_path.split()[1:]:
        defaults = defaults.get(word, {})
    ctx.default_map = defaults


strategy_option = click.option(
    "--strategy",
    "-s",
    required=True,
    shell_complete=complete_strategy,
    help="A name (see bt-run strategies) or ./file.py:Class, with parameters as in rsi:period=10,oversold=25.",
)
param_option = click.option(
    "--param", "-p", multiple=True, help="A strategy parameter, name=value; repeatable."
)

settings_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_use_settings_file,
    help="Settings file that gives options their defaults; see bt-run config --help.",
)

store_option = click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="BT_RUN_STORE",
    show_envvar=True,
    help="Folder of the data store.  [default: ~/.local/share/bt-run/store]",
)

stop_loss_option = click.option(
    "--stop-loss", type=types.percent("Stop-loss"), help="Leave at this loss, percent of the entry price."
)
take_profit_option = click.option(
    "--take-profit", type=types.percent("Take-profit"), help="Leave at this gain, percent of the entry price."
)

data_options = stacked(
    settings_option,
    click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="BT_RUN_DATA_DIR",
        show_envvar=True,
        help="Your folder of data files, searched after the current one and before the shipped data.",
    ),
    store_option,
    click.option(
        "--download", is_flag=True, help="First fetch what the store misses of a series such as BTCUSDT:1h."
    ),
    click.option("--symbol", help="Symbol of the data, where its name does not tell."),
    click.option(
        "--data-interval", type=types.INTERVAL, help="Interval of the data, where they do not tell: 1h, 1d."
    ),
    click.option(
        "--interval", "-i", type=types.INTERVAL, help="Resample upward to this interval, such as 4h or 1w."
    ),
    click.option(
        "--from", "--fromdate", "start", type=types.START, help="First bar: a date or an ISO time, UTC."
    ),
    click.option(
        "--to", "--todate", "end", type=types.END, help="Last bar; a date includes that whole day, UTC."
    ),
)

account_options = stacked(
    click.option("--cash", type=float, default=10_000.0, show_default=True, help="Cash to start with."),
    click.option(
        "--commission",
        type=types.COMMISSION,
        default="0.1%",
        show_default=True,
        help="Fee on both sides, as a fraction of the traded value (0.001) or in percent (0.1%).",
    ),
    click.option(
        "--slippage",
        "--slip_perc",
        type=types.SLIPPAGE,
        default="0",
        show_default=True,
        help="How much worse fills are than the price, as a fraction or in percent.",
    ),
    click.option(
        "--stake",
        type=types.STAKE,
        default="95%",
        show_default=True,
        help="Size of an entry: 0.01 (base asset), 100USDT (quote asset) or 95% (of equity).",
    ),
    click.option("--lot-step", type=float, default=1e-8, help="Quantity step of the symbol.  [default: 1e-8]"),
    stop_loss_option,
    take_profit_option,
    click.option(
        "--trailing-stop",
        type=types.percent("Trailing stop"),
        help="Leave this many percent below the best close since the entry.",
    ),
    click.option(
        "--allow-short/--long-only",
        default=False,
        help="Whether signals may open shorts.  [default: long-only]",
    ),
    click.option(
        "--engine",
        type=click.Choice(get_args(EngineChoice)),
        default="auto",
        show_default=True,
        help="What runs the strategy; auto takes the quickest engine that can.",
    ),
)


def settings_of(
    *,
    cash: float,
    commission: float,
    slippage: float,
    stake: Stake,
    lot_step: float,
    stop_loss: float | None,
    take_profit: float | None,
    trailing_stop: float | None,
    allow_short: bool,
    engine: Any,
) -> BacktestSettings:
    """Make settings of the account options. Raises ConfigError where they contradict each other."""
    return BacktestSettings(
        cash=cash,
        commission=commission,
        slippage=slippage,
        stake=stake,
        lot_step=lot_step,
        protection=Protection(stop_loss, take_profit, trailing_stop),
        allow_short=allow_short,
        engine=engine,
    )


ACCOUNT_KEYS = tuple(inspect.signature(settings_of).parameters)
"""Names of the account options, to pick them out of a command's keyword arguments."""

DATA_KEYS = ("data_dir", "store", "download", "symbol", "data_interval", "interval", "start", "end")
"""Names of the data options; the fields of a DataRequest beside the name."""


def pick(options: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """Pick some of a command's keyword arguments."""
    return {key: options[key] for key in keys}


def check_outputs(
    json_path: Path | None, *tables: Path | None, plot: Path | None, inputs: Iterable[str]
) -> None:
    """
    Check before a run that its files can be written, so that none ends in vain or destroys another.

    Raises:
        ConfigError: a place that cannot be written, the same one twice, or a file that the run reads.
    """
    if any(is_stdout(path) for path in (*tables, plot)):
        raise ConfigError("Only --json can be written to standard output. Give the others the name of a file.")
    read = {Path(name.rpartition(".py:")[0] + ".py" if ".py:" in name else name).resolve() for name in inputs}
    taken: set[Path] = set()
    for path in (json_path, *tables, plot):
        if path is None or is_stdout(path):
            continue
        place = check_target(path).resolve()
        if place in read:
            raise ConfigError(f"{path} is read by this run. Write the result to another file.")
        if place in taken:
            raise ConfigError(f"{path} is given for two results. Give each a file of its own.")
        taken.add(place)
    if plot is not None:
        from bt_run.reports.figure_file import check_suffix

        check_suffix(plot)
