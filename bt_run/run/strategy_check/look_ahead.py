"""Does what was decided at a bar change when later bars are known? For strategies that give signals."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import StrategyError
from bt_run.run.doctor.finding import Finding
from bt_run.run.strategy_check.cuts import choose_cuts

if TYPE_CHECKING:
    from bt_run.run.strategy_check.subject import Arrays, Subject

__all__ = ["check_look_ahead", "differing"]

_NAME = "Look-ahead"
_MOST_CUTS = 64
_MOST_SCANNED = 500
_AHEAD = 8
"""So many later bars are tried to say how far ahead a strategy looks."""

_DECISIONS = ("long_entry", "long_exit", "short_entry", "short_exit")
_ADVICE = "A decision may use its own bar and those before it; see docs/how-to/check-a-strategy.md."


@dataclass(frozen=True, slots=True)
class _Change:
    """What a prefix says otherwise than the whole: the array, the bar, and both values."""

    array: str
    bar: int
    prefix: int
    before: Any
    after: Any


def check_look_ahead(subject: Subject, whole: Arrays) -> Finding:
    """
    Compare the signals of prefixes with the prefix of the signals.

    `whole` are the signals of all bars. The finding names the first bar and array that differ.
    """
    bars = subject.data.bars
    cuts = choose_cuts(_decisive(whole), len(bars), most=_MOST_CUTS)
    for cut in cuts:
        try:
            change = _compare(whole, subject.arrays(bars[:cut]), cut)
        except StrategyError as error:
            text = f"It fails on the first {cut} bars, and not on all: {error.problem.rstrip('.')}."
            return Finding(_NAME, "failed", text, "Does it reach for bars that have not come? " + _ADVICE)
        if change is not None:
            return Finding(_NAME, "failed", _tell(subject, _earliest(subject, whole, change)), _ADVICE)
    if not any(whole[name].any() for name in _DECISIONS if name in whole):
        text = f"{len(cuts)} prefixes agree with the whole, but nothing was decided on these bars."
        return Finding(_NAME, "warning", text, "Check it on data on which it trades.")
    return Finding(_NAME, "ok", f"{len(cuts)} prefixes agree with the whole in every array.")


def differing(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """
    Tell where two arrays of the same shape differ: decisions exactly, curves by more than rounding.

    NaN equals NaN. Rounding is 1e-9 of the value: sums may be taken in another order where there are more.
    """
    is_decision = first.dtype == np.bool_
    away = first != second if is_decision else ~np.isclose(first, second, rtol=1e-9, atol=0.0, equal_nan=True)
    return np.asarray(away)


def _decisive(whole: Arrays) -> np.ndarray[Any, Any]:
    """Find the bars at which a decision is true or has just changed."""
    told = [whole[name] for name in _DECISIONS]
    changed = [np.concatenate(([False], array[1:] != array[:-1])) for array in told]
    return np.flatnonzero(np.any([*told, *changed], axis=0))


def _compare(whole: Arrays, prefix: Arrays, cut: int) -> _Change | None:
    found = None
    for name in whole.keys() | prefix.keys():
        if name not in whole or name not in prefix:
            return _Change(name, cut - 1, cut, name in prefix, name in whole)
        places = np.flatnonzero(differing(whole[name][:cut], prefix[name]))
        if len(places) and (found is None or (int(places[0]), name) < (found.bar, found.array)):
            bar = int(places[0])
            found = _Change(name, bar, cut, prefix[name][bar], whole[name][bar])
    return found


def _earliest(subject: Subject, whole: Arrays, found: _Change) -> _Change:
    """Try every shorter prefix, as far as that is quick, so that the first bar that looks ahead is named."""
    for cut in range(1, min(found.prefix, _MOST_SCANNED)):
        with contextlib.suppress(StrategyError):
            change = _compare(whole, subject.arrays(subject.data.bars[:cut]), cut)
            if change is not None:
                return change
    return found


def _tell(subject: Subject, change: _Change) -> str:
    ahead = _bars_ahead(subject, change)
    when = f"{ahead} bar{'s' if ahead > 1 else ''} later" if ahead else "when all bars are known"
    return (
        f"It looks ahead. At {subject.when(change.bar)} {change.array} is {_value(change.before)} "
        f"with {change.prefix:,} bars, and {_value(change.after)} {when}."
    )


def _bars_ahead(subject: Subject, change: _Change) -> int | None:
    """Find how many later bars give the bar its final value; None where a few are not enough."""
    bars = subject.data.bars
    for ahead in range(1, _AHEAD + 1):
        if change.bar + 1 + ahead > len(bars):
            return None
        try:
            found = subject.arrays(bars[: change.bar + 1 + ahead]).get(change.array)
        except StrategyError:
            return None
        if found is not None and not differing(found[[change.bar]], np.array([change.after])).any():
            return ahead
    return None


def _value(value: Any) -> str:
    return str(bool(value)).lower() if isinstance(value, bool | np.bool_) else f"{value:.10g}"
