"""Sharpe ratio and volatility over a window that moves through the run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["rolling_sharpe", "rolling_volatility"]

_NOISE = 1e-12


def rolling_volatility(returns: FloatArray, *, window: int, periods: float) -> FloatArray:
    """
    Annualise the standard deviation (n - 1) of the last `window` returns at each of them.

    Args:
        returns: Simple returns, 0.01 for one percent, shape (n,).
        window: How many, >= 2.
        periods: How many make a year.

    Returns:
        Shape (n,), as a fraction; NaN for the first window - 1. Formula and source: `returns.volatility`.
    """
    return _spreads(returns, window) * math.sqrt(periods)


def rolling_sharpe(returns: FloatArray, *, window: int, periods: float) -> FloatArray:
    """
    Give the Sharpe ratio of the last `window` returns at each of them; arguments as `rolling_volatility`.

    NaN for the first window - 1, and where the returns of a window do not vary. Formula: `returns.sharpe`.
    """
    found = np.full(len(returns), np.nan)
    if len(returns) < window:
        return found
    spread = _spreads(returns, window)[window - 1 :]
    windows = np.lib.stride_tricks.sliding_window_view(returns, window)
    varied = spread > _NOISE * np.abs(windows).max(axis=1)
    np.divide(windows.mean(axis=1) * math.sqrt(periods), spread, out=found[window - 1 :], where=varied)
    return found


def _spreads(returns: FloatArray, window: int) -> FloatArray:
    found = np.full(len(returns), np.nan)
    if len(returns) >= window:
        found[window - 1 :] = np.lib.stride_tricks.sliding_window_view(returns, window).std(axis=1, ddof=1)
    return found
