"""``bt-run data download``: bars from the exchange into the store or a file."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bt_run.cli import types
from bt_run.cli.download_bar import download_bar
from bt_run.cli.options import settings_option, store_option
from bt_run.core.errors import ConfigError, DataError
from bt_run.core.interval import BINANCE_INTERVALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bt_run.core.interval import Interval
    from bt_run.core.market import IntArray
    from feeds.download import Outcome
    from feeds.storage.series import SeriesName

    _Done = tuple[Outcome, IntArray, str]

__all__ = ["check_store", "download", "market_option", "on_interrupt", "venue_option"]

_INTERRUPTED = 130
_REAL = ("data", "mainnet")

_EPILOG = """\b
Examples:
  bt-run data download --symbol BTCUSDT --interval 1d --start 2017-08-17
  bt-run data download -s BTCUSDT -s ETHUSDT -i 1h -i 1d --start 2024-01-01 --end 2024-12-31
  bt-run data download -s BTCUSDT -i 1d --start 2017-08-17 --out data/btc_1d.csv
  bt-run data download -s BTCUSDT -i 5m --start 2025-01-01 --market futures

\b
A second run fetches only what is missing. Ctrl-C at any time: the same command goes on.
"""

market_option = click.option(
    "--market",
    type=click.Choice(["spot", "futures"]),
    default="spot",
    show_default=True,
    help="Spot, or USD-M futures.",
)

venue_option = click.option(
    "--venue",
    default="data",
    show_default=True,
    help="Where to ask: data (Binance, no key), mainnet, testnet, demo, practice.",
)


@click.command(epilog=_EPILOG)
@click.option("--symbol", "-s", "symbols", multiple=True, required=True, help="Such as BTCUSDT; repeatable.")
@click.option(
    "--interval",
    "-i",
    "intervals",
    multiple=True,
    required=True,
    type=types.INTERVAL,
    help="1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w or 1M; repeatable.",
)
@click.option("--start", "--from", type=types.START, help="First bar, UTC.  [default: the very first]")
@click.option(
    "--end", "--to", type=types.END, help="Last bar; a date includes that day.  [default: the last closed]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write a file, .csv, .csv.gz or .parquet, or for several series a folder; without it, the store.",
)
@click.option("--force", is_flag=True, help="Overwrite --out, whatever it holds.")
@market_option
@click.option(
    "--source",
    type=click.Choice(["auto", "rest", "bulk"]),
    default="auto",
    show_default=True,
    help="bulk: the archive's files; rest: pages; auto: files for closed months and days, REST for the rest.",
)
@venue_option
@store_option
@settings_option
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def download(
    *,
    symbols: tuple[str, ...],
    intervals: tuple[Interval, ...],
    start: int | None,
    end: int | None,
    out: Path | None,
    force: bool,
    venue: str,
    store: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """
    Download bars into the data store, or with --out into a file.

    Only closed bars are taken. What is there already is not asked for again.
    """
    from bt_run.cli.venues import venue_named

    names = _names(symbols, intervals, options["market"])
    place = venue_named(venue)
    if out is None:
        check_store(venue)
    typed_store = click.get_current_context().get_parameter_source("store") is ParameterSource.COMMANDLINE
    wanted = {"start": start or 0, "end": end, "source": options["source"], "venue": place}
    if end is not None and (start or 0) > end:
        raise ConfigError("The start lies after the end; nothing lies between them.")
    begun = time.perf_counter()
    with on_interrupt(), download_bar(shown=not quiet) as progress:
        if out is None:
            done = list(
                _into_store(store, names, {**wanted, "progress": progress, "practice_too": typed_store})
            )
        else:
            done = list(_into_files(out, names, {**wanted, "progress": progress, "force": force}))
    for outcome, times, where in done:
        for note in outcome.notes:
            click.echo(note, err=True)
        if not quiet:
            click.echo(_closing_line(outcome, times, time.perf_counter() - begun) + where)
    if out is not None and not any(len(times) for _, times, _ in done):
        raise DataError("There were no bars to write.")


@contextmanager
def on_interrupt() -> Iterator[None]:
    """End a download that Ctrl-C stops with a line on how to go on, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nInterrupted. What came is kept; the same command goes on from there.", err=True)
        click.get_current_context().exit(_INTERRUPTED)


