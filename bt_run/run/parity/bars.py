"""
The bars of several live runs that went on from each other, joined into one series.

A run reads its history again, so most bars were seen by several runs. A bar belongs to the run that saw it
live; one that nobody saw live to the first that had it. What a bar was, and what the strategy made of it, is
taken from its owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.run.parity.sides import Cause, Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bt_run.core.interval import Interval
    from bt_run.core.market import IntArray
    from bt_run.journal.records import BarRecord
    from strategies.base import BoolArray

__all__ = ["JoinedBars", "join_bars"]


@dataclass(frozen=True, slots=True, eq=False)
class JoinedBars:
    """
    One series of bars, with what each run saw of it.

    `tradable` and `owner` (the position of a run) have shape (n,). `seen` are each run's own bars, `places`
    where those lie in the series. `ends` are the times at which the bars close, ms. `last_live` is each run's
    last tradable bar, -1 without one. `altered` are bars that a later run read with other prices.
    """

    bars: Bars
    interval: Interval
    tradable: BoolArray
    owner: IntArray
    seen: tuple[Bars, ...]
    places: tuple[IntArray, ...]
    ends: IntArray
    last_live: tuple[int, ...]
    altered: frozenset[int]

    @property
    def first_tradable(self) -> int:
        """The first bar that could be traded on; n where there is none."""
        live = np.flatnonzero(self.tradable)
        return int(live[0]) if len(live) else len(self.bars)

    @property
    def restarts(self) -> tuple[int, ...]:
        """The first bar that each later run saw live."""
        starts = [np.flatnonzero(self.tradable & (self.owner == run)) for run in range(1, len(self.seen))]
        return tuple(int(found[0]) for found in starts if len(found))

    def bar_at(self, time_ms: int) -> int:
        """Give the bar within which a time lies; n where it lies after the last, -1 before the first."""
        bar = int(np.searchsorted(self.bars.open_time, time_ms, side="right")) - 1
        return len(self.bars) if bar == len(self.bars) - 1 and time_ms >= self.ends[-1] else bar

    def closed_before(self, time_ms: int, *, slack_ms: int) -> int:
        """Give the last bar that had closed at a time, as far as two clocks agree; -1 where none had."""
        return int(np.searchsorted(self.ends, time_ms + slack_ms, side="right")) - 1

    def findings(self) -> list[Difference]:
        """Tell of bars that are missing, and of bars that were read with other prices."""
        found = [self._hole(before, missing) for before, missing in self._holes()]
        if self.altered:
            bar = min(self.altered)
            count = "a bar" if len(self.altered) == 1 else f"{len(self.altered):,} bars, this is the first"
            found.append(
                self._finding(
                    bar, Cause.DATA, "seen live", "read again", f"other prices the second time: {count}"
                )
            )
        return found

    def _holes(self) -> list[tuple[int, int]]:
        """Find what lies between bars that do not follow each other: (bar before, number of missing bars)."""
        length = self.interval.milliseconds
        if length is None:
            return []
        steps = np.diff(self.bars.open_time)
        return [(int(bar), int(steps[bar] // length) - 1) for bar in np.flatnonzero(steps > length)]

    def _hole(self, before: int, missing: int) -> Difference:
        bars = "1 bar is" if missing == 1 else f"{missing:,} bars are"
        return self._finding(
            before, Cause.MISSED_BAR, "not in the journal", "not replayed", f"{bars} missing after this one"
        )

    def _finding(self, bar: int, cause: Cause, live: str, backtest: str, note: str) -> Difference:
        return Difference(bar, int(self.bars.open_time[bar]), cause, "bar", live, backtest, note)


def join_bars(runs: Sequence[Sequence[BarRecord]], interval: Interval) -> JoinedBars | None:
    """Join the bars of runs, oldest run first; None where there are no bars at all."""
    owners: dict[int, tuple[int, BarRecord]] = {}
    altered_times = set()
    for run, records in enumerate(runs):
        for record in records:
            known = owners.get(record.open_time)
            if known is not None and _prices(known[1]) != _prices(record):
                altered_times.add(record.open_time)
            if known is None or (record.tradable and not known[1].tradable):
                owners[record.open_time] = (run, record)
    if not owners:
        return None
    ordered = [owners[time] for time in sorted(owners)]
    bars = _bars_of([record for _, record in ordered])
    place = {int(time): number for number, time in enumerate(bars.open_time)}
    return JoinedBars(
        bars=bars,
        interval=interval,
        tradable=np.array([record.tradable for _, record in ordered], dtype=np.bool_),
        owner=np.array([run for run, _ in ordered], dtype=np.int64),
        seen=tuple(_bars_of(records) for records in runs),
        places=tuple(_places_of(records, place) for records in runs),
        ends=_ends(bars, interval),
        last_live=tuple(_last_live(records, place) for records in runs),
        altered=frozenset(place[time] for time in altered_times),
    )


def _prices(record: BarRecord) -> tuple[float, ...]:
    return record.open, record.high, record.low, record.close


def _bars_of(records: Sequence[BarRecord]) -> Bars:
    rows = sorted(records, key=lambda record: record.open_time)
    columns = {name: [getattr(record, name) for record in rows] for name in BAR_COLUMNS[1:]}
    return Bars.of(np.array([record.open_time for record in rows], dtype=np.int64), **columns)


def _places_of(records: Iterable[BarRecord], place: Mapping[int, int]) -> IntArray:
    return np.array(sorted(place[record.open_time] for record in records), dtype=np.int64)


def _last_live(records: Iterable[BarRecord], place: Mapping[int, int]) -> int:
    return max((place[record.open_time] for record in records if record.tradable), default=-1)


def _ends(bars: Bars, interval: Interval) -> IntArray:
    if interval.milliseconds is not None:
        return bars.open_time + interval.milliseconds
    starts = [int(time) for time in bars.open_time]
    lengths = [after - before for before, after in pairwise(starts)]
    return np.array([*starts[1:], starts[-1] + (lengths[-1] if lengths else interval.approximate_ms)])
