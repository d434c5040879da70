"""
Time downloads from a loopback exchange: python-binance's ``get_historical_klines`` against ours, side by side.

    python benchmarks/download.py --bars 100000 --runs 3

The exchange is a process of its own (tests/exchange/exchange_server.py). Each measurement is a process, too,
and the ways take turns. All must bring the same bars, or the script ends with an error.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from csv_to_result import rewrite_section, run_child, spread
from machine import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
PAGE = 1000
LIMIT_ROWS_S = 6000 / 60 / 2 * PAGE
WAYS = {
    "bytes": "only the pages' bytes, by requests",
    "library": "python-binance `get_historical_klines`",
    "library-awake": "the same without its `sleep(1)` every third page",
    "bt-run": "bt-run, one thread, rows as arrays",
    "bt-run-store": "bt-run, whole download into a store, four threads",
}
SECTION = """\
## Download of {bars:,} one-minute bars over REST from a loopback exchange

Median (least to most) of {runs} runs, the ways taking turns. "ms a page" is a thousand rows.

| answers take | way | seconds | rows a second | ms a page |
| --- | --- | --- | --- | --- |
{rows}

{verdict}

{machine}

Again: `python benchmarks/download.py --bars {bars} --runs {runs}`
"""
VERDICT = """\
- With answers at once bt-run needs {own:.2f} ms a page beyond the bytes' own time, checks included. Binance's
  weight limit of 6,000 a minute lets {limit:,.0f} rows a second through; one thread of ours takes {speed:,.0f}.
- With answers after {delay:g} ms one thread spends {near:.0%} of its time waiting for the exchange. The whole
  download is {times:.1f} times as fast as python-binance, {awake:.1f} times as fast as that without its pauses.
"""


@contextmanager
def exchange(bars: int, delay_ms: float) -> Iterator[str]:
    """Run the loopback exchange and yield its URL."""
    script = HERE.parent / "tests" / "exchange" / "exchange_server.py"
    command = [sys.executable, str(script), "--bars", str(bars), "--delay-ms", str(delay_ms)]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            yield server.stdout.readline().strip() if server.stdout else ""
        finally:
            server.kill()


def measure(url: str, bars: int, runs: int, ways: Sequence[str]) -> dict[str, list[float]]:
    """Take turns; give the seconds of each way. Raises RuntimeError where two bring different bars."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    brought: set[str] = set()
    for _ in range(runs):
        for way in ways:
            took, count, closes = run_child(
                [sys.executable, str(HERE / "download_side.py"), way, url, str(bars)]
            ).printed.split()
            seconds[way].append(float(took))
            if way != "bytes":
                brought.add(f"{count} {float(closes):.3f}")
    if len(brought) != 1 or not brought.pop().startswith(f"{bars} "):
        raise RuntimeError("the ways brought different bars")
    return seconds


def rows_of(delay_ms: float, bars: int, seconds: dict[str, list[float]]) -> list[str]:
    """Write the lines of the table for one exchange."""
    lines = []
    for way, took in seconds.items():
        page_ms = median(took) / (bars / PAGE) * 1000
        speed = f"{bars / median(took):,.0f}"
        lines.append(f"| {delay_ms:g} ms | {WAYS[way]} | {spread(took, 2)} | {speed} | {page_ms:.2f} |")
    return lines


def section(bars: int, runs: int, delay_ms: float) -> str:
    """Measure at an exchange that answers at once and at one that takes its time, and write it as Markdown."""
    load_before = os.getloadavg()[0]
    with exchange(bars, 0.0) as url:
        quick = measure(url, bars, runs, list(WAYS))
    with exchange(bars, delay_ms) as url:
        slow = measure(url, bars, runs, list(WAYS))
    pages = bars / PAGE
    verdict = VERDICT.format(
        own=(median(quick["bt-run"]) - median(quick["bytes"])) / pages * 1000,
        limit=LIMIT_ROWS_S,
        speed=bars / median(quick["bt-run"]),
        delay=delay_ms,
        near=median(slow["bytes"]) / median(slow["bt-run"]),
        times=median(slow["library"]) / median(slow["bt-run-store"]),
        awake=median(slow["library-awake"]) / median(slow["bt-run-store"]),
    )
    rows = rows_of(0.0, bars, quick) + rows_of(delay_ms, bars, slow)
    machine = "\n".join(describe(load_before=load_before))
    return SECTION.format(bars=bars, runs=runs, rows="\n".join(rows), verdict=verdict.strip(), machine=machine)


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="python-binance against bt-run, rows a second.")
    parser.add_argument("--bars", type=int, default=100_000, help="how many one-minute bars")
    parser.add_argument("--runs", type=int, default=3, help="how many times each way runs")
    parser.add_argument("--delay-ms", type=float, default=50.0, help="how long the slower exchange takes")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    text = section(given.bars, given.runs, given.delay_ms)
    print(text)
    old = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(old, "download", text))


if __name__ == "__main__":
    main()
