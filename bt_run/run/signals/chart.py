"""A desk as a chart: its bars and curves, each signal so far, and the largest liquidations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.reports.cells import percent_cell, price_cell
from bt_run.reports.chart_marks import ChartMark
from bt_run.reports.page.signal_figure import SignalChart

if TYPE_CHECKING:
    from bt_run.core.market import Bars, FloatArray
    from bt_run.reports.chart_marks import MarkKind
    from bt_run.run.signals.desk import SignalDesk

__all__ = ["CHART_BARS", "LIQUIDATIONS_SHOWN", "chart_of", "marks_of"]

CHART_BARS = 3_000
"""Older bars are left out of a chart page, which a browser would be slow with."""

LIQUIDATIONS_SHOWN = 25
"""So many bars with the most liquidation volume of a side are marked."""


def marks_of(desk: SignalDesk) -> list[ChartMark]:
    """Give a mark for each signal that the desk has seen, those of the history among them, and liquidations."""
    bars = desk.bars
    if bars is None:
        return []
    marks: list[ChartMark] = []
    entered = 0.0
    for decision in desk.decisions:
        price = float(bars.close[decision.position])
        text, label = str(decision.kind), ""
        if decision.is_entry:
            entered = price
        elif entered:
            gain = (price / entered - 1.0) * (100.0 if decision.is_long else -100.0)
            label = percent_cell(gain, digits=1)
            text = f"{decision.kind} {percent_cell(gain)}"
        at = int(bars.open_time[decision.position])
        marks.append(ChartMark(at, price, decision.kind, f"{text} at {price_cell(price)}", label))
    return [*marks, *_liquidations(bars)]


def chart_of(desk: SignalDesk, *, shown: int = CHART_BARS) -> SignalChart | None:
    """Give the chart of a desk's last bars; None before there is any."""
    bars, reading = desk.bars, desk.reading
    if bars is None or reading is None or not len(bars):
        return None
    window = slice(max(len(bars) - shown, 0), len(bars))
    terms = desk.terms
    return SignalChart(
        title=f"{terms.symbol} {terms.interval}, {terms.strategy}",
        bars=bars[window],
        marks=marks_of(desk),
        overlays={name: curve[window] for name, curve in reading.overlays.items()},
        panels={name: curve[window] for name, curve in reading.panels.items()},
    )


def _liquidations(bars: Bars) -> list[ChartMark]:
    if bars.flow is None:
        return []
    marks: list[ChartMark] = []
    sides: tuple[tuple[MarkKind, FloatArray], ...] = (
        ("long liquidation", bars.flow.long_liquidation_volume),
        ("short liquidation", bars.flow.short_liquidation_volume),
    )
    for kind, volume in sides:
        known = np.nan_to_num(volume)
        order = np.argsort(known, kind="stable")[::-1][:LIQUIDATIONS_SHOWN]
        for place in sorted(int(at) for at in order if known[at] > 0.0):
            text = f"{kind}s {known[place]:,.6g}"
            marks.append(ChartMark(int(bars.open_time[place]), float(bars.close[place]), kind, text))
    return marks
