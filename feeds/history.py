"""The bars of a series: from the store, and before that from the exchange where something is missing."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.errors import DataError
from bt_run.core.market import BAR_COLUMNS, BarFile, Bars
from feeds.quality import describe_gaps, show_time
from feeds.storage.column_copy import read_copy, sources_of, write_copy
from feeds.storage.coverage import spans_of_bars
from feeds.storage.maintenance import explain_gaps
from feeds.storage.store_paths import find_months

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.venue import Venue
    from feeds.download import Progress
    from feeds.storage.series import SeriesName
    from feeds.store import Store

__all__ = ["digest_of", "fetch_missing", "read_history"]


def fetch_missing(
    store: Store,
    name: SeriesName,
    *,
    start: int | None = None,
    end: int | None = None,
    venue: Venue | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[str, ...]:
    """
    Download what the store misses of a range; the network is not touched where it misses nothing of the past.

    Args:
        store: Where to look and to write.
        name: The series.
        start: Open time of the first bar, ms since 1970 UTC; None for the first there is.
        end: Of the last, inclusive; None for the last that has closed, which only the exchange can tell.
        venue: Whom to ask; by default the public market data.
        progress: Called as bars arrive.

    Returns:
        Sentences for the user.

    Raises:
        ExchangeError, ConfigError, DataError: as `feeds.download.download`.
    """
    # The libraries of the network are heavy, and most runs need none.
    from feeds.download import ensure  # noqa: PLC0415

    outcome = ensure(
        store,
        name.symbol,
        name.interval,
        market=name.market,
        start=start or 0,
        end=end,
        venue=venue,
        progress=progress,
    )
    return outcome.notes


def read_history(
    store: Store, name: SeriesName, *, start: int | None = None, end: int | None = None
) -> BarFile:
    """
    Read a series of the store as `feeds.read_bars` reads a file.

    `path` is the name of the series, `sha256` the digest of the bars in the range, which is the same on every
    machine. Gaps, and ranges that were never downloaded, are warnings.

    Args:
        store: Where to read.
        name: The series.
        start: Open time of the first bar, ms since 1970 UTC; None for all.
        end: Open time of the last, inclusive; None for all.

    Raises:
        DataError: no bar in the range, or a damaged file.
    """
    is_whole = start is None and end is None
    folder = store.folder(name.symbol, name.interval, market=name.market)
    sources = sources_of(find_months(folder).values()) if is_whole else {}
    copied = read_copy(folder, sources) if sources else None
    if copied is not None:
        bars, sha256 = copied
        warnings = tuple(_warnings(store, name, bars, start, end))
    else:
        bars = store.read(name.symbol, name.interval, market=name.market, start=start, end=end)
        if not len(bars):
            raise _nothing(store, name)
        with ThreadPoolExecutor(max_workers=1) as beside:
            digest = beside.submit(digest_of, bars)
            warnings = tuple(_warnings(store, name, bars, start, end))
            sha256 = digest.result()
        if is_whole and sources == sources_of(find_months(folder).values()):
            write_copy(folder, sources, bars, sha256)
    return BarFile(
        path=Path(str(name)),
        symbol=name.symbol,
        interval=name.interval,
        bars=bars,
        sha256=sha256,
        format="store",
        warnings=warnings,
    )


def digest_of(bars: Bars) -> str:
    """Give the sha256 of the bars themselves: all columns one after the other, little-endian, NaN as it is."""
    digest = hashlib.sha256()
    for column in BAR_COLUMNS:
        values = getattr(bars, column)
        digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()


def _nothing(store: Store, name: SeriesName) -> DataError:
    held = store.read(name.symbol, name.interval, market=name.market, columns=())
    command = f"bt-run data download --symbol {name.symbol} --interval {name.interval} --start 2017-08-17"
    if name.market != "spot":
        command += f" --market {name.market}"
    if not len(held):
        return DataError(f"The store {store.root} has no bars of {name}.", hint=f"Get them with: {command}")
    first, last = (show_time(int(held.open_time[place])) for place in (0, -1))
    return DataError(
        f"The store has no bars of {name} in the range asked for, only {first} to {last}.",
        hint=f"Get more with: {command}",
    )


def _warnings(store: Store, name: SeriesName, bars: Bars, start: int | None, end: int | None) -> list[str]:
    sentences = []
    gaps = describe_gaps(bars.open_time, name.interval)
    if gaps is not None:
        found = explain_gaps(bars.open_time, name.interval, name.market)
        explained = sum(gap.explained for gap in found)
        share = "all" if explained == len(found) else f"{explained} of {len(found)}"
        sentences.append(gaps + (f"; {share} in known maintenance" if explained else ""))
    first = int(bars.open_time[0]) if start is None else start
    last = int(bars.open_time[-1]) if end is None else end
    there = spans_of_bars(bars.open_time, name.interval)
    known = store.coverage(name.symbol, name.interval, market=name.market).adding(there, name.interval)
    missing = known.missing(first, last, name.interval)
    if missing:
        one = f"{show_time(missing[0][0])} to {show_time(missing[0][1])}"
        more = f" and {len(missing) - 1} more ranges" if len(missing) > 1 else ""
        sentences.append(f"never downloaded: {one}{more}; --download fetches it")
    return sentences
