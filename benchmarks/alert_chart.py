"""
How long the picture in a message takes, with and without indicators; the limit is two seconds.

    python benchmarks/alert_chart.py --runs 20

Prints the median of each and what part of the limit it is. The first picture of a process, which imports
matplotlib, is measured by itself.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from bt_run.core.market import Bars
from bt_run.reports.chart_marks import ChartMark

LIMIT_S = 2.0


def make_bars(count: int = 500) -> Bars:
    """Make a seeded random walk of one-minute bars."""
    draw = np.random.default_rng(7)
    close = 60_000.0 * np.exp(np.cumsum(draw.normal(0.0, 0.001, count)))
    return Bars.of(
        60_000 * np.arange(count), open=close, high=close * 1.001, low=close * 0.999, close=close,
        volume=draw.uniform(1.0, 9.0, count),
    )  # fmt: skip


def draw_once(bars: Bars, *, rich: bool) -> float:
    """Draw one picture; give the seconds that it took."""
    began = time.perf_counter()
    from bt_run.reports.alert_chart import draw_alert_chart  # noqa: PLC0415  # its import is measured

    marks = [
        ChartMark(int(bars.open_time[at]), float(bars.close[at]), "long entry", "long") for at in (-90, -9)
    ]
    panels = {"RSI": bars.close / 1_000, "MACD": bars.close, "Volume difference": bars.close - 60_000}
    overlays = {"SMA 10": bars.close, "SMA 30": bars.close * 0.999}
    draw_alert_chart(
        bars,
        marks,
        title="BTCUSDT 1m: long",
        panels=panels if rich else None,
        overlays=overlays if rich else None,
    )
    return time.perf_counter() - began


def main() -> int:
    """Measure and print; 1 where the limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    bars = make_bars()
    taken = {"first of the process": [draw_once(bars, rich=True)], "plain": [], "three panels": []}
    for _ in range(runs):
        taken["plain"].append(draw_once(bars, rich=False))
        taken["three panels"].append(draw_once(bars, rich=True))
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"{name:22} {median:6.3f} s, {median / LIMIT_S:4.0%} of the limit, slowest {max(seconds):.3f} s")
    return int(max(map(max, taken.values())) > LIMIT_S)


if __name__ == "__main__":
    raise SystemExit(main())
