"""
Ask Binance's REST interface for market data, on python-binance's client.

Ours adds what the library leaves out (binance 1.0.37): the addresses of any venue, a weight budget, retries,
errors that say what to do, a pager that loses and doubles nothing, and never a bar that is still open.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import numpy as np
import requests
from binance.client import Client
from binance.exceptions import BinanceAPIException, BinanceRequestException

from bt_run.core.binance_errors import connection_error, describe_body, refusal
from bt_run.core.cut import Cutter
from bt_run.core.errors import (
    Banned,
    Disconnected,
    ExchangeError,
    FrameError,
    RateLimited,
    Rejected,
    UnknownSymbol,
)
from bt_run.core.retry import retrying
from feeds.fetching.kline_page import Page, tidy_page
from feeds.fetching.weight import FUTURES_LIMIT, SPOT_LIMIT, WeightBudget
from feeds.wire.codec_rest import parse_agg_trades, parse_exchange_info, parse_klines, parse_ticker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars
    from bt_run.core.venue import Market, Venue
    from feeds.wire.messages import AggTrade, MiniTicker

__all__ = ["PAGE_BARS", "BinanceRest", "bypass_proxy"]

PAGE_BARS = {"spot": 1000, "futures": 1500}
"""Bars a page; Binance's own maximum."""

