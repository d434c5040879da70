"""Bars to replay."""

from __future__ import annotations

import numpy as np
import pytest
from exchange_market import make_bars

from bt_run.core.market import Bars, Interval

START = 1_704_067_200_000  # 2024-01-01T00:00:00Z, a Monday


@pytest.fixture(scope="session")
def start() -> int:
    """Give the open of the first bar, 2024-01-01."""
    return START


@pytest.fixture(scope="session")
def minutes() -> Bars:
    """Give three days of one-minute bars."""
    return make_bars(Interval.parse("1m"), START, 3 * 1440)


@pytest.fixture(scope="session")
def days() -> Bars:
    """Give 120 days."""
    return make_bars(Interval.parse("1d"), START, 120)


@pytest.fixture(scope="session")
def holey() -> Bars:
    """Give hours of which 10 to 12 are missing, hour 5 has no volume, and only prices and volume are known."""
    whole = make_bars(Interval.parse("1h"), START, 48)
    keep = np.r_[0:10, 13:48]
    columns = {name: getattr(whole, name)[keep].copy() for name in ("open", "high", "low", "close", "volume")}
    columns["volume"][5] = 0.0
    for name in ("open", "high", "low", "close"):
        columns[name][5] = columns["close"][4]
    return Bars.of(whole.open_time[keep], **columns)
