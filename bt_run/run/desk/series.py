"""One symbol and interval as it stands: closed bars, the forming one, and how fresh it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.live.outcomes import Phase
from feeds.live.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feeds.live.outcomes import Row

__all__ = ["Series", "SeriesKey"]

MOST_BARS = 200_000
"""A series grows backwards no further than this."""


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Which series: symbol and interval as the exchange writes them."""

    symbol: str
    interval: str

    def __str__(self) -> str:
        return f"{self.symbol}@{self.interval}"


class Series:
    """
    Changed in one thread only.

    `edition` grows when bars were put in front, so that what was computed of the old ones is known to be stale.
    """

    def __init__(self, key: SeriesKey) -> None:
        self.key = key
        self.phase = Phase.WARMUP
        self.edition = 0
        self._tail = Tail()
        self._forming: Row | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the history has come."""
        return len(self._tail) > 0

    @property
    def forming(self) -> Row | None:
        """The state of the open bar, None where none is known."""
        return self._forming

    def __len__(self) -> int:
        """Give the number of closed bars."""
        return len(self._tail)

    @property
    def first_open(self) -> int | None:
        """Open time of the oldest bar, ms UTC."""
        return self._tail.open_time(0) if len(self._tail) else None

    def close(self, rows: Sequence[Row]) -> None:
        """Append closed bars, oldest first."""
        self._tail.extend(rows)
        if self._forming is not None and int(self._forming[0]) <= int(rows[-1][0]):
            self._forming = None

    def form(self, row: Row) -> None:
        """Take the state of the open bar."""
        self._tail.form(row)
        self._forming = row

    def put_in_front(self, older: Bars) -> int:
        """
        Put older bars before the first; those that are not older are left out. Gives how many were put.

        Raises:
            ValueError: the series has no bars yet.
        """
        first = self.first_open
        if first is None:
            raise ValueError(f"{self.key} has no bars to put others before")
        older = older[: int(np.searchsorted(older.open_time, first, side="left"))]
        older = older[max(0, len(older) - (MOST_BARS - len(self))) :]
        if not len(older):
            return 0
        closed = self.closed()
        grown = Tail()
        grown.extend(_rows(older))
        grown.extend(_rows(closed))
        if self._forming is not None:
            grown.form(self._forming)
        self._tail = grown
        self.edition += 1
        return len(older)

    def bars(self) -> Bars:
        """Give all bars, the forming one too, as a strategy would see them now."""
        return self._tail.bars()

    def closed(self) -> Bars:
        """Give the closed bars."""
        return self._tail.bars()[: len(self._tail)]


def _rows(bars: Bars) -> list[Row]:
    values = np.column_stack([getattr(bars, name) for name in BAR_COLUMNS[1:]]).tolist()
    return [(int(time), *row) for time, row in zip(bars.open_time.tolist(), values, strict=True)]
