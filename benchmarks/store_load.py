"""
Time loading 4.5 million one-minute bars: pandas reading the CSV against the store, side by side.

    python benchmarks/store_load.py --bars 4500000 --runs 5

Each measurement is a process of its own, and the ways take turns. All must give the same number of bars; the
values are compared once.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from csv_to_result import rewrite_section, run_child, spread
from machine import describe

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
TARGET_S = 1.0
WAYS = {
    "pandas": "`pandas.read_csv`",
    "pandas-pyarrow": '`pandas.read_csv(engine="pyarrow")`',
    "bt-run-csv": "bt-run, the CSV, every bar checked",
    "store": "bt-run, the store",
    "store-close": "bt-run, the store, one column",
}
SECTION = """\
## Loading {bars:,} one-minute bars

Median (least to most) of {runs} runs, the ways taking turns; {csv_mb:.0f} MB of CSV, {store_mb:.0f} MB in the
store. Ten columns unless said otherwise; imports are not counted.

| way | seconds | peak memory, MiB | times as fast as pandas |
| --- | --- | --- | --- |
{rows}

- Target: the store well under {target:g} s. {verdict}
- {agreement}

{machine}

Again: `python benchmarks/store_load.py --bars {bars} --runs {runs}`
"""


def child(*words: object) -> str:
    """Run the other script in a process of its own; give what it printed."""
    return run_child([sys.executable, str(HERE / "store_side.py"), *map(str, words)]).printed


def measure(csv: Path, store: Path, *, bars: int, runs: int) -> dict[str, list[tuple[float, float]]]:
    """Take turns after one warm-up of each; give seconds and MiB of each way."""
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for number in range(runs + 1):
        for way in WAYS:
            seconds, peak, count = child(way, csv, store).split()
            if int(count) != bars:
                sys.exit(f"{way} gave {count} bars instead of {bars}")
            if number:
                found[way].append((float(seconds), float(peak)))
    return found


def agreement(csv: Path, store: Path) -> str:
    """Compare the values of every way with the store's, exactly, and say it in words."""
    differ = {
        way: int(count) for way, count in (line.split() for line in child("check", csv, store).splitlines())
    }
    if differ["bt-run-csv"] or differ["pandas-pyarrow"]:
        sys.exit(f"The ways give different values: {differ}")
    said = "Every value is the same to the last bit"
    if differ["pandas"]:
        said += f", but for {differ['pandas']:,} that pandas' own parser rounds otherwise"
    return said + "."


def section(folder: Path, *, bars: int, runs: int) -> str:
    """Make the data, measure, and write it as Markdown."""
    csv, store = folder / f"BTCUSDT-1m-{bars}.csv", folder / "store"
    run_child([sys.executable, str(HERE / "make_bars.py"), str(bars), str(csv)])
    store_bytes = int(child("fill", csv, store))
    load_before = os.getloadavg()[0]
    found = measure(csv, store, bars=bars, runs=runs)
    base = median(seconds for seconds, _ in found["pandas"])
    rows = []
    for way, measures in found.items():
        seconds, peaks = ([one[place] for one in measures] for place in (0, 1))
        rows.append(
            f"| {WAYS[way]} | {spread(seconds, 3)} | {median(peaks):.0f} | {base / median(seconds):.1f} |"
        )
    whole = median(seconds for seconds, _ in found["store"])
    return SECTION.format(
        bars=bars,
        runs=runs,
        csv_mb=csv.stat().st_size / 1e6,
        store_mb=store_bytes / 1e6,
        rows="\n".join(rows),
        target=TARGET_S,
        verdict="Reached." if whole < TARGET_S else "Not reached.",
        agreement=agreement(csv, store),
        machine="\n".join(describe(load_before=load_before)),
    )


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="Loading bars: pandas and a CSV against the store.")
    parser.add_argument("--bars", type=int, default=4_500_000, help="how many one-minute bars")
    parser.add_argument("--runs", type=int, default=3, help="how many times each way runs")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt-run-bench-") as folder:
        text = section(Path(folder), bars=given.bars, runs=given.runs)
    print(text)
    old = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(old, f"store_load {given.bars}", text))


if __name__ == "__main__":
    main()
