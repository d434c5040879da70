"""
Load a practice exchange with stream clients and orders; benchmarks/practice_load.py runs it.

    python benchmarks/practice_side.py http://127.0.0.1:8590 KEY --clients 50 --orders 500 --seconds 20

The secret comes from the environment, BT_RUN_PRACTICE_API_SECRET. Prints one line of JSON: latencies of
orders and lags of frames in ms, counts, and how far the exchange's clock fell behind.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp

__all__ = ["main"]

SYMBOL = "BTCUSDT"
STREAMS = "btcusdt@kline_1s/btcusdt@trade/btcusdt@bookTicker/btcusdt@miniTicker"
USERS = 1
CONNECTIONS = 64
WARM_UP_S = 2.0


@dataclass(slots=True)
class Load:
    """What is measured; ms where nothing else is said. `offset` is our clock minus the exchange's."""

    session: aiohttp.ClientSession
    url: str
    key: str
    secret: str
    offset: float = 0.0
    frames: int = 0
    events: int = 0
    orders: list[float] = field(default_factory=list)
    trades: list[float] = field(default_factory=list)
    closes: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    counting: bool = False

    def signed(self, **params: Any) -> str:
        """Write and sign the parameters of a request."""
        query = "&".join(f"{name}={value}" for name, value in params.items())
        query += f"&timestamp={time.time_ns() // 1_000_000}&recvWindow=60000"
        return f"{query}&signature={hmac.new(self.secret.encode(), query.encode(), hashlib.sha256).hexdigest()}"

    async def clock(self) -> float:
        """Give our clock minus the exchange's in ms, by the fastest of ten answers."""
        best = (float("inf"), 0.0)
        for _ in range(10):
            begun = time.time()
            async with self.session.get(f"{self.url}/api/v3/time") as answer:
                told = (await answer.json())["serverTime"]
            ended = time.time()
            best = min(best, (ended - begun, 500 * (begun + ended) - told))
        return best[1]

    async def listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Count market frames, and how late they come."""
        async for message in socket:
            if not self.counting:
                continue
            self.frames += 1
            now = 1000 * time.time() - self.offset
            data = json.loads(message.data)["data"]
            if data.get("e") == "trade":
                self.trades.append(now - data["T"])
            elif data.get("e") == "kline" and data["k"]["x"]:
                self.closes.append(now - data["E"])

    async def hear(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Count the account's events."""
        async for _ in socket:
            self.events += self.counting

    async def order(self, number: int, price: str, due: float) -> None:
        """Place one order, and cancel it where it rests; counts from when it was due."""
        kind = number % 3
        params = {"symbol": SYMBOL, "side": "SELL" if kind == 1 else "BUY", "quantity": "0.001"}
        params |= {"type": "LIMIT", "timeInForce": "GTC", "price": price} if kind == 2 else {"type": "MARKET"}
        counted = self.counting
        placed = await self._ask("POST", self.signed(**params))
        if counted:
            self.orders.append(1000 * (time.monotonic() - due))
        if kind == 2 and "orderId" in placed:
            await self._ask("DELETE", self.signed(symbol=SYMBOL, orderId=placed["orderId"]))

    async def _ask(self, verb: str, query: str) -> dict[str, Any]:
        headers = {"X-MBX-APIKEY": self.key}
        async with self.session.request(verb, f"{self.url}/api/v3/order?{query}", headers=headers) as answer:
            told: dict[str, Any] = await answer.json()
            if answer.status != 200:
                self.refused.append(json.dumps(told))
            return told


async def run(load: Load, *, clients: int, orders: float, seconds: float) -> None:
    """Connect all, send orders at a fixed rate, and measure after a warm-up."""
    ws_url = load.url.replace("http", "ws", 1)
    async with AsyncExitStack() as stack:
        tasks = []
        for number in range(clients):
            is_user = number < USERS
            path = "/ws-api/v3" if is_user else f"/stream?streams={STREAMS}"
            socket = await stack.enter_async_context(load.session.ws_connect(ws_url + path))
            if is_user:
                await socket.send_json(_subscription(load))
            tasks.append(asyncio.create_task(load.hear(socket) if is_user else load.listen(socket)))
        load.offset = await load.clock()
        await _send(load, orders=orders, seconds=seconds)
        load.counting = False
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(load: Load, *, orders: float, seconds: float) -> None:
    async with load.session.get(f"{load.url}/api/v3/ticker/price?symbol={SYMBOL}") as answer:
        price = f"{float((await answer.json())['price']) / 2:.2f}"
    begun = time.monotonic()
    sent: set[asyncio.Task[None]] = set()
    number = 0
    while (now := time.monotonic()) < begun + WARM_UP_S + seconds:
        load.counting = now >= begun + WARM_UP_S
        due = begun + number / orders if orders else now + 0.05
        if due > now:
            await asyncio.sleep(due - now)
        if orders:
            task = asyncio.create_task(load.order(number, price, due))
            sent.add(task)
            task.add_done_callback(sent.discard)
            number += 1
    load.counting = False
    if sent:
        await asyncio.wait(sent, timeout=30)


def _subscription(load: Load) -> dict[str, Any]:
    params = {"apiKey": load.key, "timestamp": time.time_ns() // 1_000_000}
    text = "&".join(f"{name}={params[name]}" for name in sorted(params))
    signature = hmac.new(load.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "id": 1,
        "method": "userDataStream.subscribe.signature",
        "params": {**params, "signature": signature},
    }


async def measure(url: str, key: str, secret: str, **asked: Any) -> dict[str, Any]:
    """Give what was measured."""
    begun = time.monotonic()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS + asked["clients"])
    async with aiohttp.ClientSession(connector=connector) as session:
        load = Load(session, url, key, secret)
        await run(load, **asked)
        behind = await load.clock() - load.offset
    return {
        "orders": load.orders,
        "trades": load.trades,
        "closes": load.closes,
        "frames": load.frames,
        "events": load.events,
        "refused": load.refused[:3],
        "behind": behind,
        "share": time.process_time() / (time.monotonic() - begun),
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="Load a practice exchange.")
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--orders", type=float, default=500.0, help="orders a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    secret = os.environ["BT_RUN_PRACTICE_API_SECRET"]
    asked = {"clients": given.clients, "orders": given.orders, "seconds": given.seconds}
    print(json.dumps(asyncio.run(measure(given.url, given.key, secret, **asked))))


if __name__ == "__main__":
    main()
