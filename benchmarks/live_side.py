"""
Run a live feed on a loopback exchange and measure it; benchmarks/live_feed_idle.py runs it.

    python benchmarks/live_side.py idle REST_URL STREAM_URL --seconds 10
    python benchmarks/live_side.py latency REST_URL STREAM_URL --interval 1s --seconds 30

The first prints the CPU seconds of the whole process in the time given, once the feed is live, and that time.
The second prints a line a bar: ms from sending its final frame to `next`, and to its end.
"""

from __future__ import annotations

import argparse
import threading
import time
from dataclasses import replace
from typing import Any

import backtrader as bt

from bt_run.core.venue import VENUES
from feeds import LiveFeed
from strategies.rsi import Rsi

__all__ = ["Stopwatch", "main"]

FRAME_MS = 60_000


class Stopwatch(Rsi):
    """RSI that notes for each live bar when `next` was called and when it was done; it never trades."""

    def __init__(self) -> None:
        self.measured: list[tuple[float, float]] = []

    def next(self) -> None:
        """Compute the signals, and throw the decision away."""
        called_ns = time.monotonic_ns()
        self._wanted()
        if self.data.last_is_live and self.data.last_is_closed:
            sent_ns = self.data.taker_buy_quote_volume[0]
            took_ms = (called_ns - sent_ns) / 1e6
            if took_ms < FRAME_MS:  # a bar that REST gave tells no time
                self.measured.append((took_ms, (time.monotonic_ns() - sent_ns) / 1e6))


class Judge:
    """Waits until the feed is live, measures for some seconds, and ends it."""

    def __init__(self, feed: Any, seconds: float) -> None:
        self.feed = feed
        self.seconds = seconds
        self.cpu_s = 0.0
        self.wall_s = 0.0

    def run(self) -> None:
        """Measure; in a thread of its own, which sleeps meanwhile."""
        while self.feed.status().phase.value != "live" or self.feed.haslivedata():
            time.sleep(0.1)
        time.sleep(1.0)
        wall_s, cpu_s = time.monotonic(), time.process_time()
        time.sleep(self.seconds)
        self.cpu_s, self.wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
        self.feed.finish()


def main() -> None:
    """Read the arguments, run the feed, print."""
    parser = argparse.ArgumentParser(description="One live feed on a loopback exchange.")
    parser.add_argument("what", choices=["idle", "latency"])
    parser.add_argument("rest_url")
    parser.add_argument("stream_url")
    parser.add_argument("--interval", default="1m")
    parser.add_argument("--history", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--intrabar", action="store_true")
    given = parser.parse_args()
    venue = replace(VENUES["data"], name="loopback", rest_url=given.rest_url, stream_url=given.stream_url)
    feed = LiveFeed("BTCUSDT", given.interval, venue=venue, history=given.history, intrabar=given.intrabar)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(feed)
    cerebro.addstrategy(Stopwatch)
    judge = Judge(feed, given.seconds)
    threading.Thread(target=judge.run, daemon=True).start()
    strategy = cerebro.run()[0]
    if given.what == "idle":
        print(judge.cpu_s, judge.wall_s)
    for to_next_ms, to_end_ms in strategy.measured if given.what == "latency" else []:
        print(to_next_ms, to_end_ms)


if __name__ == "__main__":
    main()
