"""
Make the synthetic sample series data/btc_1d.csv and its metadata.

    python scripts/make_sample_data.py            write both files
    python scripts/make_sample_data.py --check    exit 1 if what is in data/ differs

The same bytes come out on every machine: only the raw stream of PCG64 is used, which numpy promises
never to change, and after it only + - * / and square roots, which every processor rounds alike.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bt_run.core.market import BAR_COLUMNS, iso_utc
from shipped import settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bt_run.core.market import FloatArray

__all__ = ["daily_returns", "main", "make_csv", "make_files", "make_metadata"]

SEED = 1692
BARS = 3_000
START_MS = 1_502_928_000_000  # 2017-08-17
DAY_MS = 86_400_000
FIRST_PRICE = 4_000.0
HOURS = 24
UNITS = {
    "open_time": "start of the bar, ISO 8601 UTC; the bar lasts to the next midnight",
    "open": "USDT for one BTC",
    "high": "USDT for one BTC",
    "low": "USDT for one BTC",
    "close": "USDT for one BTC",
    "volume": "BTC",
    "quote_volume": "USDT",
    "trades": "count",
    "taker_buy_volume": "BTC bought by takers, part of volume",
    "taker_buy_quote_volume": "USDT paid by buying takers, part of quote_volume",
}


class Regime(NamedTuple):
    """A mood of the market: mean return a day, its deviation, and how many days it lasts on average."""

    drift: float
    deviation: float
    days: float


BULL = Regime(0.0048, 0.034, 130.0)
BEAR = Regime(-0.0036, 0.036, 110.0)
SIDEWAYS = Regime(0.0007, 0.021, 110.0)
NEXT_REGIMES = {BULL: (BEAR, SIDEWAYS), BEAR: (SIDEWAYS, BULL), SIDEWAYS: (BULL, BEAR)}

GARCH_SHOCK, GARCH_MEMORY = 0.10, 0.87
WILD_DAY, WILD_SCALE = 0.08, 2.2
WILD_NORM = 1.1454  # keeps the mean square of a shock at one: sqrt(1 + 0.08 * (2.2^2 - 1))
CRASH_CHANCE = 1 / 1_500
CRASH_AFTERSHOCK = 5.0
LOWEST_RETURN, HIGHEST_RETURN = -0.42, 0.24


def make_csv(seed: int = SEED, bars: int = BARS) -> str:
    """Make the whole file as text: a header and one line a bar, columns as in `BAR_COLUMNS`."""
    rows = [",".join(BAR_COLUMNS)]
    for number, bar in enumerate(_bars(seed, bars)):
        opened = iso_utc(START_MS + number * DAY_MS)
        prices = ",".join(f"{price:.2f}" for price in bar.prices)
        rows.append(
            f"{opened},{prices},{bar.volume:.5f},{bar.quote_volume:.5f},{bar.trades:d},"
            f"{bar.taker_buy_volume:.5f},{bar.taker_buy_quote_volume:.5f}"
        )
    return "\n".join(rows) + "\n"


def daily_returns(seed: int, bars: int) -> list[float]:
    """
    Draw the return of each day: regimes that switch by chance, GARCH(1,1) within them, rare crashes.

    Source: Hamilton, 1989 (regimes); Bollerslev, 1986 (GARCH).
    """
    bits = np.random.PCG64([seed, 1])
    shocks, wild = _normals(bits, bars), _uniforms(bits, bars)
    switch, choice, crash = _uniforms(bits, bars), _uniforms(bits, bars), _uniforms(bits, bars)
    depth = _uniforms(bits, bars)
    regime, variance, in_crash = BULL, 1.0, False
    returns = []
    for day in range(bars):
        if switch[day] < 1 / regime.days:
            regime = NEXT_REGIMES[regime][int(choice[day] < 0.35)]
        shock = float(shocks[day]) * (WILD_SCALE if wild[day] < WILD_DAY else 1.0) / WILD_NORM
        change = regime.drift + regime.deviation * math.sqrt(variance) * shock
        variance = (1 - GARCH_SHOCK - GARCH_MEMORY) + (GARCH_SHOCK * shock * shock + GARCH_MEMORY) * variance
        if in_crash:
            change, in_crash = -0.12 * float(depth[day]), False
        elif crash[day] < CRASH_CHANCE:
            change, in_crash = -0.27 - 0.12 * float(depth[day]), True
            variance = CRASH_AFTERSHOCK
        returns.append(min(max(change, LOWEST_RETURN), HIGHEST_RETURN))
    return returns


class Bar(NamedTuple):
    """One day as it is written: prices (open, high, low, close) to 0.01, volumes to 0.00001."""

    prices: tuple[float, float, float, float]
    volume: float
    quote_volume: float
    trades: int
    taker_buy_volume: float
    taker_buy_quote_volume: float


def _bars(seed: int, bars: int) -> Iterator[Bar]:
    """Walk the days: each opens near the last close and is filled with 24 hours."""
    bits = np.random.PCG64([seed, 2])
    gaps = _normals(bits, bars)
    interest = 1.0
    close = FIRST_PRICE
    for day, change in enumerate(daily_returns(seed, bars)):
        opened = round(close * (1 + 3e-5 * float(gaps[day])), 2)
        close = round(close * (1 + change), 2)
        path = _hours(opened, close, bits)
        moved = (path.max() - path.min()) / opened
        interest += 0.05 * (moved / 0.045 - interest)
        usual = 4_000.0 + 44_000.0 * min(1.0, day / 900)
        weekend = 0.72 if (day + 3) % 7 in (5, 6) else 1.0
        amount = usual * weekend * (0.25 + 0.35 * interest + 0.4 * min(moved / 0.045, 5.0))
        yield _trade(path, amount=amount, trade_size=0.11 - 0.07 * min(1.0, day / 1_500), bits=bits)


def _hours(opened: float, close: float, bits: np.random.PCG64) -> FloatArray:
    """Draw a Brownian bridge of 25 prices from the day's open to its close."""
    change = close / opened - 1
    roughness = 0.0028 + 0.09 * abs(change)
    steps = _normals(bits, HOURS)
    path = np.empty(HOURS + 1)
    path[0] = 0.0
    for hour in range(HOURS):
        path[hour + 1] = path[hour] + roughness * float(steps[hour])
    share = np.arange(HOURS + 1) / HOURS
    prices = opened * (1 + share * change + (path - share * path[-1]))
    prices[0], prices[-1] = opened, close
    return np.array([round(float(price), 2) for price in prices])


