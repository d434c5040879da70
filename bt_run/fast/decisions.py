"""Where the decisions of a strategy are, and which of them comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Codes = npt.NDArray[np.uint8] | bytes
    Words = npt.NDArray[np.int64] | Sequence[int]

__all__ = ["GO_LONG", "GO_SHORT", "LEAVE_LONG", "LEAVE_SHORT", "Decisions", "decisions_of", "next_decision"]

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
