"""The market of the torture test: a seeded random walk in bars of one minute."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bt_run.core.market import Bars
from feeds.csv_writer import write_bars

START_MS = 1_767_225_600_000  # 2026-01-01
MINUTE_MS = 60_000


def write_market(path: Path, count: int, seed: int) -> None:
    """Write `count` bars around 60,000, some of them without a trade."""
    draw = np.random.default_rng(seed)
    close = np.round(60_000 * np.exp(np.cumsum(draw.normal(0.0, 0.0012, count))), 2)
    opened = np.round(np.concatenate(([60_000.0], close[:-1])) * (1 + draw.normal(0.0, 0.0001, count)), 2)
    silent = draw.random(count) < 0.01
    close[silent] = opened[silent]
    reach = 1 + np.abs(draw.normal(0.0, 0.0006, (2, count)))
    reach[:, silent] = 1.0
    volume = np.where(silent, 0.0, np.round(draw.lognormal(2.0, 0.8, count), 5))
    bought = np.round(volume * draw.uniform(0.3, 0.7, count), 5)
    price = (opened + close) / 2
    bars = Bars.of(
        START_MS + MINUTE_MS * np.arange(count, dtype=np.int64),
        open=opened,
        high=np.round(np.maximum(opened, close) * reach[0], 2),
        low=np.round(np.minimum(opened, close) / reach[1], 2),
        close=close,
        volume=volume,
        quote_volume=np.round(volume * price, 6),
        trades=np.where(silent, 0.0, np.floor(volume * 3) + 1),
        taker_buy_volume=bought,
        taker_buy_quote_volume=np.round(bought * price, 6),
    )
    write_bars(path, bars)
