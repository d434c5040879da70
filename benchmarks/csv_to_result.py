"""
Time CSV-to-result: plain Backtrader against ``bt-run backtest``, side by side.

    python benchmarks/csv_to_result.py --bars 100000 --runs 5
    python benchmarks/csv_to_result.py --bars 1000000 --runs 3

Each measurement is a process of its own. The two sides take turns, so that a busy moment of the machine
hits both. Their trades and final equity must be equal, or the script ends with exit code 1. This script
imports nothing heavy: a child's peak memory is counted from the memory of the process that starts it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from machine import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Measure", "difference", "main", "ours_command", "plain_command", "rewrite_section", "run_child"]

HERE = Path(__file__).resolve().parent
STRATEGIES = {"rsi": "rsi", "tutorial": f"{HERE / 'bt_tutorial.py'}:TutorialRsi"}
COMPARED = ("entry_bar", "exit_bar", "entry_time", "exit_time", "entry_price", "pnl", "fees")
LOAD_TARGET, WHOLE_TARGET = 20.0, 1.5
WARM_UP_BARS = 2_000
SECTION = """\
## {bars:,} bars

Median (least to most) of {runs} runs, the sides taking turns; {megabytes:.0f} MB of CSV.

| what | plain Backtrader | bt-run | ratio | target | reached |
| --- | --- | --- | --- | --- | --- |
{rows}

{agreed}

{machine}

Again: `python benchmarks/csv_to_result.py --bars {bars} --runs {runs} --strategies {strategies}`
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One process: wall time and CPU time in seconds, its largest resident memory in MiB, what it printed."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    printed: str


def plain_command(strategy: str, data: Path, out: Path) -> list[str]:
    """Give the command of the plain side."""
    return [sys.executable, str(HERE / "bt_plain.py"), strategy, str(data), str(out)]


def ours_command(strategy: str, data: Path, out: Path) -> list[str]:
    """Give the command of our side: the real one."""
    options = f"backtest --strategy {STRATEGIES[strategy]} --stake 1 --cash 10000000 --quiet".split()
    return [sys.executable, "-m", "bt_run", *options, "--data", str(data), "--json", str(out)]


def load_command(side: str, data: Path) -> list[str]:
    """Give the command that only loads the file."""
    return [sys.executable, str(HERE / "bt_load.py"), side, str(data)]


def run_child(command: Sequence[str]) -> Measure:
    """
    Run one process to its end and measure it by what the kernel tells about it.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryFile("w+") as output:
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{printed}")
    return Measure(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, printed)


def difference(plain: Any, ours: Any) -> str | None:
    """Say where the results of the two sides differ first, every number exactly; None where they are equal."""
    equity = ours["metrics"]["equity_final"]
    if plain["equity_final"] != equity:
        return f"final equity: {plain['equity_final']!r} plain, {equity!r} ours"
    if len(plain["trades"]) != len(ours["trades"]):
        return f"number of trades: {len(plain['trades'])} plain, {len(ours['trades'])} ours"
    for number, (one, other) in enumerate(zip(plain["trades"], ours["trades"], strict=True)):
        for name in COMPARED:
            if one[name] != other[name]:
                return f"trade {number}, {name}: {one[name]!r} plain, {other[name]!r} ours"
    return None


def rewrite_section(text: str, name: str, body: str) -> str:
    """Put the body between the markers of a section; a section that is not there yet is added at the end."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    section = f"{begin}\n{body.strip()}\n{end}"
    if begin not in text:
        return f"{text.rstrip()}\n\n{section}\n"
    return re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: section, text, flags=re.DOTALL)


def measure_whole(
    strategy: str, data: Path, folder: Path, *, runs: int
) -> tuple[tuple[list[Measure], list[Measure]], str]:
    """
    Run both sides in turns and compare their results each time.

    Returns:
        The measures, plain and ours, and what both sides found, in words.
    """
    plain: list[Measure] = []
    ours: list[Measure] = []
    plain_out, ours_out = folder / "plain.json", folder / "ours.json"
    result: Any = None
    for _ in range(runs):
        plain.append(run_child(plain_command(strategy, data, plain_out)))
        ours.append(run_child(ours_command(strategy, data, ours_out)))
        result = json.loads(plain_out.read_text())
        found = difference(result, json.loads(ours_out.read_text()))
        if found is not None:
            sys.exit(f"The two sides differ with {strategy} on {data.name}: {found}")
    return (plain, ours), f"{len(result['trades'])} trades, final equity {result['equity_final']:.4f}"


