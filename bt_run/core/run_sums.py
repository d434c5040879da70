"""What a sweep keeps of each of its thousands of runs: the little that its metrics are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["RunSums", "Tally"]


class Tally(NamedTuple):
    """
    Sums over the returns and the trades of a run, added up in numpy's order.

    `returns`: simple returns a day, shape (days,), empty for a ruined account. Of these: `total`; `squares` of
    the distances from their mean; `growth`, the product of 1 + r; `largest`, without its sign. Where there are
    none, the first two and the last are 0, the product is 1. Of the trades' profits: `won`, how many are above
    zero; `gained`, their sum; `lost`, the sum of those below zero without its sign.
    """

    returns: FloatArray
    total: float
    squares: float
    growth: float
    largest: float
    won: int
    gained: float
    lost: float


@dataclass(frozen=True, slots=True, eq=False)
class RunSums:
    """
    What is kept of a run.

    `closes`: equity at the ends of the days, shape (days,). `trades`: closed ones, shape (k, 6): entry bar,
    exit bar, profit after fees as `brokers.ledger` counts it, profit in percent of the cost, fee of the entry,
    fee of the exit. `final` and `highest`: equity at the last close, and the most of any close, at least the
    cash. `fall`: the deepest fall below the highest equity so far, as a share of it. `held`: bars at whose
    close a position was held. `open_fee`: paid for the entry of what is held at the end. `tally` is None where
    it was not made on the way.
    """

    closes: FloatArray
    trades: FloatArray
    final: float
    highest: float
    fall: float
    held: int
    open_fee: float
    tally: Tally | None = None
