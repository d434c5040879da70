"""
Measure `bt-run live`: from the closing bar to its order, CPU while idle, memory after 100,000 bars.

    python benchmarks/live_latency.py --seconds 120 --idle 30 --bars 100000

The exchange is `bt-run practice` in a process of its own, and a relay (latency_relay.py) in another one stands
between it and the bot and reads the clock. The bot is the command as users run it, on one core; the other two
share another core. Beside it a polling bot (latency_polling.py) is measured in the same way.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bt_run.core.clock import iso_utc
from bt_run.core.market import Bars
from csv_to_result import rewrite_section
from feeds.csv_writer import write_bars
from machine import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
HISTORY = 5000
START_MS = 1_767_225_600_000
SPEED = 10
WARM_UP_S = 15.0
STRATEGIES = ("sar", "combined")
TARGET_MEDIAN_MS, TARGET_99_MS = 3.0, 10.0
IDLE_TARGET = 0.01
SECTION = """\
## From the closing bar to the order

`bt-run live` with {history:,} bars of history, on the practice exchange; bars of one second at
`--speed {speed}`. The time from the last byte of the closing kline frame to the first byte of the order's
request, as they pass a process between exchange and bot: both by the kernel's stamps.

| bot | orders | median, ms | 99 % below, ms | most, ms | target | reached |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

- The bot has one core for all its threads; exchange and relay share another.
- The first {warm_up_s:g} s of a run do not count: it reads its history then, while ten bars a second come in.
- Only the first order of a bar counts. Each order was in the journal before it left.
{polling}
| idle for {idle_s:g} s, bars of a minute, a frame every 2 s | CPU, % of one core | target | reached |
| --- | --- | --- | --- |
{idle}

{memory}
{machine}

