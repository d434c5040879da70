"""
What else could have happened: the stationary bootstrap of a series of returns.

Blocks of days of random length are drawn until the series is as long as it was, so that days that hang together
stay together. Source: Politis and Romano, "The Stationary Bootstrap", 1994; percentile intervals: Efron, 1979.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from bt_run.core.market import FloatArray

__all__ = ["BootstrapIntervals", "Interval", "block_length", "bootstrap_intervals"]

_LEAST_DAYS = 20
_RUN = 5
"""So many small autocorrelations in a row end what hangs together."""

_AT_ONCE = 500_000
"""Numbers drawn at a time: memory does not grow with the number of resamples."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number as it was measured, and the bounds between which the resamples lie."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BootstrapIntervals:
    """
    Intervals of one run's daily returns.

    `return_pct` over the whole range and `drawdown_pct` (positive) are in percent, of daily closes; `sharpe` is
    annual, None where the returns do not vary. `confidence` in (0, 1). `loss_probability`: the share of
    resamples that end below their start.
    """

    return_pct: Interval
    sharpe: Interval | None
    drawdown_pct: Interval
    loss_probability: float
    confidence: float
    resamples: int
    block_days: float


def block_length(returns: FloatArray) -> float:
    """
    Choose the mean block length of the stationary bootstrap; in [1, ceil(min(3 * sqrt(n), n / 3))].

    Args:
        returns: Shape (n,), n >= 20.

    Returns:
        1 for returns that hang together with none before them, or do not vary.

    Source: Politis and White, "Automatic Block-Length Selection for the Dependent Bootstrap", 2004, with the
    correction of Patton, Politis and White, 2009. As `optimal_block_length` of arch 8.0.0.
    """
    n = len(returns)
    if not np.ptp(returns):
        return 1.0
    run = max(_RUN, int(math.log10(n)))
    lags = math.ceil(math.sqrt(n)) + run
    away = returns - np.mean(returns)
    products = np.array([float(away[lag:] @ away[: n - lag]) for lag in range(lags + 1)])
    width = _bandwidth(_correlations(away, products), n, run)
    lag = np.arange(1, width + 1)
    weight = np.minimum(1.0, 2.0 * (1.0 - lag / width))  # the flat-top window
    spectrum = products[0] / n + 2.0 * float(np.sum(weight * products[lag] / n))
    slope = 2.0 * float(np.sum(weight * lag * products[lag] / n))
    if not spectrum:
        return 1.0
    most = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    length = math.cbrt(slope**2 / spectrum**2 * n)
    return min(max(length, 1.0), float(most))


def _correlations(away: FloatArray, products: FloatArray) -> FloatArray:
    """Give the absolute autocorrelation at lag 0, 1, 2, ..."""
    sizes = [
        math.sqrt(float(away[lag + 1 :] @ away[lag + 1 :]) * float(away[: -lag - 1] @ away[: -lag - 1]))
        for lag in range(len(products))
    ]
    return np.abs(products) / np.maximum(sizes, np.finfo(np.float64).tiny)


def _bandwidth(correlations: FloatArray, n: int, run: int) -> int:
    """Give twice the first lag from which on `run` correlations in a row are too small to matter."""
    small = correlations < 2.0 * math.sqrt(math.log10(n) / n)
    most = len(correlations) - 1
    found = (lag for lag in range(most - run + 1) if small[lag : lag + run].all())
    return min(2 * max(next(found, most), 1), most)


def bootstrap_intervals(
    returns: FloatArray, *, periods: float, resamples: int = 2_000, confidence: float = 0.95, seed: int = 1
) -> BootstrapIntervals | None:
    """
    Resample a run's daily returns and give intervals of its return, Sharpe ratio and drawdown.

    Args:
        returns: Simple returns, shape (n,), > -1.
        periods: How many of them make a year.
        resamples: How many series are drawn, >= 1.
        confidence: The share of resamples between the bounds, in (0, 1).
        seed: The same seed gives the same numbers.

    Returns:
        None below 20 returns.
    """
    if len(returns) < _LEAST_DAYS:
        return None
    length = block_length(returns)
    draw = np.random.default_rng(seed)
    parts = [_numbers(returns[index]) for index in _indices(len(returns), length, resamples, draw)]
    growth, ratio, fall = (np.concatenate(column) for column in zip(*parts, strict=True))
    true_growth, true_ratio, true_fall = (float(found[0]) for found in _numbers(returns[None, :]))
    year = math.sqrt(periods)
    defined = ratio[np.isfinite(ratio)] * year

    def bounds(value: float, found: FloatArray) -> Interval:
        low, high = np.quantile(found, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
        return Interval(value, float(low), float(high))

    return BootstrapIntervals(
        return_pct=bounds((true_growth - 1.0) * 100.0, (growth - 1.0) * 100.0),
        sharpe=bounds(true_ratio * year, defined) if math.isfinite(true_ratio) and len(defined) else None,
        drawdown_pct=bounds(true_fall * 100.0, fall * 100.0),
        loss_probability=float(np.mean(growth < 1.0)),
        confidence=confidence,
        resamples=resamples,
        block_days=length,
    )


def _indices(
    n: int, length: float, resamples: int, draw: np.random.Generator
) -> Iterator[npt.NDArray[np.intp]]:
    """Draw positions of shape (some, n): each goes on from the one before, or begins a block anywhere."""
    place = np.arange(n)
    for done in range(0, resamples, max(1, _AT_ONCE // n)):
        rows = min(max(1, _AT_ONCE // n), resamples - done)
        begins = draw.random((rows, n)) < 1.0 / length
        begins[:, 0] = True
        starts = draw.integers(n, size=(rows, n))
        since = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
        yield (np.take_along_axis(starts, since, axis=1) + place - since) % n


def _numbers(returns: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give growth, Sharpe ratio a period (NaN where undefined) and deepest fall in [0, 1] of each row."""
    path: FloatArray = (1.0 + returns).cumprod(axis=1)
    peak = np.maximum.accumulate(np.maximum(path, 1.0), axis=1)
    spread: FloatArray = returns.std(axis=1, ddof=1)
    varies = spread > 1e-12 * np.abs(returns).max(axis=1)
    ratio = np.full(len(returns), np.nan)
    np.divide(returns.mean(axis=1), spread, out=ratio, where=varies)
    growth: FloatArray = path[:, -1]
    fall: FloatArray = (1.0 - path / peak).max(axis=1)
    return growth, ratio, fall
