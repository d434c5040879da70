"""
What alerts cost the thread that trades: the same work without alerts, with a service that hangs, with charts.

    python benchmarks/alert_delay.py --turns 400

A turn is about a millisecond of Python's own work, then a bar and a signal that are told. Prints median and
99th percentile of a turn, and their ratios to those without alerts. Each kind has processes of its own, which
take turns, so that the machine's moods meet all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from bt_run.alerts.delivery import Outcome
from bt_run.alerts.settings import AlertSettings
from bt_run.core.interval import Interval
from bt_run.run.alerting.desk import AlertDesk, BarTold
from bt_run.run.alerting.telling import signal_told

MINUTE = Interval(1, "m")
START = 1_767_225_600_000
WORK = 40_000
KINDS = {"none": "no alerts", "hangs": "a service that hangs", "charts": "charts drawn"}


class Hanging:
    """A service that takes nothing until the end."""

    name, gap_s = "hangs", 0.0

    def __init__(self) -> None:
        self.end = threading.Event()

    def send(self, title: str, body: str, image: bytes | None) -> Outcome:
        """Wait."""
        self.end.wait()
        return Outcome(is_sent=False)


class Taking:
    """A service that takes all at once; its messages have charts, which are drawn meanwhile."""

    name, gap_s = "takes", 0.0

    def send(self, title: str, body: str, image: bytes | None) -> Outcome:
        """Take it."""
        return Outcome(is_sent=True)


def turn(desk: AlertDesk | None, number: int) -> float:
    """Do a turn; give the seconds that it took."""
    began = time.perf_counter()
    total = 0
    for value in range(WORK):
        total += value
    if desk is not None:
        open_time, close = START + 60_000 * number, 60_000.0 + number % 50
        desk.bar(BarTold("BTCUSDT", MINUTE, open_time, (close,) * 9, is_live=True))
        told = signal_told(
            scope="b",
            symbol="BTCUSDT",
            interval="1m",
            words="long entry",
            time_ms=open_time + 60_000,
            price=close,
            values={"RSI": 28.0},
        )
        desk.tell(told)
    return time.perf_counter() - began


def measure(kind: str, turns: int, pause_s: float) -> list[float]:
    """Do the turns of one kind."""
    if kind == "none":
        return _turns(None, turns, pause_s)
    hanging = Hanging()
    target = hanging if kind == "hangs" else Taking()
    with tempfile.TemporaryDirectory() as folder:
        desk = AlertDesk(AlertSettings(), [target], Path(folder) / "a.sqlite").start()
        took = _turns(desk, turns, pause_s)
        hanging.end.set()
        desk.close(limit_s=1.0)
    return took


def _turns(desk: AlertDesk | None, turns: int, pause_s: float) -> list[float]:
    took = []
    for number in range(turns):
        took.append(turn(desk, number))
        time.sleep(pause_s)
    return took


def child(kind: str, turns: int, pause_s: float) -> list[float]:
    """Measure in a process of its own."""
    words = [sys.executable, __file__, "--turns", str(turns), "--pause", str(pause_s), "--kind", kind]
    found: list[float] = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=400, help="of each kind in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between turns")
    parser.add_argument("--kind", choices=list(KINDS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.kind:
        print(json.dumps(measure(given.kind, given.turns, given.pause)))
        return
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(given.rounds):
        for kind in KINDS:
            took[kind].extend(child(kind, given.turns, given.pause))
    base = statistics.median(took["none"]), float(np.percentile(took["none"], 99))
    for kind, seconds in took.items():
        middle, worst = statistics.median(seconds), float(np.percentile(seconds, 99))
        print(
            f"{KINDS[kind]:<22} median {1000 * middle:7.2f} ms ({middle / base[0]:.2f})"
            f"   99 % {1000 * worst:7.2f} ms ({worst / base[1]:.2f})"
        )


if __name__ == "__main__":
    main()