def check_store(venue: str) -> None:
    """Keep bars of a testnet out of the store of real ones, unless --store was typed. Raises ConfigError."""
    source = click.get_current_context().get_parameter_source("store")
    if venue not in _REAL and source is not ParameterSource.COMMANDLINE:
        raise ConfigError(
            f"The bars of {venue} are not those of the real market, and the store is for these. "
            f"Give a store of its own with --store, or a file with --out."
        )


def _names(symbols: Sequence[str], intervals: Sequence[Interval], market: str) -> list[SeriesName]:
    """Make every series of every symbol and interval, each once; ``btc/usdt`` is BTCUSDT."""
    from feeds.storage.series import SeriesName

    for interval in intervals:
        if str(interval) not in BINANCE_INTERVALS:
            raise ConfigError(
                f"Binance does not serve {interval}, only {' '.join(BINANCE_INTERVALS)}. "
                f"bt-run data resample makes longer bars of shorter ones."
            )
    plain = [symbol.replace("/", "").replace("-", "") for symbol in symbols]
    named = [SeriesName.parse(f"{symbol}:{interval}:{market}") for symbol in plain for interval in intervals]
    return list(dict.fromkeys(named))


def _into_store(store: Path | None, names: list[SeriesName], wanted: dict[str, Any]) -> Iterator[_Done]:
    from feeds.download import download as fetch
    from feeds.storage.store_paths import store_root
    from feeds.store import Store

    place = Store(store_root(store))
    for outcome in fetch(place, names, **wanted):
        name = outcome.name
        bars = place.read(
            name.symbol, name.interval, market=name.market, start=wanted["start"], end=wanted["end"], columns=()
        )
        yield outcome, bars.open_time, ""


def _into_files(out: Path, names: list[SeriesName], wanted: dict[str, Any]) -> Iterator[_Done]:
    from feeds.fetching.download_file import download_files

    folder = out.is_dir() or not out.suffix
    if len(names) > 1 and not folder:
        raise ConfigError(f"{len(names)} series do not fit one file. Give a folder as --out.")
    if folder:
        out.mkdir(parents=True, exist_ok=True)
    paths = {name: out / f"{_file_stem(name)}.csv" if folder else out for name in names}
    for result in download_files(paths, **wanted):
        result.outcome.new = result.new
        where = f"\nWrote {result.path}" if result.written else f"\n{result.path} needs nothing new."
        yield result.outcome, result.bars.open_time, where if len(result.bars) else ""


def _file_stem(name: SeriesName) -> str:
    """Name a file as the archive does; 1mo for months, because 1M and 1m are one name on many disks."""
    interval = f"{name.interval.count}mo" if name.interval.unit == "M" else str(name.interval)
    return f"{name.symbol}-{interval}" + ("-futures" if name.market == "futures" else "")


def _closing_line(outcome: Outcome, times: IntArray, seconds: float) -> str:
    """Say in one line what there is now, what came from where, and how long it took."""
    from feeds.quality import show_time
    from feeds.storage.maintenance import explain_gaps

    name = outcome.name
    if not len(times):
        return f"{name}: no bars in this range; {seconds:.1f} s"
    gaps = explain_gaps(times, name.interval, name.market)
    missing = f" ({sum(gap.bars for gap in gaps):,} bars missing)" if gaps else ""
    origin = f" from {outcome.origin}" if outcome.new and outcome.origin else ""
    return (
        f"{name}: {len(times):,} bars, {show_time(int(times[0]))} to {show_time(int(times[-1]))} UTC; "
        f"{outcome.new:,} new{origin}; {len(gaps)} gaps{missing}; {seconds:.1f} s"
    )
