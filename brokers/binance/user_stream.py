"""
The account's events, as long as the bot lives: connect, subscribe, watch, change connections, connect again.

A subscription belongs to its connection and replays nothing. So after each new connection a check over REST is
due, and each event carries an id by which a second telling of it is known. Where a connection is changed in
time (its age, or the server announces its end) the next one is subscribed before the old one is left, and
nothing falls in between. Source: user-data-stream.md and web-socket-api.md, read 2026-07-21.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, Any

from brokers.binance.codec import MALFORMED
from brokers.binance.errors import RequestFailed, Verdict, judge, to_error
from brokers.binance.server_clock import ServerClock
from brokers.binance.stream_codec import KNOWN_EVENTS, account_event
from brokers.binance.user_link import LinkEnd, UserLink, open_user_link
from brokers.gateway import BalancesSeen, OrderSeen, StreamChanged
from bt_run.core.errors import Banned, BtRunError, ConfigError, RateLimited, Rejected
from bt_run.core.stream_policy import StreamPolicy, explain, pause_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from brokers.binance.credentials import Credentials
    from brokers.binance.errors import Failure
    from brokers.gateway import Inbox
    from bt_run.core.background import BackgroundLoop
    from bt_run.core.venue import Venue

__all__ = ["UserStream"]

_WHAT = "The account's stream"
_LONGEST_PAUSE = 16  # as many failures as lead to the longest pause
_REMEMBERED = 10_000
_PING_S = 20.0

_log = logging.getLogger(__name__)


class UserStream:
    """
    Puts the account's events into an inbox; `run` is a coroutine for the background thread.

    `is_up` tells whether events come now, `trouble` why not. It connects again for ever, with pauses that keep
    far below the exchange's 300 attempts in 5 minutes. What another attempt cannot mend ends `run`: a key that
    is not accepted (Rejected), and at the first connection a wrong address or a refusal (ConfigError,
    Rejected).

    Args:
        venue: Where.
        credentials: Who; any kind of key.
        inbox: Gets OrderSeen, BalancesSeen and StreamChanged.
        clock: The exchange's clock, shared by all who sign.
        on_doubt: Told, in the background thread, why a check over REST is due: after each `up`, and after
            events that say only that something changed.
        policy: The times of its life.
        ping_s: So often the other side is pinged; a pong that takes longer means a dead connection.
        draw: Gives numbers in [0, 1) for the jitter of pauses.
    """

    def __init__(
        self,
        venue: Venue,
        credentials: Credentials,
        inbox: Inbox,
        *,
        clock: ServerClock | None = None,
        on_doubt: Callable[[str], None] | None = None,
        policy: StreamPolicy | None = None,
        ping_s: float = _PING_S,
        draw: Callable[[], float] = random.random,
    ) -> None:
        if not venue.ws_api_url:
            raise ConfigError(f"The venue {venue.name!r} has no WebSocket API. Set its ws_api_url.")
        self.url = f"{venue.ws_api_url}/ws-api/v3"
        self.policy = policy or StreamPolicy()
        self.is_up = False
        self.trouble = "not connected yet"
        self._credentials = credentials
        self._inbox = inbox
        self._clock = clock or ServerClock()
        self._on_doubt = on_doubt or (lambda reason: None)
        self._ping_s = ping_s
        self._draw = draw
        self._links: set[UserLink] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._seen: dict[tuple[str, int, int], None] = {}
        self._balances_ms: dict[str, int] = {}
        self._strangers: set[str] = set()
        self._welcome = False
        self._failures = 0
        self._attempt_at = float("-inf")
        self._task: asyncio.Task[Any] | None = None

    def start(self, background: BackgroundLoop) -> Future[None]:
        """Run in the background thread, which closes it when it stops; the future holds what ended it."""
        background.at_stop(self.aclose)
        return background.submit(self.run())

    async def aclose(self) -> None:
        """End `run` and close all connections."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def run(self) -> None:
        """Keep the stream up until it is cancelled; raises what another attempt cannot mend."""
        self._task = asyncio.current_task()
        try:
            link = await self._connect()
            while True:
                link = await self._live(link)
        except BtRunError as error:
            self._tell_down(str(error))
            raise
        finally:
            for link in list(self._links):
                self._leave(link)
            await asyncio.gather(*self._closing)

    async def _live(self, link: UserLink) -> UserLink:
        """Wait for the end of a connection's time, and give the next one."""
        verdict = await link.watch(max_age_s=self.policy.max_age_s)
        if verdict is LinkEnd.RETIRE:
            self._judge(link)
            return await self._replace(link)
        self._tell_down(link.reason)
        if verdict is LinkEnd.UNSUBSCRIBED:
            if link.refusal is not None:
                raise self._fatal(link.refusal)
            if await self._subscribe_anew(link):
                return link
        self._judge(link)
        self._leave(link)
        return await self._connect()

    async def _connect(self) -> UserLink:
        link = await self._dial()
        self._tell_up()
        return link

    async def _subscribe_anew(self, link: UserLink) -> bool:
        """Subscribe once more on the same connection; tells whether that could be done."""
        try:
            await link.subscribe(self._credentials, self._clock)
        except RequestFailed as failed:
            if judge(failed.failure) is Verdict.KEY:
                raise self._fatal(failed.failure) from None
            link.reason = failed.failure.words
            return False
        self._tell_up()
        return True

    async def _replace(self, old: UserLink) -> UserLink:
        """Subscribe on the next connection while the old one is still read: nothing falls in between."""
        dialing = asyncio.create_task(self._dial())
        try:
            await asyncio.wait({dialing, old.reader}, return_when=asyncio.FIRST_COMPLETED)
            if not dialing.done():
                self._tell_down(old.reason)
            new = await dialing
        finally:
            dialing.cancel()
        if old.has_ended:
            self._tell_down(old.reason)
            self._tell_up()
        else:
            # The new one may run behind the old: what the old one still brings is not yet known to it.
            await asyncio.wait({old.reader, new.reader}, timeout=self.policy.overlap_s)
        self._leave(old)
        return new

    async def _dial(self) -> UserLink:
        """Connect and subscribe, again and again, with pauses; raises what another attempt cannot mend."""
        loop = asyncio.get_running_loop()
        while True:
            since_s = loop.time() - self._attempt_at
            await asyncio.sleep(
                pause_s(self.policy, failures=self._failures, since_attempt_s=since_s, jitter=self._draw())
            )
            self._attempt_at = loop.time()
            try:
                return await self._attempt()
            except RequestFailed as failed:
                if judge(failed.failure) is Verdict.KEY:
                    raise self._fatal(failed.failure) from None
                reason, wait_s = failed.failure.words, failed.failure.wait_s or 0.0
            except Exception as error:  # noqa: BLE001  # what is not on the list is raised as it is
                reason, wait_s = self._explained(error)
            self._failures += 1
            self.trouble = reason
            _log.warning("%s could not be opened: %s", _WHAT, reason)
            await asyncio.sleep(wait_s)

    async def _attempt(self) -> UserLink:
        link = await open_user_link(self.url, self.policy, self._take, ping_s=self._ping_s)
        self._links.add(link)
        try:
            await link.subscribe(self._credentials, self._clock)
        except BaseException:
            self._leave(link)
            raise
        self._welcome = True
        return link

    def _explained(self, error: Exception) -> tuple[str, float]:
        """Give why an attempt failed and how long to wait; raises where another one cannot help."""
        known = explain(error, url=self.url, now_ms=round(time.time() * 1000), what=_WHAT)
        if known is None:
            raise error
        if isinstance(known, RateLimited):
            return str(known), known.wait_s
        if isinstance(known, Banned):
            return str(known), max(0.0, known.until_ms / 1000 - time.time())
        if isinstance(known, Rejected) and (known.status == 401 or not self._welcome):
            raise known from None
        if isinstance(known, ConfigError):
            raise known from None
        if isinstance(known, Rejected):
            # It let us in before: this is a firewall or maintenance, to be waited out.
            self._failures = max(self._failures, _LONGEST_PAUSE)
        return str(known), 0.0

    def _fatal(self, failure: Failure) -> BtRunError:
        return to_error(failure, _WHAT, now_ms=self._clock.now_ms())

    def _judge(self, link: UserLink) -> None:
        """Count a connection that is over; one that died young is a failure."""
        self._failures = 0 if link.lived_s >= self.policy.healthy_s else self._failures + 1

    def _leave(self, link: UserLink) -> None:
        """Close a connection beside the rest: a dead one answers no goodbye, and nobody shall wait for it."""
        self._links.discard(link)
        closing = asyncio.create_task(link.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    # Events.

    def _take(self, payload: Mapping[str, Any]) -> None:
        kind = str(payload.get("e"))
        if kind not in KNOWN_EVENTS:
            if kind not in self._strangers:
                self._strangers.add(kind)
                _log.warning("%s sends %r, which bt-run does not know; it is left out.", _WHAT, kind)
            return
        try:
            decoded = account_event(payload)
        except MALFORMED as error:
            _log.exception("%s sent a %s that cannot be read.", _WHAT, kind)
            self._on_doubt(f"a {kind} could not be read ({type(error).__name__})")
            return
        if isinstance(decoded.event, OrderSeen):
            self._put_order(decoded.event)
        elif isinstance(decoded.event, BalancesSeen):
            self._put_balances(decoded.event)
        if decoded.doubt:
            _log.info("%s: %s", _WHAT, decoded.doubt)
            self._on_doubt(decoded.doubt)

    def _put_order(self, seen: OrderSeen) -> None:
        """Pass an order's event on, unless it came before over this connection or another."""
        key = (seen.symbol, seen.exchange_id, seen.execution_id)
        if key in self._seen:
            return
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._inbox.put(seen)

    def _put_balances(self, seen: BalancesSeen) -> None:
        """Pass balances on, but none that is older than what was told already."""
        news = {
            asset: balance
            for asset, balance in seen.balances.items()
            if seen.time_ms >= self._balances_ms.get(asset, 0)
        }
        self._balances_ms |= dict.fromkeys(news, seen.time_ms)
        if news:
            self._inbox.put(BalancesSeen(news, seen.time_ms))

    def _tell_up(self) -> None:
        self.is_up, self.trouble = True, ""
        self._inbox.put(StreamChanged("up", "subscribed", self._clock.now_ms()))
        self._on_doubt("the account's stream is up, and nothing is replayed")

    def _tell_down(self, reason: str) -> None:
        self.trouble = reason
        if self.is_up:
            self.is_up = False
            self._inbox.put(StreamChanged("down", reason, self._clock.now_ms()))
