"""
Measure what a live feed costs while it waits, and how fast a bar reaches the strategy.

    python benchmarks/live_feed_idle.py --seconds 10 --runs 3

A loopback exchange in a process of its own goes on in real time. The feed, Cerebro and our RSI with 5,000 bars
of history run in another one, whose CPU time is counted with all its threads.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from csv_to_result import rewrite_section, run_child, spread
from machine import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
HISTORY = 5000
TARGET = 0.01
SECTION = """\
## A live feed on a loopback exchange

RSI with {history:,} bars of history. Share of one core: median (least to most) of {runs} runs of {seconds:g} s.

| the stream sends | CPU, % of one core | target | reached |
| --- | --- | --- | --- |
{rows}

| {bars} bars of one second | median, ms | 95 % below, ms | most, ms |
| --- | --- | --- | --- |
{latency}

- The time counts from before the exchange sends the final frame, in the other process. "To its end" holds the
  signals over all bars.

{machine}

Again: `python benchmarks/live_feed_idle.py --seconds {seconds:g} --runs {runs}`
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to be idle."""

    title: str
    frames_s: float
    words: tuple[str, ...] = ()


CASES = (
    Case("nothing", 0.0),
    Case("a frame every 2 s", 2.0),
    Case("a frame every 2 s, with intrabar", 2.0, ("--intrabar",)),
)


@contextmanager
def exchange(*, interval: str, frames_s: float) -> Iterator[tuple[str, ...]]:
    """Run the loopback exchange in real time and yield its two URLs."""
    script = HERE.parent / "tests" / "exchange" / "exchange_live.py"
    command = [sys.executable, str(script), "--interval", interval, "--frames-s", str(frames_s)]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            yield tuple(server.stdout.readline().split()) if server.stdout else ()
        finally:
            server.kill()


def side(*words: object) -> str:
    """Run the other script in a process of its own; give what it printed."""
    return run_child([sys.executable, str(HERE / "live_side.py"), *map(str, words)]).printed


def idle(case: Case, *, seconds: float, runs: int) -> list[float]:
    """Give the share of one core that was used, run by run."""
    with exchange(interval="1m", frames_s=case.frames_s) as urls:
        printed = [
            side("idle", *urls, "--history", HISTORY, "--seconds", seconds, *case.words).split()
            for _ in range(runs)
        ]
    return [float(cpu_s) / float(wall_s) for cpu_s, wall_s in printed]


def latency(seconds: float) -> list[tuple[float, float]]:
    """Give ms to `next`, and to its end, bar by bar."""
    with exchange(interval="1s", frames_s=1.0) as urls:
        lines = side("latency", *urls, "--interval", "1s", "--history", HISTORY, "--seconds", seconds)
    found = [tuple(map(float, line.split())) for line in lines.splitlines()]
    return [(one[0], one[1]) for one in found]


def latency_row(title: str, took_ms: Sequence[float]) -> str:
    """Write a line of the table."""
    return f"| {title} | {median(took_ms):.2f} | {quantiles(took_ms, n=20)[-1]:.2f} | {max(took_ms):.2f} |"


def section(*, seconds: float, runs: int) -> str:
    """Measure and write it as Markdown."""
    load_before = os.getloadavg()[0]
    rows = []
    for case in CASES:
        shares = idle(case, seconds=seconds, runs=runs)
        reached = "yes" if median(shares) < TARGET else "no"
        percent = spread([100 * share for share in shares], 2)
        rows.append(f"| {case.title} | {percent} | below {TARGET:.0%} | {reached} |")
    measured = latency(max(seconds, 30.0))
    table = [
        latency_row("from the frame to `next`", [one[0] for one in measured]),
        latency_row("from the frame to the end of `next`", [one[1] for one in measured]),
    ]
    return SECTION.format(
        history=HISTORY,
        runs=runs,
        seconds=seconds,
        rows="\n".join(rows),
        bars=len(measured),
        latency="\n".join(table),
        machine="\n".join(describe(load_before=load_before)),
    )


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="CPU of an idle live feed, and the way of a bar.")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each run is measured")
    parser.add_argument("--runs", type=int, default=3, help="how many times each way runs")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    text = section(seconds=given.seconds, runs=given.runs)
    print(text)
    old = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(old, "live_feed_idle", text))


if __name__ == "__main__":
    main()
