"""Go through a series or a file and say what is wrong with it; nothing is changed and nothing downloaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.errors import DataError
from bt_run.core.market import BAR_COLUMNS
from feeds.csv_file import read_raw
from feeds.quality import show_time
from feeds.resample import bar_bounds
from feeds.storage.maintenance import explain_gaps
from feeds.storage.month_file import read_months
from feeds.storage.store_paths import find_months, month_bounds
from feeds.table.columns import PRICES
from feeds.table.content import read_content
from feeds.table.naming import find_interval_in_name
from feeds.table.spacing import find_interval, fits, open_from_close

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars, FloatArray, IntArray
    from bt_run.core.venue import Market
    from feeds.storage.coverage import Coverage
    from feeds.storage.maintenance import Gap
    from feeds.storage.series import SeriesName
    from feeds.store import Store

    BoolArray = npt.NDArray[np.bool_]

__all__ = ["Problem", "Report", "ZeroVolume", "verify_file", "verify_rows", "verify_series"]

_ROUNDING = 1e-9
_SHOWN = 3
_SHIFTED_MONTHS = ("2017-12", "2018-02")
"""In these months outages moved Binance's spot bars off the grid (binance-public-data, issues 14 and 77)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of thing that is wrong, how often, and where first."""

    what: str
    count: int
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ZeroVolume:
    """Bars without volume: how many, in how many runs, and the longest run. No fault: a market can be quiet."""

    bars: int = 0
    runs: int = 0
    longest: int = 0
    longest_at: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """
    What was found.

    `first` and `last` are open times, ms since 1970 UTC, None without a bar. `gaps` are all holes, explained or
    not. `notes` are remarks that make nothing wrong.
    """

    title: str
    interval: Interval | None
    bars: int
    first: int | None
    last: int | None
    gaps: tuple[Gap, ...] = ()
    problems: tuple[Problem, ...] = ()
    zero_volume: ZeroVolume = ZeroVolume()
    notes: tuple[str, ...] = ()

    @property
    def unexplained(self) -> tuple[Gap, ...]:
        """The gaps that nothing explains."""
        return tuple(gap for gap in self.gaps if not gap.explained)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, and every gap is explained."""
        return not self.problems and not self.unexplained


def verify_series(store: Store, name: SeriesName) -> Report:
    """
    Check a series of the store, every file of it to its last byte.

    A gap is explained by a known maintenance, or by the exchange itself where REST was asked for the range
    and had no bars. Raises DataError where the store does not have the series.
    """
    folder = store.folder(name.symbol, name.interval, market=name.market)
    months = find_months(folder)
    coverage = store.coverage(name.symbol, name.interval, market=name.market)
    lost = sorted(month for month, bars in coverage.bars.items() if bars and month not in months)
    if not months and not lost:
        raise DataError(f"The store has no series {name}.", path=store.root, hint="bt-run data list shows all.")
    parts, damaged, strayed = _read_parts(months)
    times = np.concatenate([np.empty(0, dtype=np.int64), *(part.open_time for part in parts)])
    columns = {
        column: np.concatenate([np.empty(0), *(getattr(part, column) for part in parts)])
        for column in BAR_COLUMNS[1:]
    }
    report = verify_rows(str(name), times, columns, interval=name.interval, market=name.market)
    files = (
        _problem("damaged files; bt-run data repair downloads them again", damaged),
        _problem("files gone; bt-run data repair downloads them again", lost),
        _problem("files with bars of another month", strayed),
    )
    return replace(
        report,
        gaps=tuple(_confirmed(gap, coverage) for gap in report.gaps),
        problems=(*(problem for problem in files if problem.count), *report.problems),
    )


def _read_parts(months: Mapping[str, Path]) -> tuple[list[Bars], list[str], list[str]]:
    """Read month by month; give the bars, the files that are damaged, and those with bars of another month."""
    parts, damaged, strayed = [], [], []
    for month, path in months.items():
        try:
            part = read_months([path])
        except DataError:
            damaged.append(path.name)
            continue
        parts.append(part)
        first, last = month_bounds(month)
        if ((part.open_time < first) | (part.open_time > last)).any():
            strayed.append(path.name)
    return parts, damaged, strayed


def verify_file(path: Path, *, interval: Interval | None = None, market: Market = "spot") -> Report:
    """
    Check a file of bars in any format that bt-run reads; what `read_bars` would mend is reported too.

    Raises:
        DataError: the file cannot be read as a table, or does not tell its interval.
    """
    content = read_content(path)
    raw = read_raw(content)
    named = find_interval_in_name(content.path.name) or find_interval_in_name(content.name)
    ordered = np.unique(raw.times)
    found = interval or (named if named and fits(ordered, named) else find_interval(ordered))
    if found is None:
        raise DataError("The interval is not known.", path=path, hint="Give it with --interval, such as 1d.")
    times = open_from_close(raw.times, found) if raw.times_are == "close" else raw.times
    return verify_rows(path.name, times, raw.columns, interval=found, market=market)


def verify_rows(
    title: str, times: IntArray, columns: Mapping[str, FloatArray], *, interval: Interval, market: Market
) -> Report:
    """
    Check rows as they stand: order, duplicates, prices, volumes, grid and gaps.

    Args:
        title: What to call them.
        times: Open times, ms since 1970 UTC, shape (n,), in any order. A file that runs newest first throughout
            is in order.
        columns: float64 arrays of shape (n,) by bar column; the prices must be there.
        interval: Of the bars.
        market: Whose maintenance explains gaps.
    """
    if len(times) > 1 and times[0] > times[-1]:
        times = times[::-1]
        columns = {name: values[::-1] for name, values in columns.items()}
    ordered = np.unique(times)
    strange, shifted = _off_grid(ordered, interval, market)
    found = (
        _problem_at("rows out of order", times[1:], np.diff(times) < 0),
        Problem("duplicate rows", len(times) - len(ordered), _places(_repeated(times))),
        _problem_at("bars off the grid", ordered, strange),
        *_value_problems(times, columns),
    )
    notes = (f"{int(shifted.sum())} bars off the grid after known outages",) if shifted.any() else ()
    return Report(
        title=title,
        interval=interval,
        bars=len(times),
        first=int(ordered[0]) if len(ordered) else None,
        last=int(ordered[-1]) if len(ordered) else None,
        gaps=tuple(explain_gaps(ordered, interval, market)),
        problems=tuple(problem for problem in found if problem.count),
        zero_volume=_zero_volume(times, columns.get("volume")),
        notes=notes,
    )


def _value_problems(times: IntArray, columns: Mapping[str, FloatArray]) -> Iterable[Problem]:
    opens, highs, lows, closes = (columns[name] for name in PRICES)
    unknown = ~np.logical_and.reduce([(columns[name] > 0) & np.isfinite(columns[name]) for name in PRICES])
    yield _problem_at("prices missing or not above zero", times, unknown)
    top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
    yield _problem_at("highs below open or close", times, highs < top * (1 - _ROUNDING))
    yield _problem_at("lows above open or close", times, lows > bottom * (1 + _ROUNDING))
    for name in BAR_COLUMNS[5:]:
        if name in columns:
            values = columns[name]
            yield _problem_at(f"{name} below zero or infinite", times, (values < 0) | np.isinf(values))
    if {"volume", "taker_buy_volume"} <= columns.keys():
        more = columns["taker_buy_volume"] > columns["volume"] * (1 + _ROUNDING)
        yield _problem_at("taker_buy_volume above volume", times, more)


def _off_grid(times: IntArray, interval: Interval, market: Market) -> tuple[BoolArray, BoolArray]:
    """Find the bars that do not open where they should: those that nobody can explain, and the known ones."""
    off = times != bar_bounds(times, interval)[0] if len(times) else np.zeros(0, dtype=np.bool_)
    known = np.zeros(len(times), dtype=np.bool_)
    for month in _SHIFTED_MONTHS if market == "spot" else ():
        first, last = month_bounds(month)
        known |= (times >= first) & (times <= last)
    return off & ~known, off & known


def _zero_volume(times: IntArray, volume: FloatArray | None) -> ZeroVolume:
    if volume is None or not (volume == 0).any():
        return ZeroVolume()
    padded = np.concatenate(([False], volume == 0, [False])).astype(np.int8)
    edges = np.diff(padded)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    lengths = ends - starts
    longest = int(np.argmax(lengths))
    return ZeroVolume(int(lengths.sum()), len(starts), int(lengths[longest]), int(times[starts[longest]]))


def _repeated(times: IntArray) -> IntArray:
    values, counts = np.unique(times, return_counts=True)
    return np.asarray(values[counts > 1], dtype=np.int64)


def _confirmed(gap: Gap, coverage: Coverage) -> Gap:
    rest = [span for span in coverage.spans if span.source == "rest"]
    return replace(gap, confirmed=any(span.first <= gap.first and gap.last <= span.last for span in rest))


def _problem(what: str, names: list[str]) -> Problem:
    return Problem(what, len(names), tuple(names[:_SHOWN]))


def _problem_at(what: str, times: IntArray, wrong: BoolArray) -> Problem:
    return Problem(what, int(wrong.sum()), _places(times[wrong]))


def _places(times: IntArray) -> tuple[str, ...]:
    return tuple(show_time(int(time)) for time in times[:_SHOWN])
