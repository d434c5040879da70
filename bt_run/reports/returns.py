"""
Returns a day, and the ratios of return and risk that are made of them.

Everywhere: `returns` are simple returns, 0.01 for one percent, shape (n,); `periods` is how many of them make a
year. A ratio that the numbers do not define (no returns, no variation, no loss) is None.
The riskless rate is zero: an account in USDT earns none by itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bt_run.reports.moments import mean, standard_deviation

if TYPE_CHECKING:
    import numpy.typing as npt

    from bt_run.core.interval import Interval
    from bt_run.core.market import FloatArray, IntArray

__all__ = [
    "alpha_beta",
    "annual_growth",
    "annual_return",
    "cagr",
    "calmar",
    "period_ends",
    "period_returns",
    "periods_per_year",
    "return_times",
    "returns_between",
    "sharpe",
    "sortino",
    "volatility",
    "without_noise",
]

_DAY_MS = 86_400_000
_YEAR_DAYS = 365
_MARKET_YEAR_DAYS = 252
_YEAR_MS = 365.25 * _DAY_MS
_OPEN_SHARE = 0.6
_NOISE = 1e-12


def periods_per_year(open_time: IntArray, interval: Interval) -> float:
    """
    Say how many of `period_returns` make a year.

    365 where the market trades on weekends, 252 where it does not. It does where bars exist on at least 60 %
    of the Saturdays and Sundays between the first and the last (currencies, which open on Sunday evening, have
    bars on half of them). Data without a weekend in its range counts as open: so are Binance's markets.
    For an interval longer than a day: 365 days by its length, or 12 months by its count of months.
    """
    if interval.milliseconds is None:
        return 12.0 / interval.count
    if interval.milliseconds > _DAY_MS:
        return _YEAR_DAYS * _DAY_MS / interval.milliseconds
    traded = open_time[_day_ends(open_time)] // _DAY_MS
    days = np.arange(traded[0], traded[-1] + 1)
    weekend_days = np.count_nonzero(_is_weekend(days))
    open_weekends = np.count_nonzero(_is_weekend(traded)) >= _OPEN_SHARE * weekend_days
    return float(_YEAR_DAYS if open_weekends else _MARKET_YEAR_DAYS)


def period_returns(values: FloatArray, open_time: IntArray, *, start: float, interval: Interval) -> FloatArray:
    """
    Give the returns of each UTC day, or of each bar where a bar is longer than a day.

    A bar belongs to the day in which it opens; a day's value is that at its last bar's close. `start` is the
    value before the first day, so the first day's return counts. A day without bars (an outage) gives no
    return; the next one bridges it.

    Args:
        values: Equity or price at the close of every bar, shape (n,), n >= 1.
        open_time: ms UTC, shape (n,), ascending.
        start: Value before the first bar, > 0.
        interval: Of the bars.

    Returns:
        Shape (days,). Empty where the value stood at or below zero at the end of any day: a percentage
        of nothing means nothing.
    """
    return returns_between(values[period_ends(open_time, interval)], start=start)


def period_ends(open_time: IntArray, interval: Interval) -> npt.NDArray[np.intp]:
    """
    Find the last bar of every period of `period_returns`: of each UTC day, or every bar where one is longer.

    Positions in 0..n-1, ascending, the last of them n - 1; n >= 1.
    """
    longer = interval.milliseconds is None or interval.milliseconds > _DAY_MS
    return np.arange(len(open_time)) if longer else _day_ends(open_time)


def returns_between(closes: FloatArray, *, start: float) -> FloatArray:
    """
    Give the returns from `start` to the first of `closes`, and from each to the next; see `period_returns`.

    Shape (days,), as `closes`; empty where a value is at or below zero.
    """
    path = np.concatenate(([start], closes))
    if path.min() <= 0.0:
        return np.empty(0)
    found: FloatArray = path[1:] / path[:-1] - 1.0
    return found


def return_times(open_time: IntArray, *, interval: Interval) -> IntArray:
    """Give the open time of the bar at whose close each of `period_returns` ends; ms UTC, shape (days,)."""
    return open_time[period_ends(open_time, interval)]


def _day_ends(open_time: IntArray) -> npt.NDArray[np.intp]:
    """Find the last bar of every UTC day that has bars."""
    days = np.arange(open_time[0] // _DAY_MS + 1, open_time[-1] // _DAY_MS + 2)
    return np.unique(np.searchsorted(open_time, days * _DAY_MS, side="left") - 1)


def _is_weekend(days: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell Saturdays and Sundays from days since 1970-01-01, a Thursday."""
    found: npt.NDArray[np.bool_] = (days + 3) % 7 >= 5
    return found


