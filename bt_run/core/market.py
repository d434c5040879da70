"""Bars: market data as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.clock import iso_utc
from bt_run.core.interval import BINANCE_INTERVALS, Interval

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from bt_run.core.order_flow import OrderFlow

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["BAR_COLUMNS", "BINANCE_INTERVALS", "BarFile", "Bars", "Interval", "iso_utc"]


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """
    Closed bars of one symbol, oldest first.

    Every array has shape (n,), n >= 0, is C-contiguous and must not be written to. `open_time` is
    int64, ms since 1970 UTC, strictly increasing, and labels the bar. The others are float64; prices
    are > 0 in quote currency, volumes >= 0, NaN where the source does not tell. `flow` is the order flow
    of the same n bars where it was recorded, None otherwise; files of bars do not hold it.
    """

    open_time: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    quote_volume: FloatArray
    trades: FloatArray
    taker_buy_volume: FloatArray
    taker_buy_quote_volume: FloatArray
    flow: OrderFlow | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, open_time: npt.ArrayLike, **columns: npt.ArrayLike) -> Bars:
        """Build bars from any array-likes; volume columns that are not given become NaN."""
        times = np.ascontiguousarray(open_time, dtype=np.int64)
        values = (
            np.ascontiguousarray(columns[name], dtype=np.float64)
            if name in columns
            else np.full(times.shape, np.nan)
            for name in BAR_COLUMNS[1:]
        )
        return cls(times, *values)

    def __len__(self) -> int:
        return int(self.open_time.shape[0])

    def __getitem__(self, window: slice) -> Bars:
        """Take a slice; the arrays are views, not copies (copied only where a step makes gaps)."""
        kept = (np.ascontiguousarray(getattr(self, name)[window]) for name in BAR_COLUMNS)
        return Bars(*kept, flow=None if self.flow is None else self.flow[window])

    def with_flow(self, flow: OrderFlow) -> Bars:
        """Give the same bars with their order flow. Raises ValueError where it is of another number of bars."""
        if len(flow) != len(self):
            raise ValueError(f"order flow of {len(flow)} bars does not fit {len(self)} bars")
        return replace(self, flow=flow)

    def between(self, start_ms: int | None, end_ms: int | None) -> Bars:
        """Keep the bars with start <= open_time <= end; None leaves that side open."""
        first = 0 if start_ms is None else int(np.searchsorted(self.open_time, start_ms, side="left"))
        last = len(self) if end_ms is None else int(np.searchsorted(self.open_time, end_ms, side="right"))
        return self[first:last]


BAR_COLUMNS: tuple[str, ...] = tuple(column.name for column in fields(Bars) if column.name != "flow")
"""The columns of `Bars` in order, which is the order of our own CSV files."""


@dataclass(frozen=True, slots=True, eq=False)
class BarFile:
    """
    Bars with their origin: what a file held and what was found about it while it was read.

    `sha256` is the hex digest of the file as it lies on the disk. `warnings` are sentences for the
    user (gaps, dropped duplicates). `note` is one short line that must be shown wherever the numbers
    are shown ("synthetic data"), empty for ordinary data.
    """

    path: Path
    symbol: str
    interval: Interval
    bars: Bars
    sha256: str
    format: str = ""
    warnings: tuple[str, ...] = ()
    note: str = ""

    @property
    def title(self) -> str:
        """Symbol and interval, as plots and tables show them: ``BTCUSDT 1d``."""
        return f"{self.symbol} {self.interval}"
