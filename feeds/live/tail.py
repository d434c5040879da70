"""Bars that grow at their end, as arrays that are not copied bar by bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.market import BAR_COLUMNS, Bars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import FloatArray, IntArray
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
        self._cells = _cells(self._times, self._values)
        self._newest: Row = ()
        self._newest_at = -1
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

    def row(self, number: int) -> tuple[int, tuple[float, ...]]:
        """Give a bar: its open time, ms since 1970 UTC, and the other columns in the order of BAR_COLUMNS."""
        if number == self._newest_at:  # an order waits for it, and reading arrays is slow
            return int(self._newest[0]), self._newest[1:]
        return int(self._times[number]), tuple(self._values[:, number].tolist())

    def open_time(self, number: int) -> int:
        """Give the open time of a bar, ms since 1970 UTC."""
        return int(self._times[number])

    def _write(self, rows: Sequence[Row]) -> None:
        first, end = self._closed, self._closed + len(rows)
        self._grow(end)
        if len(rows) == 1:  # an order waits for it, and to make an array of it takes three times as long
            self._write_one(first, rows[0])
        else:
            self._times[first:end] = [int(row[0]) for row in rows]
            self._values[:, first:end] = np.array([row[1:] for row in rows], dtype=np.float64).T
        if rows:
            self._newest_at, self._newest = end - 1, rows[-1]
        self._bars = None

    def _write_one(self, number: int, row: Row) -> None:
        times, *columns = self._cells
        times[number] = int(row[0])
        for column, value in zip(columns, row[1:], strict=True):
            column[number] = value

    def _grow(self, wanted: int) -> None:
        room = len(self._times)
        if wanted <= room:
            return
        while room < wanted:
            room *= 2
        times, values = np.empty(room, dtype=np.int64), np.empty((len(self._values), room), dtype=np.float64)
        times[: self._closed] = self._times[: self._closed]
        values[:, : self._closed] = self._values[:, : self._closed]
        self._times, self._values, self._cells = times, values, _cells(times, values)


def _cells(times: IntArray, values: FloatArray) -> tuple[Any, ...]:
    """Give the columns as views of memory, which take a number sooner than arrays."""
    return (times.data, *(column.data for column in values))
