"""
Show that the cost of a run grows with its bars and no faster: the same work over more and more of them.

    python benchmarks/engine_scaling.py --runs 3
    python benchmarks/engine_scaling.py --bars 2000 4000 --runs 1   # to see whether it runs

The sides are those of engines.py, processes of their own that take turns; all must find the same closed trades.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from csv_to_result import rewrite_section, spread
from engines import SIDES, make_place, measure, run_side
from machine import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csv_to_result import Measure

__all__ = ["further_bar_us", "main"]

HERE = Path(__file__).resolve().parent
NAMES = ("fast", "fast-store", "accelerated")
SECTION = """\
## The cost of more bars

The work of "Engines and peers". Median (least to most) of {runs}. "A further bar" is what each bar costs beyond
those of the line above it: CPU time, in microseconds, so that the start of the process does not count.

| side | bars | wall, s | CPU, s | a further bar, us | peak MiB |
| --- | --- | --- | --- | --- | --- |
{rows}

{agreed}

{machine}

Again: `{command}`
"""


def further_bar_us(bars: Sequence[int], cpu_s: Sequence[float]) -> list[float | None]:
    """Give what each bar costs beyond the shorter run before, in us of CPU time; None for the shortest."""
    pairs = zip(zip(bars, cpu_s, strict=True), zip(bars[1:], cpu_s[1:], strict=True), strict=False)
    return [None, *((more_s - few_s) / (more - few) * 1e6 for (few, few_s), (more, more_s) in pairs)]


def rows_of(taken: dict[int, dict[str, list[Measure]]]) -> str:
    """Write the lines of the table, side by side of one name."""
    lines = []
    for name in NAMES:
        cpu_s = [median(measure.cpu_s for measure in sides[name]) for sides in taken.values()]
        further = further_bar_us(list(taken), cpu_s)
        for (bars, sides), cpu, cost in zip(taken.items(), cpu_s, further, strict=True):
            cells = (
                name,
                f"{bars:,}",
                spread([measure.wall_s for measure in sides[name]], 2),
                f"{cpu:.2f}",
                "" if cost is None else f"{cost:.2f}",
                f"{median(measure.peak_mib for measure in sides[name]):.0f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def section_of(given: argparse.Namespace, folder: Path) -> str:
    """Measure one size after the other, so that only one of them is on the disk, and write it as Markdown."""
    sides = [side for side in SIDES if side.name in NAMES]
    load_before = os.getloadavg()[0]
    taken, agreed = {}, []
    for bars in sorted(given.bars):
        with tempfile.TemporaryDirectory(dir=folder) as inside:
            place = make_place(Path(inside), bars)
            for side in sides:
                if side.engine == "fast":  # it compiles, and leaves a copy of the series
                    run_side(side, place)
            taken[bars], truth = measure(sides, place, runs=given.runs, slow_runs=given.runs)
        agreed.append(f"- {bars:,} bars: {len(truth['trades'])} closed trades on all sides.")
    return SECTION.format(
        runs=given.runs,
        rows=rows_of(taken),
        agreed="\n".join(agreed),
        machine="\n".join(describe(load_before=load_before)),
        command=f"python benchmarks/engine_scaling.py --bars {' '.join(map(str, taken))} --runs {given.runs}",
    )


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="How the cost of a run grows with its bars.")
    sizes = [100_000, 1_000_000, 10_000_000]
    parser.add_argument("--bars", type=int, nargs="+", default=sizes, help="how many one-minute bars")
    parser.add_argument("--runs", type=int, default=3, help="how many times each side runs")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt-run-bench-") as folder:
        section = section_of(given, Path(folder))
    sys.stdout.write(section)
    text = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(text, "engine_scaling", section))


if __name__ == "__main__":
    main()