Again: `python benchmarks/live_latency.py --seconds {seconds:g} --idle {idle_s:g} --bars {bars}`
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an exchange is, and who may trade there."""

    url: str
    key: str
    secret: str

    def environment(self) -> dict[str, str]:
        """Give the variables that make it the testnet of a bot."""
        sockets = self.url.replace("http", "ws")
        return os.environ | {
            "BT_RUN_REST_URL": self.url,
            "BT_RUN_STREAM_URL": sockets,
            "BT_RUN_WS_API_URL": sockets,
            "BINANCE_TESTNET_API_KEY": self.key,
            "BINANCE_TESTNET_API_SECRET": self.secret,
        }


def make_data(path: Path, bars: int, step_ms: int) -> None:
    """Write bars of a seeded random walk."""
    draw = np.random.default_rng(7)
    close = np.round(50_000 * np.exp(np.cumsum(draw.normal(0, 3e-4, bars))), 2)
    opened = np.concatenate([[50_000.0], close[:-1]])
    reach = np.round(np.abs(draw.normal(0, 5, (2, bars))), 2)
    write_bars(
        path,
        Bars.of(
            START_MS + step_ms * np.arange(bars),
            open=opened,
            high=np.maximum(opened, close) + reach[0],
            low=np.minimum(opened, close) - reach[1],
            close=close,
            volume=np.round(draw.uniform(5, 50, bars), 5),
            trades=np.full(bars, 1000.0),
        ),
    )


@contextmanager
def exchange(data: Path, *, step_ms: int, speed: str) -> Iterator[Place]:
    """Run the practice exchange on the second core, with the history behind it."""
    at = iso_utc(START_MS + HISTORY * step_ms)
    words = ["--symbol", "BTCUSDT", "--port", "0", "--no-limits", "--quiet", "--speed", speed, "--at", at]
    command = [sys.executable, "-m", "bt_run", "practice", *words, "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        on_core(process.pid, 1)
        try:
            told: dict[str, str] = {}
            for line in process.stdout or ():
                name, _, value = line.strip().partition(": ")
                told[name] = value
                if "secret" in told and "url" in told:
                    break
            yield Place(told["url"], told["key"], told["secret"])
        finally:
            process.terminate()
            process.communicate(timeout=10)


@contextmanager
def relay(place: Place, lines: Path) -> Iterator[Place]:
    """Run the relay before an exchange; it writes a line for each order."""
    command = [sys.executable, str(HERE / "latency_relay.py"), place.url.rpartition(":")[2], str(lines)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        on_core(process.pid, 1)
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            yield Place(f"http://127.0.0.1:{port}", place.key, place.secret)
        finally:
            process.kill()


def on_core(pid: int, core: int) -> None:
    """Keep a process on one core, where there are two."""
    if os.cpu_count() != 1:
        os.sched_setaffinity(pid, {core})


@contextmanager
def bot(command: Sequence[str], place: Place, folder: Path) -> Iterator[subprocess.Popen[Any]]:
    """Run a bot on the first core."""
    with (folder / "bot.log").open("w") as log:
        process = subprocess.Popen(
            command, env=place.environment(), cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        on_core(process.pid, 0)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def live(strategy: str, interval: str) -> list[str]:
    """Give the command of a live run; the limit of orders a minute knows no faster clock."""
    words = ["--venue", "testnet", "--interval", interval, "--history", str(HISTORY), "--stake", "100USDT"]
    limits = ["--max-orders-per-minute", "off", "--stale-after", "off"]
    return [sys.executable, "-m", "bt_run", "live", "--strategy", strategy, *words, *limits]


@contextmanager
def listening(place: Place, interval: str) -> Iterator[None]:
    """Hear the bars through the relay, which so knows when they close although a bot that polls hears none."""
    url = f"{place.url.replace('http', 'ws')}/ws/btcusdt@kline_{interval}"
    with connect(url, proxy=None, ping_interval=None) as socket:

        def hear() -> None:
            with suppress(ConnectionClosed):
                for _ in socket:
                    pass

        threading.Thread(target=hear, daemon=True).start()
        yield


def latencies(command: Sequence[str], folder: Path, seconds: float) -> list[float]:
    """Let a bot trade for some seconds; gives ms from bar to order, order by order."""
    data, lines = folder / "BTCUSDT-1s.csv", folder / "orders.txt"
    make_data(data, HISTORY + int((seconds + 60) * SPEED), 1000)
    lines.unlink(missing_ok=True)
    with (
        exchange(data, step_ms=1000, speed=str(SPEED)) as real,
        relay(real, lines) as place,
        listening(place, "1s") if "live" not in command else nullcontext(),
        bot(command, place, folder) as process,
    ):
        counted_ns = time.monotonic_ns() + round(WARM_UP_S * 1e9)
        time.sleep(seconds + WARM_UP_S)
        if process.poll() is not None:
            sys.exit(f"The bot ended:\n{(folder / 'bot.log').read_text()}")
    rows = [line.split() for line in lines.read_text().splitlines()]
    return [int(took_ns) / 1e6 for closed_ns, took_ns in rows if int(closed_ns) >= counted_ns]


def row(title: str, took_ms: Sequence[float], *, judged: bool = True) -> str:
    """Write a line of the table."""
    if len(took_ms) < 10:
        return f"| {title} | {len(took_ms)} | too few | | | | |"
    middle, high = median(took_ms), quantiles(took_ms, n=100, method="inclusive")[-1]
    reached = "yes" if middle < TARGET_MEDIAN_MS and high < TARGET_99_MS else "no"
    target = f"{TARGET_MEDIAN_MS:g} and {TARGET_99_MS:g} | {reached}" if judged else "|"
    return f"| {title} | {len(took_ms)} | {middle:.2f} | {high:.2f} | {max(took_ms):.2f} | {target} |"


def cpu_s(pid: int) -> float:
    """Give the CPU time of a process so far, all threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(strategy: str, folder: Path, seconds: float) -> float:
    """Give the share of one core that a bot uses while it waits."""
    data = folder / "BTCUSDT-1m.csv"
    make_data(data, HISTORY + 60, 60_000)
    with (
        exchange(data, step_ms=60_000, speed="1") as place,
        bot(live(strategy, "1m"), place, folder) as process,
    ):
        time.sleep(15)
        begun, used = time.monotonic(), cpu_s(process.pid)
        time.sleep(seconds)
        return (cpu_s(process.pid) - used) / (time.monotonic() - begun)


