"""Is it a function of the bars alone? The same bars twice, bars that must stay as they are, very few bars."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.errors import StrategyError
from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.run.doctor.finding import Finding

if TYPE_CHECKING:
    from bt_run.run.strategy_check.subject import Arrays, Subject

__all__ = ["check_determinism", "check_few_bars", "check_untouched"]


def check_determinism(subject: Subject, whole: Arrays) -> Finding:
    """Compute the signals of the same bars again, with other bars in between."""
    bars = subject.data.bars
    with contextlib.suppress(StrategyError):  # how it takes fewer bars is another check's business
        subject.arrays(bars[: max(1, len(bars) // 2)])
    try:
        again = subject.arrays(bars)
    except StrategyError as error:
        return Finding("Determinism", "failed", f"It fails when it is asked again: {error.problem}")
    for name, array in whole.items():
        other = again.get(name)
        if other is None or not np.array_equal(array, other, equal_nan=array.dtype != np.bool_):
            places = np.flatnonzero(array != other) if other is not None else np.array([0])
            text = (
                f"The same bars give another {name} the second time, first at {subject.when(int(places[0]))}."
            )
            advice = "Chance, the clock and what was kept from the last call must not decide."
            return Finding("Determinism", "failed", text, advice)
    return Finding("Determinism", "ok", "The same bars give the same signals, with other bars in between.")


def check_untouched(subject: Subject) -> Finding:
    """Compute the signals of a copy of the bars, and see whether the copy stayed as it was."""
    bars = subject.data.bars
    copied = Bars(*(getattr(bars, name).copy() for name in BAR_COLUMNS))
    subject.arrays_of(copied)
    for name in BAR_COLUMNS:
        if not np.array_equal(getattr(copied, name), getattr(bars, name), equal_nan=True):
            text = f"It changes bars.{name}, which other strategies and the fills are made of."
            return Finding("Bars kept", "failed", text, f"Work on bars.{name}.copy().")
    return Finding("Bars kept", "ok", "It reads the bars and leaves them as they are.")


def check_few_bars(subject: Subject) -> Finding:
    """Compute the signals of the first 1, 2, 3, 5 and 10 bars: a live run may begin with as few."""
    counts = [count for count in (1, 2, 3, 5, 10) if count <= len(subject.data.bars)]
    for count in counts:
        try:
            subject.arrays(subject.data.bars[:count])
        except StrategyError as error:
            text = f"It fails on {count} bar{'s' if count > 1 else ''}: {error.problem.rstrip('.')}."
            advice = "Where too little is known, decide nothing: arrays of False and NaN, one value a bar."
            return Finding("Few bars", "failed", text, advice)
    return Finding("Few bars", "ok", f"It runs on {', '.join(map(str, counts))} bars.")
