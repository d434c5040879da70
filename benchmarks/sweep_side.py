"""
The side of bt-run in benchmarks/sweep.py: the sweep of ``bt-run optimize``, timed inside the process.

    python benchmarks/sweep_side.py sweep BARS.csv OUT.json --jobs 1

What is timed is what the command does between reading the file and judging the results: every combination's
equity curve and metrics, written to SQLite. Compiled code that is kept on the disk is loaded within that time.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from bt_run.core.interval import Interval
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.run.optimize.goal import Goal
from bt_run.run.optimize.request import SearchRequest
from bt_run.run.optimize.space import read_space
from bt_run.run.optimize.sweep import begin_sweep, run_sweep
from feeds.csv_file import read_bars
from peer_work import CASH, COMMISSION, OVERBOUGHT, PERIOD, PERIODS, Found, main_of
from strategies.loader import load_strategy

__all__ = ["run", "space_of", "sweep"]

SPEC = f"rsi:overbought={OVERBOUGHT}"


def space_of(oversolds: range) -> list[str]:
    """Write the sweep as the words of ``--param``."""
    return [f"period={PERIODS[0]}:{PERIODS[-1]}", f"oversold={oversolds[0]}:{oversolds[-1]}:1"]


def run(_: str) -> Found:
    """Refuse: single runs are those of benchmarks/engines.py."""
    sys.exit(f"Run RSI({PERIOD}) with benchmarks/engines.py.")


def sweep(path: str, oversolds: range, jobs: int) -> Found:
    """Search the grid once; final equity and closed trades of each combination."""
    request = SearchRequest(
        spec=SPEC,
        data=read_bars(Path(path), symbol="BTCUSDT", interval=Interval(1, "m")),
        settings=BacktestSettings(cash=CASH, commission=COMMISSION, stake=Stake.parse("1")),
        space=read_space(load_strategy(SPEC), space_of(oversolds), is_stepped=True),
        goals=(Goal.parse("sharpe"),),
        jobs=jobs,
    )
    with tempfile.TemporaryDirectory() as folder, begin_sweep(request, Path(folder) / "sweep.sqlite") as file:
        begun = time.perf_counter()
        run_sweep(request, file)
        seconds = time.perf_counter() - begun
        results = [
            (
                trial.metrics["equity_final"],
                trial.metrics["trades"],
                (trial.params["period"], trial.params["oversold"]),
            )
            for trial in file.trials()
        ]
    return {"seconds": seconds, "results": results}


if __name__ == "__main__":
    main_of(run, sweep)
