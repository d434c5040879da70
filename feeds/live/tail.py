"""Bars that grow at their end, as arrays that are not copied bar by bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.daynumber import day_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feeds.live.outcomes import Row

__all__ = ["Tail"]

_FIRST = 1024  # bars that fit in before the arrays grow for the first time; then they double


class Tail:
    """
    The bars that are certain, and at the end perhaps one that is still forming.

    `bars` gives views: an earlier view keeps its length, and its closed bars never change. The value of the
    forming bar does, until it is closed.
    """

    def __init__(self) -> None:
        self._times = np.empty(_FIRST, dtype=np.int64)
        self._values = np.empty((len(BAR_COLUMNS) - 1, _FIRST), dtype=np.float64)
        self._closed = 0
        self._bars: Bars | None = None
        self.is_forming = False

    def __len__(self) -> int:
        """Give the number of closed bars."""
        return self._closed

    def extend(self, rows: Sequence[Row]) -> None:
        """Append closed bars; the first takes the place of the forming one."""
        self.is_forming = False
        self._write(rows)
        self._closed += len(rows)

    def form(self, row: Row) -> None:
        """Put the state of the forming bar behind the closed ones, in the place of its last state."""
        self._write((row,))
        self.is_forming = True

    def bars(self) -> Bars:
        """Give all bars, the forming one too."""
        if self._bars is None:
            end = self._closed + self.is_forming
            self._bars = Bars(self._times[:end], *(column[:end] for column in self._values))
        return self._bars

    def line_values(self, number: int) -> tuple[float, ...]:
        """Give a bar as Backtrader's lines hold it: the day number of its open, then the other columns."""
        return (day_number(int(self._times[number])), *self._values[:, number].tolist())

    def row(self, number: int) -> tuple[int, tuple[float, ...]]:
        """Give a bar: its open time, ms since 1970 UTC, and the other columns in the order of BAR_COLUMNS."""
        return int(self._times[number]), tuple(self._values[:, number].tolist())

    def open_time(self, number: int) -> int:
        """Give the open time of a bar, ms since 1970 UTC."""
        return int(self._times[number])

    def _write(self, rows: Sequence[Row]) -> None:
        first, end = self._closed, self._closed + len(rows)
        self._grow(end)
        self._times[first:end] = [int(row[0]) for row in rows]
        self._values[:, first:end] = np.array([row[1:] for row in rows], dtype=np.float64).T
        self._bars = None

    def _grow(self, wanted: int) -> None:
        room = len(self._times)
        if wanted <= room:
            return
        while room < wanted:
            room *= 2
        times, values = np.empty(room, dtype=np.int64), np.empty((len(self._values), room), dtype=np.float64)
        times[: self._closed] = self._times[: self._closed]
        values[:, : self._closed] = self._values[:, : self._closed]
        self._times, self._values = times, values
