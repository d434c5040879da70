"""
Measure how a sweep scales: combinations a second on one core and on two, and memory by their number.

    python benchmarks/sweep_scaling.py
    python benchmarks/sweep_scaling.py --bars 10000 --periods 4   # to see whether it runs

RSI over periods and thresholds, one unit a trade, 0.1 % costs, with the metrics that every sweep keeps, stored
in SQLite as in ``bt-run optimize``. Each line is a process of its own; imports, reading and loading the kernel
are left out of the rate and given apart. Lines of the same combinations are checked to have equal results.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.run.data import DataRequest, load_data
from bt_run.run.optimize.goal import Goal
from bt_run.run.optimize.request import SearchRequest
from bt_run.run.optimize.space import read_space
from bt_run.run.optimize.sweep import begin_sweep, run_sweep
from machine import describe
from make_bars import make_bars
from strategies.loader import load_strategy

if TYPE_CHECKING:
    from bt_run.core.market import BarFile

_RUNS = 3


def main() -> None:
    """Run every line and print a table in Markdown."""
    told = _arguments()
    if told.child:
        _measure(told)
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        bars = Path(name) / "BTCUSDT-1m-bench.csv"
        make_bars(bars, told.bars)
        print("\n".join(describe(load_before=load)))
        print("\n| threads | combinations | a second | of one thread | peak MiB | start, s |")
        print("| --- | --- | --- | --- | --- | --- |")
        single = 0.0
        sums = set()
        for jobs, steps in ((1, 10), (2, 10), (1, 10 * told.more), (2, 10 * told.more)):
            found = [_child(told, bars, jobs=jobs, steps=steps) for _ in range(_RUNS)]
            best = max(found, key=lambda each: float(each["rate"]))
            single = float(best["rate"]) if jobs == 1 else single
            sums |= {(steps, each["sum"]) for each in found}
            print(
                f"| {jobs} | {best['combinations']:,} | {best['rate']:,.0f} | {best['rate'] / single:.2f} "
                f"| {best['peak_mib']:.0f} | {best['start_s']:.2f} |"
            )
        print("\nEqual results." if len(sums) == 2 else f"\nDIFFERENT RESULTS: {sums}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--periods", type=int, default=20, help="RSI periods, from 5")
    parser.add_argument("--more", type=int, default=50, help="how many times as many in the larger sweeps")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    return parser.parse_args()


def _child(told: argparse.Namespace, bars: Path, *, jobs: int, steps: int) -> dict[str, Any]:
    words = json.dumps({"path": str(bars), "jobs": jobs, "steps": steps})
    command = [sys.executable, __file__, "--periods", str(told.periods), "--child", words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _measure(told: argparse.Namespace) -> None:
    """Run one sweep in this process and print its numbers as JSON."""
    begun = time.perf_counter()
    data = load_data(DataRequest(told.child["path"]))
    last = 4 + told.periods
    whole = _request(data, f"period=5:{last}", told.child["steps"], told.child["jobs"])
    folder = Path(told.child["path"]).parent
    with begin_sweep(_request(data, "period=5:6", 10, 1), folder / "warm.sqlite", overwrite=True) as file:
        run_sweep(_request(data, "period=5:6", 10, 1), file)
    start = time.perf_counter() - begun
    with begin_sweep(whole, folder / "sweep.sqlite", overwrite=True) as file:
        begun = time.perf_counter()
        run_sweep(whole, file)
        took = time.perf_counter() - begun
        count = file.count()
        total = sum(trial.metrics["equity_final"] or 0.0 for trial in file.trials())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"combinations": count, "rate": count / took, "peak_mib": peak, "start_s": start, "sum": total}
    print(json.dumps(found))


def _request(data: BarFile, period: str, steps: int, jobs: int) -> SearchRequest:
    """Search so many thresholds from 20 up to, not including, 30."""
    settings = BacktestSettings(cash=10_000_000.0, stake=Stake(1.0, "base"))
    words = [period, f"oversold=20:{30 - 10 / steps}:{10 / steps}"]
    space = read_space(load_strategy("rsi"), words, is_stepped=True)
    return SearchRequest("rsi", data, settings, space, (Goal.parse("sharpe"),), jobs=jobs)


if __name__ == "__main__":
    main()
