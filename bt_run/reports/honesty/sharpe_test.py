"""
Is a Sharpe ratio more than chance, given how long, how crooked and how often it was tried?

Everywhere: a `sharpe` without "annual" in its name is that of one period (the mean of the returns over their
standard deviation, not annualised), `skew` is 0 and `kurtosis` is 3 for the normal distribution. `returns` are
simple returns of equal periods, shape (n,). Undefined is None.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bt_run.reports.returns import sharpe as annual_sharpe

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = [
    "Moments",
    "deflated_sharpe",
    "expected_best_sharpe",
    "independent_trials",
    "moments_of",
    "needed_periods",
    "probabilistic_sharpe",
]

_NORMAL = NormalDist()
_EULER = 0.5772156649015329


class Moments(NamedTuple):
    """What the tests ask of a series: its Sharpe ratio a period, its length, skewness and kurtosis."""

    sharpe: float
    periods: int
    skew: float
    kurtosis: float


def moments_of(returns: FloatArray) -> Moments | None:
    """
    Measure a series for the tests; None below three returns, or where they do not vary.

    The moments are those of the sample (divided by n), the standard deviation divides by n - 1.
    """
    ratio = annual_sharpe(returns, periods=1.0)
    if ratio is None or len(returns) < 3:
        return None
    away = (returns - np.mean(returns)) / np.std(returns)
    return Moments(ratio, len(returns), float(np.mean(away**3)), float(np.mean(away**4)))


def probabilistic_sharpe(found: Moments, *, benchmark: float = 0.0) -> float | None:
    """
    Give the probability that the true Sharpe ratio is above `benchmark`, both a period; in [0, 1].

    ``Z((SR - SR*) * sqrt(n - 1) / sqrt(1 - skew * SR + (kurtosis - 1) / 4 * SR ** 2))``.
    None where the root is not above zero. It takes the returns as independent of each other.

    Source: Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier", 2012, equation 9.
    """
    spread = _spread(found)
    if spread is None:
        return None
    return _NORMAL.cdf((found.sharpe - benchmark) * math.sqrt(found.periods - 1) / spread)


def _spread(found: Moments) -> float | None:
    """Give the standard error of a Sharpe ratio times the root of n - 1."""
    square = 1.0 - found.skew * found.sharpe + (found.kurtosis - 1.0) / 4.0 * found.sharpe**2
    return math.sqrt(square) if square > 0.0 else None


def needed_periods(found: Moments, *, benchmark: float = 0.0, confidence: float = 0.95) -> float | None:
    """
    Give the minimum track record length: how many periods make the Sharpe ratio certain above `benchmark`.

    ``1 + (1 - skew * SR + (kurtosis - 1) / 4 * SR ** 2) * (z / (SR - SR*)) ** 2``. None where the ratio is
    not above the benchmark: no length would do.

    Source: Bailey and López de Prado, 2012, equation 11.
    """
    spread, above = _spread(found), found.sharpe - benchmark
    if spread is None or above <= 0.0:
        return None
    return 1.0 + (spread * _NORMAL.inv_cdf(confidence) / above) ** 2


def expected_best_sharpe(trials: float, *, variance: float) -> float:
    """
    Give the Sharpe ratio that the best of so many trials without any skill is expected to show.

    ``sqrt(V) * ((1 - g) * z(1 - 1 / N) + g * z(1 - 1 / (N * e)))``, g being Euler's constant. 0 for one trial.

    Args:
        trials: N >= 1; the effective number of independent trials need not be whole.
        variance: V, of the trials' Sharpe ratios, >= 0, in the period of the result.

    Source: Bailey and López de Prado, "The Deflated Sharpe Ratio", 2014, equation 1.
    """
    if trials <= 1.0:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - _EULER) * first + _EULER * second)


def deflated_sharpe(found: Moments, *, trials: float, variance: float) -> float | None:
    """
    Give the probability that the best of many trials has a true Sharpe ratio above zero; in [0, 1].

    The probabilistic Sharpe ratio against `expected_best_sharpe`: what luck alone would have shown.
    Arguments as there. Source: Bailey and López de Prado, 2014, equation 2.
    """
    return probabilistic_sharpe(found, benchmark=expected_best_sharpe(trials, variance=variance))


def independent_trials(returns: FloatArray, *, trials: int) -> float:
    """
    Estimate how many independent trials correlated ones are worth: ``c + (1 - c) * M``; in [1, M].

    Args:
        returns: Of some of the trials, shape (periods, k); those that do not vary are left out.
        trials: M, how many were made.

    c is the mean correlation of all pairs, and 0 where it is negative or fewer than two trials vary.
    Source: Bailey and López de Prado, 2014, appendix A.3.
    """
    varying = returns[:, np.ptp(returns, axis=0) > 0.0] if len(returns) > 1 else returns[:, :0]
    k = varying.shape[1]
    if k < 2:
        return float(trials)
    # the mean of all pairs' correlations, from the variance of the sum of standardised columns
    unit = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    mean = (float(np.mean(unit.sum(axis=1) ** 2)) - k) / (k * (k - 1))
    alike = min(max(mean, 0.0), 1.0)
    return float(alike + (1.0 - alike) * trials)
