"""Intervals: the time from one bar to the next."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bt_run.core.errors import ConfigError

__all__ = ["BINANCE_INTERVALS", "Interval"]

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

BINANCE_INTERVALS = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip
"""The sixteen intervals that Binance serves (GET /api/v3/klines, read 2026-07-21)."""


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
