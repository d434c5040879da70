"""What a live run is connected with: one background thread, one hub for bars, and whoever executes orders."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brokers.binance.account_check import AccountCheck
from brokers.binance.limits import RequestLimits
from brokers.binance.rest_gateway import BinanceGateway
from brokers.binance.server_clock import JUMP_S, ServerClock
from brokers.binance.user_stream import UserStream
from brokers.gateway import AccountReport, Inbox, OrderSeen
from bt_run.core.background import BackgroundLoop, Bell
from bt_run.core.errors import ConfigError
from bt_run.core.stream_policy import StreamPolicy
from feeds.live.hub import LiveHub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future

    from brokers.binance.credentials import Credentials
    from brokers.gateway import AccountEvent, Gateway
    from bt_run.core.venue import Venue

__all__ = ["Account", "Chime", "LiveInbox", "LiveWire"]

_log = logging.getLogger(__name__)

_CLOSE_S = 0.4  # an exchange that does not say goodbye must not hold up the end


class Chime:
    """
    Bells that ring together: each who waits has one of its own, and every ring wakes them all.

    Cerebro lets its feeds wait one after the other. With one bell the first would use up the ring, and the next
    would sleep on while something waits for the broker.
    """

    def __init__(self) -> None:
        self._bells: list[_Member] = []

    def bell(self) -> Bell:
        """Give one more bell."""
        self._bells.append(_Member(self.ring))
        return self._bells[-1]

    def ring(self) -> None:
        """Ring all; from any thread."""
        for bell in self._bells:
            bell.ring_alone()


class _Member(Bell):
    def __init__(self, ring_all: Callable[[], None]) -> None:
        super().__init__()
        self._ring_all = ring_all

    def ring(self) -> None:
        """Ring this one and all others."""
        self._ring_all()

    def ring_alone(self) -> None:
        """Ring this one."""
        super().ring()


@dataclass(slots=True)
class LiveInbox(Inbox):
    """An inbox that knows how far the account's stream has come, and how many reports came."""

    execution_id: int = 0
    """The highest number of an execution report so far (Binance's ``I``)."""
    reports: int = 0

    def put(self, event: AccountEvent) -> None:
        """Add an event and wake the thread that trades."""
        self._waiting.append(event)
        if isinstance(event, OrderSeen):
            self.execution_id = max(self.execution_id, event.execution_id)
        elif isinstance(event, AccountReport):
            self.reports += 1
        self.ring()


@dataclass(slots=True)
class Account:
    """
    Whoever executes orders, and how it stands; of a simulation only the gateway.

    `exchange` is the gateway where it is Binance's, for what goes beyond `Gateway`.
    """

    gateway: Gateway
    exchange: BinanceGateway | None = None
    stream: UserStream | None = None
    check: AccountCheck | None = None
    _asked: frozenset[tuple[str, str]] = frozenset()
    _doubted: str = ""
    _ahead_s: float | None = None

    @property
    def is_up(self) -> bool:
        """Tell whether events of the account come now."""
        return self.stream is None or self.stream.is_up

    @property
    def trouble(self) -> str:
        """Say what is wrong with the account's connections; empty where nothing is."""
        parts = (self.stream, self.check)
        return next((part.trouble for part in parts if part is not None and part.trouble), "")

    def look_soon(self, reason: str) -> bool:
        """Let the account be checked over REST now; False where there is nothing to check."""
        if self.check is None:
            return False
        self.check.check_soon(reason)
        return True

    def follow_doubts(self, asks: Iterable[tuple[str, str]], trouble: str) -> None:
        """
        Let the check ask for the orders (symbol, client id) that are in doubt, and no others.

        It begins at once where `trouble` between orders and exchange is new.
        """
        if trouble != self._doubted:
            self._doubted = trouble
            if trouble:
                self.look_soon(trouble)
        now = frozenset(asks)
        if self.check is None or now == self._asked:
            return
        for symbol, client_id in now - self._asked:
            self.check.ask(symbol, client_id)
        for _, client_id in self._asked - now:
            self.check.forget(client_id)
        self._asked = now

    def expect_trades(self, newest: dict[str, tuple[int, int]]) -> None:
        """Let the check look for the newest trades of the books, id and time by symbol; takes them."""
        while newest:
            symbol, (trade_id, time_ms) = newest.popitem()
            if self.check is not None:
                self.check.expect(symbol, trade_id, time_ms)

    def keep_warm(self) -> None:
        """Keep the connection for orders open."""
        if self.exchange is not None:
            self.exchange.keep_warm()

    def look_at_clock(self) -> str:
        """Have the exchange's time measured at once where ours was set; gives a sentence, once a jump."""
        if self.exchange is None:
            return ""
        ahead_s = self.exchange.clock.wall_ahead_s()
        jump_s, self._ahead_s = ahead_s - (ahead_s if self._ahead_s is None else self._ahead_s), ahead_s
        if abs(jump_s) < JUMP_S:
            return ""
        how = f"{'forward' if jump_s > 0 else 'back'} by {abs(jump_s):.0f} s"
        sentence = f"This machine's clock was set {how}. Trading goes by the exchange's; it is measured anew."
        self.look_soon(sentence)
        return sentence

    def interrupt(self) -> None:
        """End the request that is under way, from any thread; later ones can be made."""
        if self.exchange is not None:
            self.exchange.interrupt()

    def cut(self) -> None:
        """End the request that is under way and all that would follow, from any thread."""
        if self.exchange is not None:
            self.exchange.close()


