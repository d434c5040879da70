"""
Load the practice exchange: 50 stream clients and 500 orders a second at speed 1, and does its clock keep up?

    python benchmarks/practice_load.py --clients 50 --orders 0 500 1000 --seconds 20

The exchange is ``bt-run practice`` in a process of its own, the clients are another process
(practice_side.py). The market is one symbol in bars of one second, eight trades in each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.market import Bars
from csv_to_result import rewrite_section
from feeds.csv_writer import write_bars
from machine import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
BARS = 7200
START_MS = 1_767_225_600_000
TARGET = 500.0
BEHIND_MS = 100.0
SECTION = """\
## The practice exchange under load

{clients} stream clients (four streams each; one of them hears the account instead), one symbol in bars of one
second with eight trades each, `--speed 1`, {seconds:g} s after a warm-up. Of three orders two are market
orders and one rests and is cancelled. Latencies and lags: median, 95 % below, most, in ms.

| orders a second | CPU | an order's answer | a trade's frame | a bar's last frame | frames a s | \
clock behind |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

- An order's time counts from when it was due, so that a queue would show; cancellations come on top.
- CPU is that of the exchange, of the clients' process, and of what else ran, each in percent of one core.
- The clock is behind by so many ms at the end, of the whole run.
- Target: {target:g} orders a second without falling behind. {verdict}

{machine}

Again: `python benchmarks/practice_load.py --clients {clients} --orders {orders} --seconds {seconds:g}`
"""


def make_data(path: Path) -> None:
    """Write two hours of bars of one second, a seeded random walk."""
    draw = np.random.default_rng(7)
    close = np.round(50_000 * np.exp(np.cumsum(draw.normal(0, 1e-4, BARS))), 2)
    opened = np.concatenate([[50_000.0], close[:-1]])
    reach = np.round(np.abs(draw.normal(0, 5, (2, BARS))), 2)
    write_bars(
        path,
        Bars.of(
            START_MS + 1000 * np.arange(BARS),
            open=opened,
            high=np.maximum(opened, close) + reach[0],
            low=np.minimum(opened, close) - reach[1],
            close=close,
            volume=np.round(draw.uniform(5, 50, BARS), 5),
            trades=np.full(BARS, 1000.0),
        ),
    )


@contextmanager
def exchange(data: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run the practice exchange; gives its process and what it printed, by name."""
    words = ["--symbol", "BTCUSDT", "--port", "0", "--no-limits", "--quiet"]
    money = ["--balance", "100000000USDT", "--balance", "1000BTC"]
    command = [sys.executable, "-m", "bt_run", "practice", *words, *money, "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            told: dict[str, str] = {}
            for line in process.stdout or ():
                name, _, value = line.strip().partition(": ")
                told[name] = value
                if "secret" in told and "url" in told:
                    break
            yield process, told
        finally:
            process.terminate()
            process.communicate(timeout=10)


def cpu_s(pid: int) -> float:
    """Give the CPU time of a process so far, all threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_s() -> float:
    """Give the CPU time of the whole machine so far."""
    user, nice, system = Path("/proc/stat").read_text().split(maxsplit=4)[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def measure(data: Path, *, clients: int, orders: float, seconds: float) -> dict[str, Any]:
    """Load a fresh exchange once; gives what practice_side.py measured, and the share of one core."""
    with exchange(data) as (process, told):
        side = [sys.executable, str(HERE / "practice_side.py"), told["url"], told["key"]]
        asked = ["--clients", str(clients), "--orders", str(orders), "--seconds", str(seconds)]
        env = os.environ | {"BT_RUN_PRACTICE_API_SECRET": told["secret"]}
        begun, used, busy = time.monotonic(), cpu_s(process.pid), busy_s()
        ran = subprocess.run([*side, *asked], env=env, capture_output=True, text=True, check=False)
        if ran.returncode:
            sys.exit(f"The clients failed: {ran.stderr}")
        found: dict[str, Any] = json.loads(ran.stdout)
        took = time.monotonic() - begun
        found["own_share"] = (cpu_s(process.pid) - used) / took
        found["others"] = max(0.0, (busy_s() - busy) / took - found["own_share"] - found["share"])
    if found["refused"]:
        sys.exit(f"Orders were refused: {found['refused']}")
    return found


def spread(values: Sequence[float]) -> str:
    """Write median, 95 % and most."""
    if not values:
        return "none"
    low, high = np.percentile(values, [50, 95])
    return f"{low:.1f}, {high:.1f}, {max(values):.0f}"


def section(data: Path, *, clients: int, rates: Sequence[float], seconds: float) -> str:
    """Measure all rates, and write it as Markdown."""
    load_before = os.getloadavg()[0]
    rows, kept = [], []
    for rate in rates:
        found = measure(data, clients=clients, orders=rate, seconds=seconds)
        answered = len(found["orders"]) / seconds
        shares = ", ".join(f"{found[name]:.0%}" for name in ("own_share", "share", "others"))
        lags = " | ".join(spread(found[name]) for name in ("orders", "trades", "closes"))
        rest = f"{found['frames'] / seconds:,.0f} | {found['behind']:.1f} |"
        rows.append(f"| {answered:,.0f} of {rate:,.0f} | {shares} | {lags} | {rest}")
        if rate >= TARGET:
            late = max(found["behind"], float(np.median(found["trades"])))
            kept.append(answered >= 0.99 * TARGET and late < BEHIND_MS)
    verdict = "Reached." if kept and kept[0] else "Not reached." if kept else "Not measured."
    return SECTION.format(
        clients=clients,
        seconds=seconds,
        rows="\n".join(rows),
        target=TARGET,
        verdict=verdict,
        machine="\n".join(describe(load_before=load_before)),
        orders=" ".join(f"{rate:g}" for rate in rates),
    )


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="The practice exchange under load.")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--orders", type=float, nargs="+", default=[0, 500, 1000], help="orders a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt-run-bench-") as folder:
        data = Path(folder) / "BTCUSDT-1s.csv"
        make_data(data)
        text = section(data, clients=given.clients, rates=given.orders, seconds=given.seconds)
    print(text)
    old = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(old, "practice_load", text))


if __name__ == "__main__":
    main()
