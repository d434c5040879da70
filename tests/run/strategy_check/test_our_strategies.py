"""What we ship passes our own checks, the template that users start from too."""

from __future__ import annotations

import pytest

from bt_run.core.settings import BacktestSettings
from bt_run.run.data import DataRequest, load_data
from bt_run.run.strategy_check.check import check_strategy
from bt_run.run.strategy_check.subject import Subject
from strategies.loader import load_strategy
from strategies.registry import registered_names
from strategies.template import template


@pytest.fixture(scope="module")
def days(root):
    """Give some 700 synthetic days."""
    return load_data(DataRequest(str(root / "data" / "btc_1d.csv"), end=1_562_000_000_000))


@pytest.mark.parametrize("name", [*registered_names(), "the template"])
def test_it_passes(name, days, tmp_path):
    """Nothing failed, and every engine that covers it agrees with Backtrader."""
    spec = name
    if name == "the template":
        spec = str(tmp_path / "mine.py")
        (tmp_path / "mine.py").write_text(template("Mine"))
    report = check_strategy(Subject(load_strategy(spec), days, BacktestSettings(), 5000))

    assert [] == [one for one in report.findings if one.status == "failed"]
    assert {"Look-ahead", "Engines"} <= {one.check for one in report.findings if one.status == "ok"}
