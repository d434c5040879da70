"""
vectorbt, with the Python of its own environment; benchmarks/engines.py and sweep.py run it.

    python benchmarks/peer_vectorbt.py run BARS.csv OUT.json
"""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import talib
import vectorbt as vbt

from peer_work import CASH, COMMISSION, OVERBOUGHT, OVERSOLD, PERIOD, PERIODS, Found, main_of

__all__ = ["run", "sweep"]

CHUNK = 20


def _read(path: str) -> Any:
    frame = pd.read_csv(path, usecols=["open_time", "open", "close"])
    frame.index = pd.to_datetime(frame.pop("open_time"), unit="ms")
    return frame


def _portfolio(frame: Any, below: Any, above: Any) -> Any:
    """Decide at the close, fill at the next open."""
    return vbt.Portfolio.from_signals(
        frame["close"],
        below.shift(1, fill_value=False),
        above.shift(1, fill_value=False),
        price=frame["open"],
        size=1.0,
        fees=COMMISSION,
        init_cash=CASH,
    )


def run(path: str) -> Found:
    """Run once; final equity and trade records."""
    frame = _read(path)
    rsi = pd.Series(talib.RSI(frame["close"].to_numpy(), PERIOD), index=frame.index)
    portfolio = _portfolio(frame, rsi < OVERSOLD, rsi > OVERBOUGHT)
    records = portfolio.trades.closed.records
    trades = [(int(entry), int(left)) for entry, left in zip(records.entry_idx, records.exit_idx, strict=True)]
    return {"equity_final": float(portfolio.final_value()), "trades": trades}


def sweep(path: str, oversolds: range, jobs: int) -> Found:
    """Run the combinations as columns, some at a time, as its memory wants it."""
    frame = _read(path)
    begun = time.perf_counter()
    curves = {period: talib.RSI(frame["close"].to_numpy(), period) for period in PERIODS}
    pairs = list(product(PERIODS, oversolds))
    results = []
    for start in range(0, len(pairs), CHUNK):
        some = pairs[start : start + CHUNK]
        columns = pd.MultiIndex.from_tuples(some)
        rsi = np.column_stack([curves[period] for period, _ in some])
        levels = np.array([level for _, level in some])
        below = pd.DataFrame(rsi < levels, index=frame.index, columns=columns)
        portfolio = _portfolio(frame, below, pd.DataFrame(rsi > OVERBOUGHT, index=frame.index, columns=columns))
        values, closed = portfolio.final_value(), portfolio.trades.closed.count()
        results += [(float(values[pair]), int(closed[pair]), pair) for pair in some]
    return {"seconds": time.perf_counter() - begun, "results": results}


if __name__ == "__main__":
    main_of(run, sweep)
