"""Put the accounts of test windows behind each other: one account over all of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from brokers.ledger import round_trips
from bt_run.core.results import EquityCurve
from bt_run.reports.metrics import compute_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import BarFile
    from bt_run.core.results import RunResult

__all__ = ["stitch_runs"]


def stitch_runs(data: BarFile, first: int, runs: Sequence[RunResult]) -> RunResult:
    """
    Stitch runs whose bars follow each other, each begun with the cash that the one before left.

    Args:
        data: All bars.
        first: The position of the first bar of the first run.
        runs: At least one; flat at their ends, so that no position is carried over.

    Returns:
        One run over the bars of all of them, with metrics of its own. Its parameters are empty: each run had
        others.
    """
    count = sum(len(run.data.bars) for run in runs)
    covered = dataclasses.replace(data, bars=data.bars[first : first + count])
    fills, rejected, done = [], [], 0
    for run in runs:
        fills += [_moved(fill, done) for fill in run.fills]
        rejected += [_moved(order, done) for order in run.rejected]
        done += len(run.data.bars)
    curve = EquityCurve(
        *(np.concatenate([getattr(run.curve, name) for run in runs]) for name in ("equity", "cash", "position"))
    )
    cash = runs[0].settings.cash
    trades, held = round_trips(fills, covered.bars)
    return dataclasses.replace(
        runs[0],
        params={},
        engine=next((run.engine for run in runs if run.engine), ""),
        data=covered,
        curve=curve,
        trades=trades,
        fills=tuple(fills),
        rejected=tuple(rejected),
        open_position=held,
        panels={},
        overlays={},
        metrics=compute_metrics(
            curve=curve, bars=covered.bars, trades=trades, fills=fills, cash=cash, interval=data.interval
        ),
    )


def _moved(item: Any, bars: int) -> Any:
    """Count an item's bar from the first bar of all runs."""
    return dataclasses.replace(item, bar=item.bar + bars)
