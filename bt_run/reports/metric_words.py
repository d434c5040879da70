"""What each metric is called, how it is written, and how it is reckoned; `docs/metrics.md` in short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bt_run.reports.cells import duration_cell, money_cell, percent_cell, ratio_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["METRIC_WORDS", "MetricWords", "metric_text"]

Kind = Literal["money", "change", "share", "fall", "ratio", "count", "duration"]


@dataclass(frozen=True, slots=True)
class MetricWords:
    """
    A metric for people.

    `kind` says how it is written: a ``change`` has a sign, a ``share`` none, a ``fall`` a minus. `formula`
    is one sentence. `better` is 1 where more is better, -1 where less is, 0 neither.
    """

    label: str
    kind: Kind
    formula: str
    better: int = 0


METRIC_WORDS: Mapping[str, MetricWords] = {
    "equity_final": MetricWords("Final equity", "money", "Cash plus position at the last close.", 1),
    "equity_peak": MetricWords(
        "Peak equity", "money", "The highest of the starting cash and equity at every close."
    ),
    "return_pct": MetricWords("Return", "change", "final equity / starting cash - 1", 1),
    "buy_hold_return_pct": MetricWords("Buy and hold", "change", "last close / first close - 1, without costs"),
    "return_ann_pct": MetricWords(
        "Return a year",
        "change",
        "prod(1 + daily return) ^ (year / days) - 1, a year of 365 or 252 days",
        1,
    ),
    "cagr_pct": MetricWords("CAGR", "change", "(final / cash) ^ (1 / years) - 1, years of 365.25 days", 1),
    "volatility_ann_pct": MetricWords(
        "Volatility a year", "share", "standard deviation of daily returns (n - 1) * sqrt(year)", -1
    ),
    "sharpe": MetricWords(
        "Sharpe ratio",
        "ratio",
        "mean / standard deviation (n - 1) of daily returns * sqrt(year); riskless rate zero",
        1,
    ),
    "sortino": MetricWords(
        "Sortino ratio", "ratio", "mean of daily returns / sqrt(sum(min(r, 0)^2) / n) * sqrt(year)", 1
    ),
    "calmar": MetricWords("Calmar ratio", "ratio", "return a year / deepest drawdown", 1),
    "alpha_pct": MetricWords(
        "Alpha a year", "change", "(mean(r) - beta * mean(market)) * year (Jensen, 1968)", 1
    ),
    "beta": MetricWords("Beta", "ratio", "cov(r, market) / var(market); the market is buy and hold"),
    "max_drawdown_pct": MetricWords(
        "Max drawdown", "fall", "the deepest fall of equity below its highest close so far", -1
    ),
    "avg_drawdown_pct": MetricWords(
        "Average drawdown", "fall", "mean depth of all falls from peak to recovery", -1
    ),
    "max_drawdown_duration_s": MetricWords(
        "Longest drawdown",
        "duration",
        "longest time from the last bar at a peak to the bar that reaches it again",
        -1,
    ),
    "avg_drawdown_duration_s": MetricWords("Average length", "duration", "mean time from peak to recovery", -1),
    "exposure_pct": MetricWords("Exposure", "share", "bars at whose close a position is held / all bars"),
    "trades": MetricWords("Trades", "count", "closed trades, from flat to flat"),
    "win_rate_pct": MetricWords("Win rate", "share", "trades with a profit after fees / all trades", 1),
    "best_trade_pct": MetricWords("Best trade", "change", "highest profit after fees / cost of the entries"),
    "worst_trade_pct": MetricWords("Worst trade", "change", "lowest profit after fees / cost of the entries"),
    "avg_trade_pct": MetricWords(
        "Average trade", "change", "prod(1 + p) ^ (1 / k) - 1 over the trades' results", 1
    ),
    "avg_trade_duration_s": MetricWords("Average duration", "duration", "mean time from entry bar to exit bar"),
    "max_trade_duration_s": MetricWords("Longest trade", "duration", "longest time from entry bar to exit bar"),
    "profit_factor": MetricWords(
        "Profit factor", "ratio", "profits of all winners / losses of all losers, in money", 1
    ),
    "expectancy_pct": MetricWords(
        "Expectancy", "change", "arithmetic mean of the trades' results in percent", 1
    ),
    "sqn": MetricWords("SQN", "ratio", "sqrt(k) * mean(profit) / std(profit) over k trades (Tharp, 2008)", 1),
    "kelly": MetricWords(
        "Kelly fraction", "ratio", "w - (1 - w) / (mean win / mean loss), w the win rate (Kelly, 1956)"
    ),
    "fees_paid": MetricWords("Fees paid", "money", "all fees of all fills; slippage is in the prices", -1),
}
"""Every metric of `bt_run.reports.metrics`, in its order."""


def metric_text(key: str, value: float | int | None, *, digits: int = 2) -> str:
    """Write a metric's value as its kind asks; `digits` are the decimals of money. A dash where it is None."""
    kind = METRIC_WORDS[key].kind
    if kind == "money":
        return money_cell(value, digits=digits)
    if kind == "duration":
        return duration_cell(value)
    if kind == "count":
        return ratio_cell(value, digits=0)
    if kind == "ratio":
        return ratio_cell(value)
    if kind == "fall":
        return percent_cell(None if value is None else -value)
    return percent_cell(value, signed=kind == "change")
