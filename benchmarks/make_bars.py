"""
Make a CSV of synthetic one-minute bars with the twelve columns of a Binance kline.

    python benchmarks/make_bars.py 1000000 /tmp/bars.csv

The same seed gives the same prices, and a longer file begins with the shorter one.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv

from bt_run.core.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.core.market import FloatArray

__all__ = ["COLUMNS", "main", "make_bars"]

COLUMNS = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
SEED = 7
START_MS = 1_577_836_800_000  # 2020-01-01
MINUTE_MS = 60_000
FIRST_PRICE = 20_000.0
DEVIATION = 0.0008
_BLOCK = 250_000
_EIGHT_DECIMALS = pa.decimal128(20, 8)


def make_bars(path: Path, bars: int, *, seed: int = SEED) -> None:
    """
    Write `bars` rows, at least 1: a geometric random walk in ticks of 0.01, every number with eight decimals.

    Times are ms since 1970 UTC. Each bar opens where the last one closed, give or take a tick.
    """
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.write((",".join(COLUMNS) + "\n").encode())
        for block in _blocks(bars, seed):
            pyarrow.csv.write_csv(block, stream, options)


def _blocks(bars: int, seed: int) -> Iterator[pa.Table]:
    """Draw whole blocks and cut the last one, so that the length does not change what is drawn."""
    draw = np.random.default_rng(seed)
    last = FIRST_PRICE
    for start in range(0, bars, _BLOCK):
        close = np.round(last * np.exp(np.cumsum(draw.normal(0.0, DEVIATION, _BLOCK))), 2)
        opened = np.round(np.concatenate(([last], close[:-1])) + draw.choice((-0.01, 0.0, 0.01), _BLOCK), 2)
        reach = np.abs(draw.normal(0.0, DEVIATION / 2, (2, _BLOCK)))
        last = float(close[-1])
        yield _table(start, opened, close, reach, draw).slice(0, bars - start)


def _table(
    start: int, opened: FloatArray, close: FloatArray, reach: FloatArray, draw: np.random.Generator
) -> pa.Table:
    high = np.round(np.maximum(opened, close) * (1 + reach[0]), 2)
    low = np.round(np.minimum(opened, close) * (1 - reach[1]), 2)
    volume = np.round(draw.lognormal(3.0, 0.8, _BLOCK), 5)
    bought = np.round(volume * draw.uniform(0.3, 0.7, _BLOCK), 5)
    price = (opened + close) / 2
    open_time = START_MS + MINUTE_MS * np.arange(start, start + _BLOCK)
    numbers = {
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "quote_volume": volume * price,
        "taker_buy_volume": bought,
        "taker_buy_quote_volume": bought * price,
    }
    columns = {name: pa.array(np.round(values, 8)).cast(_EIGHT_DECIMALS) for name, values in numbers.items()}
    columns["open_time"] = pa.array(open_time)
    columns["close_time"] = pa.array(open_time + MINUTE_MS - 1)
    columns["trades"] = pa.array((volume * 20).astype(np.int64) + 1)
    columns["ignore"] = pa.array(np.zeros(_BLOCK, dtype=np.int64))
    return pa.table({name: columns[name] for name in COLUMNS})


def main() -> None:
    """Read the arguments and write the file."""
    parser = argparse.ArgumentParser(description="Make a CSV of synthetic one-minute bars.")
    parser.add_argument("bars", type=int, help="how many, at least 1")
    parser.add_argument("path", type=Path, help="the file to write")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    make_bars(given.path, given.bars, seed=given.seed)


if __name__ == "__main__":
    main()
