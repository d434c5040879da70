"""The chart page of signals: whole, escaped, and no word to another host."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.market import Bars
from bt_run.core.order_flow import ONE_A_SECOND, OrderFlow
from bt_run.reports.chart_marks import ChartMark
from bt_run.reports.page.signal_figure import SignalChart
from bt_run.reports.page.signal_page import build_signal_page, check_page_path, write_signal_page

EVIL = '"><script>alert(1)</script><b>'


def _bars(count=300, *, flow=False):
    draw = np.random.default_rng(2)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, count)))
    bars = Bars.of(
        60_000 * np.arange(count), open=close, high=close * 1.01, low=close * 0.99, close=close,
        volume=np.full(count, 9.0),
    )  # fmt: skip
    if not flow:
        return bars
    some = draw.exponential(1.0, count)
    return bars.with_flow(
        OrderFlow.of(
            count,
            true_volume=some,
            false_volume=some[::-1],
            long_liquidation_volume=some,
            short_liquidation_volume=np.zeros(count),
        )
    )


def _chart(bars, **more):
    marks = [ChartMark(int(bars.open_time[-5]), float(bars.close[-5]), "long entry", f"in {EVIL}")]
    return SignalChart(f"X {EVIL}", bars, marks, **more)


def _figures(page):
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def _numbers(packed):
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype="<f8")


def test_the_page_holds_its_script_once_and_asks_nobody():
    """The policy forbids every request, and Plotly stands in the page."""
    page = build_signal_page([_chart(_bars()), _chart(_bars())], title="two pairs")

    assert 1 == page.count("plotly.js v")
    assert "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page.partition("<script>")[0])
    assert {"pair-0-chart", "pair-1-chart"} == set(_figures(page))


def test_names_of_any_kind_end_no_element():
    """In the heading, the table and the figure."""
    curve = _bars().close
    page = build_signal_page([_chart(_bars(), overlays={EVIL: curve}, panels={EVIL: curve})], title=EVIL)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    figure = _figures(page)["pair-0-chart"]
    assert all("<" not in trace["name"] for trace in figure["data"])


def test_prices_marks_and_order_flow_are_in_the_figure():
    """Numbers to the last bit; the difference as bars, and the caution about liquidations."""
    bars = _bars(flow=True)
    page = build_signal_page([_chart(bars)], title="x", note="synthetic data")
    traces = {trace["name"]: trace for trace in _figures(page)["pair-0-chart"]["data"]}

    np.testing.assert_array_equal(bars.close, _numbers(traces["price"]["close"]))
    np.testing.assert_array_equal(bars.flow.difference, _numbers(traces["Volume difference"]["y"]))
    assert {"Liquidations: longs", "Liquidations: shorts", "Cumulative difference"} < set(traces)
    assert [int(bars.open_time[-5])] == _numbers(traces["long entry"]["x"]).astype(int).tolist()
    assert ONE_A_SECOND in page
    assert "synthetic data" in page


def test_without_liquidations_nothing_is_said_of_them():
    """Unknown is not drawn as none."""
    bars = _bars().with_flow(OrderFlow.of(300, true_volume=np.ones(300), false_volume=np.ones(300)))
    page = build_signal_page([_chart(bars)], title="x")

    assert ONE_A_SECOND not in page
    assert not any("Liquid" in trace["name"] for trace in _figures(page)["pair-0-chart"]["data"])


def test_a_pair_without_bars_is_left_out(tmp_path):
    """And a page can be written all the same."""
    write_signal_page(tmp_path / "x.html", [SignalChart("none", Bars.of([]))], title="nothing yet")

    assert "nothing yet" in (tmp_path / "x.html").read_text(encoding="utf-8")


def test_another_ending_is_refused(tmp_path):
    """Before anything is run."""
    with pytest.raises(ConfigError, match=r"Let its name end in \.html"):
        check_page_path(tmp_path / "chart.png")
