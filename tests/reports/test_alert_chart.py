"""The picture in a message: small, readable, and drawn from any thread."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from matplotlib.image import imread

from bt_run.core.errors import ConfigError, DataError
from bt_run.core.market import Bars
from bt_run.reports.alert_chart import draw_alert_chart
from bt_run.reports.chart_marks import ChartMark
from bt_run.reports.chart_theme import THEMES


def _pixels(picture):
    return imread(io.BytesIO(picture), format="png")


def _share_of(pixels, color):
    """Give the part of the pixels that have a colour ``#rrggbb``."""
    wanted = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return float(np.all(np.abs(pixels[..., :3] - wanted) < 0.004, axis=-1).mean())


def _mark(bars, position, kind, text=""):
    return ChartMark(int(bars.open_time[position]), float(bars.close[position]), kind, text)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_is_square_and_on_its_ground(make, theme):
    """1080 by 1080 pixels, most of them the theme's ground."""
    pixels = _pixels(draw_alert_chart(make.bar_file(200).bars, title="BTCUSDT 1d", theme=theme))

    assert (1080, 1080) == pixels.shape[:2]
    assert _share_of(pixels, THEMES[theme].ground) > 0.5


def test_a_mark_on_the_last_bars_is_seen_and_an_old_one_is_not(make):
    """Marks are drawn in their colour where their bar is shown."""
    bars = make.bar_file(200).bars
    bare, old, new = (
        _share_of(_pixels(draw_alert_chart(bars, marks, title="x")), THEMES["light"].short)
        for marks in ((), [_mark(bars, 3, "short entry", "gone")], [_mark(bars, 190, "short entry", "short")])
    )

    assert bare == old
    assert new > bare


def test_names_of_any_kind_are_written_as_they_are(make):
    """Dollars, angle brackets, line breaks and very long names break nothing."""
    bars = make.bar_file(50).bars
    odd = "a$b$ <b>\n" + "很" * 300
    picture = draw_alert_chart(
        bars, [_mark(bars, 49, "long entry", odd)], title=odd, subtitle=odd, panels={odd: bars.close}
    )

    assert (1080, 1080) == _pixels(picture).shape[:2]


def test_curves_that_know_nothing_yet_are_drawn_empty(make):
    """Indicators that are warming up are NaN."""
    bars = make.bar_file(5).bars
    nothing = np.full(5, np.nan)
    panels = {"RSI": nothing, "Volume difference": nothing}

    assert draw_alert_chart(bars, title="x", panels=panels, overlays={"SMA": nothing}).startswith(b"\x89PNG")


def test_one_bar_is_enough_and_none_is_an_error(make):
    """A chart needs a bar."""
    bars = make.bar_file(1).bars

    assert draw_alert_chart(bars, title="x").startswith(b"\x89PNG")
    with pytest.raises(DataError, match="no bars"):
        draw_alert_chart(Bars.of([]), title="x")


def test_an_unknown_theme_is_named(make):
    """The message says which there are."""
    with pytest.raises(ConfigError, match=r"'neon'.*light and dark"):
        draw_alert_chart(make.bar_file(3).bars, title="x", theme="neon")


@pytest.mark.slow
def test_threads_draw_the_same_picture_as_the_main_one(make):
    """The settings of matplotlib are global; drawers take turns."""
    bars = make.bar_file(150).bars
    panels = {"RSI": bars.close, "Volume difference": bars.close - bars.open}
    alone = {theme: draw_alert_chart(bars, title="x", panels=panels, theme=theme) for theme in THEMES}
    with ThreadPoolExecutor(4) as pool:
        asked = [
            (theme, pool.submit(draw_alert_chart, bars, title="x", panels=panels, theme=theme))
            for theme in (*THEMES, *THEMES)
        ]
        drawn = [(theme, picture.result()) for theme, picture in asked]

    assert all(alone[theme] == picture for theme, picture in drawn)


def test_drawing_loads_no_pyplot():
    """A process of its own draws a picture and has never heard of pyplot."""
    code = """
import sys, numpy as np
from bt_run.core.market import Bars
from bt_run.reports.alert_chart import draw_alert_chart
bars = Bars.of([0, 60_000], open=[1, 2], high=[3, 3], low=[1, 1], close=[2, 1])
assert draw_alert_chart(bars, title='x').startswith(b'\\x89PNG')
assert 'matplotlib.pyplot' not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
