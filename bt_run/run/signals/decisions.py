"""
From a strategy's signals to what a trader would do: enter, leave, turn round. Pure.

A strategy says at every bar what it wants, and often says the same for many bars. A signal that a person is
told is the bar at which something is to be done: an entry while nothing is held, an exit while something is.
That is when a backtest orders, so that both are the same list (`tests/run/signals/test_decisions.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from strategies.base import Signals

__all__ = ["FLAT", "Decision", "SignalKind", "Stance", "decide", "stance_after"]

SignalKind = Literal["long entry", "long exit", "short entry", "short exit"]
Stance = Literal[-1, 0, 1]
"""What is held: a short, nothing, a long."""

FLAT: Stance = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """Something to be done at the close of the bar at `position`, 0..n-1."""

    position: int
    kind: SignalKind

    @property
    def is_entry(self) -> bool:
        """Tell whether it opens something."""
        return self.kind.endswith("entry")

    @property
    def is_long(self) -> bool:
        """Tell whether it is about a long."""
        return self.kind.startswith("long")


def stance_after(decision: Decision) -> Stance:
    """Give what is held after a decision was acted on."""
    if not decision.is_entry:
        return FLAT
    return 1 if decision.is_long else -1


def decide(
    found: Signals, *, allow_short: bool = False, first: int = 0, stance: Stance = FLAT
) -> list[Decision]:
    """
    Walk over the bars from `first` on and give every decision, oldest first.

    The rules are those of `strategies.base.SignalStrategy`: an exit beats an entry of the same side, entries of
    both sides cancel out, without `allow_short` the short side is not looked at, and an entry of the other
    side turns a position round, which is two decisions on one bar.

    Args:
        found: Complete signals, as `SignalStrategy.compute` gives them.
        allow_short: Whether shorts are opened.
        first: The first bar that was not walked over yet.
        stance: What is held before it.
    """
    long_exit, short_exit = found.long_exit, found.short_exit
    go_long = found.long_entry & ~long_exit
    if allow_short and found.short_entry is not None and short_exit is not None:
        go_short = found.short_entry & ~short_exit
        go_long, go_short = go_long & ~go_short, go_short & ~go_long
    else:
        go_short = short_exit = np.zeros(len(go_long), dtype=np.bool_)
    decided: list[Decision] = []
    speaks = go_long | go_short | long_exit | short_exit
    for position in (first + np.flatnonzero(speaks[first:])).tolist():
        if stance == FLAT:
            kinds = _enter(go_long[position], go_short[position])
        elif stance > 0:
            kinds = _turn("long exit", "short entry", turns=go_short[position], leaves=long_exit[position])
        else:
            kinds = _turn("short exit", "long entry", turns=go_long[position], leaves=short_exit[position])
        decided += [Decision(position, kind) for kind in kinds]
        if kinds:
            stance = stance_after(decided[-1])
    return decided


def _enter(go_long: bool, go_short: bool) -> tuple[SignalKind, ...]:
    return ("long entry",) if go_long else ("short entry",) if go_short else ()


def _turn(leave: SignalKind, enter: SignalKind, *, turns: bool, leaves: bool) -> tuple[SignalKind, ...]:
    return (leave, enter) if turns else (leave,) if leaves else ()
