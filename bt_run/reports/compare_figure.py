"""The picture of a comparison: equity curves over each other, drawdowns below, for each data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bt_run.core.errors import DataError
from bt_run.reports.compare_curves import compared_curves, group_by_data, number_labels
from bt_run.reports.header import data_line, draw_head
from bt_run.reports.numbers import percent_text
from bt_run.reports.panels import Slot, draw_curve, name_panel, panel_inches, stack_panels
from bt_run.reports.scales import bar_width, days, finite_range, set_dates, set_values
from bt_run.reports.style import DPI, HOLD, INK, MUTED, clean_text, drawing, fit_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from bt_run.core.market import Bars
    from bt_run.core.results import RunResult
    from bt_run.reports.compare_curves import ComparedCurve, Unit

__all__ = ["draw_comparison"]

_WIDTH, _HEIGHT = 16.0, 10.0
_HEIGHT_EACH = 5.4  # of one data set, where there are several
_HEAD, _FOOT = 0.95, 0.46
_NAME = 0.42  # the line that names a data set, where there are several
_TABLE = 4.6  # inches right of the panels
_ROW = 0.42
_NAMES: Mapping[Unit, tuple[str, str]] = {
    "money": ("Equity", ""),
    "percent": ("Return", "%"),
    "multiple": ("Multiple of the starting cash", ""),
}


def draw_comparison(results: Sequence[RunResult], *, log: bool) -> Figure:
    """
    Draw the equity of several runs over each other, with buy and hold, and their drawdowns below.

    Each data set has a pair of panels and a table beside them, best return first; a strategy keeps its
    colour and dashes on all of them. Curves are in quote currency where all runs began with the same cash,
    otherwise in percent (on a log scale: in multiples) of their own. `log` chooses the scale; what is not
    above zero is left out of it.

    Uses no pyplot and needs no display. Raises DataError where there are no results, or one has no bars.
    """
    if not results or not all(len(result.data.bars) for result in results):
        raise DataError("There are no bars to compare strategies on.")
    groups = group_by_data(results)
    numbers = number_labels(results)
    same_cash = len({result.settings.cash for result in results}) == 1
    unit: Unit = "money" if same_cash else "multiple" if log else "percent"
    with drawing():
        figure, panels = _layout(groups)
        _draw_head(figure, groups, numbers)
        for group, (upper, lower) in zip(groups, panels, strict=True):
            curves = compared_curves(group, numbers, unit)
            _set_time(upper, group[0])
            _draw_equities(upper, group[0].data.bars, curves, unit, log=log)
            _draw_falls(lower, group[0].data.bars, curves)
            _draw_table(upper, curves)
            if len(groups) > 1:
                _name_group(upper, group[0])
    return figure


def _layout(groups: Sequence[Sequence[RunResult]]) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """Make the figure and two panels a data set, one pair under the other, each as high as its table."""
    several = len(groups) > 1
    tables = [(len(group) + 1) * _ROW + _FOOT + 0.8 for group in groups]
    heights = [max(_HEIGHT_EACH if several else _HEIGHT - _HEAD, table) for table in tables]
    figure = Figure(figsize=(_WIDTH, _HEAD + sum(heights)), dpi=DPI)
    panels = []
    top = _HEAD
    for height in heights:
        above = 0.34 + (_NAME if several else 0.0)
        room = height - _FOOT - above - 0.34
        slots = [Slot(room * 0.7, above=above), Slot(room * 0.3)]
        upper, lower = stack_panels(figure, slots, top=top, right=_TABLE)
        panels.append((upper, lower))
        top += height
    return figure, panels


def _draw_head(figure: Figure, groups: Sequence[Sequence[RunResult]], numbers: Mapping[str, int]) -> None:
    title = f"{len(numbers)} strategies compared" if len(numbers) > 1 else next(iter(numbers))
    first = groups[0][0].data
    notes = dict.fromkeys(clean_text(group[0].data.note) for group in groups)
    if len(groups) == 1:
        draw_head(figure, title, data_line(first), first.note)
    else:
        draw_head(figure, title, f"on {len(groups)} data sets", first.note if len(notes) == 1 else "")


def _name_group(axes: Axes, result: RunResult) -> None:
    """Write the data set and its note over its panels, above the panel's own name."""
    note = f" · {result.data.note}" if result.data.note else ""
    text = fit_text(data_line(result.data) + note, 12, _WIDTH - 1.5, weight="bold")
    y = 1.0 + 0.45 / panel_inches(axes)[1]
    axes.text(0.0, y, text, transform=axes.transAxes, va="center", fontsize=12, fontweight="bold", color=INK)