def _trade(path: FloatArray, *, amount: float, trade_size: float, bits: np.random.PCG64) -> Bar:
    """Spread the day's amount over its hours; buyers are the takers more often while the price rises."""
    noise, lean, size = _uniforms(bits, HOURS), _normals(bits, HOURS), _uniforms(bits, 1)
    volume = quote = bought = bought_quote = 0.0
    for hour in range(HOURS):
        before, after = float(path[hour]), float(path[hour + 1])
        change = after / before - 1
        part = amount / HOURS * (0.4 + 0.6 * float(noise[hour]) + min(abs(change) / 0.006, 2.0)) / 1.4
        share = min(max(0.495 + 0.03 * float(lean[hour]) + 4.0 * change, 0.3), 0.7)
        price = (before + after) / 2
        volume += part
        quote += part * price
        bought += part * share
        bought_quote += part * share * price
    first, last = float(path[0]), float(path[-1])
    return Bar(
        prices=(first, float(path.max()), float(path.min()), last),
        volume=round(volume, 5),
        quote_volume=round(quote, 5),
        trades=int(volume / (trade_size * (0.85 + 0.3 * float(size[0])))),
        taker_buy_volume=round(bought, 5),
        taker_buy_quote_volume=round(bought_quote, 5),
    )


def _uniforms(bits: np.random.PCG64, count: int) -> FloatArray:
    """Turn raw 64-bit draws into floats in [0, 1), 53 bits each."""
    return np.asarray((bits.random_raw(count) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def _normals(bits: np.random.PCG64, count: int) -> FloatArray:
    """
    Draw nearly normal values, mean 0 and deviation 1, within -6 to 6: twelve uniforms less six.

    numpy's own standard_normal takes a logarithm in the tails, which processors do not round alike.
    """
    draws = _uniforms(bits, 12 * count).reshape(count, 12)
    total = np.zeros(count)
    for column in range(12):
        total += draws[:, column]
    return total - 6.0


def make_metadata(csv: str, *, seed: int = SEED) -> str:
    """Describe the file as JSON text: what it is, what it is not, range, units, sha256 of the bytes."""
    lines = csv.splitlines()
    described = {
        "title": "Synthetic daily bars in the manner of BTCUSDT",
        "symbol": "BTCUSDT",
        "interval": "1d",
        "note": "synthetic data",
        "origin": "drawn at random; no price in it was ever paid",
        "about": [
            "This is not market data. A seeded program made it, so that anybody may copy the sample.",
            "It imitates bitcoin since 2017: bull and bear markets, clustered volatility, fat tails, crashes.",
            "A strategy that earns money on it has proved nothing. Learn the tool here, then use real bars.",
        ],
        "generator": "scripts/make_sample_data.py",
        "seed": seed,
        "licence": "GPL-3.0-or-later",
        "sha256": hashlib.sha256(csv.encode()).hexdigest(),
        "bars": len(lines) - 1,
        "start": lines[1].split(",")[0],
        "end": lines[-1].split(",")[0],
        "columns": UNITS,
    }
    return json.dumps(described, indent=2) + "\n"


def make_files(seed: int = SEED, bars: int = BARS) -> dict[str, bytes]:
    """Make both files in memory: name to content."""
    csv = make_csv(seed, bars)
    return {
        "btc_1d.csv": csv.encode(),
        "btc_1d.metadata.json": make_metadata(csv, seed=seed).encode(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or compare them with what is shipped; 0 is well, 1 is a difference."""
    parser = argparse.ArgumentParser(description="Make data/btc_1d.csv and its metadata.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a shipped file differs")
    return settle(make_files(), check=parser.parse_args(arguments).check)


if __name__ == "__main__":
    sys.exit(main())
