"""Stack panels under one header, name them, and draw curves that may be a million bars long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib.lines import Line2D

from bt_run.reports.density import column_ranges, envelope
from bt_run.reports.scales import days
from bt_run.reports.style import INK, MUTED, fit_text, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bt_run.core.market import FloatArray, IntArray
    from bt_run.reports.style import Dashes

__all__ = [
    "COLUMNS",
    "LEFT",
    "RIGHT",
    "EdgeLabel",
    "Slot",
    "draw_curve",
    "label_edge",
    "name_panel",
    "panel_inches",
    "stack_panels",
]

LEFT, RIGHT = 0.92, 1.0
"""Margins of every panel, in inches: numbers of the axis on the left, last values on the right."""

COLUMNS = 1400
"""Columns of pixels that a panel has; longer curves are thinned to them."""

_NOISY_FROM = 8 * COLUMNS
_TITLE_SIZE, _ENTRY_SIZE, _EDGE_SIZE = 10.0, 9.0, 9.5
_HANDLE, _SPACE = 0.20, 0.17  # inches: a legend's sample, and the room after a text


@dataclass(frozen=True, slots=True)
class Slot:
    """One panel's place in the stack: its height and the room above it for its name, in inches."""

    height: float
    above: float = 0.34


@dataclass(frozen=True, slots=True)
class EdgeLabel:
    """A value written at the right edge of a panel, at its own height."""

    value: float
    text: str
    color: str
    bold: bool = False


def stack_panels(
    figure: Figure, slots: Sequence[Slot], *, top: float, right: float = RIGHT, shared: bool = True
) -> list[Axes]:
    """
    Add panels from the top down, `top` inches below the figure's upper edge, sharing one time axis.

    Only the lowest panel shows dates.
    """
    width, height = (float(side) for side in figure.get_size_inches())
    panels: list[Axes] = []
    y = height - top
    for slot in slots:
        y -= slot.above + slot.height
        place = (LEFT / width, y / height, (width - LEFT - right) / width, slot.height / height)
        panels.append(figure.add_axes(place, sharex=panels[0] if panels and shared else None))
        panels[-1].spines[["top", "right", "left"]].set_visible(False)
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
        panel.xaxis.get_offset_text().set_visible(False)
    panels[-1].xaxis.get_offset_text().set_fontsize(9.0)
    return panels


def panel_inches(axes: Axes) -> tuple[float, float]:
    """Give width and height of a panel in inches."""
    place = axes.get_position()
    width, height = cast("Figure", axes.figure).get_size_inches()
    return place.width * float(width), place.height * float(height)


def name_panel(axes: Axes, title: str, entries: Sequence[Artist] = ()) -> None:
    """
    Write the panel's name above its left end, as the label of its y axis, and a legend beside it.

    Entries that do not fit on the line are left out, and the last shown says how many.
    """
    title = fit_text(title, _TITLE_SIZE, 4.5, weight="bold")
    label = axes.set_ylabel(title, rotation=0, ha="left", va="bottom", fontsize=_TITLE_SIZE, fontweight="bold")
    label.set_color(INK)
    width, height = panel_inches(axes)
    axes.yaxis.set_label_coords(0.0, 1.0 + 0.06 / height)
    start = text_width(title, _TITLE_SIZE, weight="bold") + 0.2
    kept, texts = _entries_that_fit(entries, width - start)
    if not kept:
        return
    legend = axes.legend(
        kept, texts, loc="lower left", bbox_to_anchor=(start / width, 1.0 + 0.07 / height), ncols=len(kept),
        frameon=False, fontsize=_ENTRY_SIZE, labelcolor=MUTED, borderaxespad=0.0, borderpad=0.0,
        handlelength=_HANDLE * 72 / _ENTRY_SIZE, handletextpad=0.5, columnspacing=1.2,
    )  # fmt: skip
    legend.set_in_layout(False)


def _entries_that_fit(entries: Sequence[Artist], room: float) -> tuple[list[Artist], list[str]]:
    kept: list[Artist] = []
    texts: list[str] = []
    for number, entry in enumerate(entries):
        text = fit_text(str(entry.get_label()), _ENTRY_SIZE, 2.6)
        if text.startswith("_"):
            text = f" {text}"  # matplotlib 3.9 leaves labels out of a legend that begin with an underscore
        room -= _HANDLE + _SPACE + text_width(text, _ENTRY_SIZE)
        last = number == len(entries) - 1
        if room < (0.0 if last else 0.8):
            kept.append(Line2D([], [], linestyle="none"))
            texts.append(f"+{len(entries) - number} more")
            break
        kept.append(entry)
        texts.append(text)
    return kept, texts


def draw_curve(
    axes: Axes,
    times_ms: IntArray,
    values: FloatArray,
    *,
    color: str,
    label: str,
    width: float = 1.3,
    dashes: Dashes = "-",
    noisy: bool = False,
    zorder: float = 2.5,
) -> Line2D:
    """
    Draw a curve, thinned to what the screen can show; NaN leaves a hole.

    `noisy` is for curves that swing within a column of pixels when they are long (RSI over a million
    bars): they become their mean on a band from lowest to highest.
    """
    if noisy and len(values) > _NOISY_FROM:
        found = column_ranges(values, values, COLUMNS)
        x = days(times_ms[found.middle])
        axes.fill_between(x, found.low, found.high, color=color, alpha=0.22, linewidth=0, zorder=zorder - 0.1)
        y = found.mean
    else:
        kept = envelope(values, COLUMNS)
        x, y = days(times_ms[kept]), values[kept]
    lone = len(x) == 1
    (line,) = axes.plot(
        x, np.where(np.isfinite(y), y, np.nan), color=color, linewidth=width, linestyle=dashes, zorder=zorder,
        label=label, marker="o" if lone else "", markersize=4.0,
    )  # fmt: skip
    return line


def label_edge(axes: Axes, labels: Sequence[EdgeLabel]) -> None:
    """
    Write values in the right margin, each at its height; those that would touch are moved apart.

    Call it after the limits of the y axis are set.
    """
    apart = 0.165 / panel_inches(axes)[1]
    shown = sorted((label for label in labels if np.isfinite(label.value)), key=lambda label: label.value)
    wanted = [_height_in_axes(axes, label.value) for label in shown]
    for label, y in zip(shown, _spread(wanted, apart), strict=True):
        axes.text(
            1.0, y, " " + label.text, transform=axes.transAxes, ha="left", va="center", color=label.color,
            fontsize=_EDGE_SIZE, fontweight="bold" if label.bold else "normal", clip_on=False,
        )  # fmt: skip


def _height_in_axes(axes: Axes, value: float) -> float:
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        if value <= 0:
            return 0.0
        low, high, value = np.log(low), np.log(high), np.log(value)
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def _spread(wanted: list[float], apart: float) -> list[float]:
    """Push ascending positions in 0..1 apart, upward first, then back down below the top."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, placed[-1] + apart) if placed else y)
    for index in range(len(placed) - 1, -1, -1):
        limit = 1.0 if index == len(placed) - 1 else placed[index + 1] - apart
        placed[index] = min(placed[index], limit)
    shift = sum(a - b for a, b in zip(wanted, placed, strict=True)) / max(len(placed), 1)
    return [y + min(shift, 0.0) for y in placed]
