"""Bars, rules of a symbol and desks that the tests of signals share."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from brokers.filters import SymbolFilters
from bt_run.core.interval import Interval
from bt_run.run.signals.desk import DeskTerms, SignalDesk
from bt_run.run.signals.reader import reader_for
from feeds.csv_file import read_bars
from strategies.loader import load_strategy

DAY_MS = 86_400_000

INFO = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "baseAssetPrecision": 8,
    "quoteAssetPrecision": 8,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
        {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True, "maxNotional": "9000000",
         "applyMaxToMarket": False, "avgPriceMins": 5},
    ],
}  # fmt: skip

CROSSING = """
import backtrader as bt

class Crossing(bt.Strategy):
    params = (("fast", 5), ("slow", 20))

    def __init__(self):
        fast, slow = bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow)
        self.cross = bt.ind.CrossOver(fast, slow)

    def next(self):
        if not self.position and self.cross > 0:
            self.buy()
        elif self.position and self.cross < 0:
            self.close()
"""


@pytest.fixture(scope="session")
def daily(root):
    """Give the shipped daily bars."""
    return read_bars(root / "data" / "btc_1d.csv")


@pytest.fixture(scope="session")
def filters():
    """Give rules as those of BTCUSDT."""
    return SymbolFilters.of(INFO)


@pytest.fixture
def crossing(tmp_path):
    """Give a hand-written strategy that was loaded from a file."""
    path = tmp_path / "crossing.py"
    path.write_text(CROSSING)
    return load_strategy(f"{path}:Crossing")


@pytest.fixture
def reader():
    """Give a function that makes the reader of a strategy."""

    def make(loaded, *, allow_short=False):
        return reader_for(
            loaded,
            symbol="BTCUSDT",
            interval=Interval.parse("1d"),
            place=Path("x"),
            allow_short=allow_short,
        )

    return make


@pytest.fixture
def desk(filters, reader):
    """Give a function that opens a desk of 250 USDT under a strategy."""

    def make(strategy="combined", *, invest="250", allow_short=False):
        loaded = load_strategy(strategy) if isinstance(strategy, str) else strategy
        terms = DeskTerms(
            symbol="BTCUSDT",
            interval="1d",
            strategy=loaded.name,
            invest=Decimal(invest),
            fee=Decimal("0.001"),
            filters=filters,
            end_of=lambda open_time: open_time + DAY_MS,
        )
        return SignalDesk(terms, reader(loaded, allow_short=allow_short))

    return make
