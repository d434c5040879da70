"""``bt-run data list``: what the store holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.options import settings_option, store_option

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from feeds.storage.inventory import SeriesInfo

__all__ = ["list_series"]

_UNITS = ("B", "KB", "MB", "GB")


@click.command("list")
@settings_option
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_series(*, store: Path | None, as_json: bool) -> None:
    """Show what the store holds: range, bars, gaps, size."""
    from feeds.storage.store_paths import store_root
    from feeds.store import Store

    root = store_root(store)
    found = Store(root).series()
    if as_json:
        click.echo(json.dumps([_row(info) for info in found], indent=2, ensure_ascii=False))
        return
    if not found:
        click.echo(f"The store {root} is empty. Fill it with, for example:")
        click.echo("  bt-run data download --symbol BTCUSDT --interval 1h --start 2024-01-01")
        return
    from rich.console import Console

    Console(highlight=False).print(_table(found))
    for info in found:
        if info.damaged:
            months = ", ".join(info.damaged)
            click.echo(f"{info.name}: {months} cannot be read; bt-run data repair fetches it anew")
    total = sum(info.size_bytes for info in found)
    click.echo(f"{len(found)} series, {_size(total)} in {root}")


def _row(info: SeriesInfo) -> dict[str, Any]:
    from bt_run.core.clock import iso_utc

    return {
        "series": str(info.name),
        "symbol": info.symbol,
        "interval": str(info.interval),
        "market": info.market,
        "bars": info.bars,
        "first": None if info.first is None else iso_utc(info.first),
        "last": None if info.last is None else iso_utc(info.last),
        "gaps": info.gaps,
        "missing_bars": info.missing_bars,
        "size_bytes": info.size_bytes,
        "damaged": list(info.damaged),
    }


def _table(found: list[SeriesInfo]) -> Table:
    from rich.table import Table

    from feeds.quality import show_time

    table = Table(box=None, pad_edge=False)
    for title in ("Series", "From", "To (UTC)"):
        table.add_column(title, no_wrap=True)
    for title in ("Bars", "Gaps", "Size"):
        table.add_column(title, justify="right", no_wrap=True)
    for info in found:
        first, last = ("-" if time is None else show_time(time) for time in (info.first, info.last))
        day = first.partition(" ")[0]
        table.add_row(str(info.name), day, last, f"{info.bars:,}", f"{info.gaps:,}", _size(info.size_bytes))
    return table


def _size(amount: float) -> str:
    for unit in _UNITS[:-1]:
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} {_UNITS[-1]}"
