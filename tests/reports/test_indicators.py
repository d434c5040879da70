"""Panels hold the curves that belong together."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from bt_run.reports.indicators import draw_indicator, group_panels, is_threshold

_TIMES = 1_600_000_000_000 + 86_400_000 * np.arange(50)
_WAVE = np.sin(np.arange(50) / 5.0) * 40 + 50


@pytest.fixture
def axes():
    """Give axes as wide as ours."""
    return Figure(figsize=(16, 10)).add_axes((0.06, 0.1, 0.88, 0.1))


@pytest.mark.parametrize(
    ("keys", "groups"),
    [
        (["RSI"], {"RSI": ["RSI"]}),
        (["MACD", "MACD signal", "MACD histogram"], {"MACD": ["MACD", "signal", "histogram"]}),
        (["K: fast", "RSI", "K: slow"], {"K": ["fast", "slow"], "RSI": ["RSI"]}),
        (
            ["RSI", "MACD", "MACD signal", "Votes"],
            {"RSI": ["RSI"], "MACD": ["MACD", "signal"], "Votes": ["Votes"]},
        ),
        (["MACDX", "MACD"], {"MACDX": ["MACDX"], "MACD": ["MACD"]}),
        (["RSI: "], {"RSI: ": ["RSI: "]}),
    ],
)
def test_curves_share_a_panel_by_their_names(keys, groups):
    """By the text before a colon, or by beginning with the whole name of another curve."""
    found = group_panels(dict.fromkeys(keys, _WAVE))

    assert groups == {panel: list(curves) for panel, curves in found.items()}


def test_a_threshold_is_a_curve_that_never_changes():
    """One bar, a hole or a change make a curve."""
    assert is_threshold(np.full(5, 30.0))
    assert not is_threshold(np.full(1, 30.0))
    assert not is_threshold(np.full(5, np.nan))
    assert not is_threshold(np.array([np.nan, 30.0, 30.0]))
    assert not is_threshold(_WAVE)


def test_thresholds_are_dashed_lines_with_their_value_on_the_axis(axes):
    """The axis is labelled with the thresholds, and the legend leaves them out."""
    curves = {"RSI": _WAVE, "oversold": np.full(50, 30.0), "overbought": np.full(50, 70.0)}

    draw_indicator(axes, "RSI", _TIMES, curves)

    dashed = [line for line in axes.lines if line.is_dashed()]
    assert [30.0, 70.0] == sorted(float(line.get_ydata()[0]) for line in dashed)
    assert [30.0, 70.0] == list(axes.get_yticks())
    assert axes.get_legend() is None
    assert "RSI" == axes.get_ylabel()


def test_a_histogram_is_filled_from_zero(axes):
    """A curve called histogram is an area above and below zero, the others are lines."""
    draw_indicator(axes, "MACD", _TIMES, {"MACD": _WAVE, "signal": _WAVE - 3, "histogram": _WAVE - 50})

    assert ["MACD", "signal"] == [line.get_label() for line in axes.lines]
    assert 2 == len(axes.collections)
    assert ["MACD", "signal", "histogram"] == [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_constant_curve_alone_is_shown_as_a_curve(axes):
    """A panel of nothing but a constant still shows it with its value."""
    draw_indicator(axes, "Votes", _TIMES, {"Votes": np.zeros(50)})

    (line,) = axes.lines
    assert not line.is_dashed()
    assert ["0.00"] == [text.get_text().strip() for text in axes.texts]


def test_a_noisy_curve_over_many_bars_becomes_its_mean_on_its_range(axes):
    """A million bars of RSI do not fill the panel with one colour: the range is a pale band."""
    count = 22_400  # sixteen bars a column
    values = np.where(np.arange(count) % 2, 90.0, 10.0)

    draw_indicator(axes, "RSI", _TIMES[0] + 60_000 * np.arange(count), {"RSI": values})

    (line,) = axes.lines
    (band,) = axes.collections
    np.testing.assert_allclose(50.0, line.get_ydata())
    assert (10.0, 90.0) == (band.get_paths()[0].vertices[:, 1].min(), band.get_paths()[0].vertices[:, 1].max())
