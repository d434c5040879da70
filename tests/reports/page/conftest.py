"""A report of a real run on the shipped sample, and readers of its parts."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from bt_run.core.settings import BacktestSettings, Protection
from bt_run.reports.page.contents import CostCase, Manifest, ReportContents
from bt_run.reports.page.document import build_page
from bt_run.run.backtest import run_backtest
from bt_run.run.data import DataRequest, load_data
from strategies.loader import load_strategy


@pytest.fixture(scope="session")
def sample_run():
    """RSI with a stop-loss on the shipped bars: trades, a position still open, stops."""
    data = load_data(DataRequest("btc_1d.csv"))
    return run_backtest(
        load_strategy("rsi", params=()), data, BacktestSettings(protection=Protection(stop_loss_pct=8.0))
    )


def _contents(*runs, **fields):
    known = {
        "title": "a run",
        "kind": "bt-run backtest",
        "manifest": Manifest("bt-run backtest ...", {"bt-run": "0.1.0"}),
        "costs": [CostCase(1.0, 0.001, 0.0, runs[0].metrics)] if len(runs) == 1 else (),
    }
    return ReportContents(runs=runs, **{**known, **fields})


def _embedded(page):
    """Read the JSON of the page."""
    found = re.search(r'<script type="application/json" id="result">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


@pytest.fixture(scope="session")
def report():
    """Give a maker of contents, the builder, and a reader of a page's JSON."""
    return SimpleNamespace(contents=_contents, build=build_page, embedded=_embedded)
