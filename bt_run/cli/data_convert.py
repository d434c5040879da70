"""``bt-run data convert`` and ``bt-run data resample``: from one file of bars to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bt_run.cli.data_source import load_source
from bt_run.cli.options import data_options

__all__ = ["convert", "resample"]

_TARGET = click.Path(dir_okay=False, path_type=Path)

_CONVERT_EPILOG = """\b
Examples:
  bt-run data convert BTCUSDT-1h-2025-01.zip btc_1h.csv
  bt-run data convert BTCUSDT:1h btc_2024.parquet --from 2024-01-01 --to 2024-12-31
"""

_RESAMPLE_EPILOG = """\b
Examples:
  bt-run data resample BTCUSDT:1m btc_15m.csv --interval 15m
  bt-run data resample btc_1d.csv btc_1w.csv -i 1w
"""


@click.command(epilog=_CONVERT_EPILOG)
@click.argument("source")
@click.argument("target", type=_TARGET)
@data_options
def convert(source: str, target: Path, **options: Any) -> None:
    """
    Write bars of any format as .csv, .csv.gz or .parquet.

    SOURCE is a file, a capture or a series of the store; the ending of TARGET chooses the format.
    """
    _convert(source, target, options)


@click.command(epilog=_RESAMPLE_EPILOG)
@click.argument("source")
@click.argument("target", type=_TARGET)
@data_options
def resample(source: str, target: Path, **options: Any) -> None:
    """
    Write bars joined into longer ones; --interval says how long.

    The bars start as Binance's do: weeks on Monday, months on the first. A last bar that is not over is left
    out.
    """
    if options["interval"] is None:
        raise click.UsageError("Missing option '--interval'.", click.get_current_context())
    _convert(source, target, options)


def _convert(source: str, target: Path, options: dict[str, Any]) -> None:
    from bt_run.core.atomic import check_target
    from bt_run.core.errors import ConfigError
    from feeds.csv_writer import check_ending, write_bars
    from feeds.quality import show_time

    check_ending(check_target(target))
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise ConfigError(f"{source} and {target} are one file. Write to another name.")
    data = load_source(source, options)
    write_bars(target, data.bars)
    first, last = (show_time(int(data.bars.open_time[place])) for place in (0, -1))
    click.echo(f"Wrote {target}: {len(data.bars):,} bars of {data.title}, {first} to {last} UTC")
    for sentence in data.warnings:
        click.echo(f"Note: {sentence}", err=True)
