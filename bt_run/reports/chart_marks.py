"""What is pointed out on a chart of bars: signals, and liquidations; for pictures and for pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import Bars

__all__ = ["ChartMark", "MarkKind", "marks_within"]

MarkKind = Literal[
    "long entry", "long exit", "short entry", "short exit", "long liquidation", "short liquidation"
]


@dataclass(frozen=True, slots=True)
class ChartMark:
    """
    One thing that happened: when (ms since 1970 UTC), at which price, and what.

    `text` is shown beside it in a picture and when it is pointed at in a page; `label`, a few letters, beside
    it in a page. Any text: both are escaped.
    A long liquidation is a long position that the exchange closed, which sells.
    """

    time_ms: int
    price: float
    kind: MarkKind
    text: str = ""
    label: str = ""

    @property
    def buys(self) -> bool:
        """Tell whether it buys: longs are entered, shorts are left or liquidated by buying."""
        return self.kind in ("long entry", "short exit", "short liquidation")

    @property
    def is_liquidation(self) -> bool:
        """Tell a liquidation from a signal."""
        return self.kind.endswith("liquidation")


def marks_within(bars: Bars, marks: Sequence[ChartMark]) -> list[tuple[int, ChartMark]]:
    """
    Give each mark that falls on one of the bars, with the bar's position in 0..n-1, in the order of time.

    A mark belongs to the last bar that opened at its time or before; marks before the first bar are left
    out, and those later than one bar after the last.
    """
    if not len(bars):
        return []
    step = int(np.median(np.diff(bars.open_time))) if len(bars) > 1 else 0
    end_ms = int(bars.open_time[-1]) + step
    found = []
    for mark in sorted(marks, key=lambda mark: mark.time_ms):
        position = int(np.searchsorted(bars.open_time, mark.time_ms, side="right")) - 1
        if position >= 0 and mark.time_ms <= end_ms:
            found.append((position, mark))
    return found
