"""What a search tells to those who judge how much of its best result is luck."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

import numpy as np

from bt_run.reports.honesty.honesty import SweepFacts, market_sharpe_of
from bt_run.reports.returns import periods_per_year
from bt_run.run.optimize.swept import measurer_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bt_run.core.market import FloatArray
    from bt_run.core.trial import Trial
    from bt_run.run.optimize.request import SearchRequest

__all__ = ["facts_of_search"]


def facts_of_search(
    request: SearchRequest, trials: Iterable[Trial], kept: Sequence[FloatArray], best: Trial
) -> SweepFacts:
    """
    Gather the facts: the Sharpe ratios of all trials, returns of an even sample, and the best run once more.

    Args:
        request: What was searched.
        trials: All of them, read once; eight bytes of each are held.
        kept: Returns a day of the sample; those of other lengths (ruined, ended early) are left out.
        best: The trial to be judged.

    Raises:
        StrategyError: the best does not run again.
    """
    daily, profits = measurer_of(request).returns_and_profits(best.params)
    sharpes = array("d")
    for trial in trials:
        value = trial.metrics.get("sharpe")
        sharpes.append(math.nan if value is None else value)
    whole = [each for each in kept if len(each) == len(daily)]
    bars = request.data.bars
    return SweepFacts(
        trials=len(sharpes),
        sharpes=np.array(sharpes),
        daily=np.column_stack(whole) if whole else np.empty((len(daily), 0)),
        best_daily=daily,
        best_profits=profits,
        periods=periods_per_year(bars.open_time, request.data.interval),
        cash=request.settings.cash,
        market_sharpe=market_sharpe_of(request.data),
    )
