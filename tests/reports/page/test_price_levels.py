"""Coarser levels show the same market: no high, no low and no volume is lost."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from bt_run.reports.page.price_levels import finest_step, price_levels


def read(box):
    return np.frombuffer(base64.b64decode(box["bdata"]), dtype=f"<{box['dtype']}")


def test_a_short_file_has_one_level_with_every_bar(make):
    """Nothing is thinned that fits."""
    bars = make.bar_file(200).bars
    (level,) = price_levels(bars, {"RSI": bars.close})

    assert 1 == level["step"]
    assert np.array_equal(bars.open_time, read(level["t"]))
    assert np.array_equal(bars.close, read(level["c"]))
    assert pytest.approx(bars.close) == read(level["curves"]["RSI"])


def test_every_level_keeps_extremes_and_volume(make):
    """Open of the first, close of the last, the highest high, the lowest low, the sum of the volumes."""
    bars = make.bar_file(9_973).bars
    levels = price_levels(bars, {})

    assert [1, 4, 16] == [level["step"] for level in levels]
    for level in levels:
        assert bars.high.max() == read(level["h"]).max()
        assert bars.low.min() == read(level["l"]).min()
        assert bars.open[0] == read(level["o"])[0]
        assert bars.close[-1] == read(level["c"])[-1]
        assert pytest.approx(bars.volume.sum(), rel=1e-5) == read(level["v"]).astype(np.float64).sum()


@pytest.mark.parametrize("count", [1, 50_000, 1_000_000, 10_000_000])
def test_the_finest_level_stays_within_its_bytes(count):
    """A page must open on a phone."""
    assert count / finest_step(count, 3) * 9 * 8 <= 3_000_100
