"""Axes choose scales and labels that can be read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bt_run.core.market import Bars
from bt_run.reports.scales import bar_width, days, finite_range, set_dates, set_values, wants_log

_SPANS = [60.0, 3_600.0, 86_400.0, 40 * 86_400.0, 400 * 86_400.0, 3_000 * 86_400.0]


def _axes():
    figure = Figure(figsize=(16, 3), dpi=100)
    FigureCanvasAgg(figure)
    return figure.add_axes((0.05, 0.1, 0.9, 0.8))


def _x_boxes(axes):
    axes.figure.canvas.draw()
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    return [label.get_window_extent() for label in labels]


@pytest.mark.parametrize("span_s", _SPANS)
def test_dates_do_not_overlap(span_s):
    """From a minute to years there are at least three dates, none touching the next."""
    axes = _axes()
    start = 1_600_000_000 / 86_400

    set_dates(axes, start, start + span_s / 86_400)

    boxes = _x_boxes(axes)
    assert len(boxes) >= 3
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_the_zone_is_written_at_the_end_of_the_axis():
    """Dates are UTC and say so, with what the labels leave out."""
    axes = _axes()

    set_dates(axes, days([1_600_000_000_000])[0], days([1_600_000_600_000])[0])
    axes.figure.canvas.draw()

    assert "13 Sep 2020 UTC" == axes.xaxis.get_offset_text().get_text()


@pytest.mark.parametrize(
    ("low", "high", "log"), [(1.0, 7.9, False), (1.0, 8.0, True), (0.0, 9.0, False), (-1.0, 9.0, False)]
)
def test_a_wide_range_of_positive_values_asks_for_a_log_scale(low, high, log):
    """Eight times and more, all above zero."""
    assert log == wants_log(low, high)


@pytest.mark.parametrize(("low", "high"), [(3.0, 30.0), (900.0, 70_000.0), (1.0, 1e9), (5.0, 5.0)])
def test_a_log_axis_has_labels(low, high):
    """A log axis shows at least one number and never more than a linear one would."""
    axes = _axes()

    set_values(axes, (low, high), log=True, most=8)
    axes.figure.canvas.draw()

    bottom, top = axes.get_ylim()
    shown = [tick for tick in axes.get_yticks() if bottom <= tick <= top]
    assert "log" == axes.get_yscale()
    assert 1 <= len(shown) <= 10


def test_flat_values_get_room():
    """One value alone does not make an axis of no height."""
    axes = _axes()

    set_values(axes, (5.0, 5.0))

    bottom, top = axes.get_ylim()
    assert bottom < 5.0 < top


def test_nothing_to_show_still_makes_an_axis():
    """No finite value gives an axis from zero to one."""
    axes = _axes()

    set_values(axes, finite_range([np.full(3, np.nan)]))

    assert (-0.05, 1.05) == pytest.approx(axes.get_ylim())


def test_marks_replace_round_numbers():
    """Thresholds are the labels where there are any."""
    axes = _axes()

    set_values(axes, (0.0, 100.0), marks=[30.0, 70.0])
    axes.figure.canvas.draw()

    assert ["30", "70"] == [label.get_text() for label in axes.get_yticklabels()]


def test_finite_range_skips_nan_and_infinity():
    """Only finite values count, over all curves."""
    assert (-2.0, 5.0) == finite_range([[np.nan, 1.0, 5.0], [np.inf, -2.0]])
    assert finite_range([]) is None


def test_bar_width_is_the_usual_spacing():
    """A gap does not widen the bars; a single bar takes the interval's length."""
    day = 86_400_000
    times = np.array([0, 1, 2, 3, 30]) * day
    bars = Bars.of(times, **dict.fromkeys(("open", "high", "low", "close"), np.ones(5)))

    assert 1.0 == bar_width(bars, day)
    assert 0.5 == bar_width(bars[:1], day // 2)
