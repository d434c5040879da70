"""What the honesty statistics say, in the form in which the report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from bt_run.reports.honesty.fan import equity_fan
from bt_run.reports.honesty.trade_order import trade_returns
from bt_run.reports.page.contents import Band, Robustness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.core.results import RunResult
    from bt_run.reports.honesty.bootstrap import Interval
    from bt_run.reports.honesty.honesty import HonestyReport

    Kind = Literal["change", "fall", "ratio"]

__all__ = ["robustness_of"]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def robustness_of(result: RunResult, found: HonestyReport, *, seed: int) -> Robustness:
    """Turn the statistics of one run into sentences, intervals and a fan of equity curves."""
    profits = np.array([trade.pnl for trade in result.trades])
    cash = result.settings.cash
    return Robustness(
        words=found.sentences,
        bands=tuple(_bands(found)),
        quantiles=_QUANTILES,
        paths=equity_fan(trade_returns(profits, cash=cash), cash=cash, quantiles=_QUANTILES, seed=seed),
    )


def _bands(found: HonestyReport) -> Iterator[Band]:
    bands = found.bootstrap
    if bands is not None:
        how = (
            f"{bands.resamples:,} resamples of days in blocks of {bands.block_days:.1f} days "
            "(Politis and Romano, 1994)"
        )
        named: tuple[tuple[str, Interval | None, Kind], ...] = (
            ("Return", bands.return_pct, "change"),
            ("Sharpe ratio", bands.sharpe, "ratio"),
            ("Max drawdown", bands.drawdown_pct, "fall"),
        )
        for label, interval, kind in named:
            if interval is not None:
                yield Band(
                    label, interval.value, interval.low, interval.high, bands.confidence, kind, meaning=how
                )
    order = found.trade_order
    if order is not None:
        how = (
            f"{order.draws:,} other orders of the same {order.trades:,} trades; "
            "from the median to what one in twenty exceeds"
        )
        yield Band(
            "Drawdown from trade to trade",
            order.drawdown_pct,
            order.median_drawdown_pct,
            order.bad_drawdown_pct,
            0.95,
            "fall",
            meaning=how,
        )
