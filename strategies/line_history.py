"""The bars in the lines of any Backtrader feed, as arrays that grow with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import StrategyError
from bt_run.core.market import BAR_COLUMNS, Bars

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray, IntArray

__all__ = ["LineHistory"]

_EPOCH_DAY = 719_163  # datetime.date(1970, 1, 1).toordinal(): Backtrader counts days from year 1
_DAY_MS = 86_400_000


class LineHistory:
    """
    Every bar that a feed has delivered or loaded, as `Bars`.

    Each bar is copied once, when it is new: no array can look into a line's own memory for longer than a
    moment, because the line could not grow meanwhile. What the feed has no line for is NaN.
    """

    def __init__(self, data: Any, *, wanted_by: str) -> None:
        self._data = data
        self._wanted_by = wanted_by
        self._names = [name for name in BAR_COLUMNS[1:] if hasattr(data.lines, name)]
        self._count = 0
        self._times: IntArray = np.empty(0, dtype=np.int64)
        self._columns: dict[str, FloatArray] = {name: np.empty(0) for name in BAR_COLUMNS[1:]}

    def bars(self) -> Bars:
        """
        Give all bars so far, as views that stay as they are while more bars come.

        Only a bar that is replayed changes in them, because it changes in the feed: the last one.

        Raises:
            StrategyError: the feed forgets old bars (``exactbars``).
        """
        times = self._data.lines.datetime
        if times.mode == times.QBuffer:
            raise StrategyError(
                f"{self._wanted_by} needs every bar since the start, and this run forgets old ones. "
                f"Run it without exactbars."
            )
        count = times.buflen()  # the arrays may be longer: indicators may have extended them into the future
        if count > len(self._times):
            self._grow(max(count, 2 * len(self._times)))
        new = slice(max(0, min(self._count, len(times) - 1)), count)
        days = np.frombuffer(times.array, dtype=np.float64)[new]
        self._times[new] = np.rint((days - _EPOCH_DAY) * _DAY_MS)
        for name in self._names:
            line = getattr(self._data.lines, name)
            self._columns[name][new] = np.frombuffer(line.array, dtype=np.float64)[new]
        self._count = count
        return Bars(self._times[:count], *(column[:count] for column in self._columns.values()))

    def _grow(self, capacity: int) -> None:
        def longer(old: Any, filled: Any) -> Any:
            new = np.full(capacity, filled, dtype=old.dtype)
            new[: self._count] = old[: self._count]
            return new

        self._times = longer(self._times, 0)
        self._columns = {name: longer(column, np.nan) for name, column in self._columns.items()}
