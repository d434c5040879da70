"""
Time how long a feed takes from its making to filled lines, inside a stock Cerebro.

    python benchmarks/bt_load.py plain BARS.csv
    python benchmarks/bt_load.py ours BARS.csv

Prints seconds. Imports are done before the clock starts.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Any

import backtrader as bt

import feeds.table.text_table  # noqa: F401  # it is loaded when the first CSV is read, which would be on the clock
from bt_generic_csv import generic_csv
from feeds import CsvFeed

__all__ = ["main"]

FEEDS: dict[str, Any] = {"plain": partial(generic_csv, bt), "ours": CsvFeed}


class LoadedAt(bt.Strategy):  # type: ignore[misc]  # backtrader ships no types
    """Note the time at which Cerebro makes the strategy, which is when the data are loaded; then stop."""

    def __init__(self, notes: list[Any]) -> None:
        notes.append((time.perf_counter(), self.data.buflen()))
        raise bt.errors.StrategySkipError


def main() -> None:
    """Load the file with one feed and print the seconds."""
    parser = argparse.ArgumentParser(description="Time the loading of a file.")
    parser.add_argument("feed", choices=FEEDS)
    parser.add_argument("data")
    given = parser.parse_args()

    notes: list[Any] = []
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.addstrategy(LoadedAt, notes)
    begun = time.perf_counter()
    cerebro.adddata(FEEDS[given.feed](given.data))
    cerebro.run()
    ended, bars = notes[0]
    print(f"{ended - begun:.6f} s for {bars} bars")


if __name__ == "__main__":
    main()
