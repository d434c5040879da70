"""Read market data from a file: the one way from a path to checked bars."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.errors import DataError
from bt_run.core.market import BAR_COLUMNS, BarFile, Bars
from feeds.quality import check_values, describe_gaps, find_order
from feeds.table.buffer import unknown_floats
from feeds.table.content import read_content, sha256_of
from feeds.table.metadata import read_metadata
from feeds.table.naming import compact_symbol, find_interval_in_name, find_symbol_in_name, stem_of
from feeds.table.spacing import find_interval, fits, open_from_close

if TYPE_CHECKING:
    from bt_run.core.market import IntArray, Interval
    from feeds.table.content import Content
    from feeds.table.metadata import Metadata
    from feeds.table.raw import RawBars

__all__ = ["read_bars", "read_raw"]


def read_bars(
    path: Path | str,
    *,
    symbol: str | None = None,
    interval: Interval | None = None,
    fallback: Interval | None = None,
) -> BarFile:
    """
    Read a file of bars, in any format of `feeds.formats`, JSON, feather or Parquet, plain, in gz or in zip.

    Times without a zone are UTC. Rows come out oldest first, one a time: a file that runs newest first is
    turned around, identical rows count once, and of rows with the same time and different values the one
    written last counts (`feeds.quality.find_order`); each of these but the turning is a warning, as are
    gaps. `symbol` and `interval` override what the metadata beside the file, the file and its name say.

    Args:
        path: The file itself; `feeds.locate.find_data` finds one by name.
        symbol: The market, taken as it is.
        interval: Must fit the distance between the bars.
        fallback: The interval where neither the bars nor the name tell it, as with a single bar.

    Raises:
        DataError: the file cannot be read, is of no known format, holds impossible values, or does not have
            the interval that was given. Names file, line and column where there are any.
    """
    path = Path(path)
    content = read_content(path)
    with ThreadPoolExecutor(max_workers=1) as beside:
        digest = beside.submit(sha256_of, path)
        raw = read_raw(content)
        check_values(raw)
        sha256 = digest.result()
    metadata = read_metadata(path, sha256=sha256)
    ordering = find_order(raw)
    times = raw.times if ordering.rows is None else raw.times[ordering.rows]
    found, doubts = _choose_interval(times, content, interval, metadata, fallback=fallback)
    if raw.times_are == "close":
        times = open_from_close(times, found)
    gaps = describe_gaps(times, found)
    return BarFile(
        path=path,
        symbol=symbol or metadata.symbol or _infer_symbol(raw, content),
        interval=found,
        bars=_bars(raw, times, ordering.rows),
        sha256=sha256,
        format=raw.format,
        warnings=(*ordering.warnings, *([gaps] if gaps else []), *doubts, *metadata.warnings),
        note=metadata.note,
    )


def read_raw(content: Content) -> RawBars:
    """Read the rows of a file as they stand, neither checked nor put in order. Raises DataError."""
    # Each reader brings a library of its own weight; only the one that is needed is loaded.
    if content.kind == "text":
        from feeds.table.text_table import read_text  # noqa: PLC0415

        return read_text(content)
    if content.kind == "json":
        from feeds.table.json_table import read_json  # noqa: PLC0415

        return read_json(content)
    from feeds.table.arrow_table import read_arrow  # noqa: PLC0415

    return read_arrow(content)


def _choose_interval(
    times: IntArray,
    content: Content,
    given: Interval | None,
    metadata: Metadata,
    *,
    fallback: Interval | None,
) -> tuple[Interval, list[str]]:
    """Choose between what was given, what the metadata say, the name and the distance of the bars."""
    spacing = find_interval(times)
    told = given or metadata.interval
    if told is not None:
        if not fits(times, told):
            raise DataError(
                f"The bars are {spacing or 'irregularly far'} apart, not {told}.",
                path=content.path,
                hint="Leave the interval out and it is found; longer bars are made by resampling.",
            )
        return told, []
    named = find_interval_in_name(content.path.name) or find_interval_in_name(content.name)
    if named is not None and fits(times, named):
        return named, []
    if spacing is None and fallback is not None:
        return fallback, []
    if spacing is None:
        problem = (
            "one bar does not tell its interval" if len(times) == 1 else "the bars lie at no regular distance"
        )
        raise DataError(
            f"The interval is not known: {problem}.",
            path=content.path,
            hint="Write it into the file's name, as in BTCUSDT_1d.csv.",
        )
    doubt = f"the name says {named}, but the bars are {spacing} apart: taken as {spacing}"
    return spacing, [doubt] if named is not None else []


def _infer_symbol(raw: RawBars, content: Content) -> str:
    if raw.symbol:
        return compact_symbol(raw.symbol)
    names = (content.name, content.path.name)
    return next((found for name in names if (found := find_symbol_in_name(name))), stem_of(content.path.name))


def _bars(raw: RawBars, times: IntArray, rows: IntArray | None) -> Bars:
    """Take the rows in order; columns that the file does not have share one array of NaN."""
    unknown = unknown_floats(len(times))
    return Bars(
        times,
        *(
            unknown
            if name not in raw.columns
            else raw.columns[name]
            if rows is None
            else raw.columns[name][rows]
            for name in BAR_COLUMNS[1:]
        ),
    )
