"""
What a list of closed trades says about a strategy.

Everywhere: `results` has one number a trade, net of fees, shape (k,), in the unit that the docstring names. A
trade that earns exactly nothing is neither won nor lost. Undefined is None.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bt_run.reports.moments import mean, standard_deviation

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["expectancy", "geometric_mean_pct", "kelly", "profit_factor", "sqn", "win_rate"]

_NOISE = 1e-12


def win_rate(results: FloatArray) -> float | None:
    """Give the share of trades with a profit, in [0, 1]; any unit. None without trades."""
    return np.count_nonzero(results > 0.0) / len(results) if len(results) else None


def profit_factor(results: FloatArray) -> float | None:
    """
    Give gross profit over gross loss, in quote currency.

    0 where no trade won. None without trades and where no trade lost: infinity is not a number to rank by.
    Source: Schwager, "Schwager on Futures: Technical Analysis", 1996.
    """
    lost = -float(results[results < 0.0].sum())
    return float(results[results > 0.0].sum()) / lost if lost else None


def expectancy(results: FloatArray) -> float | None:
    """Give the arithmetic mean of the trades' results, in their unit; None without trades."""
    return mean(results) if len(results) else None


def geometric_mean_pct(results_pct: FloatArray) -> float | None:
    """
    Give the constant result a trade, in percent, that compounds to the same: ``prod(1 + p) ** (1 / k) - 1``.

    None without trades, and where a trade lost all it cost or more. As backtesting.py 0.6.6, ``Avg. Trade``.
    """
    growth = 1.0 + results_pct / 100.0
    if not len(growth) or growth.min() <= 0.0:
        return None
    return math.expm1(mean(np.log(growth))) * 100.0


def sqn(results: FloatArray) -> float | None:
    """
    Give Van Tharp's system quality number: ``sqrt(k) * mean(pnl) / std(pnl)``, quote currency.

    std is that of the population (divided by k), and k is not cut off at 100: both as Backtrader's SQN
    analyzer. None below two trades (Backtrader: 0) and where all results are equal.
    Source: Tharp, "Definitive Guide to Position Sizing Strategies", 2008.
    """
    if len(results) < 2:
        return None
    spread = standard_deviation(results, ddof=0)
    if spread <= _NOISE * float(np.abs(results).max()):
        return None
    return math.sqrt(len(results)) * mean(results) / spread


def kelly(results: FloatArray) -> float | None:
    """
    Give the Kelly fraction: ``w - (1 - w) / (mean win / mean loss)``, w the win rate, quote currency.

    The part of the account to risk a trade; negative means: do not. None unless trades were both won and lost.
    Source: Kelly, "A New Interpretation of Information Rate", 1956, for two outcomes; as backtesting.py 0.6.6.
    """
    won, lost = results[results > 0.0], results[results < 0.0]
    if not len(won) or not len(lost):
        return None
    share = len(won) / len(results)
    return share - (1.0 - share) * -mean(lost) / mean(won)
