"""Runs to draw: made by hand, so that a test knows every fill in them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bt_run.core.market import BarFile, Bars, Interval
from bt_run.core.results import EquityCurve, Fill, OpenPosition, RunResult, Trade
from bt_run.core.settings import BacktestSettings

_START_MS = 1_600_000_000_000


def _bar_file(count=60, *, interval="1d", symbol="BTCUSDT", note="", volume=True, seed=1, drift=0.0):
    draw = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(draw.normal(drift, 0.02, count)))
    open_ = np.concatenate(([100.0], close[:-1]))
    step = Interval.parse(interval).approximate_ms
    columns = {"volume": draw.uniform(1.0, 9.0, count)} if volume else {}
    bars = Bars.of(
        _START_MS + step * np.arange(count),
        open=open_,
        high=np.maximum(open_, close) * 1.01,
        low=np.minimum(open_, close) * 0.99,
        close=close,
        **columns,
    )
    return BarFile(Path(f"{symbol}.csv"), symbol, Interval.parse(interval), bars, "0" * 64, note=note)


def _result(data=None, *, fills=(), trades=(), equity=None, cash=10_000.0, **fields):
    data = _bar_file() if data is None else data
    bars = data.bars
    equity = cash * (1.0 + 0.5 * (bars.close / bars.close[0] - 1.0)) if equity is None else equity
    known = {
        "strategy": "rsi",
        "params": {"period": 10},
        "settings": BacktestSettings(cash=cash),
        "engine": "backtrader",
        "rejected": (),
        "open_position": None,
    }
    return RunResult(
        data=data,
        curve=EquityCurve(equity, equity, np.zeros(len(bars))),
        fills=tuple(fills),
        trades=tuple(trades),
        **{**known, **fields},
    )


def _fill(data, bar, size, position, *, tag="signal", price=None):
    price = float(data.bars.open[bar]) if price is None else price
    return Fill(bar, int(data.bars.open_time[bar]), size, price, 0.1, position, tag)


def _trade(entry, exit_):
    pnl = (exit_.price - entry.price) * entry.size
    side = "long" if entry.size > 0 else "short"
    return Trade(
        entry.time_ms, exit_.time_ms, entry.bar, exit_.bar, side, abs(entry.size),
        entry.price, exit_.price, pnl, 1.0, 0.2, entry.tag, exit_.tag, 0.0, 0.0,
    )  # fmt: skip


def _open_position(fill):
    side = "long" if fill.size > 0 else "short"
    return OpenPosition(fill.time_ms, fill.bar, side, abs(fill.size), fill.price, 1.0, 0.0, 0.0, 0.1, "signal")


def _texts(figure):
    """Give every text of a figure that is not a number on an axis."""
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [axes.get_ylabel(), *(text.get_text() for text in axes.texts)]
        legend = axes.get_legend()
        found += [text.get_text() for text in legend.get_texts()] if legend else []
    return [text for text in found if text]


@pytest.fixture(scope="session")
def make():
    """Give makers of bar files, results, fills and trades, and a reader of a figure's texts."""
    return SimpleNamespace(
        bar_file=_bar_file,
        result=_result,
        fill=_fill,
        trade=_trade,
        open_position=_open_position,
        texts=_texts,
    )
