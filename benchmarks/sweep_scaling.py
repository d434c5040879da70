"""
Measure how a sweep scales: combinations a second on one core and on two, and memory by their number.

    python benchmarks/sweep_scaling.py
    python benchmarks/sweep_scaling.py --bars 10000 --periods 4 --runs 1 --out x.md  # to see whether it runs

RSI over periods and thresholds, one unit a trade, 0.1 % costs, with the metrics that every sweep keeps, stored
in SQLite as in ``bt-run optimize``. Each line is a process of its own; imports, reading and loading the kernel
are left out of the rate and given apart. Lines of the same combinations must have equal results, or the script
ends with exit code 1.
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
from csv_to_result import rewrite_section
from machine import describe
from make_bars import make_bars
from strategies.loader import load_strategy

if TYPE_CHECKING:
    from bt_run.core.market import BarFile

_AGAIN = 4
HERE = Path(__file__).resolve().parent
SECTION = """\
## How a sweep scales, {bars:,} bars

RSI over {periods} periods and more and more thresholds. Combinations a second, the best of {runs} processes:
of the first sweep of a process, and of the best of four more in it. "Of one job": against the same combinations
with one. Peak memory is that of the largest process.

| jobs | combinations | first, a second | of one job | again, a second | of one job | peak MiB | start, s |
| --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

- Lines of the same combinations have equal results.
- Two jobs are two threads; above four thousand million bars in all, two processes, whose start counts.
- "Start" is what comes before the sweep: imports, reading, loading the kernel.

{machine}

Again: `python benchmarks/sweep_scaling.py --bars {bars} --periods {periods} --steps {steps} --runs {runs}`
"""


def main() -> None:
    """Run every line, print a table in Markdown, and rewrite the section in the file of results."""
    told = _arguments()
    if told.child:
        _measure(told)
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        bars = Path(name) / "BTCUSDT-1m-bench.csv"
        make_bars(bars, told.bars)
        rows = [row for steps in told.steps for row in _rows(told, bars, steps=steps)]
    section = SECTION.format(
        bars=told.bars,
        periods=told.periods,
        steps=" ".join(map(str, told.steps)),
        runs=told.runs,
        rows="\n".join(rows),
        machine="\n".join(describe(load_before=load)),
    )
    print(section)
    text = told.out.read_text() if told.out.exists() else "# Results\n"
    told.out.write_text(rewrite_section(text, f"sweep scaling {told.bars}", section))


def _rows(told: argparse.Namespace, bars: Path, *, steps: int) -> list[str]:
    """Run so many thresholds with one job and with two, in turns; exits where their results differ."""
    found: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for _ in range(told.runs):
        for jobs, each in found.items():
            each.append(_child(told, bars, jobs=jobs, steps=steps))
    if len({each["sum"] for takings in found.values() for each in takings}) > 1:
        sys.exit(f"The results of {steps} thresholds differ: {found}")
    rates = {
        jobs: [max(float(one[name]) for one in each) for name in ("first", "again")]
        for jobs, each in found.items()
    }
    return [
        f"| {jobs} | {each[0]['combinations']:,} "
        + "".join(f"| {rate:,.0f} | {rate / one:.2f} " for rate, one in zip(rates[jobs], rates[1], strict=True))
        + f"| {max(one['peak_mib'] for one in each):.0f} | {min(one['start_s'] for one in each):.2f} |"
        for jobs, each in found.items()
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A sweep with one job and with two, short and long.")
    parser.add_argument("--bars", type=int, default=100_000, help="how many one-minute bars")
    parser.add_argument("--periods", type=int, default=20, help="RSI periods, from 5")
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 100, 1000], help="thresholds of each line")
    parser.add_argument("--runs", type=int, default=3, help="how many processes each line runs")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
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
    took = []
    for _ in range(1 + _AGAIN):
        with begin_sweep(whole, folder / "sweep.sqlite", overwrite=True) as file:
            begun = time.perf_counter()
            run_sweep(whole, file)
            took.append(time.perf_counter() - begun)
            count = file.count()
            total = sum(trial.metrics["equity_final"] or 0.0 for trial in file.trials())
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(who).ru_maxrss for who in whose) / 1024
    first, again = count / took[0], count / min(took[1:])
    found = {
        "combinations": count,
        "first": first,
        "again": again,
        "peak_mib": peak,
        "start_s": start,
        "sum": total,
    }
    print(json.dumps(found))


def _request(data: BarFile, period: str, steps: int, jobs: int) -> SearchRequest:
    """Search so many thresholds from 20 up to, not including, 30."""
    settings = BacktestSettings(cash=10_000_000.0, stake=Stake(1.0, "base"))
    words = [period, f"oversold=20:{30 - 10 / steps}:{10 / steps}"]
    space = read_space(load_strategy("rsi"), words, is_stepped=True)
    return SearchRequest("rsi", data, settings, space, (Goal.parse("sharpe"),), jobs=jobs)


if __name__ == "__main__":
    main()
