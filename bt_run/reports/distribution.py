"""
The shape of a list of returns: its tail and its moments.

Not among the metrics of a run; for reports and for anybody's own analysis. `returns` are simple returns of
equal periods, shape (n,). Undefined is None.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["expected_shortfall", "kurtosis", "omega", "skewness", "value_at_risk"]


def value_at_risk(returns: FloatArray, *, confidence: float = 0.95) -> float | None:
    """
    Give the return that a normal distribution undercuts with probability 1 - confidence; a loss is negative.

    ``mean + z * std(n - 1)``. `confidence` in (0, 1). None below two returns. Source: quantstats var().
    """
    if len(returns) < 2:
        return None
    return float(np.mean(returns) + NormalDist().inv_cdf(1.0 - confidence) * np.std(returns, ddof=1))


def expected_shortfall(returns: FloatArray, *, confidence: float = 0.95) -> float | None:
    """
    Give the mean of the returns beyond `value_at_risk` under a normal distribution.

    ``mean - std(n - 1) * pdf(z) / (1 - confidence)``. None below two returns. Source: Acerbi and Tasche, 2002.
    """
    if len(returns) < 2:
        return None
    density = NormalDist().pdf(NormalDist().inv_cdf(1.0 - confidence))
    return float(np.mean(returns) - np.std(returns, ddof=1) * density / (1.0 - confidence))


def omega(returns: FloatArray) -> float | None:
    """
    Give the Omega ratio at zero: the sum of gains over the sum of losses. None without a loss.

    Source: Keating and Shadwick, 2002; PerformanceAnalytics Omega(L=0, method="simple").
    """
    loss = -float(np.minimum(returns, 0.0).sum())
    return float(np.maximum(returns, 0.0).sum()) / loss if loss else None


def skewness(returns: FloatArray) -> float | None:
    """
    Give the adjusted Fisher-Pearson skewness G1. None below three returns, or where they do not vary.

    Source: Joanes and Gill, 1998; PerformanceAnalytics skewness(method="fisher").
    """
    n = len(returns)
    if n < 3 or not np.ptp(returns):
        return None
    away = returns - np.mean(returns)
    biased = float(np.mean(away**3) / np.mean(away**2) ** 1.5)
    return biased * math.sqrt(n * (n - 1)) / (n - 2)


def kurtosis(returns: FloatArray) -> float | None:
    """
    Give the adjusted excess kurtosis G2. None below four returns, or where they do not vary.

    Source: Joanes and Gill, 1998; PerformanceAnalytics kurtosis(method="sample_excess").
    """
    n = len(returns)
    if n < 4 or not np.ptp(returns):
        return None
    away = returns - np.mean(returns)
    biased = float(np.mean(away**4) / np.mean(away**2) ** 2) - 3.0
    return ((n + 1) * biased + 6.0) * (n - 1) / ((n - 2) * (n - 3))
