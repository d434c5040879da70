"""A run of the journal as a result, in the same form as a backtest's."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from brokers.ledger import round_trips
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.core.market import BarFile
from bt_run.core.results import EquityCurve, Fill, RejectedOrder, RunResult
from bt_run.reports.metrics import compute_metrics
from bt_run.run.parity.replay import settings_of_story
from bt_run.run.parity.story import read_story
from feeds.history import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.core.market import Bars
    from bt_run.journal.queries import JournalQueries
    from bt_run.journal.records import RunRecord
    from bt_run.run.parity.story import LiveStory

__all__ = ["stored_result"]

_ROUNDING = 1e-6
"""The share of a lot that float sums may be short of a whole one."""


def stored_result(journal: JournalQueries, run: RunRecord, *, symbol: str | None = None) -> RunResult:
    """
    Reckon what came of a live run, restarts included, from what its journal holds.

    The fills of an order are one fill at their average price. Of several symbols `symbol` says which.

    Raises:
        ConfigError: no bars were kept, or several symbols of which none is chosen.
        JournalError: the journal cannot be read.
    """
    story = read_story(journal, run, symbol=symbol)
    settings = settings_of_story(story)
    first = int(np.argmax(story.tradable)) if story.tradable.any() else 0
    bars = story.joined.bars[first:]
    if not len(bars):
        raise ConfigError(
            f"Run {run.run} saw no bar on which it could have traded, so there is nothing to report."
        )
    equity, position = story.side.equity[first:], story.side.position[first:]
    curve = EquityCurve(equity, equity - position * bars.close, position)
    fills = tuple(_fills(story, bars, first))
    trades, open_position = round_trips(fills, bars)
    interval = Interval.parse(run.interval)
    return RunResult(
        strategy=run.strategy,
        params=dict(run.params),
        data=_data(story, bars, interval),
        settings=settings,
        engine=run.mode,
        curve=curve,
        trades=trades,
        fills=fills,
        rejected=tuple(_refusals(story, bars, first)),
        open_position=open_position,
        metrics=compute_metrics(
            curve=curve, bars=bars, trades=trades, fills=fills, cash=settings.cash, interval=interval
        ),
    )


def _fills(story: LiveStory, bars: Bars, first: int) -> Iterator[Fill]:
    """
    Give the executions by what can be sold after each, as the live run's own result does.

    A fee in base asset leaves less than a lot behind, which cannot be sold: a trade ends all the same.
    """
    held = story.opening.size
    visible = _whole_lots(held, story.lot_step)
    if visible:
        yield Fill(0, int(bars.open_time[0]), visible, story.opening.price, 0.0, visible, "restored")
    for order in story.side.orders:
        if order.quantity and order.last_bar >= first:
            held += order.change
            before, visible = visible, _whole_lots(held, story.lot_step)
            bar = order.last_bar - first
            fee = order.fee + order.base_fee * order.price
            yield Fill(bar, int(bars.open_time[bar]), visible - before, order.price, fee, visible, order.role)


def _whole_lots(size: float, lot_step: float) -> float:
    return math.floor(size / lot_step + _ROUNDING) * lot_step


def _refusals(story: LiveStory, bars: Bars, first: int) -> Iterator[RejectedOrder]:
    for order in story.side.orders:
        bar = order.bar - first
        if order.refusal and 0 <= bar < len(bars):
            price = float(bars.close[bar])
            yield RejectedOrder(bar, int(bars.open_time[bar]), order.side, order.wanted, price, order.refusal)


def _data(story: LiveStory, bars: Bars, interval: Interval) -> BarFile:
    note = "practice exchange" if story.run.venue == "practice" else ""
    return BarFile(
        path=Path(f"{story.run.venue}:{story.symbol}"),
        symbol=story.symbol,
        interval=interval,
        bars=bars,
        sha256=digest_of(bars),
        format="journal",
        warnings=story.notes,
        note=note,
    )
