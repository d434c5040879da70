"""How the same signal did before: moves after some bars, and round trips that ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import Bars, FloatArray
    from bt_run.run.signals.decisions import Decision, SignalKind

__all__ = ["HORIZONS", "Move", "PastRecord", "past_of"]

HORIZONS = (1, 5, 20)
"""After so many bars a signal's move is measured."""


@dataclass(frozen=True, slots=True)
class Move:
    """
    The move from the close of the signal's bar to the close `bars` later, in the direction of the signal.

    `median_pct` and `best_pct`, `worst_pct` are percent, > 0 a gain; None without cases. `gained` of `cases`
    were above 0.
    """

    bars: int
    cases: int
    gained: int
    median_pct: float | None
    best_pct: float | None
    worst_pct: float | None


@dataclass(frozen=True, slots=True)
class PastRecord:
    """
    The signals of one kind on the bars so far.

    `cases` counts them. `trips` of them ended with an exit, `winners` of which with a gain after fees, as a
    backtest counts: from the open after the signal to the open after the exit. `median_trip_pct` is theirs,
    None without any.
    """

    cases: int
    moves: tuple[Move, ...]
    trips: int
    winners: int
    median_trip_pct: float | None

    @property
    def winners_pct(self) -> float | None:
        """The share of winners among the round trips, percent; None without any."""
        return self.winners / self.trips * 100 if self.trips else None


def past_of(kind: SignalKind, decisions: Sequence[Decision], bars: Bars, *, fee: float) -> PastRecord:
    """
    Reckon how signals of a kind did.

    Args:
        kind: An entry.
        decisions: All so far, oldest first; each entry of the kind is a case.
        bars: All so far; a case counts for a horizon when that many bars have followed.
        fee: On both sides, 0.001 for 0.1 %.
    """
    sign = 1.0 if kind.startswith("long") else -1.0
    places = np.array([one.position for one in decisions if one.kind == kind], dtype=np.int64)
    moves = tuple(_move(places, bars.close, count, sign) for count in HORIZONS)
    trips = np.array(_trips(kind, decisions, bars, fee), dtype=np.float64)
    median = float(np.median(trips)) if len(trips) else None
    return PastRecord(len(places), moves, len(trips), int(np.sum(trips > 0.0)), median)


def _move(
    places: np.ndarray[tuple[int], np.dtype[np.int64]], close: FloatArray, bars: int, sign: float
) -> Move:
    known = places[places + bars < len(close)]
    moves = sign * (close[known + bars] / close[known] - 1.0) * 100.0
    if not len(moves):
        return Move(bars, 0, 0, None, None, None)
    gained = int(np.sum(moves > 0.0))
    return Move(bars, len(moves), gained, float(np.median(moves)), float(np.max(moves)), float(np.min(moves)))


def _trips(kind: SignalKind, decisions: Sequence[Decision], bars: Bars, fee: float) -> list[float]:
    """Give the net result of each round trip that has ended, percent of its cost."""
    results: list[float] = []
    entry: int | None = None
    for decision in decisions:
        if decision.kind == kind:
            entry = decision.position + 1
        elif entry is not None and decision.is_long == kind.startswith("long") and not decision.is_entry:
            leave = decision.position + 1
            if leave < len(bars):
                results.append(_result(float(bars.open[entry]), float(bars.open[leave]), kind, fee))
            entry = None
    return results


def _result(bought: float, sold: float, kind: SignalKind, fee: float) -> float:
    gain = sold - bought if kind.startswith("long") else bought - sold
    return (gain - fee * (bought + sold)) / bought * 100.0
