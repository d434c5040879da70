"""
From a file of bars to a result: every engine of bt-run against its peers, side by side.

    python benchmarks/make_peers.py
    python benchmarks/engines.py --bars 100000 --runs 5
    python benchmarks/engines.py --bars 1000000 --runs 3
    python benchmarks/engines.py --bars 4500000 --runs 3 --slow-runs 1
    python benchmarks/engines.py --bars 10000000 --runs 3 --only fast fast-store accelerated

Each measurement is a process of its own, from its start to its end. The sides take turns. All must find the
same closed trades and the same final equity, or the script ends with exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from csv_to_result import Measure, rewrite_section, run_child, spread
from machine import describe
from make_peers import PEERS, python_of
from peer_work import CASH, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SIDES", "Place", "Side", "difference", "main", "make_place", "measure", "run_side"]

HERE = Path(__file__).resolve().parent
TUTORIAL = f"{HERE / 'bt_tutorial.py'}:TutorialRsi"
SLOW_SECONDS = 60.0
SECTION = """\
## Engines and peers, {bars:,} bars

RSI(14) below 30 in, above 70 out, one unit, 0.1 %, filled at the next open; the whole process, from the file to
the final equity. Median (least to most) of {runs}; {megabytes:.0f} MB of CSV.

| side | wall, s | CPU, s | peak MiB | times the wall of `{base}` |
| --- | --- | --- | --- | --- |
{rows}

- {agreed}
- The sides of bt-run write metrics, trades and settings as JSON, where said also each trade and each bar's
  equity as CSV; the peers write final equity and trades.
- First run: with an empty cache of machine code, as after an installation. The first run of a series in the
  store leaves a copy of its columns, which `fast-store` maps.

{machine}

Again: `{command}`
"""


@dataclass(frozen=True, slots=True)
class Side:
    """
    Something that runs the strategy on a file.

    `engine` is one of ours, or empty for a peer. `cold` begins with an empty cache of machine code, `uncopied`
    without the copy of its columns that the first run over a series leaves in the store.
    """

    name: str
    engine: str = ""
    source: str = "csv"
    strategy: str = "rsi"
    curve: bool = False
    cold: bool = False
    uncopied: bool = False


SIDES = (
    Side("fast", "fast"),
    Side("fast, trades and equity as CSV", "fast", curve=True),
    Side("fast-store", "fast", source="store"),
    Side("fast-store, first run of the series", "fast", source="store", uncopied=True),
    Side("fast, first run", "fast", cold=True),
    Side("accelerated", "accelerated", strategy=TUTORIAL),
    Side("bt-run's backtrader", "backtrader", strategy=TUTORIAL),
    Side("vectorbt"),
    Side("vectorbt, first run", cold=True),
    Side("backtesting.py"),
    Side("backtrader_next"),
    Side("backtrader"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the data are and where results go."""

    csv: Path
    store: Path
    folder: Path

    @property
    def out(self) -> Path:
        """The result of the side that ran last."""
        return self.folder / "out.json"


def command_of(side: Side, place: Place) -> list[str]:
    """Give the command that runs a side."""
    if not side.engine:
        name = side.name.partition(",")[0]
        return [str(python_of(name)), str(HERE / PEERS[name].script), "run", str(place.csv), str(place.out)]
    words = [sys.executable, "-m", "bt_run", "backtest", "--strategy", side.strategy, "--engine", side.engine]
    words += [
        "--stake",
        "1",
        "--cash",
        f"{CASH:.0f}",
        "--commission",
        "0.1%",
        "--quiet",
        "--json",
        str(place.out),
    ]
    if side.curve:
        words += ["--trades", str(place.folder / "trades.csv"), "--equity", str(place.folder / "equity.csv")]
    if side.source == "store":
        return [*words, "--data", "BTCUSDT:1m", "--store", str(place.store)]
    return [*words, "--data", str(place.csv)]


def run_side(side: Side, place: Place) -> tuple[Measure, dict[str, Any]]:
    """Run a side once; what it took, and what it found."""
    if side.uncopied:
        for copy in place.store.rglob("columns.copy"):
            copy.unlink()
    with tempfile.TemporaryDirectory(dir=place.folder) as empty:
        before = os.environ.get("NUMBA_CACHE_DIR")
        os.environ["NUMBA_CACHE_DIR"] = empty if side.cold else str(place.folder / "machine-code")
        try:
            measure = run_child(command_of(side, place))
        finally:
            os.environ.pop("NUMBA_CACHE_DIR")
            if before is not None:
                os.environ["NUMBA_CACHE_DIR"] = before
    found = json.loads(place.out.read_text())
    if side.engine:
        engine = found["settings"]["engine"]
        if engine != side.engine:
            sys.exit(f"{side.name}: the {engine} engine ran")
        trades = [[trade["entry_bar"], trade["exit_bar"]] for trade in found["trades"]]
        found = {"equity_final": found["metrics"]["equity_final"], "trades": trades}
    return measure, found