_ROOT = {"spot": "/api/v3", "futures": "/fapi/v1"}
_KLINES_WEIGHT = {"spot": 2, "futures": 10}
_TRADES_WEIGHT = {"spot": 4, "futures": 20}
_TICKER_WEIGHT = {"spot": 2, "futures": 1}
_INFO_WEIGHT = {"spot": 20, "futures": 1}
_TIMEOUT_S = 15
_PAGE_TRADES = 1000
_HOUR_MS = 3_600_000
_NO_SYMBOL = -1121
_PRACTICE = "X-Practice-Exchange"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class BinanceRest:
    """
    Market data of one venue and market; safe to share between threads, each of which gets its own client.

    Nothing is asked before the first fetch.

    Args:
        venue: Where to ask.
        market: ``spot`` or ``futures`` (USD-M).
        budget: Shared with others who ask the same host; a new one by default.
        clock: Gives our time, seconds since 1970; it may differ from the exchange's by any amount.
        sleep: Waits some seconds between attempts.
    """

    def __init__(
        self,
        venue: Venue,
        *,
        market: Market = "spot",
        budget: WeightBudget | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.venue = venue
        self.market = market
        limit = FUTURES_LIMIT if market == "futures" else SPOT_LIMIT
        self.budget = budget or WeightBudget(limit, clock=clock, sleep=sleep)
        self.url = venue.rest_of(market)
        self._clock = clock
        self._sleep = sleep
        self._own = threading.local()
        self._cutter = Cutter()
        self._ahead_ms: int | None = None
        self.is_practice = False
        """Whether an answer came from a practice exchange, which says so in every header."""

    def server_time(self) -> int:
        """
        Ask for the exchange's time, ms since 1970, and remember how far it is ahead of ours.

        The time is taken as that of the answer's arrival, a little too early: a bar then counts as closed
        a moment too late, never too soon.
        """
        answer = self._ask("time", {}, weight=1, what=f"The time at {self.url}")
        told = int(answer["serverTime"])
        self._ahead_ms = told - round(self._clock() * 1000)
        return told

    def now_ms(self) -> int:
        """Give the exchange's time by our clock; asks for it the first time."""
        if self._ahead_ms is None:
            return self.server_time()
        return round(self._clock() * 1000) + self._ahead_ms

    def fetch_klines(self, symbol: str, interval: Interval, *, start: int, end: int) -> Iterator[Bars]:
        """
        Fetch the closed bars with start <= open time <= end (ms), page by page, oldest first, each once.

        A bar is closed when the exchange's time is past its close time, so the unfinished one is never among
        them. A page may come in a wrong order or repeat rows; it is put in order. The pager steps by the last
        open time + 1 ms, which works for months too, and goes on until the exchange has no more.

        Raises:
            UnknownSymbol, Rejected, Banned: it said no.
            Disconnected, RateLimited: after several attempts.
        """
        now = self.now_ms()
        while start <= end:
            page = self._fetch_page(symbol, interval, start, end)
            closed = page.bars[: int(np.count_nonzero(page.close_time < now))]
            if len(closed):
                yield closed
            if len(closed) < len(page.bars) or not len(page.bars):
                return
            last = int(page.bars.open_time[-1])
            full = page.rows >= PAGE_BARS[self.market]
            if not full and last + (interval.milliseconds or 1) > min(end, now):
                return
            start = last + 1

    def find_first_bar(self, symbol: str, interval: Interval) -> int | None:
        """Ask when the first bar of a symbol opened, ms since 1970; None where it has no bar at all."""
        page = self._fetch_page(symbol, interval, 0, self.now_ms(), limit=1)
        return int(page.bars.open_time[0]) if len(page.bars) else None

    def fetch_agg_trades(
        self, symbol: str, *, from_id: int | None = None, start: int | None = None, end: int | None = None
    ) -> Iterator[list[AggTrade]]:
        """
        Fetch aggregate trades page by page, ascending by id, each once.

        Args:
            symbol: The market.
            from_id: First id, inclusive; or
            start: First time, ms since 1970, inclusive. One of the two is needed.
            end: Last time, inclusive; the exchange's present by default.

        Raises:
            As `fetch_klines`; ValueError where neither `from_id` nor `start` is given.
        """
        last_ms = self.now_ms() if end is None else end
        if from_id is None:
            if start is None:
                raise ValueError("from_id or start is needed")
            page = self._first_trades(symbol, start, last_ms)
        else:
            page = self._trades_page(symbol, {"fromId": from_id})
        while page:
            wanted = [trade for trade in page if trade.time_ms <= last_ms]
            if wanted:
                yield wanted
            if len(wanted) < len(page):
                return
            page = self._trades_page(symbol, {"fromId": page[-1].agg_id + 1})

    def fetch_exchange_info(self, symbol: str | None = None) -> dict[str, Any]:
        """
        Fetch exchangeInfo; of one symbol where the market can (spot). Its weight limit becomes the budget's.

        Raises:
            UnknownSymbol: no such symbol, with the nearest.
        """
        chosen = {"symbol": symbol} if symbol is not None and self.market == "spot" else {}
        what = f"exchangeInfo of {symbol or self.market}"
        weight = _INFO_WEIGHT[self.market]
        info = self._ask("exchangeInfo", chosen, weight=weight, what=what, parse=parse_exchange_info)
        for limit in info.get("rateLimits", []):
            if limit.get("rateLimitType") == "REQUEST_WEIGHT" and limit.get("interval") == "MINUTE":
                self.budget.limit = int(limit["limit"]) // int(limit.get("intervalNum", 1))
        return cast("dict[str, Any]", info)

    def fetch_ticker(self, symbol: str) -> MiniTicker:
        """
        Fetch the last 24 hours of a symbol.

        Raises:
            UnknownSymbol: no such symbol, with the nearest.
        """
        weight, what = _TICKER_WEIGHT[self.market], f"24 hours of {symbol}"
        answer = self._ask("ticker/24hr", {"symbol": symbol}, weight=weight, what=what, parse=parse_ticker)
        return cast("MiniTicker", answer)

    def close(self) -> None:
        """End the requests of all threads at once: they raise ExchangeError, as does what is asked later."""
        self._cutter.cut()

    def _fetch_page(
        self, symbol: str, interval: Interval, start: int, end: int, *, limit: int | None = None
    ) -> Page:
        wanted = limit or PAGE_BARS[self.market]
        asked = {
            "symbol": symbol, "interval": str(interval), "startTime": start, "endTime": end, "limit": wanted
        }  # fmt: skip
        what = f"{symbol} {interval}"

        def parse(answer: Any) -> Page:
            return tidy_page(parse_klines(answer), start=start, end=end)

        weight = _KLINES_WEIGHT[self.market]
        return cast("Page", self._ask("klines", asked, weight=weight, what=what, parse=parse))

    def _first_trades(self, symbol: str, start: int, end: int) -> list[AggTrade]:
        """Find the first page from a time on; futures look ahead by one hour a request only."""
        if self.market == "spot":
            return self._trades_page(symbol, {"startTime": start})
        for hour in range(start, end + 1, _HOUR_MS):
            page = self._trades_page(symbol, {"startTime": hour, "endTime": min(hour + _HOUR_MS - 1, end)})
            if page:
                return page
        return []

    def _trades_page(self, symbol: str, where: dict[str, int]) -> list[AggTrade]:
        asked = {"symbol": symbol, "limit": _PAGE_TRADES, **where}
        first = where.get("fromId", 0)

        def parse(answer: Any) -> list[AggTrade]:
            by_id = {trade.agg_id: trade for trade in parse_agg_trades(answer, symbol)}
            return [by_id[number] for number in sorted(by_id) if number >= first]

        what = f"Trades of {symbol}"
        weight = _TRADES_WEIGHT[self.market]
        return cast("list[AggTrade]", self._ask("aggTrades", asked, weight=weight, what=what, parse=parse))

    def _ask(
        self,
        path: str,
        asked: dict[str, Any],
        *,
        weight: int,
        what: str,
        parse: Callable[[Any], Any] = lambda answer: answer,
    ) -> Any:
        """Ask until there is an answer that can be parsed, or an error that does not pass."""
        for attempt in retrying(self._sleep):
            with attempt:
                answer = self._ask_once(path, dict(asked), weight=weight, what=what)
                try:
                    return parse(answer)
                except FrameError as error:
                    reason = f"the answer is no page of {path}: {error}"
                    raise Disconnected(what, reason=reason) from error
        raise AssertionError("the last attempt returns or raises")

    def _ask_once(self, path: str, asked: dict[str, Any], *, weight: int, what: str) -> Any:
        self.budget.take(weight)
        if self._cutter.is_cut:
            raise ExchangeError(f"{what}: not asked, because the connection was closed by us.")
        client = self._client()
        client.response = None
        try:
            return client._request("get", f"{self.url}{_ROOT[self.market]}/{path}", signed=False, data=asked)
        except BinanceAPIException as error:
            raise self._refused(what, error, symbol=asked.get("symbol")) from error
        except BinanceRequestException as error:
            reason = f"the answer is cut short or no JSON: {describe_body(client.response.text)}"
            raise Disconnected(what, reason=reason, hint="The same command goes on from here.") from error
        except requests.RequestException as error:
            raise connection_error(what, error, url=self.url) from error
        finally:
            headers = client.response.headers if client.response is not None else {}
            self.is_practice = self.is_practice or _PRACTICE in headers
            used = headers.get("X-MBX-USED-WEIGHT-1M")
            if used is not None and used.isdigit():
                self.budget.note(int(used))

    def _refused(self, what: str, error: Any, *, symbol: str | None) -> Exception:
        found = refusal(
            what,
            status=error.status_code,
            headers=error.response.headers,
            body=error.response.text,
            now_ms=round(self._clock() * 1000),
        )
        if isinstance(found, RateLimited):
            self.budget.pause(found.wait_s)
        if isinstance(found, Banned):
            self.budget.stop(found)
        if isinstance(found, Rejected) and found.code == _NO_SYMBOL and symbol is not None:
            return UnknownSymbol(symbol, self._symbols(), market=self.market)
        return found

    def _symbols(self) -> list[str]:
        """Give all symbols for a suggestion; none where even that fails, because the first error counts."""
        try:
            answer = self._ask_once("exchangeInfo", {}, weight=_INFO_WEIGHT[self.market], what="exchangeInfo")
            return [entry["symbol"] for entry in parse_exchange_info(answer)["symbols"]]
        except (ExchangeError, FrameError):
            return []

    def _client(self) -> Any:
        """Give this thread's client: requests.Session and the last response belong to one thread."""
        client = getattr(self._own, "client", None)
        if client is None:
            with ThreadPoolExecutor(max_workers=1) as aside:
                client = aside.submit(_make_client).result()
            bypass_proxy(client.session, self.url)
            self._cutter.watch(client.session)
            self._own.client = client
        return client


def _make_client() -> Any:
    """
    Make a client, in a thread where it can have an event loop of its own.

    Also the client without streams takes the thread's loop or makes one, and never closes it.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return Client(ping=False, requests_params={"timeout": _TIMEOUT_S})
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def bypass_proxy(session: requests.Session, url: str) -> None:
    """Let a session reach this machine itself without the proxy of the environment."""
    if urlsplit(url).hostname in _LOOPBACK:
        session.trust_env = False
