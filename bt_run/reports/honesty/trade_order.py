"""
What if the same trades had come in another order?

The drawdown of a run is one draw: the losses came when they came. Shuffling the trades keeps the result and
shows the drawdowns that were as likely; drawing them with replacement shows how often such trades would have
ruined the account. Sources: Aronson, "Evidence-Based Technical Analysis", 2007; Davey, "Building Winning
Algorithmic Trading Systems", 2014 (Monte Carlo of trades, risk of ruin).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from bt_run.core.market import FloatArray

__all__ = ["TradeOrder", "shuffle_trades", "trade_returns"]

_LEAST_TRADES = 5
_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True)
class TradeOrder:
    """
    What other orders of the same trades would have shown; all in percent.

    `drawdown_pct` is that of the order that happened, `median_drawdown_pct` and `bad_drawdown_pct` (one of
    twenty is worse) of shuffled ones: positive, from trade to trade. `ruin_probability` in [0, 1]: how often as
    many trades, drawn with replacement, lost `ruin_pct` of the starting cash at some time.
    """

    trades: int
    draws: int
    drawdown_pct: float
    median_drawdown_pct: float
    bad_drawdown_pct: float
    ruin_probability: float
    ruin_pct: float


def trade_returns(profits: FloatArray, *, cash: float) -> FloatArray:
    """
    Give each trade's profit as a share of the account before it.

    Args:
        profits: Net of fees, in quote currency, in the order in which the trades ended, shape (k,).
        cash: The account before the first, > 0.

    Returns:
        Shape (k,). Empty where the account stood at or below zero before any trade or after the last.
    """
    account = np.concatenate(([cash], cash + np.cumsum(profits)))
    if account.min() <= 0.0:
        return np.empty(0)
    found: FloatArray = profits / account[:-1]
    return found


def shuffle_trades(
    returns: FloatArray, *, draws: int = 2_000, ruin_pct: float = 50.0, seed: int = 1
) -> TradeOrder | None:
    """
    Draw other orders of the trades and measure drawdown and ruin.

    Args:
        returns: From `trade_returns`, shape (k,), > -1. With a stake that does not grow with the account
            (0.01 BTC) taking them as shares of it is an approximation.
        draws: How many orders, >= 1.
        ruin_pct: What loss of the starting cash counts as ruin, in (0, 100).
        seed: The same seed gives the same numbers.

    Returns:
        None below five trades.
    """
    k = len(returns)
    if k < _LEAST_TRADES:
        return None
    draw = np.random.default_rng(seed)
    places = list(_rows(draws, k))
    falls = np.concatenate([_falls(returns[_shuffled(draw, rows, k)]) for rows in places])
    floor = 1.0 - ruin_pct / 100.0
    ruined = sum(_ruined(returns[draw.integers(k, size=(rows, k))], floor) for rows in places)
    return TradeOrder(
        trades=k,
        draws=draws,
        drawdown_pct=float(_falls(returns[None, :])[0]) * 100.0,
        median_drawdown_pct=float(np.quantile(falls, 0.5)) * 100.0,
        bad_drawdown_pct=float(np.quantile(falls, 0.95)) * 100.0,
        ruin_probability=ruined / draws,
        ruin_pct=ruin_pct,
    )


def _rows(draws: int, k: int) -> Iterator[int]:
    """Cut the draws into pieces, so that memory does not grow with their number."""
    at_once = max(1, _AT_ONCE // k)
    for done in range(0, draws, at_once):
        yield min(at_once, draws - done)


def _shuffled(draw: np.random.Generator, rows: int, k: int) -> npt.NDArray[np.intp]:
    return draw.permuted(np.tile(np.arange(k), (rows, 1)), axis=1)


def _falls(returns: FloatArray) -> FloatArray:
    path = np.cumprod(1.0 + returns, axis=1)
    peak = np.maximum.accumulate(np.maximum(path, 1.0), axis=1)
    found: FloatArray = (1.0 - path / peak).max(axis=1)
    return found


def _ruined(returns: FloatArray, floor: float) -> int:
    return int(np.count_nonzero(np.cumprod(1.0 + returns, axis=1).min(axis=1) <= floor))
