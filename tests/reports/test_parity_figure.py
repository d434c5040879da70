"""The picture of a parity check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bt_run.core.errors import DataError
from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.reports.figure_file import save_figure
from bt_run.reports.parity_figure import draw_parity

MINUS = "\N{MINUS SIGN}"


def picture(live: Any, backtest: Any) -> Any:
    """Draw two curves."""
    count = len(live)
    close = np.full(count, 100.0)
    times = 1_700_000_000_000 + 60_000 * np.arange(count)
    bars = Bars.of(times, open=close, high=close, low=close, close=close)
    return draw_parity(
        bars, live=np.array(live, dtype=float), backtest=np.array(backtest, dtype=float),
        interval=Interval.parse("1m"), title="sar on BTCUSDT 1m, run 3", quote_asset="USDT",
        verdict="explained",
    )  # fmt: skip


def test_both_curves_and_their_difference():
    figure = picture([100, 101, 99], [100, 102, 101])
    upper, lower = figure.axes

    assert {"live", "backtest"} == {line.get_label() for line in upper.lines}
    assert ["Equity USDT", "Live less backtest USDT"] == [axes.get_ylabel() for axes in figure.axes]
    (gap,) = (line for line in lower.lines if line.get_label() == "difference")
    assert [0, -1, -2] == gap.get_ydata().tolist()
    assert lower.get_ylim()[0] < -2 < 0 <= lower.get_ylim()[1]
    assert any(f"{MINUS}2" in text.get_text() for text in lower.texts)
    texts = [text.get_text() for text in figure.texts]
    assert "sar on BTCUSDT 1m, run 3" in texts
    assert "Explained" in texts


@pytest.mark.parametrize("curve", [[100.0], [100.0, 100.0], [5.0, 5.0, 5.0]])
def test_no_difference_is_a_flat_line(curve: list[float], tmp_path: Any):
    figure = picture(curve, curve)
    save_figure(figure, tmp_path / "x.png")

    low, high = figure.axes[1].get_ylim()
    assert low < 0 < high


def test_without_bars_there_is_no_picture():
    with pytest.raises(DataError):
        picture([], [])
