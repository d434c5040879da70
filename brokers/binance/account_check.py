"""
The account as REST tells it, asked independently of the stream: what the stream lost is found here.

It asks every half minute, and at once where there is a doubt: the stream has come up, an order's fate is not
known, somebody asks for it. An order that is not known is asked for after 1 s, 2 s, 4 s and so on, because the
exchange's own copies lag behind (-2013 shortly after placing is no proof).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brokers.binance.errors import KEY_CODES
from brokers.binance.limits import RequestLimits
from brokers.binance.questions import AccountQuestions
from brokers.binance.rest_client import RestClient
from brokers.binance.server_clock import ServerClock
from brokers.gateway import AccountReport
from brokers.reconciling.views import ExchangeOrder, ExchangeTrade, Missing
from bt_run.core.errors import ExchangeError, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from brokers.binance.credentials import Credentials
    from brokers.gateway import Inbox
    from bt_run.core.background import BackgroundLoop
    from bt_run.core.venue import Venue

__all__ = ["INTERVAL_S", "AccountCheck"]

INTERVAL_S = 30.0
"""From check to check where nothing urges."""

_LONGEST_S = 30.0
_LOOK_BACK_MS = 600_000
_SPREAD_MS = 60_000
_LAG_MS = 120_000  # copies of the exchange's books that lag by a minute were seen
_SURE_S = 5.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Asked:
    """An order that is asked for until it is found; times are steady seconds."""

    symbol: str
    client_id: str
    due_at: float
    pause_s: float
    missing_since: float | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A trade that was listed, at `time_ms`; 0 where only its id is known. After a reset ids come again."""

    trade_id: int
    time_ms: int = 0

    def is_in(self, found: Sequence[ExchangeTrade]) -> bool:
        """Tell whether it is one of these."""
        return any(self.trade_id == told.trade_id and self.time_ms in (0, told.time_ms) for told in found)


