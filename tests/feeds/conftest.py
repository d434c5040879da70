"""Frames that other people recorded, as the exchange sent them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

CRYPTOFEED = (
    "spot/cryptofeed-BINANCE-20210404-btc-eth-dot.txt.gz",
    "spot/cryptofeed-BINANCE-20210814.ws.txt.gz",
    "spot/cryptofeed-BINANCE_TR-20230410.ws.txt.gz",
    "futures/cryptofeed-BINANCE_FUTURES-20210722.ws.txt.gz",
)


def read_cryptofeed(path: Path) -> list[tuple[int, str]]:
    """Read receive time (ms) and text of each frame of a cryptofeed capture; its other lines are no frames."""
    frames = []
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        time, separator, text = line.partition(": ")
        if separator and text.startswith("{") and line[0].isdigit():
            frames.append((int(float(time) * 1000), text))
    return frames


@pytest.fixture(scope="session")
def cryptofeed(shared: Path) -> dict[str, list[tuple[int, str]]]:
    """Give the frames of the four cryptofeed captures by file name."""
    return {name: read_cryptofeed(shared / "realdata" / "frames" / name) for name in CRYPTOFEED}


@pytest.fixture(scope="session")
def single_messages(shared: Path) -> list[str]:
    """Give the single messages, spot and futures, market and user data, as texts."""
    folder = shared / "realdata" / "frames"
    texts = (folder / "spot" / "htm-btcusdt-kline_5m-20200524.jsonl").read_text().splitlines()
    for path in sorted([*folder.glob("userdata/*.jsonl"), *folder.glob("futures/*.jsonl")]):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        texts += [json.dumps(line["payload"]) for line in lines if "payload" in line]
    return texts
