"""What the signal desk tells: signals, what they are worth while they last, how they ended. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.run.signals.decisions import SignalKind
    from bt_run.run.signals.past import PastRecord
    from bt_run.run.signals.sizing import Sizing

__all__ = ["DeskEvent", "Potential", "SignalEnded", "SignalSeen"]


@dataclass(frozen=True, slots=True)
class SignalSeen:
    """
    A signal at the close of a bar.

    `open_time` labels the bar, `time_ms` is its end (ms since 1970 UTC), `price` its close in quote asset.
    `values` are the indicators at that bar, NaN while they warm up. `sizing` and `past` are an entry's, None
    for an exit. `is_late` tells that the bar came too late to act on it, such as after a lost connection;
    `is_history`, that it lies before the desk was opened.
    """

    symbol: str
    interval: str
    strategy: str
    kind: SignalKind
    position: int
    open_time: int
    time_ms: int
    price: float
    values: Mapping[str, float]
    sizing: Sizing | None = None
    past: PastRecord | None = None
    is_late: bool = False
    is_history: bool = False

    @property
    def is_entry(self) -> bool:
        """Tell whether it opens something."""
        return self.kind.endswith("entry")

    @property
    def is_long(self) -> bool:
        """Tell whether it is about a long."""
        return self.kind.startswith("long")

    @property
    def buys(self) -> bool:
        """Tell whether it buys: longs are entered, shorts are left by buying."""
        return self.is_long == self.is_entry


@dataclass(frozen=True, slots=True)
class Potential:
    """
    What an entry is worth at `time_ms` and `price`, `bars` closed bars after it.

    Percentages are of the signal's price and > 0 for a gain, as are `amount` (before fees) and `net` (after the
    fees of both sides), in quote asset. `best_pct` and `worst_pct` are the extremes since the signal.
    `break_even` is the price at which the round trip ends without gain or loss.
    """

    signal: SignalSeen
    time_ms: int
    price: float
    bars: int
    now_pct: float
    best_pct: float
    worst_pct: float
    amount: float
    net: float
    break_even: float


@dataclass(frozen=True, slots=True)
class SignalEnded:
    """An entry came to its exit; `result` is what it was worth then."""

    signal: SignalSeen
    result: Potential


DeskEvent = SignalSeen | Potential | SignalEnded