class AccountCheck:
    """
    Puts AccountReports into an inbox; `run` is a coroutine for the background thread.

    `trouble` tells why the last check failed, empty where it did not. A failed check is tried again after the
    usual time; a key that is not accepted ends `run` with Rejected.

    Args:
        venue: Where.
        credentials: Who.
        inbox: Gets the reports.
        background: Runs the requests, which block, in threads of their own.
        symbols: Whose orders and trades are checked.
        limits: Shared by all clients of this address.
        clock: The exchange's clock, shared by all who sign; it is measured anew here, too.
        since_trade_ids: By symbol, the last trade that is known; else the last ten minutes are looked at first.
        interval_s: From check to check.
        floor_s: The least time from the beginning of a check to that of the next, however much is in doubt.
        first_s: After so many seconds an order is asked for; each further pause is twice the last.
        steady: Gives seconds that nobody sets.
    """

    def __init__(
        self,
        venue: Venue,
        credentials: Credentials,
        inbox: Inbox,
        background: BackgroundLoop,
        *,
        symbols: Iterable[str],
        limits: RequestLimits | None = None,
        clock: ServerClock | None = None,
        since_trade_ids: Mapping[str, int] | None = None,
        interval_s: float = INTERVAL_S,
        floor_s: float = 1.0,
        first_s: float = 1.0,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trouble = ""
        self.symbols = tuple(symbols)
        self._clock = clock or ServerClock()
        self._client = RestClient(venue, credentials, limits=limits or RequestLimits(), clock=self._clock)
        self._questions = AccountQuestions(self._client)
        self._inbox = inbox
        self._background = background
        self._interval_s = interval_s
        self._floor_s = floor_s
        self._first_s = first_s
        self._steady = steady
        self._last_trades = {symbol: _Known(known) for symbol, known in (since_trade_ids or {}).items()}
        self._expected: dict[str, _Known] = {}
        self._missed: dict[str, tuple[_Known, int]] = {}
        self._has_lost = False
        self._checked_ms: int | None = None
        self._lock = threading.Lock()
        self._asked: dict[str, _Asked] = {}
        self._due_at = float("-inf")
        self._began_at = float("-inf")
        self._wake: Callable[[], None] = lambda: None
        self._task: asyncio.Task[Any] | None = None

    def start(self) -> Future[None]:
        """Run in the background thread, which ends it when it stops; the future holds what ended it."""
        self._background.at_stop(self.aclose)
        return self._background.submit(self.run())

    async def aclose(self) -> None:
        """End `run`, and the request that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    # From any thread.

    def check_soon(self, reason: str = "") -> None:
        """Let a check begin as soon as may be: now, or after the one that is under way."""
        _log.debug("A check is due: %s", reason)
        with self._lock:
            self._due_at = float("-inf")
        self._wake()

    def ask(self, symbol: str, client_id: str) -> None:
        """Ask for an order in a second, in two more, in four, and so on, until it is found or forgotten."""
        with self._lock:
            due_at = self._steady() + self._first_s
            self._asked.setdefault(client_id, _Asked(symbol, client_id, due_at, self._first_s))
        self._wake()

    def forget(self, client_id: str) -> None:
        """Ask for an order no more."""
        with self._lock:
            self._asked.pop(client_id, None)

    def expect(self, symbol: str, trade_id: int, time_ms: int) -> None:
        """Tell of the newest trade that the books have; where it is not listed, it is told of as lost."""
        with self._lock:
            self._expected[symbol] = _Known(trade_id, time_ms)

    # In the background thread.

    async def run(self) -> None:
        """Check until it is cancelled; raises Rejected where the key is not accepted."""
        self._task = asyncio.current_task()
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: _set_from_anywhere(loop, woken)
        try:
            while True:
                wait_s = self._until_next_s()
                if wait_s > 0:
                    await _wait(woken, wait_s)
                    woken.clear()
                    continue
                await self._check_once()
        finally:
            self._wake = lambda: None
            self._client.close()

    async def _check_once(self) -> None:
        with self._lock:
            now = self._began_at = self._steady()
            self._due_at = now + self._interval_s
            due = [asked for asked in self._asked.values() if asked.due_at <= now]
        try:
            report = await self._background.call_blocking(lambda: self._report(due))
        except ExchangeError as error:
            self._failed(error, due)
            return
        if self.trouble:
            _log.info("The check of the account works again.")
        self.trouble = ""
        if report.lost and not self._has_lost:
            with self._lock:
                self._due_at = now + _SURE_S  # who hears of it wants to hear it twice
        self._has_lost = bool(report.lost)
        self._inbox.put(report)

    def _failed(self, error: ExchangeError, due: Iterable[_Asked]) -> None:
        if isinstance(error, Rejected) and (error.code in KEY_CODES or error.status == 401):
            self.trouble = str(error)
            raise error
        if str(error) != self.trouble:
            _log.warning("The account could not be checked: %s", error)
        self.trouble = str(error)
        with self._lock:
            for asked in due:
                self._postpone(asked)

    def _until_next_s(self) -> float:
        with self._lock:
            due = min([self._due_at, *(asked.due_at for asked in self._asked.values())])
            due = max(due, self._began_at + self._floor_s)
        return due - self._steady()

    # In a thread of its own.

    def _report(self, due: Iterable[_Asked]) -> AccountReport:
        """Ask everything; `time_ms` is when it began, so what came later is not in it for certain."""
        ask = self._questions
        if self._clock.is_due:
            self._client.synchronize()
        time_ms = self._clock.now_ms()
        open_orders = tuple(order for symbol in self.symbols for order in ask.open_orders(symbol))
        answers = {asked.client_id: ask.find_order(asked.symbol, asked.client_id) for asked in due}
        trades = {symbol: self._new_trades(symbol, time_ms) for symbol in self.symbols}
        lost = self._lost(time_ms)
        balances = ask.balances()
        # Only now that all is known: what a failed check had found is asked for again by the next one.
        for symbol, found in trades.items():
            if found:
                self._last_trades[symbol] = _Known(found[-1].trade_id, found[-1].time_ms)
        self._checked_ms = time_ms
        told = {asked.client_id: self._told(asked, answers[asked.client_id]) for asked in due}
        return AccountReport(
            time_ms,
            open_orders,
            told,
            tuple(trade for found in trades.values() for trade in found),
            balances,
            lost,
        )

    def _new_trades(self, symbol: str, time_ms: int) -> tuple[ExchangeTrade, ...]:
        """
        Give the trades after the last one that is known.

        The last one is asked for, too: where it is not there, the exchange began anew (testnets do) or its copy
        lags, and ids say nothing; then time counts. A trade told twice is the same trade.
        """
        last = self._last_trades.get(symbol)
        if last is not None:
            found = self._questions.trades(symbol, since_trade_id=last.trade_id)
            if last.is_in(found[:1]):
                self._note_missed(symbol, self._take_expected(symbol), found, time_ms)
                return found[1:]
            self._note_missed(symbol, last, (), time_ms)
        start_ms = (self._checked_ms or time_ms - _LOOK_BACK_MS) - _SPREAD_MS
        found = self._questions.trades(symbol, start_ms=start_ms)
        self._note_missed(symbol, self._take_expected(symbol), found, time_ms)
        return found

    def _take_expected(self, symbol: str) -> _Known | None:
        with self._lock:
            return self._expected.pop(symbol, None)

    def _note_missed(
        self, symbol: str, known: _Known | None, found: Sequence[ExchangeTrade], time_ms: int
    ) -> None:
        if known is None or known.is_in(found):
            return
        before = self._missed.get(symbol)
        if before is None or before[0].trade_id < known.trade_id:
            self._missed[symbol] = (known, (known.time_ms or time_ms) + _LAG_MS)

    def _lost(self, time_ms: int) -> dict[str, int]:
        """Ask for the trades that were missed once more, those that are older than a copy lags."""
        lost = {}
        for symbol, (known, due_ms) in list(self._missed.items()):
            if time_ms < due_ms:
                continue
            if known.is_in(self._questions.trades(symbol, since_trade_id=known.trade_id)[:1]):
                del self._missed[symbol]
            else:
                lost[symbol] = known.trade_id
        return lost

    def _told(self, asked: _Asked, answer: ExchangeOrder | int) -> ExchangeOrder | Missing:
        with self._lock:
            if not isinstance(answer, int):
                self._asked.pop(asked.client_id, None)
                return answer
            now = self._steady()
            if asked.missing_since is None:
                asked.missing_since = now
            self._postpone(asked)
            return Missing(asked.client_id, now - asked.missing_since, answer)

    def _postpone(self, asked: _Asked) -> None:
        asked.pause_s = min(2 * asked.pause_s, _LONGEST_S)
        asked.due_at = self._steady() + asked.pause_s


def _set_from_anywhere(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return
