"""
The numbers of a run from the little that a sweep keeps of it: equity at the ends of days, trades, a few sums.

They are those of `bt_run.reports.metrics` to the last bit, by the same functions but where the kernel has made
the sums already. Each is computed only when asked for, because a sweep has a fraction of a millisecond a run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.run_sums import Tally
from bt_run.reports import returns as ratio
from bt_run.reports import trade_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars, FloatArray
    from bt_run.core.run_sums import RunSums

__all__ = ["SWEPT", "SweptBars", "SweptRun", "swept_metrics", "tally_of"]


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
    """One run of a sweep."""

    bars: SweptBars
    sums: RunSums

    @cached_property
    def tally(self) -> Tally:
        """The sums over returns and trades, made here where the kernel did not make them."""
        return self.sums.tally or tally_of(self.sums, start=self.bars.cash)

    @property
    def returns(self) -> FloatArray:
        """Simple returns a day, as the Sharpe ratio is made of; empty for a ruined account."""
        return self.tally.returns

    @property
    def trades(self) -> FloatArray:
        """The closed trades, columns as in `RunSums`."""
        return self.sums.trades

    @property
    def pnl(self) -> FloatArray:
        """Profit of each trade, quote currency."""
        return self.trades[:, 2]

    @property
    def pct(self) -> FloatArray:
        """Profit of each trade in percent of its cost."""
        return self.trades[:, 3]

    @property
    def growth(self) -> float:
        """Final over initial equity."""
        return self.sums.final / self.bars.cash

    @property
    def spread(self) -> float:
        """Sample standard deviation of the returns; 0 below two of them."""
        freedom = len(self.returns) - 1
        return math.sqrt(self.tally.squares / freedom) if freedom > 0 else 0.0

    @property
    def sharpe(self) -> float | None:
        """As `bt_run.reports.returns.sharpe`."""
        spread = ratio.without_noise(self.spread, largest=self.tally.largest)
        mean = self.tally.total / len(self.returns) if spread else 0.0
        return mean / spread * math.sqrt(self.bars.periods) if spread else None

    @cached_property
    def lasted(self) -> FloatArray:
        """Seconds from entry to exit of each trade."""
        at = self.trades[:, :2].astype(np.int64)
        return (self.bars.open_time[at[:, 1]] - self.bars.open_time[at[:, 0]]) / 1000

    @cached_property
    def annual(self) -> float | None:
        """The return a year, a share."""
        return ratio.annual_growth(self.tally.growth, count=len(self.returns), periods=self.bars.periods)

    @cached_property
    def alpha_beta(self) -> tuple[float | None, float | None]:
        """Against the bars' own returns."""
        return ratio.alpha_beta(self.returns, self.bars.market, periods=self.bars.periods)

    @property
    def fees(self) -> float:
        """All fees paid."""
        return math.fsum((*self.trades[:, 4].tolist(), *self.trades[:, 5].tolist(), self.sums.open_fee))


def tally_of(sums: RunSums, *, start: float) -> Tally:
    """Reckon the tally of a run with numpy; `start` is the cash it began with, > 0."""
    returns = ratio.returns_between(sums.closes, start=start)
    pnl = sums.trades[:, 2]
    total = squares = largest = 0.0
    if len(returns):
        total = float(np.add.reduce(returns))
        away = returns - total / len(returns)
        squares = float(np.add.reduce(away * away))
        largest = float(np.abs(returns).max())
    gains = pnl[pnl > 0.0]
    return Tally(
        returns=returns,
        total=total,
        squares=squares,
        growth=float(np.multiply.reduce(1.0 + returns)),
        largest=largest,
        won=len(gains),
        gained=float(np.add.reduce(gains)),
        lost=-float(np.add.reduce(pnl[pnl < 0.0])),
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100.0


SWEPT: dict[str, Callable[[SweptRun], float | int | None]] = {
    "equity_final": lambda run: run.sums.final,
    "equity_peak": lambda run: run.sums.highest,
    "return_pct": lambda run: (run.growth - 1.0) * 100.0,
    "return_ann_pct": lambda run: _percent(run.annual),
    "cagr_pct": lambda run: _percent(ratio.cagr(run.growth, elapsed_ms=run.bars.elapsed_ms)),
    "volatility_ann_pct": lambda run: (
        _percent(run.spread * math.sqrt(run.bars.periods)) if len(run.returns) > 1 else None
    ),
    "sharpe": lambda run: run.sharpe,
    "sortino": lambda run: ratio.sortino(run.returns, periods=run.bars.periods),
    "calmar": lambda run: ratio.calmar(_percent(run.annual), max_drawdown=run.sums.fall * 100.0),
    "alpha_pct": lambda run: _percent(run.alpha_beta[0]),
    "beta": lambda run: run.alpha_beta[1],
    "max_drawdown_pct": lambda run: run.sums.fall * 100.0,
    "exposure_pct": lambda run: run.sums.held / run.bars.count * 100.0,
    "trades": lambda run: len(run.trades),
    "win_rate_pct": lambda run: _percent(run.tally.won / len(run.trades) if len(run.trades) else None),
    "best_trade_pct": lambda run: float(run.pct.max()) if len(run.trades) else None,
    "worst_trade_pct": lambda run: float(run.pct.min()) if len(run.trades) else None,
    "avg_trade_pct": lambda run: trade_stats.geometric_mean_pct(run.pct),
    "avg_trade_duration_s": lambda run: float(run.lasted.mean()) if len(run.trades) else None,
    "max_trade_duration_s": lambda run: float(run.lasted.max()) if len(run.trades) else None,
    "profit_factor": lambda run: run.tally.gained / run.tally.lost if run.tally.lost else None,
    "expectancy_pct": lambda run: trade_stats.expectancy(run.pct),
    "sqn": lambda run: trade_stats.sqn(run.pnl),
    "kelly": lambda run: trade_stats.kelly(run.pnl),
    "fees_paid": lambda run: run.fees,
}
"""How each metric is made of a swept run; those that need the whole curve are not among them."""


def swept_metrics(runs: Iterable[SweptRun], names: Sequence[str]) -> list[dict[str, float | int | None]]:
    """Compute metrics of each run, all of which must be in `SWEPT`; what the data does not define is None."""
    wanted = [(name, SWEPT[name]) for name in names]
    with np.errstate(all="ignore"):  # what overflows becomes None
        return [{name: _plain(metric(run)) for name, metric in wanted} for run in runs]


def _plain(value: float | None) -> float | int | None:
    if value is None or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else value + 0.0
