"""
Download all bars from a loopback exchange in one of several ways; benchmarks/download.py runs it.

    python benchmarks/download_side.py bt-run http://127.0.0.1:8080 100000

Prints the seconds, the number of bars and the sum of their closes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.interval import Interval
from bt_run.core.venue import VENUES

if TYPE_CHECKING:
    from collections.abc import Callable

    Way = Callable[[str, int, int], tuple[int, float]]

__all__ = ["WAYS", "main"]

START_MS = 1_577_836_800_000
MINUTE = Interval(1, "m")


def by_library(url: str, start: int, end: int) -> tuple[int, float]:
    """Use python-binance's own helper as its documentation shows it."""
    from binance.client import Client  # noqa: PLC0415  # each side imports only what it needs

    client = Client(ping=False, requests_params={"timeout": 15})
    client.API_URL = f"{url}/api"
    client.session.trust_env = False
    rows = client.get_historical_klines("BTCUSDT", "1m", start, end)
    return len(rows), sum(float(row[4]) for row in rows)


def by_library_awake(url: str, start: int, end: int) -> tuple[int, float]:
    """Use the same helper with its pauses taken out."""
    import binance.client  # noqa: PLC0415

    binance.client.time = _Awake()
    return by_library(url, start, end)


class _Awake:
    """Stands for the module `time` where nobody shall sleep."""

    time = staticmethod(time.time)

    @staticmethod
    def sleep(seconds: float) -> None:
        """Do not."""


def by_us(url: str, start: int, end: int) -> tuple[int, float]:
    """Use our pager in one thread, rows as arrays."""
    from feeds.binance_rest import BinanceRest  # noqa: PLC0415

    rest = BinanceRest(replace(VENUES["data"], rest_url=url))
    pages = list(rest.fetch_klines("BTCUSDT", MINUTE, start=start, end=end))
    return sum(len(page) for page in pages), sum(float(page.close.sum()) for page in pages)


def by_us_into_a_store(url: str, start: int, end: int) -> tuple[int, float]:
    """Use the whole downloader: threads, checks, Parquet on the disk."""
    from feeds.download import ensure  # noqa: PLC0415
    from feeds.store import Store  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="bt-run-bench-") as folder:
        store = Store(Path(folder))
        venue = replace(VENUES["data"], rest_url=url)
        ensure(store, "BTCUSDT", MINUTE, start=start, end=end, venue=venue, source="rest")
        bars = store.read("BTCUSDT", MINUTE, columns=("close",))
        return len(bars), float(bars.close.sum())


def by_nobody(url: str, start: int, end: int) -> tuple[int, float]:
    """Only fetch the pages' bytes: what the server and the sockets take."""
    import requests  # noqa: PLC0415

    step = 1000 * 60_000
    session = requests.Session()
    session.trust_env = False
    for first in range(start, end + 1, step):
        asked: dict[str, str | int] = {
            "symbol": "BTCUSDT",
            "interval": "1m",
            "startTime": first,
            "endTime": end,
            "limit": 1000,
        }
        session.get(f"{url}/api/v3/klines", params=asked, timeout=15).raise_for_status()
    return 0, 0.0


WAYS: dict[str, Way] = {
    "bytes": by_nobody,
    "library": by_library,
    "library-awake": by_library_awake,
    "bt-run": by_us,
    "bt-run-store": by_us_into_a_store,
}


def main() -> None:
    """Read the arguments, download, print what it took."""
    parser = argparse.ArgumentParser(description="Download from a loopback exchange in one way.")
    parser.add_argument("way", choices=list(WAYS))
    parser.add_argument("url")
    parser.add_argument("bars", type=int)
    given = parser.parse_args()
    way = WAYS[given.way]
    # A first page outside the measurement: imports, connection, the exchange's first answer.
    way(given.url, START_MS, START_MS + 999 * 60_000)
    begun = time.perf_counter()
    count, closes = way(given.url, START_MS, START_MS + (given.bars - 1) * 60_000)
    seconds = time.perf_counter() - begun
    print(f"{seconds:.4f} {count} {closes:.6f}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
