"""After how many bars does it no longer matter where the data began?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import StrategyError
from bt_run.run.doctor.finding import Finding
from bt_run.run.strategy_check.cuts import choose_starts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bt_run.run.strategy_check.subject import Arrays, Subject

__all__ = ["CLOSE_ENOUGH", "Settling", "check_warm_up", "judge_settling", "settling_of"]

CLOSE_ENOUGH = 1e-4
"""Curves count as settled where they differ by less than this part of their whole range."""

_STARTS = 12
_TAIL = 0.9
"""What still differs in the last tenth of the data counts as never settled."""


@dataclass(frozen=True, slots=True)
class Settling:
    """
    Bars from the start until decisions, and until curves, are as if data had begun earlier.

    None: not within these data. `starts`: how many later starts were compared; the slowest counts.
    """

    decisions: int | None
    curves: int | None
    starts: int

    @property
    def needed(self) -> int | None:
        """The larger of the two; None where the decisions do not settle."""
        return None if self.decisions is None else max(self.decisions, self.curves or 0)


def check_warm_up(subject: Subject, whole: Arrays) -> Finding:
    """Compare the signals of suffixes with the suffix of the signals, against the history of a live run."""
    bars = subject.data.bars
    starts = choose_starts(len(bars), most=_STARTS)
    try:
        later = [(start, subject.arrays(bars[start:])) for start in starts]
    except StrategyError as error:
        return Finding("Warm-up", "failed", f"It fails on later bars alone: {error.problem}")
    if not later:
        return Finding("Warm-up", "left out", "There are too few bars to begin later.")
    return judge_settling(settling_of(whole, later), subject.history)


def settling_of(whole: Arrays, later: Iterable[tuple[int, Arrays]]) -> Settling:
    """
    Measure when arrays of data that begin at a later bar agree with those of all bars.

    Args:
        whole: Arrays of all bars, shape (n,); booleans are decisions, floats curves.
        later: (start, arrays of the bars from there on, shape (n - start,)).
    """
    decisions: list[int | None] = []
    curves: list[int | None] = []
    count = 0
    for start, arrays in later:
        count += 1
        for name, array in arrays.items():
            if name in whole:
                into = decisions if array.dtype == np.bool_ else curves
                into.append(_settled(whole[name][start:], array, _scale(whole[name])))
    return Settling(_slowest(decisions), _slowest(curves), count)


def judge_settling(found: Settling, history: int) -> Finding:
    """Say what was measured, and whether the history of a live run is enough."""
    if found.needed is None:
        text = f"Decisions still depend on where the data began after all bars of {found.starts} later starts."
        advice = "A live run begins with its history, so it will not decide as this backtest did."
        return Finding("Warm-up", "warning", text, advice)
    text = f"Decisions no longer depend on the start after {found.decisions:,} bars"
    if found.curves is None:
        words = f"{text}, but curves still do at the end of the data, so that may be chance."
        return Finding("Warm-up", "warning", words, "Give more data; a running total never settles.")
    text = f"{text}, curves after {found.curves:,}."
    if found.needed > history:
        enough = math.ceil(found.needed / 100) * 100
        return Finding(
            "Warm-up", "warning", text, f"Give bt-run live --history {enough}; {history:,} is not enough."
        )
    return Finding("Warm-up", "ok", f"{text} The history of {history:,} is enough.")


def _scale(array: np.ndarray[Any, Any]) -> float:
    """Give the range of a curve, and 0 for decisions."""
    known = array[np.isfinite(array)] if array.dtype != np.bool_ else array[:0]
    return float(np.ptp(known)) if len(known) else 0.0


def _settled(earlier: np.ndarray[Any, Any], later: np.ndarray[Any, Any], scale: float) -> int | None:
    """Give how many bars differ until the last that does; None where that is near the end."""
    if later.dtype == np.bool_:
        away = earlier != later
    else:
        away = ~np.isclose(earlier, later, rtol=0.0, atol=CLOSE_ENOUGH * scale, equal_nan=True)
    places = np.flatnonzero(away)
    if not len(places):
        return 0
    last = int(places[-1]) + 1
    return last if last <= _TAIL * len(later) else None


def _slowest(found: list[int | None]) -> int | None:
    return None if None in found else max((each for each in found if each is not None), default=0)
