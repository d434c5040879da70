"""What the tests of a search share: bars of a year, and requests."""

from __future__ import annotations

import pytest

from bt_run.core.settings import BacktestSettings
from bt_run.run.data import DataRequest, load_data
from bt_run.run.optimize.goal import Goal
from bt_run.run.optimize.request import SearchRequest
from bt_run.run.optimize.space import read_space
from strategies.loader import load_strategy


@pytest.fixture(scope="session")
def daily(root):
    """Give 300 synthetic days."""
    data = load_data(DataRequest(str(root / "data" / "btc_1d.csv"), end=1_540_000_000_000))
    assert len(data.bars) > 250
    return data


@pytest.fixture(scope="session")
def request_of(daily):
    """Make requests over those days."""

    def make(spec="rsi", *words, metrics=("sharpe",), settings=None, data=None, **told):
        is_stepped = told.get("method", "grid") == "grid"
        return SearchRequest(
            spec=spec,
            data=data or daily,
            settings=settings or BacktestSettings(),
            space=read_space(load_strategy(spec), words, is_stepped=is_stepped),
            goals=tuple(Goal.parse(metric) for metric in metrics),
            **told,
        )

    return make
