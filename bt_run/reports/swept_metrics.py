"""
The numbers of a run from the little that a sweep keeps of it: equity at the ends of days, trades, a few sums.

They are those of `bt_run.reports.metrics`, by the same functions and so to the last bit. Each is computed only
when asked for, because a sweep has a fraction of a millisecond for a run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bt_run.reports import returns as ratio
from bt_run.reports import trade_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars, FloatArray

__all__ = ["SWEPT", "SweptBars", "SweptRun", "swept_metrics"]


class SweptBars:
    """
    What all runs of a sweep have in common, reckoned once.

    `ends` are the positions of the last bar of each period of returns, `periods` how many make a year, `market`
    the bars' own returns, `elapsed_ms` the time from the first close to the last.
    """

    def __init__(self, bars: Bars, interval: Interval, *, cash: float) -> None:
        times, close = bars.open_time, bars.close
        self.cash = cash
        self.count = len(bars)
        self.open_time = times
        self.ends: npt.NDArray[np.int64] = ratio.period_ends(times, interval).astype(np.int64)
        self.periods = ratio.periods_per_year(times, interval)
        self.market = ratio.returns_between(close[self.ends], start=float(close[0]))
        self.elapsed_ms = int(times[-1] - times[0])


@dataclass(frozen=True, eq=False)
class SweptRun:
    """
    One run of a sweep.

    `closes`: equity at `SweptBars.ends`. `trades`: closed ones, shape (k, 6): entry bar, exit bar, profit after
    fees, profit in percent of the cost, fee of the entry, fee of the exit. `final`, `highest`: equity at the
    last close, and the most it was, at least the cash. `fall`: the deepest fall as a share of the peak. `held`:
    bars at whose close a position was held. `open_fee`: paid for what is still held.
    """

    bars: SweptBars
    closes: FloatArray
    trades: FloatArray
    final: float
    highest: float
    fall: float
    held: int
    open_fee: float

    @cached_property
    def returns(self) -> FloatArray:
        """Simple returns a day, as the Sharpe ratio is made of; empty for a ruined account."""
        return ratio.returns_between(self.closes, start=self.bars.cash)

    @property
    def pnl(self) -> FloatArray:
        """Profit of each trade, quote currency."""
        return self.trades[:, 2]

    @property
    def pct(self) -> FloatArray:
        """Profit of each trade in percent of its cost."""
        return self.trades[:, 3]

    @cached_property
    def lasted(self) -> FloatArray:
        """Seconds from entry to exit of each trade."""
        at = self.trades[:, :2].astype(np.int64)
        return (self.bars.open_time[at[:, 1]] - self.bars.open_time[at[:, 0]]) / 1000

    @cached_property
    def annual(self) -> float | None:
        """The return a year, a share."""
        return ratio.annual_return(self.returns, periods=self.bars.periods)

    @cached_property
    def alpha_beta(self) -> tuple[float | None, float | None]:
        """Against the bars' own returns."""
        return ratio.alpha_beta(self.returns, self.bars.market, periods=self.bars.periods)

    @property
    def fees(self) -> float:
        """All fees paid."""
        return math.fsum((*self.trades[:, 4].tolist(), *self.trades[:, 5].tolist(), self.open_fee))


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100.0


SWEPT: dict[str, Callable[[SweptRun], float | int | None]] = {
    "equity_final": lambda run: run.final,
    "equity_peak": lambda run: run.highest,
    "return_pct": lambda run: (run.final / run.bars.cash - 1.0) * 100.0,
    "return_ann_pct": lambda run: _percent(run.annual),
    "cagr_pct": lambda run: _percent(ratio.cagr(run.final / run.bars.cash, elapsed_ms=run.bars.elapsed_ms)),
    "volatility_ann_pct": lambda run: _percent(ratio.volatility(run.returns, periods=run.bars.periods)),
    "sharpe": lambda run: ratio.sharpe(run.returns, periods=run.bars.periods),
    "sortino": lambda run: ratio.sortino(run.returns, periods=run.bars.periods),
    "calmar": lambda run: ratio.calmar(_percent(run.annual), max_drawdown=run.fall * 100.0),
    "alpha_pct": lambda run: _percent(run.alpha_beta[0]),
    "beta": lambda run: run.alpha_beta[1],
    "max_drawdown_pct": lambda run: run.fall * 100.0,
    "exposure_pct": lambda run: run.held / run.bars.count * 100.0,
    "trades": lambda run: len(run.trades),
    "win_rate_pct": lambda run: _percent(trade_stats.win_rate(run.pnl)),
    "best_trade_pct": lambda run: float(run.pct.max()) if len(run.trades) else None,
    "worst_trade_pct": lambda run: float(run.pct.min()) if len(run.trades) else None,
    "avg_trade_pct": lambda run: trade_stats.geometric_mean_pct(run.pct),
    "avg_trade_duration_s": lambda run: float(run.lasted.mean()) if len(run.trades) else None,
    "max_trade_duration_s": lambda run: float(run.lasted.max()) if len(run.trades) else None,
    "profit_factor": lambda run: trade_stats.profit_factor(run.pnl),
    "expectancy_pct": lambda run: trade_stats.expectancy(run.pct),
    "sqn": lambda run: trade_stats.sqn(run.pnl),
    "kelly": lambda run: trade_stats.kelly(run.pnl),
    "fees_paid": lambda run: run.fees,
}
"""How each metric is made of a swept run; those that need the whole curve are not among them."""


def swept_metrics(run: SweptRun, names: Iterable[str]) -> dict[str, float | int | None]:
    """Compute metrics, each of which must be in `SWEPT`; what the data does not define is None."""
    found: dict[str, float | int | None] = {}
    with np.errstate(all="ignore"):  # what overflows becomes None
        for name in names:
            value = SWEPT[name](run)
            is_number = value is not None and math.isfinite(value)
            found[name] = (
                (value if isinstance(value, int) else value + 0.0) if is_number and value is not None else None
            )
    return found
