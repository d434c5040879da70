"""Backtrader data from arrays: the bars go straight into the lines' buffers."""

from __future__ import annotations

import logging
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from bt_run.core.market import BAR_COLUMNS, Bars, Interval
from feeds.csv_file import read_bars
from feeds.daynumber import day_numbers
from feeds.locate import find_data
from feeds.table.buffer import as_line_buffer, copied_buffer, unknown_floats

if TYPE_CHECKING:
    import numpy.typing as npt

    from bt_run.core.market import BarFile, FloatArray

    BoolArray = npt.NDArray[np.bool_]

__all__ = ["ArrayFeed", "CsvFeed", "timeframe_of"]

_log = logging.getLogger(__name__)

_TIMEFRAMES = {
    "s": (bt.TimeFrame.Seconds, 1),
    "m": (bt.TimeFrame.Minutes, 1),
    "h": (bt.TimeFrame.Minutes, 60),
    "d": (bt.TimeFrame.Days, 1),
    "w": (bt.TimeFrame.Weeks, 1),
    "M": (bt.TimeFrame.Months, 1),
}


def timeframe_of(interval: Interval) -> tuple[int, int]:
    """Give Backtrader's timeframe and compression: ``4h`` is (Minutes, 240)."""
    timeframe, factor = _TIMEFRAMES[interval.unit]
    return timeframe, factor * interval.count


def _tick(line: str) -> property:
    """
    Make the attribute ``tick_<line>``: the line's value at the last bar that was delivered, None before it.

    Backtrader sets one attribute per line and bar, twice; here one number per bar is kept, and the value is
    looked up when somebody asks.
    """

    def get(self: Any) -> float | None:
        if not self._plain:
            return self._ticks.get(line)  # type: ignore[no-any-return]
        row = self._tick_row
        return None if row is None else getattr(self.lines, line).array[row]

    def put(self: Any, value: float | None) -> None:
        self._ticks[line] = value

    return property(get, put)


