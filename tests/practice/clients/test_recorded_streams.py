"""Streams that others recorded, and ours of the same names: the same keys, of the same types."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect

SPOT = ("spot/cryptofeed-BINANCE-20210404-btc-eth-dot.txt.gz", "spot/cryptofeed-BINANCE-20210814.ws.txt.gz")
FUTURES = ("futures/cryptofeed-BINANCE_FUTURES-20210722.ws.txt.gz",)

# What has changed since 2021, by stream: CHANGELOG.md, and the derivatives' models of 2026.
REMOVED = {"trade": {".b", ".a"}}
ADDED = {"futures aggTrade": {".nq", ".st"}}
ABSENT = {"futures bookTicker", "futures depth@100ms"}
"""Streams of futures that we do not have, as docs/design/practice-exchange.md says."""


def shape(value: Any, path: str = "") -> dict[str, str]:
    """Give the type at each path; all elements of a list are one path."""
    found = {path: type(value).__name__}
    if isinstance(value, dict):
        for name, part in value.items():
            found |= shape(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            found |= shape(part, f"{path}[]")
    return found


def joined(payloads: list[Any]) -> dict[str, str]:
    """Give the paths of all payloads of one kind."""
    found: dict[str, str] = {}
    for payload in payloads:
        found |= shape(payload)
    return found


def captured(path):
    """Give stream and payload of each combined frame in a capture."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            begin = line.find("{")
            message = json.loads(line[begin:]) if begin >= 0 else {}
            if "stream" in message:
                yield message["stream"], message["data"]


def copied(path):
    """Give stream and payload of the spot frames in a file that has one message of each kind."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["cls"] == "TestBinanceComWebsocket" and "stream" in row["payload"]:
            yield row["payload"]["stream"], row["payload"]["data"]


@pytest.fixture(scope="module")
def recorded(shared):
    """Give recorded payloads by family and stream, without the symbol."""
    folder = shared / "realdata" / "frames"
    found: dict[str, list[Any]] = {}
    for prefix, names in (("", SPOT), ("futures ", FUTURES)):
        for name in names:
            for stream, data in captured(folder / name):
                found.setdefault(prefix + stream.partition("@")[2], []).append(data)
    for stream, data in copied(folder / "futures" / "unicorn-fy-messages.jsonl"):
        found.setdefault(stream.partition("@")[2], []).append(data)
    return found


@pytest.fixture(scope="module")
def ours(server_of_all, recorded):
    """Give what our sockets say under the same names, until each stream has spoken with a trade in it."""

    async def hear(path: str, kinds: set[str]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {kind: [] for kind in kinds}
        names = "/".join(f"btcusdt@{kind}" for kind in kinds)
        url = f"{server_of_all.server.ws_url}{path}/stream?streams={names}"
        async with asyncio.timeout(20), connect(url, proxy=None) as socket:
            while not all(found.values()):
                await asyncio.to_thread(server_of_all.advance, 20_000)
                try:
                    while True:
                        message = json.loads(await asyncio.wait_for(socket.recv(), 0.1))
                        found[message["stream"].partition("@")[2]].append(message["data"])
                except TimeoutError:
                    pass
        return found

    async def all_of() -> dict[str, list[Any]]:
        spot = {kind for kind in recorded if not kind.startswith("futures ")}
        futures = {kind.removeprefix("futures ") for kind in set(recorded) - spot - ABSENT}
        heard = await hear("", spot)
        return heard | {f"futures {kind}": rows for kind, rows in (await hear("/market", futures)).items()}

    return asyncio.run(all_of())


def test_what_was_recorded(recorded):
    """So that a stream that vanishes from the files is missed here."""
    assert {
        *("aggTrade", "bookTicker", "depth@100ms", "kline_1m", "miniTicker", "ticker", "trade"),
        *("futures aggTrade", "futures bookTicker", "futures depth@100ms", "futures kline_1m"),
    } == set(recorded)


@pytest.mark.parametrize(
    "kind",
    [
        *("aggTrade", "bookTicker", "depth@100ms", "kline_1m", "miniTicker", "ticker", "trade"),
        *("futures aggTrade", "futures kline_1m"),
    ],
)
def test_our_frames_are_alike(recorded, ours, kind):
    """But for what Binance has changed since."""
    theirs, own = joined(recorded[kind]), joined(ours[kind])
    gone, new = REMOVED.get(kind, set()), ADDED.get(kind, set())

    assert {path: name for path, name in theirs.items() if path not in gone} == {
        path: name for path, name in own.items() if path not in new
    }
    assert new <= set(own)


@pytest.mark.parametrize("kind", ["aggTrade", "bookTicker", "depth@100ms", "kline_1m", "ticker"])
def test_keys_come_in_binances_order(recorded, ours, kind):
    """Nobody should need it, and some have."""
    assert list(recorded[kind][0]) == list(ours[kind][0])


def test_contracts_are_told_with_keys_of_the_recorded_ones(shared, server_of_all):
    """Ours are shorter; what is there is as it was recorded in 2021, or came later."""
    with gzip.open(shared / "realdata" / "rest" / "exchangeInfo-futures-20210721.txt.gz", "rt") as lines:
        recorded = json.loads(next(line[line.index("{") :] for line in lines if "{" in line))
    answer = server_of_all.ask("GET", "/fapi/v1/exchangeInfo").json()
    theirs = {
        name: type(value).__name__
        for name, value in next(row for row in recorded["symbols"] if row["symbol"] == "BTCUSDT").items()
    }

    assert set(answer) <= set(recorded)
    for row in answer["symbols"]:
        own = {name: type(value).__name__ for name, value in row.items()}
        assert own.items() <= theirs.items()
