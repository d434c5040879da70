"""Bars and requests for walks."""

from __future__ import annotations

import numpy as np
import pytest

from bt_run.core.market import BarFile, Bars, Interval
from bt_run.core.settings import BacktestSettings
from bt_run.run.optimize.goal import Goal
from bt_run.run.optimize.request import SearchRequest
from bt_run.run.optimize.space import read_space
from strategies.loader import load_strategy

DAY_MS = 86_400_000
START_MS = 1_577_836_800_000


def _walk(n, *, seed=1, interval="1d"):
    step = Interval.parse(interval).milliseconds
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.03, n)))
    open_ = np.concatenate([close[:1], close[:-1]])
    return Bars.of(
        np.arange(n) * step + START_MS,
        open=open_,
        high=np.maximum(open_, close) * 1.01,
        low=np.minimum(open_, close) * 0.99,
        close=close,
    )


@pytest.fixture
def data_of(tmp_path):
    """Give a function that makes so many random bars, some of them taken away."""

    def make(n=400, *, without=None, interval="1d", **told):
        bars = _walk(n, interval=interval, **told)
        if without is not None:
            kept = np.ones(n, dtype=bool)
            kept[without] = False
            bars = Bars.of(
                bars.open_time[kept],
                **{name: getattr(bars, name)[kept] for name in ("open", "high", "low", "close")},
            )
        return BarFile(tmp_path / "walk.csv", "BTCUSDT", Interval.parse(interval), bars, "0" * 64)

    return make


@pytest.fixture
def request_of(data_of):
    """Give a function that makes search requests."""

    def make(spec="ma_cross", *words, data=None, settings=None, metric="return", **told):
        words = words or ("fast=3:9:3", "slow=12:20:8")
        return SearchRequest(
            spec=spec,
            data=data or data_of(),
            settings=settings or BacktestSettings(),
            space=read_space(load_strategy(spec), words, is_stepped=told.get("method", "grid") == "grid"),
            goals=(Goal.parse(metric),),
            jobs=1,
            **told,
        )

    return make