def measure_load(data: Path, *, runs: int) -> tuple[list[float], list[float]]:
    """Load the file with both feeds in turns; seconds as the children measured them, plain and ours."""
    plain: list[float] = []
    ours: list[float] = []
    for _ in range(runs):
        plain.append(float(run_child(load_command("plain", data)).printed.split()[0]))
        ours.append(float(run_child(load_command("ours", data)).printed.split()[0]))
    return plain, ours


def spread(values: Sequence[float], digits: int) -> str:
    """Write median, least and most."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ratio between the sides in words, the target it has, and whether it reached it."""

    ratio: str = ""
    target: str = ""
    reached: bool | None = None


def row(what: str, sides: Sequence[Sequence[float]], digits: int, verdict: Verdict) -> str:
    """Write one line of the table; `sides` are the measured values of plain Backtrader and ours."""
    reached = {None: "", True: "yes", False: "no"}[verdict.reached]
    cells = (what, *(spread(values, digits) for values in sides), verdict.ratio, verdict.target, reached)
    return f"| {' | '.join(cells)} |"


def faster(sides: Sequence[Sequence[float]], target: float) -> Verdict:
    """Tell how many times as fast the second side is, by medians."""
    times = median(sides[0]) / median(sides[1])
    return Verdict(f"{times:.2f} times as fast", f"at least {target:g}", times >= target)


def smaller(sides: Sequence[Sequence[float]]) -> Verdict:
    """Tell how much of the first side's memory the second needs, by medians."""
    share = median(sides[1]) / median(sides[0])
    return Verdict(f"{share:.2f} times the memory", "at most 1", share <= 1.0)


def rows_of(strategy: str, measures: Sequence[Sequence[Measure]]) -> list[str]:
    """Write the lines of the table for one strategy: wall time, CPU time, peak memory."""

    def of(pick: Callable[[Measure], float]) -> list[list[float]]:
        return [[pick(measure) for measure in side] for side in measures]

    wall, cpu, peak = of(lambda m: m.wall_s), of(lambda m: m.cpu_s), of(lambda m: m.peak_mib)
    return [
        row(f"{strategy}: CSV to result, s", wall, 2, faster(wall, WHOLE_TARGET)),
        row(f"{strategy}: CPU time, s", cpu, 2, Verdict()),
        row(f"{strategy}: peak memory, MiB", peak, 0, smaller(peak)),
    ]


def measure(given: argparse.Namespace, folder: Path) -> str:
    """Take all measurements, after one warm-up of each on a small file, and write them as Markdown."""
    data, small = folder / f"synthetic_1m_{given.bars}.csv", folder / "warm_up.csv"
    for path, bars in ((small, WARM_UP_BARS), (data, given.bars)):
        run_child([sys.executable, str(HERE / "make_bars.py"), str(bars), str(path)])
    load_before = os.getloadavg()[0]
    measure_load(small, runs=1)
    loads = measure_load(data, runs=given.runs)
    rows, agreed = [row("load, s", loads, 3, faster(loads, LOAD_TARGET))], []
    for strategy in given.strategies:
        measure_whole(strategy, small, folder, runs=1)
        measures, found = measure_whole(strategy, data, folder, runs=given.runs)
        rows += rows_of(strategy, measures)
        agreed.append(f"- {strategy}: {found}, equal on both sides.")
    return SECTION.format(
        bars=given.bars,
        runs=given.runs,
        megabytes=data.stat().st_size / 1e6,
        rows="\n".join(rows),
        agreed="\n".join(agreed),
        machine="\n".join(describe(load_before=load_before)),
        strategies=" ".join(given.strategies),
    )


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="Plain Backtrader against bt-run, from CSV to result.")
    parser.add_argument("--bars", type=int, default=100_000, help="how many one-minute bars")
    parser.add_argument("--runs", type=int, default=3, help="how many times each side runs")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt-run-bench-") as folder:
        section = measure(given, Path(folder))
    print(section)
    text = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(text, f"csv_to_result {given.bars}", section))


if __name__ == "__main__":
    main()
