"""
Read one-minute bars in one of several ways, or prepare the store for it; benchmarks/store_load.py runs it.

    python benchmarks/store_side.py fill bars.csv store
    python benchmarks/store_side.py store bars.csv store

Reading prints the seconds and the peak memory in MiB after it; imports are done before. Checking prints how
many values the ways give differently.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS
from feeds.csv_file import read_bars
from feeds.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WAYS", "main"]

MINUTE = Interval(1, "m")
WAYS: dict[str, Callable[[Path, Path], Any]] = {
    "pandas": lambda csv, _: pd.read_csv(csv, usecols=list(BAR_COLUMNS)),
    "pandas-pyarrow": lambda csv, _: pd.read_csv(csv, usecols=list(BAR_COLUMNS), engine="pyarrow"),
    "bt-run-csv": lambda csv, _: read_bars(csv, interval=MINUTE).bars,
    "store": lambda _, root: Store(root).read("BTCUSDT", MINUTE),
    "store-close": lambda _, root: Store(root).read("BTCUSDT", MINUTE, columns=["close"]),
}


def fill(csv: Path, root: Path) -> None:
    """Put the bars of the CSV into an empty store; print the size of its files in bytes."""
    store = Store(root)
    store.write("BTCUSDT", MINUTE, read_bars(csv, interval=MINUTE).bars, source="bulk")
    print(store.series()[0].size_bytes)


def check(csv: Path, root: Path) -> None:
    """Print how many values each way of reading the CSV gives otherwise than the store, column by column."""
    stored = WAYS["store"](csv, root)
    for way in ("pandas", "pandas-pyarrow", "bt-run-csv"):
        found = WAYS[way](csv, root)
        values = [(np.asarray(getattr(stored, name)), np.asarray(_column(found, name))) for name in BAR_COLUMNS]
        print(way, sum(int((one != other).sum()) for one, other in values))


def _column(found: Any, name: str) -> Any:
    return found[name] if isinstance(found, pd.DataFrame) else getattr(found, name)


def main() -> None:
    """Read the arguments and do one thing."""
    parser = argparse.ArgumentParser(description="Read one-minute bars in one way.")
    parser.add_argument("way", choices=["fill", "check", *WAYS])
    parser.add_argument("csv", type=Path)
    parser.add_argument("store", type=Path)
    given = parser.parse_args()
    if given.way in ("fill", "check"):
        (fill if given.way == "fill" else check)(given.csv, given.store)
        return
    begun = time.perf_counter()
    found = WAYS[given.way](given.csv, given.store)
    seconds = time.perf_counter() - begun
    print(f"{seconds:.4f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} {len(found)}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