def annual_return(returns: FloatArray, *, periods: float) -> float | None:
    """
    Annualise the geometric mean: ``prod(1 + r) ** (periods / n) - 1``.

    Source: PerformanceAnalytics Return.annualized(geometric=TRUE); Bacon, "Practical Portfolio Performance
    Measurement and Attribution", 2008. Over a few days it is an extrapolation and can be astronomic.
    """
    return annual_growth(float(np.multiply.reduce(1.0 + returns)), count=len(returns), periods=periods)


def annual_growth(growth: float, *, count: int, periods: float) -> float | None:
    """Annualise the growth over `count` returns, as `annual_return` does; None without returns."""
    return _power(growth, periods / count) if count else None


def cagr(growth: float, *, elapsed_ms: int) -> float | None:
    """
    Give the compound annual growth rate: ``growth ** (1 / years) - 1``, a year of 365.25 days.

    `growth` is final over initial value, `elapsed_ms` the time from the first bar's close to the last bar's.
    None where no time has passed or nothing is left. Source: as backtesting.py 0.6.6, ``CAGR [%]``.
    """
    return _power(growth, _YEAR_MS / elapsed_ms) if elapsed_ms > 0 else None


def _power(growth: float, exponent: float) -> float | None:
    if growth <= 0.0:
        return None
    try:
        return math.expm1(math.log(growth) * exponent)
    except OverflowError:
        return None


def volatility(returns: FloatArray, *, periods: float) -> float | None:
    """
    Annualise the standard deviation: ``std(r, n - 1) * sqrt(periods)``.

    None below two returns. Source: PerformanceAnalytics StdDev.annualized.
    """
    return standard_deviation(returns, ddof=1) * math.sqrt(periods) if len(returns) > 1 else None


def sharpe(returns: FloatArray, *, periods: float) -> float | None:
    """
    Give the Sharpe ratio: ``mean(r) / std(r, n - 1) * sqrt(periods)``.

    Defined from two returns on, so within one year too. None where the returns do not vary.
    Source: Sharpe, "The Sharpe Ratio", 1994; PerformanceAnalytics SharpeRatio.annualized(geometric=FALSE).
    """
    spread = _spread(returns)
    return mean(returns) / spread * math.sqrt(periods) if spread else None


def without_noise(spread: float, *, largest: float) -> float:
    """Give a standard deviation, and 0 where it is only the rounding of equal returns, `largest` in size."""
    return spread if spread > _NOISE * largest else 0.0


def _spread(returns: FloatArray) -> float:
    """Give the sample standard deviation without its noise."""
    if len(returns) < 2:
        return 0.0
    return without_noise(standard_deviation(returns, ddof=1), largest=float(np.abs(returns).max()))


def sortino(returns: FloatArray, *, periods: float) -> float | None:
    """
    Give the Sortino ratio: ``mean(r) / sqrt(sum(min(r, 0) ** 2) / n) * sqrt(periods)``.

    None below two returns or where no return is negative. Source: Sortino and Price, 1994, target zero; the
    downside is divided by all n returns, as PerformanceAnalytics DownsideDeviation(method="full").
    """
    downside = math.sqrt(mean(np.minimum(returns, 0.0) ** 2)) if len(returns) > 1 else 0.0
    return mean(returns) / downside * math.sqrt(periods) if downside else None


def calmar(annual: float | None, *, max_drawdown: float) -> float | None:
    """
    Give the Calmar ratio: annual return over the deepest drawdown, both in the same unit.

    None without a drawdown. Source: Young, 1991; PerformanceAnalytics CalmarRatio (the whole history, not the
    last 36 months).
    """
    return annual / max_drawdown if annual is not None and max_drawdown > 0.0 else None


def alpha_beta(returns: FloatArray, market: FloatArray, *, periods: float) -> tuple[float | None, float | None]:
    """
    Give Jensen's alpha a year and beta against the market's returns of the same days.

    ``beta = cov(r, m) / var(m)``; ``alpha = (mean(r) - beta * mean(m)) * periods``: slope and intercept of the
    least-squares line, the intercept times the periods of a year. (None, None) below two returns or where the
    market does not move. Source: Jensen, "The Performance of Mutual Funds", 1968; as quantstats greeks().
    """
    if len(returns) < 2 or len(returns) != len(market) or not _spread(market):
        return None, None
    covariance = np.cov(returns, market)
    beta = float(covariance[0, 1] / covariance[1, 1])
    return (mean(returns) - beta * mean(market)) * periods, beta
