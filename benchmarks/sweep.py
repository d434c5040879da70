"""
Two hundred combinations of an RSI strategy: ``bt-run optimize`` against its peers, side by side.

    python benchmarks/make_peers.py
    python benchmarks/sweep.py --bars 100000 --runs 3

Periods 5 to 24, oversold levels 20 to 29. Each measurement is a process of its own, in turns. The final equity
and the closed trades of every combination must be the same on all sides, or the script ends with exit code 1.
Backtrader does the combinations of one level only: all would take it ten minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from csv_to_result import rewrite_section, run_child, spread
from machine import describe
from make_peers import PEERS, python_of
from peer_work import CASH, OVERBOUGHT, OVERSOLDS, PERIODS, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SIDES", "Side", "Taken", "difference", "main"]

HERE = Path(__file__).resolve().parent
SECTION = """\
## Sweep, {combinations} combinations on {bars:,} bars

RSI, period {periods}, oversold {levels}, overbought 70, one unit, 0.1 %. Median (least to most) of {runs}.

| side | combinations | the sweep, s | a second | a second, once more | whole process, s | peak MiB |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

- Final equity and trades of every combination are the same on all sides ({trades} trades in all).
- bt-run writes {metrics} metrics of each combination to SQLite, return, Sharpe, drawdown, trades and win rate
  among them; vectorbt gives final equity and trade records, backtesting.py its statistics, Backtrader final
  equity and trades.
- The sweep is timed without reading the file; "a second" is combinations, compiled code loaded within the time,
  "once more" the same sweep again in the same process, where nothing has to be loaded.
- "The command" is `bt-run optimize` as a user types it, with judging, table and CSV.
- Two jobs are {scaling:.2f} times as fast as one, once more.
- Peak memory is that of the largest process.

{machine}

