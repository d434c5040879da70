"""
An exchange on 127.0.0.1 that speaks Binance's market data: REST of spot and USD-M futures, and the archive.

Everything that a test says about it is plain attributes and methods; the time is its own and stands still
until the test moves it. It counts weights as Binance does and answers 429, then 418, to whoever goes over.

    python tests/exchange/exchange_server.py --bars 100000

serves a synthetic BTCUSDT of one-minute bars until it is killed, and prints its URL; the benchmark uses that.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web
from exchange_faults import Faults
from exchange_market import Series, archive_path, checksum_line, make_bars, period_of, published_ms, zipped

from bt_run.core.errors import ConfigError
from bt_run.core.interval import BINANCE_INTERVALS, Interval
from bt_run.core.venue import Venue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.market import Bars

DEFAULT_NOW_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
_MAX_LIMIT = {"spot": 1000, "futures": 1500}
_PREFIX = {"/api/v3/": "spot", "/fapi/v1/": "futures"}
_BANNED_AFTER = 3


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: path and query."""

    path: str
    query: Mapping[str, str]


class LoopbackExchange(Faults):
    """The exchange; `start` and `stop` it, or use it as a context manager."""

    def __init__(self, *, now_ms: int = DEFAULT_NOW_MS) -> None:
        super().__init__()
        self.now_ms = now_ms
        self.limits = {"spot": 6000, "futures": 2400}
        self.requests: list[Request] = []
        self.slept: list[float] = []
        self.server_s = 0.0
        self.delay_s = 0.0
        self.url = ""
        self._series: dict[tuple[str, str, str], Series] = {}
        self._trades: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._symbols: dict[str, list[str]] = {"spot": [], "futures": []}
        self._used: dict[tuple[str, int], int] = {}
        self._refused: dict[tuple[str, int], int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    # What the test says.

    def list_bars(self, symbol: str, interval: str | Interval, bars: Bars, *, market: str = "spot") -> None:
        """Put bars on sale; the last ones may lie in the future of `now_ms`."""
        wanted = Interval.parse(interval) if isinstance(interval, str) else interval
        self._series[market, symbol, str(wanted)] = Series(wanted, bars)
        self.list_symbol(symbol, market=market)

    def list_symbol(self, *symbols: str, market: str = "spot") -> None:
        """Put symbols on exchangeInfo; without bars they answer empty pages."""
        self._symbols[market] += [symbol for symbol in symbols if symbol not in self._symbols[market]]

    def list_trades(self, symbol: str, trades: list[dict[str, Any]], *, market: str = "spot") -> None:
        """Put aggregate trades on sale, as GET aggTrades writes them, ascending by ``a``."""
        self._trades[market, symbol] = trades
        self.list_symbol(symbol, market=market)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ms += round(seconds * 1000)

    def sleep(self, seconds: float) -> None:
        """Let time pass instead of sleeping, and note it: what tests give to code that waits."""
        self.slept.append(seconds)
        self.advance(seconds)

    def clock(self) -> float:
        """Give the exchange's time in seconds: what tests give to code that measures."""
        return self.now_ms / 1000

    def paths(self, part: str = "") -> list[str]:
        """Give the paths asked for so far that contain `part`."""
        return [request.path for request in self.requests if part in request.path]

    def queries(self, part: str = "klines") -> list[Mapping[str, str]]:
        """Give the queries of the REST requests so far whose path contains `part`."""
        return [request.query for request in self.requests if part in request.path and "/v" in request.path]

    @property
    def venue(self) -> Venue:
        """Give a venue that points here with everything."""
        return Venue("loopback", *([self.url] * 5), archive_url=self.url)

    @property
    def environ(self) -> dict[str, str]:
        """Give the environment variables that point bt-run here."""
        names = ("REST", "FUTURES_REST", "ARCHIVE")
        return {f"BT_RUN_{name}_URL": self.url for name in names}

    # Life cycle.

    def start(self, port: int = 0) -> LoopbackExchange:
        """Serve in a thread of its own, on any free port unless one is given."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, ready), name="exchange", daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def stop(self) -> None:
        """Stop serving and wait for the thread; a second time it does nothing."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(10)
            self._loop = None

    def __enter__(self) -> LoopbackExchange:
        return self.start()

    def __exit__(self, *failure: object) -> None:
        self.stop()

    def _run(self, port: int, ready: threading.Event) -> None:
        asyncio.run(self._serve(port, ready))

    async def _serve(self, port: int, ready: threading.Event) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        listening = socket.create_server(("127.0.0.1", port))
        await web.SockSite(runner, listening).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await self._stopped.wait()
        await _accept_no_more(listening)
        await runner.cleanup()

    # Answers.

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        begun = time.perf_counter()
        self.requests.append(Request(request.path, dict(request.query)))
        market = next((name for prefix, name in _PREFIX.items() if request.path.startswith(prefix)), None)
        if market is None:
            answer = self._archive(request.path)
        else:
            answer = self._rest(request, market, request.path.split("/", 3)[3])
        self.server_s += time.perf_counter() - begun
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        fault = self.find_fault(request.path)
        return answer if fault is None else await fault.change(request, answer)

    def _rest(self, request: web.Request, market: str, what: str) -> web.Response:
        query = request.query
        refusal = self._weigh(market, _weight(market, what, query))
        if refusal is not None:
            return refusal
        if what in ("ping", "time"):
            return self._json(market, "{}" if what == "ping" else f'{{"serverTime":{self.now_ms}}}')
        symbol = query.get("symbol")
        if symbol is not None and symbol not in self._symbols[market]:
            return self._error(market, -1121, "Invalid symbol.")
        known = {"klines": self._klines, "aggTrades": self._agg_trades, "exchangeInfo": self._exchange_info}
        if what in known:
            return known[what](query, market)
        return web.Response(
            status=404, text="<html><title>404 Not found</title></html>", content_type="text/html"
        )

    def _klines(self, query: Mapping[str, str], market: str) -> web.Response:
        if query.get("interval") not in BINANCE_INTERVALS:
            return self._error(market, -1120, "Invalid interval.")
        series = self._series.get((market, query["symbol"], query["interval"]))
        limit = min(int(query.get("limit", 500)), _MAX_LIMIT[market])
        start, end = (int(query[name]) if name in query else None for name in ("startTime", "endTime"))
        rows = [] if series is None else series.page(start=start, end=end, limit=limit, now=self.now_ms)
        return self._json(market, f"[{','.join(rows)}]")

    def series_of(self, request: web.Request) -> Series:
        """Find the series that a request for klines asks for."""
        market = next(name for prefix, name in _PREFIX.items() if request.path.startswith(prefix))
        return self._series[market, request.query["symbol"], request.query["interval"]]

    def _agg_trades(self, query: Mapping[str, str], market: str) -> web.Response:
        trades = self._trades.get((market, query["symbol"]), [])
        first, start, end = (
            int(query[name]) if name in query else None for name in ("fromId", "startTime", "endTime")
        )
        chosen = [
            trade
            for trade in trades
            if (first is None or trade["a"] >= first)
            and (start is None or trade["T"] >= start)
            and trade["T"] <= (self.now_ms if end is None else end)
        ]
        limit = min(int(query.get("limit", 500)), 1000)
        newest = first is None and start is None
        response = web.json_response(chosen[-limit:] if newest else chosen[:limit])
        return self._weighed(response, market)

    def _exchange_info(self, query: Mapping[str, str], market: str) -> web.Response:
        symbol = query.get("symbol")
        # Futures take no symbol and answer with all of them.
        names = [symbol] if symbol is not None and market == "spot" else sorted(self._symbols[market])
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        body = {
            "timezone": "UTC",
            "serverTime": self.now_ms,
            "rateLimits": [{**limit, "limit": self.limits[market]}],
            "exchangeFilters": [],
            "symbols": [{"symbol": name, "status": "TRADING", "filters": []} for name in names],
        }
        return self._weighed(web.json_response(body), market)

    def _archive(self, path: str) -> web.Response:
        body = self._packed(path.removesuffix(".CHECKSUM"))
        if body is None:
            return web.Response(
                status=404, text="<Error><Code>NoSuchKey</Code></Error>", content_type="text/xml"
            )
        if path.endswith(".CHECKSUM"):
            return web.Response(text=checksum_line(path.rsplit("/", 1)[1].removesuffix(".CHECKSUM"), body))
        return web.Response(body=body, content_type="application/zip")

    def _packed(self, path: str) -> bytes | None:
        """Pack the file of this path; None where there is no such series, no bar, or it is not out yet."""
        name = path.rsplit("/", 1)[-1].removesuffix(".zip")
        with suppress(ValueError, ConfigError):
            symbol, label, period = name.split("-", 2)
            first, end = period_of(period)
            for (market, listed, interval), series in self._series.items():
                fits = listed == symbol and Interval.parse(label) == Interval.parse(interval)
                # Days come in the intervals up to a day only.
                sold = len(period) == 7 or series.interval.approximate_ms <= end - first
                if fits and sold and path == archive_path(market, symbol, series.interval, period):
                    text = series.csv(first, end, market=market) if published_ms(period) <= self.now_ms else ""
                    return zipped(f"{name}.csv", text) if text else None
        return None

    # Weights.

    def _weigh(self, market: str, weight: int) -> web.Response | None:
        minute = (market, self.now_ms // 60_000)
        self._used[minute] = self._used.get(minute, 0) + weight
        if self._used[minute] <= self.limits[market]:
            return None
        self._refused[minute] = self._refused.get(minute, 0) + 1
        status = 418 if self._refused[minute] > _BANNED_AFTER else 429
        wait = 120 if status == 418 else 60 - self.now_ms // 1000 % 60
        until = self.now_ms + wait * 1000
        reason = (
            f"Way too much request weight used; IP banned until {until}."
            if status == 418
            else "Too much weight."
        )
        answer = web.json_response({"code": -1003, "msg": reason}, status=status)
        answer.headers["Retry-After"] = str(wait)
        return self._weighed(answer, market)

    def used(self, market: str = "spot") -> int:
        """Give the weight used in this minute."""
        return self._used.get((market, self.now_ms // 60_000), 0)

    def _weighed(self, response: web.Response, market: str) -> web.Response:
        response.headers["X-MBX-USED-WEIGHT-1M"] = str(self.used(market))
        return response

    def _json(self, market: str, text: str) -> web.Response:
        return self._weighed(web.Response(text=text, content_type="application/json", charset="utf-8"), market)

    def _error(self, market: str, code: int, reason: str) -> web.Response:
        return self._weighed(web.json_response({"code": code, "msg": reason}, status=400), market)


async def _accept_no_more(listening: socket.socket) -> None:
    """
    Take in who has been accepted, and nobody else.

    Python 3.11 fails to make a transport for a connection that it has accepted when the server is closed in the
    same moment, and its socket stays open until it is collected, in another test (CPython issue 109564).
    """
    asyncio.get_running_loop().remove_reader(listening)
    for _ in range(3):
        await asyncio.sleep(0)


def _weight(market: str, what: str, query: Mapping[str, str]) -> int:
    if what == "klines" and market == "futures":
        limit = int(query.get("limit", 500))
        return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10
    return {"klines": 2, "exchangeInfo": 20 if market == "spot" else 1, "aggTrades": 4}.get(what, 1)


def main() -> None:
    """Serve one synthetic series until killed; the time is the bars' end."""
    parser = argparse.ArgumentParser(description="Serve synthetic one-minute bars of BTCUSDT.")
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="how long every answer takes at least")
    given = parser.parse_args()
    minute = Interval.parse("1m")
    first = 1_577_836_800_000
    exchange = LoopbackExchange(now_ms=first + 60_000 * given.bars + 30_000)
    exchange.limits = {"spot": 10**9, "futures": 10**9}
    exchange.delay_s = given.delay_ms / 1000
    exchange.list_bars("BTCUSDT", minute, make_bars(minute, first, given.bars + 1))
    exchange.start(given.port)
    print(exchange.url, flush=True)  # noqa: T201  # the one who started it reads this
    threading.Event().wait()


if __name__ == "__main__":
    main()
