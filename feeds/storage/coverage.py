"""
What was asked of the exchange and answered: ranges of open times, whether or not bars lie in them.

A hole in a maintenance window is covered without a bar, and so is not asked for again.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import DataError
from feeds.resample import bar_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bt_run.core.interval import Interval
    from bt_run.core.market import IntArray

__all__ = ["Coverage", "Span", "from_json", "holds_bar", "spans_of_bars", "to_json"]

_VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A range of open times, ms since 1970 UTC, both ends inclusive, and where its bars came from."""

    first: int
    last: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    The ranges of one series that are covered.

    `spans` ascend and do not overlap. `bars` counts the bars of each month's file (``2024-01``), so that a file
    that somebody removed is noticed.
    """

    spans: tuple[Span, ...] = ()
    bars: Mapping[str, int] = field(default_factory=dict)

    def adding(self, added: Iterable[Span], interval: Interval) -> Coverage:
        """Cover more; where spans overlap the new source counts. Neighbours of one source become one span."""
        fresh = [span for span in added if span.first <= span.last]
        kept = _cut(self.spans, [(span.first, span.last) for span in fresh])
        return replace(self, spans=_joined(sorted([*kept, *_joined(sorted(fresh), interval)]), interval))

    def without(self, ranges: Iterable[tuple[int, int]]) -> Coverage:
        """Cover less: nothing in the inclusive ranges is covered any more."""
        return replace(self, spans=tuple(_cut(self.spans, ranges)))

    def missing(self, start: int, end: int, interval: Interval) -> list[tuple[int, int]]:
        """Give the ranges in start..end that are not covered and in which a bar can open, ascending."""
        found = []
        at = start
        for span in self.spans:
            if span.last < at:
                continue
            if span.first > end:
                break
            found.append((at, span.first - 1))
            at = span.last + 1
        found.append((at, end))
        return [(first, last) for first, last in found if holds_bar(first, last, interval)]


def holds_bar(first: int, last: int, interval: Interval) -> bool:
    """Tell whether a bar of the exchange opens in first..last, both inclusive, ms."""
    if first > last:
        return False
    if interval.milliseconds is not None and last - first + 1 >= interval.milliseconds:
        return True
    opens, ends = bar_bounds(np.array([first], dtype=np.int64), interval)
    return int(opens[0]) == first or int(ends[0]) <= last


def spans_of_bars(times: IntArray, interval: Interval, *, source: str = "") -> list[Span]:
    """Give the runs of bars, shape (n,), that follow each other without a hole."""
    if not len(times):
        return []
    doubtful = _doubtful(times, interval)
    _, ends = bar_bounds(times[doubtful], interval)
    breaks = doubtful[times[doubtful + 1] > ends]
    firsts = np.append(0, breaks + 1)
    lasts = np.append(breaks, len(times) - 1)
    return [Span(int(times[a]), int(times[b]), source) for a, b in zip(firsts, lasts, strict=True)]


def _doubtful(times: IntArray, interval: Interval) -> IntArray:
    """Give the bars after which there may be a hole; with bars that start where they should, few are left."""
    length = interval.milliseconds
    if length is not None and bar_bounds(times[:1], interval)[0][0] == times[0]:
        steps = np.diff(times)
        odd = np.flatnonzero(steps != length)
        if not (steps[odd] % length).any():
            return odd
    return np.arange(len(times) - 1)


def to_json(coverage: Coverage) -> str:
    """Write a coverage; one span a line."""
    spans = ",\n  ".join(json.dumps([span.first, span.last, span.source]) for span in coverage.spans)
    bars = json.dumps(dict(sorted(coverage.bars.items())))
    return f'{{"version": {_VERSION},\n "covered": [\n  {spans}],\n "bars": {bars}}}\n'


def from_json(text: str) -> Coverage:
    """
    Read a coverage; a damaged one covers nothing, so that everything is asked for again.

    Raises:
        DataError: a newer version of bt-run wrote it.
    """
    try:
        found: Any = json.loads(text)
        version = int(found["version"])
        if version > _VERSION:
            raise DataError(
                f"A newer bt-run wrote this store (version {version}, this one knows {_VERSION}).",
                hint="Update bt-run, or give another folder with --store.",
            )
        spans = tuple(Span(int(first), int(last), str(source)) for first, last, source in found["covered"])
        bars = {str(month): int(count) for month, count in found["bars"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return Coverage()
    if any(one.last >= other.first for one, other in pairwise(spans)):
        return Coverage()
    return Coverage(spans, bars)


def _cut(spans: Iterable[Span], ranges: Iterable[tuple[int, int]]) -> list[Span]:
    """Take ranges away from spans; both are gone through once, in order."""
    waiting = deque(sorted(ranges))
    kept: list[Span] = []
    for whole in spans:
        rest = whole
        while waiting and waiting[0][0] <= rest.last:
            first, last = waiting[0]
            if last < rest.first:
                waiting.popleft()
                continue
            if rest.first < first:
                kept.append(replace(rest, last=first - 1))
            rest = replace(rest, first=last + 1)
            if rest.first > rest.last:
                break
            waiting.popleft()
        if rest.first <= rest.last:
            kept.append(rest)
    return kept


def _joined(spans: Iterable[Span], interval: Interval) -> tuple[Span, ...]:
    """Join spans in order that overlap, or between which no bar can open, where their source is one."""
    joined: list[Span] = []
    for span in spans:
        before = joined[-1] if joined else None
        if (
            before is None
            or before.source != span.source
            or holds_bar(before.last + 1, span.first - 1, interval)
        ):
            joined.append(span)
        else:
            joined[-1] = replace(before, last=max(before.last, span.last))
    return tuple(joined)