def memory(strategy: str, folder: Path, bars: int) -> list[tuple[int, float]]:
    """Let a bot live through many bars; gives (bars, MiB resident) ten times on the way."""
    data, journal = folder / "BTCUSDT-mem.csv", folder / "memory.sqlite"
    make_data(data, 500 + bars, 60_000)
    command = [sys.executable, "-m", "bt_run", "live", "--strategy", strategy, "--data", str(data)]
    words = ["--symbol", "BTCUSDT", "--speed", "max", "--journal", str(journal), "--stake", "100USDT"]
    found: list[tuple[int, float]] = []
    with (folder / "memory.log").open("w") as log:
        process = subprocess.Popen([*command, *words], stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        while process.poll() is None:
            time.sleep(0.5)
            seen = _bars_in(journal)
            if seen >= (len(found) + 1) * bars // 10:
                found.append((seen, _resident_mib(process.pid)))
    if process.returncode:
        sys.exit(f"The bot ended with {process.returncode}:\n{(folder / 'memory.log').read_text()}")
    return found


def _bars_in(journal: Path) -> int:
    if not journal.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as database:
            rows = database.execute("SELECT count(*) FROM equity").fetchone()
            return int(rows[0])
    except sqlite3.OperationalError:
        return 0  # its tables are being made


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def memory_table(found: Sequence[tuple[int, float]]) -> str:
    """Write bars and memory as a table."""
    if not found:
        return ""
    (first, low), (last, high) = found[min(1, len(found) - 1)], found[-1]
    rows = "\n".join(f"| {bars:,} | {mib:.0f} |" for bars, mib in found)
    per_bar = (high - low) * 2**20 / max(1, last - first)
    return (
        f"| bars lived through | MiB resident |\n| --- | --- |\n{rows}\n\n"
        f"- `sar` at `--speed max`: {per_bar:.0f} bytes a bar from {first:,} bars on. About 240 are the bars:\n"
        f"  Backtrader's lines, the arrays over which signals are computed, the account. Orders do not stay\n"
        f"  (docs/design/live-latency.md).\n"
    )


def section(folder: Path, *, seconds: float, idle_s: float, bars: int) -> str:
    """Measure all and write it as Markdown."""
    load_before = os.getloadavg()[0]
    rows = []
    for name in STRATEGIES:
        rows.append(row(f"`bt-run live --strategy {name}`", latencies(live(name, "1s"), folder, seconds)))
        print(rows[-1], flush=True)
    script = [sys.executable, str(HERE / "latency_polling.py"), "--interval", "1s"]
    rows.append(row("a bot that polls, SAR", latencies(script, folder, seconds), judged=False))
    shares = {name: idle(name, folder, idle_s) for name in STRATEGIES}
    told = [
        f"| `{name}` | {100 * share:.2f} | below {IDLE_TARGET:.0%} | {'yes' if share < IDLE_TARGET else 'no'} |"
        for name, share in shares.items()
    ]
    return SECTION.format(
        history=HISTORY,
        speed=SPEED,
        warm_up_s=WARM_UP_S,
        rows="\n".join(rows),
        polling=POLLING,
        idle_s=idle_s,
        idle="\n".join(told),
        memory=memory_table(memory("sar", folder, bars) if bars else []),
        machine="\n".join(describe(load_before=load_before)),
        seconds=seconds,
        bars=bars,
    )


POLLING = """\
- The bot that polls does what the feed of bt-ccxt-store does (ccxt, `fetch_ohlcv` again and again with the
  pause that ccxt asks for, the newest candle dropped), with SAR by TA-Lib on the candles and a market order by
  ccxt. It keeps no journal. The exchange answers at once here; Binance is 10 to 200 ms away at each question.
"""


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="Latency, idle CPU and memory of a live run.")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long each bot trades")
    parser.add_argument("--idle", type=float, default=30.0, help="how long an idle bot is watched")
    parser.add_argument(
        "--bars", type=int, default=100_000, help="bars of the memory's measurement; 0 for none"
    )
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    if find_spec("ccxt") is None:
        parser.error("the bot that polls needs ccxt: scripts/setup test")
    with tempfile.TemporaryDirectory(prefix="bt-run-bench-") as folder:
        text = section(Path(folder), seconds=given.seconds, idle_s=given.idle, bars=given.bars)
    print(text)
    old = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(old, "live_latency", text))


if __name__ == "__main__":
    main()