def _set_time(axes: Axes, result: RunResult) -> None:
    bars = result.data.bars
    half = bar_width(bars, result.data.interval.approximate_ms) / 2
    start, end = days(bars.open_time[[0, -1]])
    set_dates(axes, start - half, end + half)


def _draw_equities(axes: Axes, bars: Bars, curves: Sequence[ComparedCurve], unit: Unit, *, log: bool) -> None:
    shown = [np.where(curve.values > 0, curve.values, np.nan) if log else curve.values for curve in curves]
    for order, (curve, values) in enumerate(zip(curves, shown, strict=True)):
        draw_curve(
            axes, bars.open_time, values, color=curve.color, label=_label(curve), width=curve.width,
            dashes=curve.dashes, zorder=3 - order * 0.01,
        )  # fmt: skip
    limits = finite_range(shown)
    log = log and limits is not None
    name, suffix = _NAMES[unit]
    set_values(axes, limits, log=log, most=8, suffix=suffix)
    name_panel(axes, f"{name} (log scale)" if log else name)


def _draw_falls(axes: Axes, bars: Bars, curves: Sequence[ComparedCurve]) -> None:
    for order, curve in enumerate(curves):
        draw_curve(
            axes, bars.open_time, curve.fall, color=curve.color, label=_label(curve), width=curve.width * 0.7,
            dashes=curve.dashes, zorder=3 - order * 0.01,
        )  # fmt: skip
    deepest = min((curve.deepest_pct or 0.0 for curve in curves), default=0.0)
    set_values(axes, (deepest, 0.0) if deepest < 0 else (-1.0, 0.0), most=4, suffix="%", room=0.04)
    name_panel(axes, "Drawdown")


def _label(curve: ComparedCurve) -> str:
    return f"{curve.name}({curve.detail})" if curve.detail else curve.name


def _draw_table(axes: Axes, curves: Sequence[ComparedCurve]) -> None:
    """Write a row a curve beside the panel, best return first: its line, name, return and deepest drawdown."""
    width, height = panel_inches(axes)

    def write(x: float, y: float, text: str, *, color: str = INK, ha: str = "right", size: float = 9.5) -> None:
        weight = "bold" if color == INK and ha == "right" else "normal"
        axes.text(
            1 + x / width, 1 - y / height, text, transform=axes.transAxes, color=color, va="center", ha=ha,
            fontsize=size, fontweight=weight,
        )  # fmt: skip

    write(3.4, -0.13, "Return", color=MUTED)
    write(4.3, -0.13, "Drawdown", color=MUTED)
    ordered = sorted(curves, key=lambda curve: -curve.return_pct if np.isfinite(curve.return_pct) else np.inf)
    for number, curve in enumerate(ordered):
        y = (number + 0.4) * _ROW
        sample = Line2D(
            [1 + 0.25 / width, 1 + 0.65 / width], [1 - y / height] * 2, transform=axes.transAxes, clip_on=False,
            color=curve.color, linestyle=curve.dashes, linewidth=max(curve.width, 1.6),
        )  # fmt: skip
        axes.add_artist(sample)
        name = fit_text(curve.name, 10, 1.8)
        write(0.78, y, name, color=MUTED if curve.color == HOLD else INK, ha="left", size=10)
        write(3.4, y, percent_text(curve.return_pct, signed=True))
        write(4.3, y, percent_text(curve.deepest_pct), color=MUTED)
        if curve.detail:
            write(0.78, y + 0.17, fit_text(curve.detail, 8, 3.5), color=MUTED, ha="left", size=8)
