"""1 Summary: two sentences, and every metric as a card beside buy and hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.reports.cells import duration_cell, money_cell, percent_cell, quote_asset
from bt_run.reports.heading import time_cell
from bt_run.reports.metric_words import METRIC_WORDS, metric_text
from bt_run.reports.metrics import buy_and_hold_curve, compute_metrics
from bt_run.reports.page.section import Number, Section, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.results import RunResult

__all__ = ["in_words", "metric_number", "money_digits", "summary_section"]

_GROUPS = {
    "Result": (
        "equity_final", "return_pct", "return_ann_pct", "cagr_pct", "alpha_pct", "beta", "equity_peak",
        "exposure_pct",
    ),
    "Risk": (
        "max_drawdown_pct", "avg_drawdown_pct", "max_drawdown_duration_s", "avg_drawdown_duration_s",
        "volatility_ann_pct", "sharpe", "sortino", "calmar",
    ),
    "Trades": (
        "trades", "win_rate_pct", "profit_factor", "expectancy_pct", "avg_trade_pct", "best_trade_pct",
        "worst_trade_pct", "avg_trade_duration_s", "max_trade_duration_s", "sqn", "kelly", "fees_paid",
    ),
}  # fmt: skip
_OF_THE_MARKET = (
    "equity_final", "return_pct", "return_ann_pct", "cagr_pct", "max_drawdown_pct", "avg_drawdown_pct",
    "max_drawdown_duration_s", "avg_drawdown_duration_s", "volatility_ann_pct", "sharpe", "sortino", "calmar",
)  # fmt: skip
_TONED = ("return_pct", "return_ann_pct", "cagr_pct", "alpha_pct")


def summary_section(result: RunResult) -> Section:
    """Make the cards; what buy and hold has too stands under the strategy's number."""
    market = compute_metrics(
        curve=buy_and_hold_curve(result.data.bars, result.settings.cash),
        bars=result.data.bars,
        trades=(),
        fills=(),
        cash=result.settings.cash,
        interval=result.data.interval,
    )
    digits = money_digits(result)
    groups = {
        title: [
            _card(key, result.metrics, market if key in _OF_THE_MARKET else {}, digits=digits) for key in keys
        ]
        for title, keys in _GROUPS.items()
    }
    return Section(
        "summary",
        "Summary",
        "summary.html",
        {"words": in_words(result), "groups": groups, "quote": quote_asset(result.data.symbol)},
        data={"buy_and_hold": market},
    )


def _card(
    key: str,
    metrics: Mapping[str, float | int | None],
    market: Mapping[str, float | int | None],
    *,
    digits: int,
) -> tuple[str, Number, Number | None]:
    mine = metric_number(key, metrics, path=f"metrics.{key}", digits=digits)
    held = metric_number(key, market, path=f"buy_and_hold.{key}", digits=digits) if key in market else None
    return METRIC_WORDS[key].label, mine, held


def metric_number(key: str, metrics: Mapping[str, float | int | None], *, path: str, digits: int = 2) -> Number:
    """Write one metric as a number of the page, with its formula to be read when it is pointed at."""
    value = metrics.get(key)
    words = METRIC_WORDS[key]
    return number(
        metric_text(key, value, digits=digits),
        value,
        path=path,
        hint=f"{words.label}: {words.formula}",
        toned=key in _TONED,
    )


def money_digits(result: RunResult) -> int:
    """Give the decimals of money: cents, or satoshi for an account in bitcoin."""
    return 2 if result.settings.cash >= 100 else 8


def in_words(result: RunResult) -> tuple[str, str]:
    """Say in two sentences what came of it and what it took."""
    found = result.metrics.get
    times = result.data.bars.open_time
    first, last = (time_cell(int(times[place]), with_clock=False) for place in (0, -1))
    quote = quote_asset(result.data.symbol)
    digits = money_digits(result)
    unit = f" {quote}" if quote else ""
    earned = (
        f"From {first} to {last}, {result.label} turned "
        f"{money_cell(result.settings.cash, digits=digits)}{unit} into "
        f"{money_cell(found('equity_final'), digits=digits)} ({percent_cell(found('return_pct'))}), "
        f"while holding {result.data.symbol} would have given {percent_cell(found('buy_hold_return_pct'))}."
    )
    return earned, _cost_of_it(result)


def _cost_of_it(result: RunResult) -> str:
    found = result.metrics.get
    held = f"it held a position {percent_cell(found('exposure_pct'), signed=False, digits=0)} of the time"
    fall = found("max_drawdown_pct")
    if fall:
        lasted = duration_cell(found("max_drawdown_duration_s"))
        risk = f"Its deepest fall was {percent_cell(-fall)}, its longest way back to a peak {lasted}"
    else:
        risk = "It never fell below a peak"
    if not result.trades:
        return f"{risk}; {held} and closed no trade."
    count = f"{len(result.trades):,} trades" if len(result.trades) > 1 else "1 trade"
    won = percent_cell(found("win_rate_pct"), signed=False, digits=0)
    return f"{risk}; {held} and won {won} of {count}."
