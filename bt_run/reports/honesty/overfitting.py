"""
Does the best of a search stay good on data that did not choose it?

Combinatorially symmetric cross-validation: the days are cut into blocks, every half of the blocks chooses the
best trial, and the other half says what became of it.
Source: Bailey, Borwein, López de Prado and Zhu, "The Probability of Backtest Overfitting", 2017.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["MOST_BLOCKS", "Overfitting", "measure_overfitting"]

MOST_BLOCKS = 16
"""As many as the paper takes: 12,870 ways to choose half of them."""

_LEAST_BLOCKS = 4
_LEAST_DAYS = 10
"""In a block: below it a block's Sharpe ratio is noise."""

_AT_ONCE = 1_000
_SAME = 1e-9
"""Sharpe ratios a period that differ by less are equal: sums of equal returns differ by their rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """
    What cross-validation said about choosing by Sharpe ratio.

    `probability` in [0, 1]: how often the trial that was best on one half ranked at or below the median on the
    other. `loss_probability` in [0, 1]: how often it lost money there. `slope` of the line from its Sharpe
    ratio on the first half to that on the second: below 0, choosing better means doing worse. `logits` of
    shape (splits,): ln(w / (1 - w)), w being its relative rank. `in_sample` and `out_of_sample` of shape
    (splits,): its Sharpe ratio a period on the two halves.
    """

    probability: float
    loss_probability: float
    slope: float | None
    blocks: int
    trials: int
    logits: FloatArray
    in_sample: FloatArray
    out_of_sample: FloatArray


def measure_overfitting(returns: FloatArray, *, blocks: int = MOST_BLOCKS) -> Overfitting | None:
    """
    Measure how often the best trial of one half of the days is no better than the middle on the other half.

    Args:
        returns: Simple returns of the trials on the same days, shape (days, trials). Trials must not be
            chosen by their result: take all, or an even sample.
        blocks: The most blocks, even; fewer where the days do not give ten to each.

    Returns:
        None for fewer than two trials or 40 days. A trial without variation has Sharpe ratio 0.
        Equal ranks share their middle, so trials that are the same trial give a logit of 0.
    """
    days, trials = returns.shape
    blocks = min(blocks, days // _LEAST_DAYS) // 2 * 2
    if trials < 2 or blocks < _LEAST_BLOCKS:
        return None
    sums = _BlockSums.of(returns, blocks)
    ways = np.array(list(itertools.combinations(range(blocks), blocks // 2)))
    chosen = np.zeros((len(ways), blocks))
    chosen[np.arange(len(ways))[:, None], ways] = 1.0
    parts = [_split(sums, part) for part in _pieces(chosen)]
    ranks, inner, outer = (np.concatenate(column) for column in zip(*parts, strict=True))
    logits = np.log(ranks / (1.0 - ranks))
    return Overfitting(
        probability=float(np.mean(logits <= 0.0)),
        loss_probability=float(np.mean(outer < 0.0)),
        slope=_slope(inner, outer),
        blocks=blocks,
        trials=trials,
        logits=logits,
        in_sample=inner,
        out_of_sample=outer,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _BlockSums:
    """Count, sum and sum of squares of each block: what the Sharpe ratio of any set of blocks is made of."""

    counts: FloatArray
    sums: FloatArray
    squares: FloatArray

    @classmethod
    def of(cls, returns: FloatArray, blocks: int) -> _BlockSums:
        scale = np.ptp(returns, axis=0)
        scaled = returns / np.where(
            scale > 0.0, scale, 1.0
        )  # tiny returns would drown in their squares' rounding
        first = np.linspace(0, len(returns), blocks + 1).astype(np.intp)[:-1]
        counts = np.diff(np.append(first, len(returns))).astype(np.float64)
        return cls(counts, np.add.reduceat(scaled, first), np.add.reduceat(scaled**2, first))

    def sharpes(self, chosen: FloatArray) -> FloatArray:
        """Give every trial's Sharpe ratio on each choice: (choices, blocks) to (choices, trials)."""
        count = (chosen @ self.counts)[:, None]
        mean = chosen @ self.sums / count
        variance = (chosen @ self.squares / count - mean**2) * (count / (count - 1.0))
        varies = variance > 1e-12
        found: FloatArray = np.where(varies, mean / np.sqrt(np.where(varies, variance, 1.0)), 0.0)
        return found


def _pieces(chosen: FloatArray) -> list[FloatArray]:
    return np.array_split(chosen, math.ceil(len(chosen) / _AT_ONCE))


def _split(sums: _BlockSums, chosen: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give relative rank outside, Sharpe inside and Sharpe outside of the trial that each choice finds best."""
    inside, outside = sums.sharpes(chosen), sums.sharpes(1.0 - chosen)
    rows = np.arange(len(chosen))
    best = np.argmax(inside, axis=1)
    result = outside[rows, best]
    return _relative_ranks(outside, result), inside[rows, best], result


def _relative_ranks(outside: FloatArray, result: FloatArray) -> FloatArray:
    """Rank `result` among its row from 1 (worst) to N (best), equals in their middle, over N + 1."""
    away = outside - result[:, None]
    below = np.count_nonzero(away < -_SAME, axis=1)
    equal = np.count_nonzero(np.abs(away) <= _SAME, axis=1)
    ranks: FloatArray = (below + (equal + 1) / 2.0) / (outside.shape[1] + 1)
    return ranks


def _slope(inner: FloatArray, outer: FloatArray) -> float | None:
    variance = float(np.var(inner))
    return float(np.mean((inner - inner.mean()) * (outer - outer.mean()))) / variance if variance else None
