"""Bars and intervals: market data as plain arrays."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["BAR_COLUMNS", "BINANCE_INTERVALS", "BarFile", "Bars", "Interval", "iso_utc"]

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_UNIT_ORDER = "smhdwM"

BINANCE_INTERVALS = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip
"""The sixteen intervals that Binance serves (GET /api/v3/klines, read 2026-07-21)."""


def iso_utc(time_ms: int) -> str:
    """Write a time in ms since 1970 UTC as ISO 8601, with milliseconds only where there are any."""
    moment = datetime.fromtimestamp(time_ms / 1000, tz=UTC)
    spec = "milliseconds" if time_ms % 1000 else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, order=False)
class Interval:
    """
    The time from one bar's open to the next: a count and a unit, as in ``15m`` or ``1M``.

    Units: s, m (minute), h, d, w (from Monday), M (calendar month). The sixteen that Binance serves are
    `BINANCE_INTERVALS`; a file may hold others.
    """

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read ``15m``, ``1M``, Binance's archive spelling ``1mo``. Raises ConfigError."""
        match = re.fullmatch(r"([1-9]\d{0,3})(s|m|h|d|w|M|mo|D|H|W)", text.strip())
        if match is None:
            raise ConfigError(
                f"{text!r} is not an interval. Write a count and a unit, such as 1m, 4h, 1d; "
                f"Binance serves {' '.join(BINANCE_INTERVALS)}."
            )
        unit = {"mo": "M", "D": "d", "H": "h", "W": "w"}.get(match[2], match[2])
        return cls(int(match[1]), unit)

    @property
    def milliseconds(self) -> int | None:
        """The exact length in ms; None for months, which have no fixed length."""
        return None if self.unit == "M" else self.count * _UNIT_MS[self.unit]

    @property
    def approximate_ms(self) -> int:
        """The length in ms, counting a month as 30 days: for display and density, never for arithmetic."""
        return self.milliseconds or self.count * 30 * _UNIT_MS["d"]

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """
    Closed bars of one symbol, oldest first.

    Every array has shape (n,), n >= 0, is C-contiguous and must not be written to. `open_time` is
    int64, ms since 1970 UTC, strictly increasing, and labels the bar. The others are float64; prices
    are > 0 in quote currency, volumes >= 0, NaN where the source does not tell.
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

    @classmethod
    def of(cls, open_time: npt.ArrayLike, **columns: npt.ArrayLike) -> Bars:
        """Build bars from any array-likes; volume columns that are not given become NaN."""
        times = np.ascontiguousarray(open_time, dtype=np.int64)
        values = {
            name: np.ascontiguousarray(columns[name], dtype=np.float64)
            if name in columns
            else np.full(times.shape, np.nan)
            for name in BAR_COLUMNS[1:]
        }
        return cls(times, **values)

    def __len__(self) -> int:
        return int(self.open_time.shape[0])

    def __getitem__(self, window: slice) -> Bars:
        """Take a slice; the arrays are views, not copies (copied only where a step makes gaps)."""
        return Bars(*(np.ascontiguousarray(getattr(self, name)[window]) for name in BAR_COLUMNS))

    def between(self, start_ms: int | None, end_ms: int | None) -> Bars:
        """Keep the bars with start <= open_time <= end; None leaves that side open."""
        first = 0 if start_ms is None else int(np.searchsorted(self.open_time, start_ms, side="left"))
        last = len(self) if end_ms is None else int(np.searchsorted(self.open_time, end_ms, side="right"))
        return self[first:last]


BAR_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Bars))
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
