"""The picture of one run: price with its fills, volume, indicators, equity and drawdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from bt_run.core.errors import DataError
from bt_run.reports.account import draw_drawdown, draw_equity
from bt_run.reports.candles import draw_price, draw_volume, has_volume
from bt_run.reports.figure_file import save_figure, show_figure
from bt_run.reports.header import data_line, draw_head, draw_tiles, metric_tiles, settings_line
from bt_run.reports.indicators import draw_indicator, group_panels
from bt_run.reports.panels import Slot, stack_panels
from bt_run.reports.scales import bar_width, days, set_dates
from bt_run.reports.style import DPI, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bt_run.core.results import RunResult

__all__ = ["draw_run", "save_figure", "show_figure"]

_WIDTH, _HEIGHT = 16.0, 10.0
_HEAD, _FOOT = 1.48, 0.42
_VOLUME = Slot(0.5, above=0.08)
_INDICATOR = Slot(0.95)
_EQUITY = Slot(1.55)
_DRAWDOWN = Slot(0.65)
_PRICE_AT_LEAST = 2.6  # more indicators make the picture taller, not the price flatter


def draw_run(result: RunResult) -> Figure:
    """
    Draw one run, 1600 pixels wide and 1000 high, higher with more than one indicator panel.

    From the top: strategy and parameters, the data and its note, the numbers that matter; price with
    overlays and every fill; volume where the data has it; one panel for each indicator (see
    `bt_run.reports.indicators` for curves that share one); equity against buy and hold; drawdown.
    Price and equity are on a log scale when they range over 8 times or more. Long runs are thinned to
    the pixels there are, keeping extremes; fills are never left out.

    Uses no pyplot and needs no display. Raises DataError where the run has no bars.
    """
    bars = result.data.bars
    if not len(bars):
        raise DataError("The run holds no bars, so there is nothing to draw.", path=result.data.path)
    indicators = group_panels(result.panels)
    volume = has_volume(bars)
    with drawing():
        figure, panels = _layout(len(indicators), volume=volume)
        about = f"{data_line(result.data)} · {settings_line(result)}"
        draw_head(figure, result.label, about, result.data.note)
        draw_tiles(figure, metric_tiles(result), top=1.02)
        half = bar_width(bars, result.data.interval.approximate_ms) / 2
        start, end = days(bars.open_time[[0, -1]])
        set_dates(panels[0], start - half, end + half)
        rest = iter(panels)
        draw_price(next(rest), result)
        if volume:
            draw_volume(next(rest), bars, result.data.interval.approximate_ms)
        for title, curves in indicators.items():
            draw_indicator(next(rest), title, bars.open_time, curves)
        draw_equity(next(rest), result)
        draw_drawdown(next(rest), result)
    return figure


def _layout(indicators: int, *, volume: bool) -> tuple[Figure, list[Axes]]:
    """Make the figure and its panels; price takes the room that the others leave."""
    lower = [*([_VOLUME] if volume else []), *[_INDICATOR] * indicators, _EQUITY, _DRAWDOWN]
    rest = _HEAD + _FOOT + Slot(0.0).above + sum(slot.height + slot.above for slot in lower)
    height = max(_HEIGHT, rest + _PRICE_AT_LEAST)
    figure = Figure(figsize=(_WIDTH, height), dpi=DPI)
    return figure, stack_panels(figure, [Slot(height - rest), *lower], top=_HEAD)
