"""Markers are the very fills, told apart by what they did."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from bt_run.reports.markers import MarkerKind, draw_fills, draw_trades, group_fills, kind_of
from bt_run.reports.scales import days
from bt_run.reports.style import LOSS, WIN


@pytest.fixture
def axes():
    """Give empty axes."""
    return Figure().add_subplot()


@pytest.fixture
def story(make):
    """Give a long stopped out, a short closed by signal, and a long that takes profit."""
    data = make.bar_file()
    return data, [
        make.fill(data, 3, 2.0, 2.0),
        make.fill(data, 5, -2.0, 0.0, tag="stop_loss"),
        make.fill(data, 9, -1.0, -1.0),
        make.fill(data, 12, 1.0, 0.0),
        make.fill(data, 20, 3.0, 3.0),
        make.fill(data, 30, -3.0, 0.0, tag="take_profit"),
    ]


@pytest.mark.parametrize(
    ("size", "position", "tag", "kind"),
    [
        (1.0, 1.0, "signal", MarkerKind("long", True)),
        (1.0, 3.0, "stop_loss", MarkerKind("long", True)),
        (-1.0, 0.0, "signal", MarkerKind("long", False)),
        (-1.0, 2.0, "trailing_stop", MarkerKind("long", False, "trailing_stop")),
        (-0.3, -5e-17, "signal", MarkerKind("long", False)),
        (-1.0, -1.0, "signal", MarkerKind("short", True)),
        (1.0, 0.0, "take_profit", MarkerKind("short", False, "take_profit")),
        (-3.0, -1.0, "signal", MarkerKind("short", True)),
        (1.0, -1.0, "my own tag", MarkerKind("short", False)),
    ],
)
def test_a_fill_tells_what_it_did(make, size, position, tag, kind):
    """Size and holding after it give side and direction; dust left over is none."""
    fill = make.fill(make.bar_file(), 1, size, position, tag=tag)

    assert kind == kind_of(fill)
    assert kind.is_buy == (size > 0)


def test_markers_stand_at_the_fills(axes, story):
    """Every fill has one marker, at its time and its price."""
    _, fills = story

    draw_fills(axes, fills)

    drawn = [point for line in axes.lines for point in zip(*line.get_data(), strict=True)]
    assert sorted(zip(days([f.time_ms for f in fills]), [f.price for f in fills], strict=True)) == sorted(drawn)


def test_kinds_are_told_apart(axes, story):
    """No two kinds share shape, face and edge; buys point up from below, sales down from above."""
    _, fills = story

    handles = draw_fills(axes, fills)

    labels = ["long entry", "long stop-loss", "long take-profit", "short entry", "short exit"]
    assert labels == [handle.get_label() for handle in handles]
    looks = {
        (h.get_marker(), to_rgba(h.get_markerfacecolor()), to_rgba(h.get_markeredgecolor())) for h in handles
    }
    assert len(labels) == len(looks)
    for line, kind in zip(axes.lines, group_fills(fills), strict=True):
        heights = line.get_marker().vertices[:, 1]

        assert (heights.max() == 0.0) if kind.is_buy else (heights.min() == 0.0)


def test_many_fills_are_small_faint_and_all_there(axes, make):
    """Thousands of fills are all drawn, smaller and fainter, as one picture in vector files."""
    data = make.bar_file(6_000)
    fills = [make.fill(data, bar, 1.0 - 2 * (bar % 2), float(1 - bar % 2)) for bar in range(6_000)]

    draw_fills(axes, fills)

    assert 6_000 == sum(len(line.get_xdata()) for line in axes.lines)
    assert all(line.get_markersize() < 8 and line.get_alpha() < 0.6 for line in axes.lines)
    assert all(line.get_rasterized() for line in axes.lines)


def test_trades_join_entry_and_exit_in_the_colour_of_their_outcome(axes, make):
    """Lines run from entry price to exit price, green for won, red for lost."""
    data = make.bar_file()
    buy, sell = make.fill(data, 3, 1.0, 1.0, price=100.0), make.fill(data, 5, -1.0, 0.0, price=110.0)
    again, stop = make.fill(data, 7, 1.0, 1.0, price=110.0), make.fill(data, 8, -1.0, 0.0, price=90.0)

    draw_trades(axes, [make.trade(buy, sell), make.trade(again, stop)])

    (lines,) = [artist for artist in axes.collections if isinstance(artist, LineCollection)]
    first, second = lines.get_segments()
    np.testing.assert_allclose([100.0, 110.0], first[:, 1])
    np.testing.assert_allclose(days([again.time_ms, stop.time_ms]), second[:, 0])
    won, lost = lines.get_colors()
    assert (to_rgba(WIN)[:3], to_rgba(LOSS)[:3]) == (tuple(won[:3]), tuple(lost[:3]))


def test_too_many_trades_are_not_joined(axes, make):
    """Hundreds of lines would hide the price."""
    data = make.bar_file()
    trade = make.trade(make.fill(data, 3, 1.0, 1.0), make.fill(data, 5, -1.0, 0.0))

    draw_trades(axes, [trade] * 401)

    assert [] == list(axes.collections)