Again: `python benchmarks/sweep.py --bars {bars} --runs {runs}`
"""


@dataclass(frozen=True, slots=True)
class Side:
    """Something that runs the sweep: a script with a Python, or the command where there is no script."""

    name: str
    peer: str = ""
    script: str = ""
    jobs: int = 1
    levels: int = len(OVERSOLDS)
    again: bool = False


SIDES = (
    Side("bt-run, one job", script="sweep_side.py", again=True),
    Side("bt-run, two jobs", script="sweep_side.py", jobs=2, again=True),
    Side("bt-run, the command, one job"),
    Side("bt-run, the command, two jobs", jobs=2),
    Side("vectorbt", "vectorbt", again=True),
    Side("backtesting.py", "backtesting.py"),
    Side("Backtrader's optstrategy, two processes", "backtrader", jobs=2, levels=1),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """
    One run: seconds of the sweep, of the sweep once more, of the process, and its memory.

    The sweeps are None where they are not told.
    """

    sweep_s: float | None
    again_s: float | None
    wall_s: float
    peak_mib: float


def command_of(side: Side, data: Path, out: Path) -> list[str]:
    """Give the command that runs a side."""
    if not side.peer and not side.script:
        words = f"optimize -s rsi:overbought={OVERBOUGHT} -p period={PERIODS[0]}:{PERIODS[-1]}"
        words += f" -p oversold={OVERSOLDS[0]}:{OVERSOLDS[-1]}:1 --jobs {side.jobs} --overwrite"
        words += f" --stake 1 --cash {CASH:.0f} --commission 0.1%"
        files = ["--data", str(data), "--out", str(out.with_suffix(".sqlite")), "--csv", str(out)]
        return [sys.executable, "-m", "bt_run", *words.split(), *files]
    python = str(python_of(side.peer)) if side.peer else sys.executable
    script = side.script or PEERS[side.peer].script
    options = ["--jobs", str(side.jobs), "--levels", str(side.levels), *(["--again"] if side.again else [])]
    return [python, str(HERE / script), "sweep", str(data), str(out), *options]


def run_side(side: Side, data: Path, out: Path) -> tuple[Taken, dict[Any, Any]]:
    """Run a side once; what it took, and (final equity, trades) by combination; none from the command."""
    measure = run_child(command_of(side, data, out))
    if not side.peer and not side.script:
        return Taken(None, None, measure.wall_s, measure.peak_mib), {}
    found = json.loads(out.read_text())
    results = {tuple(pair): (equity, trades) for equity, trades, pair in found["results"]}
    return Taken(found["seconds"], found.get("seconds_again"), measure.wall_s, measure.peak_mib), results


def difference(truth: dict[Any, Any], found: dict[Any, Any]) -> str | None:
    """Say where a side differs: final equity by 0.0001 or more, and trades where it counts them."""
    for pair, (equity, trades) in found.items():
        wanted_equity, wanted_trades = truth[pair]
        if abs(equity - wanted_equity) > TOLERANCE or trades not in (None, wanted_trades):
            return f"period {pair[0]}, oversold {pair[1]}: {truth[pair]} and {found[pair]}"
    return None


def measure(
    sides: Sequence[Side], data: Path, folder: Path, *, runs: int
) -> tuple[dict[Side, list[Taken]], dict[Any, Any]]:
    """Run the sides in turns and compare what they find."""
    taken: dict[Side, list[Taken]] = {side: [] for side in sides}
    truth: dict[Any, Any] = {}
    for _ in range(runs):
        for side in sides:
            taking, results = run_side(side, data, folder / "out.csv")
            taken[side].append(taking)
            print(f"{side.name}: {taking.wall_s:.2f} s, {taking.peak_mib:.0f} MiB", file=sys.stderr, flush=True)
            truth = truth or results
            differs = difference(truth, results)
            if differs is not None:
                sys.exit(f"{sides[0].name} and {side.name} differ: {differs}")
    return taken, truth


def rows_of(taken: dict[Side, list[Taken]]) -> str:
    """Write the lines of the table."""
    lines = []
    for side, takings in taken.items():
        count = len(PERIODS) * side.levels
        sweeps = [taking.sweep_s for taking in takings if taking.sweep_s is not None]
        again = [taking.again_s for taking in takings if taking.again_s is not None]
        cells = (
            side.name,
            f"{count}",
            spread(sweeps, 3) if sweeps else "",
            f"{count / median(sweeps):,.1f}" if sweeps else "",
            f"{count / median(again):,.1f}" if again else "",
            spread([taking.wall_s for taking in takings], 2),
            f"{median(taking.peak_mib for taking in takings):.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def metrics_of(place: Path) -> str:
    """Say how many metrics of a combination the command keeps; empty where it did not run."""
    if not place.exists():
        return "all"
    with closing(sqlite3.connect(place)) as connection:
        (metrics,) = connection.execute("SELECT metrics FROM trials LIMIT 1").fetchone()
    return str(len(json.loads(metrics)))


def section_of(given: argparse.Namespace, folder: Path) -> str:
    """Make the data, warm up, measure, and write it as Markdown."""
    sides = [side for side in SIDES if not given.only or any(word in side.name for word in given.only)]
    sides = sides if SIDES[0] in sides else [SIDES[0], *sides]
    data, small = folder / f"BTCUSDT-1m-{given.bars}.csv", folder / "small.csv"
    for path, bars in ((small, 2_000), (data, given.bars)):
        run_child([sys.executable, str(HERE / "make_bars.py"), str(bars), str(path)])
    for side in sides[:2]:
        run_side(side, small, folder / "out.csv")
    load_before = os.getloadavg()[0]
    taken, truth = measure(sides, data, folder, runs=given.runs)
    ours = [median(taking.again_s or 0.0 for taking in taken[side]) for side in sides[:2]]
    return SECTION.format(
        combinations=len(truth),
        bars=given.bars,
        periods=f"{PERIODS[0]} to {PERIODS[-1]}",
        levels=f"{OVERSOLDS[0]} to {OVERSOLDS[-1]}",
        runs=given.runs,
        rows=rows_of(taken),
        trades=f"{sum(trades for _, trades in truth.values()):,}",
        metrics=metrics_of(folder / "out.sqlite"),
        scaling=ours[0] / ours[1],
        machine="\n".join(describe(load_before=load_before)),
    )


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="A sweep with bt-run and with its peers.")
    parser.add_argument("--bars", type=int, default=100_000, help="how many one-minute bars")
    parser.add_argument("--runs", type=int, default=3, help="how many times each side runs")
    parser.add_argument(
        "--only", nargs="+", metavar="WORD", help="only sides with one of these words in the name"
    )
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt-run-bench-") as folder:
        section = section_of(given, Path(folder))
    print(section)
    text = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(text, f"sweep {given.bars}", section))


if __name__ == "__main__":
    main()
