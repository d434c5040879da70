"""
Plan a download: what is missing, cut into parts that are fetched and stored one by one. Pure.

A part is one file of the archive, or up to ten pages of REST. Closed months come as monthly files, other
closed days as daily ones, the rest over REST. Where a file would hold less than half a page of what is
wanted, REST is quicker, and so it is for anything that two pages hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from feeds.binance_bulk import ArchiveFile, day_file, month_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from feeds.storage.series import SeriesName

__all__ = ["Part", "Source", "days_of", "estimate_bars", "plan", "rest_parts"]

Source = Literal["auto", "rest", "bulk"]

_PAGE = 1000
_SMALL = 2 * _PAGE
_WORTH_A_FILE = _PAGE // 2
_REST_BARS = 10 * _PAGE - 10  # the last page is not full then, and needs no other to prove it the last
_MONTHLY_MAX = 100_000  # a month of seconds is two and a half million bars: days are lighter
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Part:
    """
    One step of a download: the bars of a series that open in first..last, inclusive, ms since 1970 UTC.

    `file` is the archive's file to take them from, None for REST. `bars` is an estimate.
    """

    name: SeriesName
    first: int
    last: int
    bars: int
    file: ArchiveFile | None = None


def plan(
    name: SeriesName, ranges: Sequence[tuple[int, int]], *, now_ms: int, source: Source = "auto"
) -> list[Part]:
    """
    Cut what is missing into parts, ascending.

    Args:
        name: The series.
        ranges: Inclusive ranges of open times, ms since 1970, ascending, none after `now_ms`.
        now_ms: The present; what lies in the present day and month is not in the archive yet.
        source: ``rest`` and ``bulk`` use only one; with ``bulk`` what the archive cannot have is left out.
    """
    total = sum(estimate_bars(name, first, last) for first, last in ranges)
    if source == "rest" or (source == "auto" and total <= _SMALL):
        return [part for first, last in ranges for part in rest_parts(name, first, last)]
    return [part for first, last in ranges for part in _mixed(name, first, last, now_ms=now_ms, source=source)]


def rest_parts(name: SeriesName, first: int, last: int) -> Iterator[Part]:
    """Cut a range into parts of ten pages for REST."""
    length = name.interval.milliseconds
    step = last - first + 1 if length is None else _REST_BARS * length
    for start in range(first, last + 1, max(step, 1)):
        end = min(start + step - 1, last)
        yield Part(name, start, end, estimate_bars(name, start, end))


def days_of(part: Part, *, now_ms: int) -> list[Part]:
    """Replace a month that is not out yet by its days, and by REST where a day has no file either."""
    if part.name.interval.approximate_ms > _DAY_MS:
        return list(rest_parts(part.name, part.first, part.last))
    found = []
    for start in range(part.first - part.first % _DAY_MS, part.last + 1, _DAY_MS):
        file = day_file(part.name.market, part.name.symbol, part.name.interval, start)
        whole = file if file.last < now_ms else None
        first, last = max(part.first, file.first), min(part.last, file.last)
        found.append(Part(part.name, first, last, estimate_bars(part.name, first, last), whole))
    return found


def estimate_bars(name: SeriesName, first: int, last: int) -> int:
    """Estimate how many bars open in a range, at least 1."""
    return max(1, (last - first + 1) // name.interval.approximate_ms)


def _files(name: SeriesName, first: int, last: int, now_ms: int) -> Iterator[Part]:
    """Cover a range with the archive's files as far as the archive can reach."""
    monthly = 31 * _DAY_MS // name.interval.approximate_ms <= _MONTHLY_MAX
    at = first
    while at <= last:
        month = month_file(name.market, name.symbol, name.interval, at)
        day = day_file(name.market, name.symbol, name.interval, at)
        if monthly and month.last < now_ms:
            file = month
        elif name.interval.approximate_ms <= _DAY_MS and day.last < now_ms:
            file = day
        else:
            return
        end = min(last, file.last)
        yield Part(name, at, end, estimate_bars(name, at, end), file)
        at = end + 1


def _mixed(name: SeriesName, first: int, last: int, *, now_ms: int, source: Source) -> Iterator[Part]:
    """Give the files that are worth it, and REST for what lies before, between and after them."""
    at = first
    for part in _files(name, first, last, now_ms):
        if source == "bulk" or part.bars >= _WORTH_A_FILE:
            yield from rest_parts(name, at, part.first - 1)
            yield part
            at = part.last + 1
    if source != "bulk":
        yield from rest_parts(name, at, last)
