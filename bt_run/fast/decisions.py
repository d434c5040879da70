"""Where the decisions of a strategy are, and which of them comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bt_run.fast.compiled import compiled_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from bt_run.core.market import FloatArray

    Codes = npt.NDArray[np.uint8] | bytes
    Flags = npt.NDArray[np.uint8]
    Words = npt.NDArray[np.int64] | Sequence[int]

__all__ = [
    "GO_LONG",
    "GO_SHORT",
    "LEAVE_LONG",
    "LEAVE_SHORT",
    "Decisions",
    "decisions_of",
    "next_decision",
    "weigh",
    "weigh_levels",
]

GO_LONG, GO_SHORT, LEAVE_LONG, LEAVE_SHORT = 1, 2, 4, 8  # strategies.base, whose import brings Backtrader
_EVERY_BYTE = 0x0101010101010101


class Decisions(NamedTuple):
    """
    The decision codes of n bars, from `strategies.base.decision_codes`.

    `words` are the same bytes eight at a time, those of the first n // 8 * 8 bars; empty for plain Python.
    """

    codes: Codes
    words: Words


def decisions_of(codes: npt.NDArray[np.uint8], *, is_compiled: bool) -> Decisions:
    """Put codes, contiguous, into the form for compiled code, or for plain Python, where bytes are quicker."""
    if not is_compiled:
        return Decisions(codes.tobytes(), ())
    return Decisions(codes, codes[: len(codes) // 8 * 8].view(np.int64))


def next_decision(decisions: Decisions, bar: int, size: float) -> int:
    """Find the first bar from `bar` on whose code means something to a holder of `size`; n where none does."""
    codes, words = decisions
    if size == 0.0:
        wanted = GO_LONG | GO_SHORT
    elif size > 0.0:
        wanted = GO_SHORT | LEAVE_LONG
    else:
        wanted = GO_LONG | LEAVE_SHORT
    last = len(codes)
    while bar % 8 != 0 and bar < last and codes[bar] & wanted == 0:
        bar += 1
    if bar % 8 == 0:
        word = bar // 8
        while word < len(words) and words[word] & (wanted * _EVERY_BYTE) == 0:
            word += 1
        bar = max(bar, 8 * word)
    while bar < last and codes[bar] & wanted == 0:
        bar += 1
    return bar


@compiled_apart
def weigh(flags: Flags, codes: Any) -> None:
    """
    Weigh the signals of each bar into `codes`, as `strategies.base.decision_codes` does.

    Args:
        flags: 1 where a signal is given, 0 elsewhere, shape (2, n) or, where shorts are allowed, (4, n): long
            entry, long exit, short entry, short exit.
        codes: Takes the decision codes, an array of uint8 of shape (n,).
    """
    if len(flags) == 2:
        for bar in range(len(codes)):
            enter, leave = flags[0, bar], flags[1, bar]
            codes[bar] = (enter & (leave ^ 1)) * GO_LONG | leave * LEAVE_LONG
        return
    for bar in range(len(codes)):
        leave, cover = flags[1, bar], flags[3, bar]
        buy, sell = flags[0, bar] & (leave ^ 1), flags[2, bar] & (cover ^ 1)
        codes[bar] = (
            (buy & (sell ^ 1)) * GO_LONG
            | (sell & (buy ^ 1)) * GO_SHORT
            | leave * LEAVE_LONG
            | cover * LEAVE_SHORT
        )


@compiled_apart
def weigh_levels(curve: FloatArray, low: float, high: float, sides: int, codes: Any) -> None:
    """Weigh the signals of `strategies.levels.Levels` as `weigh` does; shorts need four `sides`."""
    for bar in range(len(codes)):
        weak, strong = curve[bar] < low, curve[bar] > high
        codes[bar] = (weak & (strong ^ True)) * GO_LONG | strong * LEAVE_LONG
    if sides == 4:
        for bar in range(len(codes)):
            weak, strong = curve[bar] < low, curve[bar] > high
            codes[bar] |= (strong & (weak ^ True)) * GO_SHORT | weak * LEAVE_SHORT
