"""The chart page of signals in a real browser: a silent console, and no other host."""

from __future__ import annotations

import numpy as np
import pytest

from bt_run.core.market import Bars
from bt_run.core.order_flow import OrderFlow
from bt_run.reports.chart_marks import ChartMark
from bt_run.reports.page.signal_figure import SignalChart
from bt_run.reports.page.signal_page import write_signal_page


@pytest.mark.slow
def test_the_chart_is_drawn_fits_its_view_and_follows_the_theme(tab, tmp_path):
    """Candles, marks and panels; the price's range is that of the bars in view, after a zoom too."""
    close = np.linspace(100.0, 1000.0, 600)
    some = np.ones(600)
    bars = Bars.of(
        1_700_000_040_000 + 60_000 * np.arange(600), open=close, high=close * 1.01, low=close * 0.99,
        close=close, volume=some,
    ).with_flow(
        OrderFlow.of(
            600, true_volume=some, false_volume=2 * some, long_liquidation_volume=some,
            short_liquidation_volume=some,
        )
    )  # fmt: skip
    marks = [ChartMark(int(bars.open_time[500]), float(close[500]), "long entry", "<b>in</b>")]
    path = tmp_path / "chart.html"
    write_signal_page(path, [SignalChart("BTCUSDT 1m", bars, marks)], title="Signals")
    tab.page.goto(path.as_uri())
    tab.page.wait_for_selector("#pair-0-chart .candlestick-points, #pair-0-chart .boxlayer", state="attached")
    tab.page.wait_for_function("document.getElementById('pair-0-chart').layout.yaxis.range[0] > 600")
    stacked = tab.page.evaluate("document.getElementById('pair-0-chart')._fullLayout.yaxis3.range[1]")
    tab.page.evaluate("Plotly.relayout('pair-0-chart', {'xaxis.range': [1700000040000, 1700003640000]})")
    tab.page.wait_for_function("document.getElementById('pair-0-chart').layout.yaxis.range[1] < 300")
    before = tab.page.evaluate("document.documentElement.dataset.theme")
    tab.page.click("#theme")

    assert stacked > 2.0
    assert before != tab.page.evaluate("document.documentElement.dataset.theme")
    assert [path.as_uri()] == tab.asked