class LiveWire:
    """
    The threads and connections of one run; `close` ends all of them.

    Args:
        venue: Where market data comes from.
        on_error: Told of errors that nobody awaits.
    """

    def __init__(self, venue: Venue, *, on_error: Callable[[BaseException], None] = lambda error: None) -> None:
        self.venue = venue
        self.chime = Chime()
        self.bell = self.chime.bell()
        self.inbox = LiveInbox(ring=self.bell.ring)
        self.background = BackgroundLoop("bt-run wire", on_error=on_error).start()
        self.hub = LiveHub(venue, background=self.background)
        self._futures: list[Future[None]] = []

    def watch(self, future: Future[None]) -> None:
        """Raise in `check` what ends this task; it also rings the bell."""
        self._futures.append(future)
        future.add_done_callback(lambda done: self.bell.ring())

    def check(self) -> None:
        """Raise what has ended a task that should not end."""
        for future in self._futures:
            if future.done() and not future.cancelled():
                error = future.exception()
                if error is not None:
                    raise error

    def open_exchange(self, credentials: Credentials) -> Account:
        """
        Connect with the venue for orders; the account's stream is not open yet, see `open_account`.

        Raises ExchangeError, ConfigError.
        """
        if not self.venue.ws_api_url:
            raise ConfigError(
                f"The venue {self.venue.name!r} takes no orders. Choose testnet, demo, practice or mainnet, "
                f"or --paper to trade on its market data."
            )
        gateway = BinanceGateway(self.venue, credentials, limits=RequestLimits(), clock=ServerClock())
        gateway.connect()
        return Account(gateway, exchange=gateway)

    def open_account(
        self,
        account: Account,
        credentials: Credentials,
        *,
        symbols: Iterable[str],
        since_trade_ids: Mapping[str, int],
    ) -> None:
        """Let the account's events come, and check them over REST; before the journal is compared."""
        exchange = account.exchange
        if exchange is None:
            return
        check = AccountCheck(
            self.venue,
            credentials,
            self.inbox,
            self.background,
            symbols=symbols,
            limits=exchange.limits,
            clock=exchange.clock,
            since_trade_ids=since_trade_ids,
        )
        stream = UserStream(
            self.venue,
            credentials,
            self.inbox,
            policy=StreamPolicy(close_s=_CLOSE_S),
            clock=exchange.clock,
            on_doubt=check.check_soon,
        )
        account.check, account.stream = check, stream
        self.watch(stream.start(self.background))
        self.watch(check.start())

    def close(self, *, limit_s: float = 2.0) -> None:
        """End all threads and connections."""
        self.background.stop(limit_s=limit_s)
