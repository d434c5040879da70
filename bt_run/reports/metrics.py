"""
The numbers of one run.

Formulas and sources stand with the functions of `returns`, `drawdown` and `trade_stats`; ``docs/metrics.md``
says the same in words. Percent is percent (12.5, not 0.125); `_s` is seconds; money is in quote currency. What
the data does not define is None, never NaN or infinity.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.results import EquityCurve
from bt_run.reports import returns as ratio
from bt_run.reports import trade_stats
from bt_run.reports.drawdown import find_drawdowns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars, FloatArray, IntArray
    from bt_run.core.results import Fill, Trade

__all__ = ["buy_and_hold_curve", "compute_metrics", "exposure_pct"]

_DUST = 1e-12


def compute_metrics(
    *,
    curve: EquityCurve,
    bars: Bars,
    trades: Sequence[Trade],
    fills: Sequence[Fill],
    cash: float,
    interval: Interval,
) -> dict[str, float | int | None]:
    """
    Compute all metrics of a run, in the order in which they are printed and written.

    Args:
        curve: The account at every bar's close, shape (n,), n >= 1, no NaN.
        bars: The run's bars, shape (n,).
        trades: Closed trades. A position still open counts in the curve, not among the trades.
        fills: All executions; only their fees are used.
        cash: Value before the first bar, > 0.
        interval: Of the bars.

    Returns:
        One value a key; `trades` is an int, the others are floats or None.
    """
    with np.errstate(all="ignore"):  # what overflows becomes None below
        found = {
            **_of_curve(curve, bars, cash=cash, interval=interval),
            **_of_trades(trades),
            "fees_paid": math.fsum(fill.fee for fill in fills),
        }
    return {name: _defined(value) for name, value in found.items()}


def buy_and_hold_curve(bars: Bars, cash: float) -> EquityCurve:
    """
    Give the account of somebody who puts all cash into the first bar's close and keeps it, without costs.

    It starts with `cash` at the first close, as every strategy does, so the curves start in one point.
    """
    size = cash / bars.close[0]
    return EquityCurve(
        equity=cash * (bars.close / bars.close[0]), cash=np.zeros(len(bars)), position=np.full(len(bars), size)
    )


def exposure_pct(position: FloatArray, lasts: IntArray | None = None) -> float:
    """
    Give the percentage of bars at whose close a position is held, long or short.

    `lasts` is for how many bars each of `position` counts, one each where it is None.

    Rests below 1e-12 of the largest position are the rounding of sums, not positions.
    """
    dust = _DUST * max(float(position.max()), -float(position.min()))
    held = position > dust
    held |= position < -dust
    share = np.mean(held) if lasts is None else lasts[held].sum() / lasts.sum()
    return float(share * 100.0)


def _of_curve(
    curve: EquityCurve, bars: Bars, *, cash: float, interval: Interval
) -> dict[str, float | int | None]:
    equity, times = curve.equity, bars.open_time
    periods = ratio.periods_per_year(times, interval)
    daily = ratio.period_returns(equity, times, start=cash, interval=interval)
    market = ratio.period_returns(bars.close, times, start=float(bars.close[0]), interval=interval)
    alpha, beta = ratio.alpha_beta(daily, market, periods=periods)
    annual = ratio.annual_return(daily, periods=periods)
    falls = find_drawdowns(equity, times, start=cash)
    growth = float(equity[-1]) / cash
    return {
        "equity_final": float(equity[-1]),
        "equity_peak": max(cash, float(equity.max())),
        "return_pct": (growth - 1.0) * 100.0,
        "buy_hold_return_pct": (float(bars.close[-1] / bars.close[0]) - 1.0) * 100.0,
        "return_ann_pct": _percent(annual),
        "cagr_pct": _percent(ratio.cagr(growth, elapsed_ms=int(times[-1] - times[0]))),
        "volatility_ann_pct": _percent(ratio.volatility(daily, periods=periods)),
        "sharpe": ratio.sharpe(daily, periods=periods),
        "sortino": ratio.sortino(daily, periods=periods),
        "calmar": ratio.calmar(_percent(annual), max_drawdown=falls.max_pct),
        "alpha_pct": _percent(alpha),
        "beta": beta,
        "max_drawdown_pct": falls.max_pct,
        "avg_drawdown_pct": falls.avg_pct,
        "max_drawdown_duration_s": falls.max_duration_s,
        "avg_drawdown_duration_s": falls.avg_duration_s,
        "exposure_pct": exposure_pct(*curve.holdings()),
    }


def _of_trades(trades: Sequence[Trade]) -> dict[str, float | int | None]:
    pnl = np.array([trade.pnl for trade in trades], dtype=np.float64)
    pct = np.array([trade.pnl_pct for trade in trades], dtype=np.float64)
    lasted = np.array([trade.duration_s for trade in trades], dtype=np.float64)
    some = bool(trades)
    return {
        "trades": len(trades),
        "win_rate_pct": _percent(trade_stats.win_rate(pnl)),
        "best_trade_pct": float(pct.max()) if some else None,
        "worst_trade_pct": float(pct.min()) if some else None,
        "avg_trade_pct": trade_stats.geometric_mean_pct(pct),
        "avg_trade_duration_s": float(lasted.mean()) if some else None,
        "max_trade_duration_s": float(lasted.max()) if some else None,
        "profit_factor": trade_stats.profit_factor(pnl),
        "expectancy_pct": trade_stats.expectancy(pct),
        "sqn": trade_stats.sqn(pnl),
        "kelly": trade_stats.kelly(pnl),
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100.0


def _defined(value: float | int | None) -> float | int | None:
    """Turn what overflowed into None, and -0.0 into 0.0."""
    if value is None or isinstance(value, int):
        return value
    return value + 0.0 if math.isfinite(value) else None