class ArrayFeed(bt.feed.DataBase):  # type: ignore[misc]  # backtrader ships no types
    """
    A Backtrader data feed made of `Bars`.

    ``ArrayFeed(bars, interval=Interval.parse("1h"), name="BTCUSDT")``; timeframe and compression follow from
    the interval. Beside Backtrader's own lines it has quote_volume, trades, taker_buy_volume and
    taker_buy_quote_volume; what the source does not tell is NaN, as is openinterest.

    Where Cerebro preloads, the lines take over the arrays' memory, or a copy where fromdate or todate cut
    something off: do not write into the lines of such a feed. `loaded` then holds the very bars that the
    lines hold, for strategies that compute on arrays; it is None before the preload and without one.

    With filters, resampling, replaying, ``tzinput``, ``preload=False`` or ``exactbars=1`` the bars are
    delivered one by one, as Backtrader wants it there.

    `last_is_live` and `last_is_closed` say of the current bar what those of a live feed say, so that a strategy
    that asks for them runs in a backtest, too. Every bar is live, but where `tradable` (boolean, shape (n,))
    names those that are.
    """

    lines: Any = ("quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")

    tick_close = _tick("close")
    tick_low = _tick("low")
    tick_high = _tick("high")
    tick_open = _tick("open")
    tick_volume = _tick("volume")
    tick_openinterest = _tick("openinterest")
    tick_quote_volume = _tick("quote_volume")
    tick_trades = _tick("trades")
    tick_taker_buy_volume = _tick("taker_buy_volume")
    tick_taker_buy_quote_volume = _tick("taker_buy_quote_volume")

    def __init__(self, bars: Bars, *, interval: Interval) -> None:
        super().__init__()
        self.bars = bars
        self.interval = interval
        self.p.timeframe, self.p.compression = timeframe_of(interval)
        self.loaded: Bars | None = None
        self.tradable: BoolArray | None = None
        self._row = 0
        self._plain = False
        self._ticks: dict[str, float | None] = {}
        self._tick_row: int | None = None
        self._buffers: list[Any] = list(self.lines.lines)

    @property
    def last_is_live(self) -> bool:
        """Tell whether the current bar may be traded on."""
        return self.tradable is None or bool(self.tradable[len(self) - 1])

    @property
    def last_is_closed(self) -> bool:
        """Tell whether the current bar is final: each is."""
        return True

    @property
    def tick_last(self) -> float | None:
        """The close of the last bar that was delivered; None before it."""
        return self.tick_close  # type: ignore[no-any-return]

    @tick_last.setter
    def tick_last(self, value: float | None) -> None:
        """Take what Backtrader sets: always the value of tick_close."""

    def start(self) -> None:
        """Begin before the first bar; called by Cerebro at each run."""
        super().start()
        self.loaded = None
        self._row = 0
        self._ticks = {}
        self._tick_row = None
        self._plain = not (self.resampling or self.replaying)
        self._buffers = list(self.lines.lines)
        self._days: Any = day_numbers(self.bars.open_time)

    def stop(self) -> None:
        """Let go of what only a run needs."""
        super().stop()
        self._days = None

    def qbuffer(self, savemem: int = 0, replaying: bool = False) -> None:
        """Switch to buffers that keep the last bars only (``exactbars=1``); ticks are then kept apart."""
        super().qbuffer(savemem=savemem, replaying=replaying)
        self._plain = False

    def preload(self) -> None:
        """Fill the lines with the bars from fromdate to todate, at once where nothing looks at single bars."""
        if self._filters or self._tzinput or not self._plain or any(line.bindings for line in self._buffers):
            super().preload()
            return
        first = int(np.searchsorted(self._days, self.fromdate, side="left"))
        last = int(np.searchsorted(self._days, self.todate, side="right"))
        self.loaded = self.bars if last - first == len(self.bars) else self.bars[first:last]
        for name in self.getlinealiases():
            line = getattr(self.lines, name)
            line.array = self._buffer(line, self._column(name, first, last))
        self._row = len(self.bars)
        self._days = None
        self.home()

    def _column(self, name: str, first: int, last: int) -> FloatArray:
        if name == "openinterest":
            return unknown_floats(last - first)
        values: FloatArray = self._days if name == "datetime" else getattr(self.bars, name)
        return values if last - first == len(values) else values[first:last]

    def _buffer(self, line: Any, values: FloatArray) -> array[float]:
        """Give a line its buffer: shared, unless Backtrader will lengthen it (oldsync, room to look ahead)."""
        if line.extension or self._env.p.oldsync:
            buffer = copied_buffer(values)
            buffer.extend(array("d", [float("nan")]) * line.extension)
            return buffer
        return as_line_buffer(values)

    def load(self) -> Any:
        """Deliver the next bar; False at the end, where lines that were filled at once are left alone."""
        return False if self.loaded is not None else super().load()

    def _load(self) -> bool:
        """Deliver the next bar into position 0 of the lines; False at the end."""
        row = self._row
        if row >= len(self.bars):
            return False
        self.lines.datetime[0] = self._days.item(row)
        for name in BAR_COLUMNS[1:]:
            getattr(self.lines, name)[0] = getattr(self.bars, name).item(row)
        self._row = row + 1
        return True

    def __len__(self) -> int:
        return self._buffers[0].lencount  # type: ignore[no-any-return]  # asked five times a bar; three calls less

    def advance_peek(self) -> float:
        """Give the time of the next loaded bar, infinity after the last; asked once a bar."""
        if not self._plain:
            return super().advance_peek()  # type: ignore[no-any-return]
        times = self.lines.datetime
        if times.lencount < len(times.array) - times.extension:
            return times.array[times.idx + 1]  # type: ignore[no-any-return]
        return float("inf")

    def advance(self, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
        """Move to the next loaded bar; what Backtrader does, without its detours where no master data leads."""
        if datamaster is not None or not self._plain:
            super().advance(size, datamaster, ticks)
            return
        for line in self._buffers:
            line._idx += size  # the property adds a check that plain buffers do not need
            line.lencount += size
        if ticks:
            clock = self._buffers[0]
            self._tick_row = clock.idx if clock.lencount < clock.buflen() else None

    def _tick_nullify(self) -> None:
        if self._plain:
            self._tick_row = None
        else:
            super()._tick_nullify()

    def _tick_fill(self, force: bool = False) -> None:
        if not self._plain:
            super()._tick_fill(force)
        elif force or self._tick_row is None:
            self._tick_row = self._buffers[0].idx


class CsvFeed(ArrayFeed):
    """
    A Backtrader data feed made of a file of bars, in any format that `feeds.read_bars` reads.

    ``cerebro.adddata(CsvFeed("btc_1d.csv"))``. The file is found as `feeds.find_data` finds it and read when
    the feed is made. `symbol` and `interval` are inferred unless given. What was noticed (gaps, dropped
    duplicates) is in the attribute `warnings` and is logged; `file` holds the `BarFile`. The parameters of
    every Backtrader feed (fromdate, todate, name, tz, ...) are taken as well.

    Raises:
        DataError: the file is not there or cannot be used.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        symbol: str | None = None,
        interval: str | Interval | None = None,
        data_dir: str | Path | None = None,
    ) -> None:
        wanted = Interval.parse(interval) if isinstance(interval, str) else interval
        name = path if path is not None else self.p.dataname
        if name is None:
            raise TypeError("CsvFeed needs the name of a file")
        found = find_data(name, data_dir=None if data_dir is None else Path(data_dir))
        self.file: BarFile = read_bars(found, symbol=symbol, interval=wanted)
        self.warnings = self.file.warnings
        super().__init__(self.file.bars, interval=self.file.interval)
        self._name = self.p.name or self.file.symbol
        for sentence in self.warnings:
            _log.warning("%s: %s", found, sentence)
