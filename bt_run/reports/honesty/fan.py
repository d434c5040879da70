"""Where equity could have gone: as many trades, drawn at random from those that were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import FloatArray

__all__ = ["equity_fan"]

_LEAST_TRADES = 5
_MOST_STEPS = 200


def equity_fan(
    returns: FloatArray, *, cash: float, quantiles: Sequence[float], draws: int = 1_000, seed: int = 1
) -> FloatArray | None:
    """
    Draw as many trades with replacement, many times, and give quantiles of the account after each of them.

    Args:
        returns: From `trade_order.trade_returns`, shape (k,), > -1.
        cash: Before the first trade, > 0, quote currency.
        quantiles: In [0, 1], ascending.
        draws: How many times.
        seed: The same seed gives the same curves.

    Returns:
        Shape (len(quantiles), steps): the first step is `cash`, the last the end of all k trades; of many
        trades, 200 steps evenly apart. None below five trades.

    Source:
        Efron, "Bootstrap methods", 1979; trades are taken as independent of each other.
    """
    k = len(returns)
    if k < _LEAST_TRADES:
        return None
    steps = np.unique(np.linspace(0, k, min(k, _MOST_STEPS) + 1).round().astype(np.int64))
    account = np.empty((draws, len(steps)))
    draw = np.random.default_rng(seed)
    for row in range(draws):
        growth = np.concatenate(([1.0], np.cumprod(1.0 + returns[draw.integers(k, size=k)])))
        account[row] = growth[steps]
    found: FloatArray = np.quantile(account, quantiles, axis=0) * cash
    return found
