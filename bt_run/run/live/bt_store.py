"""The live feed and the live broker for somebody's own Backtrader script, put together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from brokers.binance.credentials import find_credentials
from brokers.bt_broker import BinanceBroker
from bt_run.core.errors import ConfigError
from bt_run.core.venue import find_venue
from bt_run.run.live.real_money import is_real
from bt_run.run.live.wire import LiveWire
from feeds.bt_live import LiveFeed

if TYPE_CHECKING:
    from brokers.binance.credentials import Credentials
    from bt_run.core.interval import Interval
    from bt_run.core.venue import Venue
    from bt_run.run.live.wire import Account

__all__ = ["BinanceStore"]

_LOOK_S = 0.5
_CALM_S = 2.0  # so long before a bar's end the connection for orders is left alone


class BinanceStore:
    """
    Feeds and a broker of one venue for one Cerebro, on one connection.

    ::

        store = BinanceStore("testnet")
        cerebro.adddata(store.getdata("BTCUSDT", "1m"))
        cerebro.setbroker(store.getbroker(cash=500))

    It keeps no journal and has no limits: each start begins with new books, and orders that an earlier one left
    on the exchange are not touched. ``bt-run live`` goes on where it was.

    Args:
        venue: Its name, such as ``testnet``, ``demo``, ``practice`` or ``mainnet``, or a venue.
        credentials: Who trades; by default from the environment or ``.env``.
        real_money: Allows a venue that trades real money.

    Raises:
        ConfigError: no such venue, no key, or real money that was not allowed.
    """

    def __init__(
        self,
        venue: str | Venue = "testnet",
        *,
        credentials: Credentials | None = None,
        real_money: bool = False,
    ) -> None:
        self.venue = find_venue(venue) if isinstance(venue, str) else venue
        if is_real(self.venue) and not real_money:
            raise ConfigError(
                f"{self.venue.name} trades real money. Try the script on the testnet first; "
                f"then write BinanceStore({self.venue.name!r}, real_money=True)."
            )
        self._credentials = credentials or find_credentials(self.venue.name)
        self._wire = LiveWire(self.venue)
        self._feeds: list[LiveFeed] = []

    def getdata(self, symbol: str, interval: str | Interval = "1m", **options: Any) -> LiveFeed:
        """Make a feed; `options` are those of `LiveFeed`, such as ``history=500``. Raises ConfigError."""
        wire = self._wire
        feed = LiveFeed(
            symbol, interval, background=wire.background, bell=wire.chime.bell(), hub=wire.hub, **options
        )
        self._feeds.append(feed)
        return feed

    def getbroker(self, **options: Any) -> BinanceBroker:
        """
        Connect with the account and make the broker; `options` are those of `BinanceBroker`, such as ``cash``.

        Raises:
            ConfigError, ExchangeError.
        """
        account = self._wire.open_exchange(self._credentials)
        return _StoreBroker(self, account, gateway=account.gateway, inbox=self._wire.inbox, **options)

    # For the broker.

    def open_account(self, account: Account) -> None:
        """Let the account's events come, for the symbols of all feeds."""
        symbols = dict.fromkeys(feed.symbol for feed in self._feeds)
        self._wire.open_account(account, self._credentials, symbols=symbols, since_trade_ids={})

    def look_around(self, account: Account) -> None:
        """Raise what has ended a connection for good; keep the one for orders open between bars."""
        self._wire.check()
        if all(feed.status().bar_left_s > _CALM_S for feed in self._feeds):
            account.keep_warm()

    def close(self) -> None:
        """End all connections; Cerebro's end does it."""
        self._wire.close()


class _StoreBroker(BinanceBroker):
    """`BinanceBroker` that opens, watches and closes what its store has."""

    def __init__(self, store: BinanceStore, account: Account, **asked: Any) -> None:
        super().__init__(**asked)
        self._store = store
        self._account = account
        self._looked_at = float("-inf")

    def start(self) -> None:
        """Begin to hear of the account, then as `BinanceBroker`."""
        self._store.open_account(self._account)
        super().start()

    def next(self) -> None:
        """Work a turn."""
        super().next()
        self._account.follow_doubts(self.asks, self.trouble)
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_S:
            self._looked_at = now
            self._store.look_around(self._account)

    def stop(self) -> None:
        """End the run and all connections."""
        super().stop()
        self._store.close()