def difference(one: dict[str, Any], other: dict[str, Any]) -> str | None:
    """Say where two sides differ: final equity, by 0.0001 or more, and the bars of every closed trade."""
    if abs(one["equity_final"] - other["equity_final"]) > TOLERANCE:
        return f"final equity {one['equity_final']!r} and {other['equity_final']!r}"
    if len(one["trades"]) != len(other["trades"]):
        return f"{len(one['trades'])} and {len(other['trades'])} trades"
    pairs = zip(one["trades"], other["trades"], strict=True)
    return next((f"trade {number}: {a} and {b}" for number, (a, b) in enumerate(pairs) if a != b), None)


def measure(
    sides: Sequence[Side], place: Place, *, runs: int, slow_runs: int
) -> tuple[dict[str, list[Measure]], dict[str, Any]]:
    """
    Run the sides in turns and compare what they find.

    A side whose first run takes longer than a minute runs `slow_runs` times.
    """
    taken: dict[str, list[Measure]] = {side.name: [] for side in sides}
    truth: dict[str, Any] = {}
    for turn in range(runs):
        for side in sides:
            done = taken[side.name]
            if turn >= slow_runs and done and done[0].wall_s > SLOW_SECONDS:
                continue
            taking, found = run_side(side, place)
            done.append(taking)
            print(f"{side.name}: {taking.wall_s:.2f} s, {taking.peak_mib:.0f} MiB", file=sys.stderr, flush=True)
            truth = truth or found
            differs = difference(truth, found)
            if differs is not None:
                sys.exit(f"{sides[0].name} and {side.name} differ: {differs}")
    return taken, truth


def rows_of(taken: dict[str, list[Measure]]) -> str:
    """Write the lines of the table."""
    base = median(measure.wall_s for measure in next(iter(taken.values())))
    lines = []
    for name, measures in taken.items():
        walls = [measure.wall_s for measure in measures]
        cells = (
            name,
            f"{spread(walls, 2)}, n={len(walls)}",
            f"{median(measure.cpu_s for measure in measures):.2f}",
            f"{median(measure.peak_mib for measure in measures):.0f}",
            f"{median(walls) / base:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def make_place(folder: Path, bars: int) -> Place:
    """Make so many bars, as CSV and in a store of their own."""
    place = Place(folder / f"BTCUSDT-1m-{bars}.csv", folder / f"store-{bars}", folder)
    run_child([sys.executable, str(HERE / "make_bars.py"), str(bars), str(place.csv)])
    run_child([sys.executable, str(HERE / "store_side.py"), "fill", str(place.csv), str(place.store)])
    return place


def section_of(given: argparse.Namespace, folder: Path) -> str:
    """Make the data, warm up, measure, and write it as Markdown."""
    sides = [side for side in SIDES if not given.only or side.name in given.only]
    place = make_place(folder, given.bars)
    small = Place(folder / "small.csv", place.store, folder)
    run_child([sys.executable, str(HERE / "make_bars.py"), "2000", str(small.csv)])
    for side in sides:
        if not side.cold:  # the fast engine compiles for many bars only
            run_side(side, place if side.engine == "fast" else small)
    load_before = os.getloadavg()[0]
    taken, truth = measure(sides, place, runs=given.runs, slow_runs=given.slow_runs)
    only = f" --only {' '.join(repr(name) for name in given.only)}" if given.only else ""
    return SECTION.format(
        bars=given.bars,
        runs=given.runs,
        megabytes=place.csv.stat().st_size / 1e6,
        base=sides[0].name,
        rows=rows_of(taken),
        agreed=f"All sides: {len(truth['trades'])} closed trades, final equity {truth['equity_final']:.4f}.",
        machine="\n".join(describe(load_before=load_before)),
        command=f"python benchmarks/engines.py --bars {given.bars} --runs {given.runs}"
        f" --slow-runs {given.slow_runs}{only}",
    )


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    names = [side.name for side in SIDES]
    parser = argparse.ArgumentParser(description="The engines of bt-run against their peers.")
    parser.add_argument("--bars", type=int, default=100_000, help="how many one-minute bars")
    parser.add_argument("--runs", type=int, default=3, help="how many times each side runs")
    parser.add_argument("--slow-runs", type=int, default=1, help="the same for sides that take over a minute")
    parser.add_argument("--only", nargs="+", choices=names, metavar="SIDE", help=f"some of: {', '.join(names)}")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt-run-bench-") as folder:
        section = section_of(given, Path(folder))
    print(section)
    text = given.out.read_text() if given.out.exists() else "# Results\n"
    kind = "some engines" if given.only else "engines"
    given.out.write_text(rewrite_section(text, f"{kind} {given.bars}", section))


if __name__ == "__main__":
    main()
