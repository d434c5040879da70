"""
Time the start: ``bt-run --help``, and a backtest until it opens its data.

    python benchmarks/start_up.py --runs 20

About half a minute. Each measurement is a process of its own, started as a user starts it; bare Python (``-c
pass``) and the libraries without which nothing goes take turns with it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from csv_to_result import rewrite_section, run_child, spread
from machine import describe

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UNTIL_OPEN", "main", "measure"]

HERE = Path(__file__).resolve().parent
HELP_TARGET_MS, DATA_TARGET_MS = 80.0, 300.0
UNTIL_OPEN = """\
import os, sys, time
begun, watched = int(sys.argv.pop(1)), sys.argv.pop(1)
def watch(event, arguments):
    if event == "open" and str(arguments[0]) == watched:
        print((time.monotonic_ns() - begun) / 1e6, flush=True)
        os._exit(0)
sys.addaudithook(watch)
from bt_run.cli.main import main
main()
"""
SECTION = """\
## Start-up

Milliseconds of the whole process: median (least to most) of {runs} runs, taking turns.

| what | ms | target | reached |
| --- | --- | --- | --- |
{rows}

{machine}

Again: `python benchmarks/start_up.py --runs {runs}`
"""


def whole(*words: str) -> float:
    """Run a process to its end; milliseconds."""
    return run_child(words).wall_s * 1000


def until_open(strategy: str, data: Path) -> float:
    """Start a backtest and end it when it opens its data; milliseconds from before the process was there."""
    begun = time.monotonic_ns()
    words = [sys.executable, "-c", UNTIL_OPEN, str(begun), str(data)]
    words += ["backtest", "--strategy", strategy, "--data", str(data), "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure(runs: int, data: Path) -> dict[str, list[float]]:
    """Take all measurements in turns; milliseconds by name."""
    script = str(Path(sysconfig.get_path("scripts")) / "bt-run")
    tutorial = f"{HERE / 'bt_tutorial.py'}:TutorialRsi"
    ways: dict[str, Callable[[], float]] = {
        "bare Python": lambda: whole(sys.executable, "-c", "pass"),
        "`bt-run --help`": lambda: whole(script, "--help"),
        "`import numpy`": lambda: whole(sys.executable, "-c", "import numpy"),
        "`import backtrader`": lambda: whole(sys.executable, "-c", "import backtrader"),
        "`bt-run backtest -s rsi` until it opens its data": lambda: until_open("rsi", data),
        "the same with a hand-written strategy, until it opens its data": lambda: until_open(tutorial, data),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(runs + 1):
        for name, take in ways.items():
            milliseconds = take()
            if turn:  # the first turn fills the caches of the disk
                taken[name].append(milliseconds)
    return taken


def rows_of(taken: dict[str, list[float]]) -> str:
    """Write the lines of the table."""
    lines = []
    for name, values in taken.items():
        target = HELP_TARGET_MS if "--help" in name else DATA_TARGET_MS if "opens" in name else None
        reached = "" if target is None else "yes" if median(values) <= target else "no"
        lines.append(
            f"| {name} | {spread(values, 0)} | {'' if target is None else f'{target:g}'} | {reached} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="Time the start of bt-run.")
    parser.add_argument("--runs", type=int, default=20, help="how many times each is started")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bt-run-bench-") as folder:
        data = Path(folder) / "bars.csv"
        run_child([sys.executable, str(HERE / "make_bars.py"), "1000", str(data)])
        taken = measure(given.runs, data)
    section = SECTION.format(
        runs=given.runs, rows=rows_of(taken), machine="\n".join(describe(load_before=load_before))
    )
    print(section)
    text = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(text, "start_up", section))


if __name__ == "__main__":
    main()
