"""
The practice exchange of the torture test, in a process of its own: ``python torture_exchange.py SETTINGS``.

It is `bt-run practice`, and writes down each request that would place an order, as it arrives: that alone shows
whether an order was sent twice. It prints its URLs as JSON, and ends when its standard input is closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from decimal import Decimal
from typing import Any

from bt_run.practice.market.data_file import MarketRequest
from bt_run.practice.plan import Practice, PracticePlan, prepare
from bt_run.practice.rules import Fees
from bt_run.practice.signing import HmacKey

PLACES = ("order.place", "orderList.place")


def prepared(told: dict[str, Any]) -> Practice:
    """Make the exchange of the settings."""
    market = MarketRequest(told["data"], symbol="BTCUSDT", at=told["at"], spread_ticks=told["spread"])
    return prepare(
        PracticePlan(
            (market,),
            balances={asset: Decimal(amount) for asset, amount in told["balances"].items()},
            fees=Fees(pay_in=told["fee_asset"]),
            speed="max",
            seed=told["seed"],
            key=HmacKey(told["key"], told["secret"]),
            limits=False,
        )
    )


def write_down(practice: Practice, path: str) -> None:
    """Write a line for each placement that arrives: its client ids, and the code where it was refused."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    board: Any = practice.board
    before, after = board.before, board.after

    def note(request: Any, response: Any) -> None:
        if not request.method.startswith(PLACES):
            return
        ids = [value for name, value in request.params.items() if name.lower().endswith("clientorderid")]
        body = None if response is None else response.body
        code = body.get("code") if isinstance(body, dict) else None
        line = {"ids": ids, "code": code, "now": practice.exchange.now, "wall": time.time()}
        os.write(log, (json.dumps(line) + "\n").encode())

    async def seen_before(request: Any) -> Any:
        instead = await before(request)
        if instead is not None:
            note(request, instead)
        return instead

    async def seen_after(request: Any, response: Any) -> Any:
        note(request, response)
        return await after(request, response)

    board.before, board.after = seen_before, seen_after


async def serve(practice: Practice) -> None:
    """Serve until whoever started us is gone."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, stop.set)
    async with practice.server as server:
        print(json.dumps({"url": server.url, "ws_url": server.ws_url}), flush=True)  # noqa: T201 - to who started us
        await stop.wait()


def main() -> None:
    """Read the settings and serve."""
    told = json.loads(sys.argv[1])
    practice = prepared(told)
    write_down(practice, told["log"])
    asyncio.run(serve(practice))


if __name__ == "__main__":
    main()
