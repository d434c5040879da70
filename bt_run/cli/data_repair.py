"""``bt-run data repair``: ask the exchange again for what the store lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bt_run.cli.data_download import check_store, on_interrupt, venue_option
from bt_run.cli.download_bar import download_bar
from bt_run.cli.options import settings_option, store_option

if TYPE_CHECKING:
    from pathlib import Path

    from feeds.fetching.repair import Repaired

__all__ = ["repair"]

_EPILOG = """\b
Examples:
  bt-run data repair
  bt-run data repair BTCUSDT:1h ETHUSDT:1m:futures

\b
Damaged files are set aside and fetched anew. Gaps that stay are the exchange's own: it was asked
and has no bars there, and bt-run data verify counts them as explained.
"""


@click.command(epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[SERIES]...")
@venue_option
@store_option
@settings_option
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def repair(names: tuple[str, ...], *, venue: str, store: Path | None, quiet: bool) -> None:
    """Ask again for gaps and damaged files, of some series or of the whole store."""
    from bt_run.cli.venues import venue_named
    from feeds.fetching.repair import repair as mend
    from feeds.storage.series import SeriesName
    from feeds.storage.store_paths import find_series_folders, store_root
    from feeds.store import Store

    place = Store(store_root(store))
    series = [SeriesName.parse(name) for name in names] or [name for name, _ in find_series_folders(place.root)]
    where = venue_named(venue)
    check_store(venue)
    if not series and not quiet:
        click.echo("The store is empty: nothing to repair.")
    for name in series:
        with on_interrupt(), download_bar(shown=not quiet) as progress:
            done = mend(place, name, venue=where, progress=progress)
        for note in done.notes:
            click.echo(note, err=True)
        if not quiet:
            click.echo(_line(done))


def _line(done: Repaired) -> str:
    if not done.gaps and not done.found:
        return f"{done.name}: no gaps"
    left = sum(gap.bars for gap in done.left)
    rest = f"; {len(done.left)} gaps ({left:,} bars) are the exchange's own" if done.left else ""
    return f"{done.name}: {done.gaps} gaps ({done.missing:,} bars) asked again, {done.found:,} bars found{rest}"
