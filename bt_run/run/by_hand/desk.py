"""
The desk for orders by hand: one account, one journal, from any thread.

The account's stream only rings the bell: what it means is asked for over REST, so a stream that is down costs
seconds and nothing else.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brokers.binance.limits import RequestLimits
from brokers.binance.rest_gateway import BinanceGateway
from brokers.binance.server_clock import ServerClock
from brokers.binance.user_stream import UserStream
from brokers.gateway import Inbox
from bt_run.core.background import BackgroundLoop, Bell
from bt_run.core.errors import BtRunError, ConfigError
from bt_run.journal.hand_orders import HandOrders
from bt_run.run.by_hand.account import AccountView, came_up, moves_money, symbols_of
from bt_run.run.by_hand.book import order_in
from bt_run.run.by_hand.limits import HandLimits
from bt_run.run.by_hand.placing import Placing
from bt_run.run.by_hand.positions import position_of
from bt_run.run.by_hand.rows import balance_rows, merged, row_of_exchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from brokers.binance.credentials import Credentials
    from brokers.orders import Order
    from brokers.reconciling.views import ExchangeOrder, ExchangeTrade
    from bt_run.core.venue import Venue
    from bt_run.run.by_hand.draft import Draft
    from bt_run.run.by_hand.placing import Placed
    from bt_run.run.by_hand.positions import Position
    from bt_run.run.by_hand.rows import BalanceRow, OrderRow
    from bt_run.run.by_hand.wish import Source, Wish

__all__ = ["AccountNews", "HandDesk"]

_FULL_S = 30.0
_FULL_WITHOUT_STREAM_S = 5.0
_LEAST_S = 1.0
_OPEN_AGE_S = 2.0
_SHOWN = 100
_MOST = 10_000
_BROKEN = (
    "An error in bt-run: the account is not followed any more. What it is stands where bt-run web was started."
)


@dataclass(frozen=True, slots=True)
class AccountNews:
    """How the account stands: balances, open orders and the newest ones; `trouble` says what is wrong."""

    balances: tuple[BalanceRow, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    trouble: str = ""


class HandDesk:
    """
    Orders by hand and how the account stands, from `start` to `stop`.

    Set `listener` and `is_watched` before `start`: the first gets news in the desk's own thread, and must not
    wait; where nobody looks and nothing is open, nothing is asked.

    Args:
        venue: Where.
        credentials: Who.
        journal: Where orders are written down; a file's name or a URL.
        limits: What no order may be.
        world: Names the exchange in the journal; the venue's name by default. Another one for an exchange that
            lives no longer than this desk.
        account_uid: The uid that the account must have; see `allow_real_money`.

    Raises:
        ConfigError: the venue takes no orders; or as `HandOrders`.
        JournalError: as `HandOrders`.
    """

    def __init__(
        self,
        venue: Venue,
        credentials: Credentials,
        *,
        journal: str,
        limits: HandLimits | None = None,
        world: str = "",
        account_uid: str | None = None,
    ) -> None:
        if not venue.ws_api_url:
            raise ConfigError(f"The venue {venue.name!r} takes no orders.")
        self.venue = venue
        self.limits = limits or HandLimits()
        self.news = AccountNews()
        self.listener: Callable[[AccountNews], object] = lambda news: None
        self.is_watched: Callable[[], bool] = lambda: True
        self._world = world or venue.name
        self._table = HandOrders(journal)
        weight, clock = RequestLimits(), ServerClock()
        self._gateway = BinanceGateway(venue, credentials, limits=weight, clock=clock)
        self._account = AccountView(BinanceGateway(venue, credentials, limits=weight, clock=clock))
        self._placing = Placing(
            self._gateway,
            self._account,
            self._table,
            limits=self.limits,
            world=self._world,
            touched=self._touch,
            account_uid=account_uid,
        )
        self._touched: deque[str] = deque()
        self._full_at = float("-inf")
        self._bell = Bell()
        self._inbox = Inbox(ring=self._bell.ring)
        self._background = BackgroundLoop("bt-run account")
        self._stream = UserStream(venue, credentials, self._inbox, clock=clock)
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="bt-run account watch", daemon=True)

    def start(self) -> HandDesk:
        """Begin to follow the account; gives itself. An exchange that cannot be reached is tried again."""
        self._background.start()
        self._stream.start(self._background)
        self._bell.ring()
        self._thread.start()
        return self

    def stop(self) -> None:
        """End all threads and connections; what is not known of an order is asked for at the next start."""
        self._quit.set()
        self._bell.ring()
        self._account.gateway.close()
        self._thread.join(5.0)
        self._gateway.close()
        self._background.stop(limit_s=3.0)
        self._table.close()

    def wake(self) -> None:
        """Look at the whole account soon, for somebody who has just come."""
        self._full_at = float("-inf")
        self._bell.ring()

    # Orders.

    def check(self, wish: Wish) -> Draft:
        """Give what would be sent and what speaks against it; sends nothing. Raises ExchangeError."""
        return self._placing.check(wish)

    def place(self, wish: Wish, *, key: str, source: Source = "hand") -> Placed:
        """Place an order once for a key; see `Placing.place`."""
        return self._placing.place(wish, key=key, source=source)

    def cancel(self, client_id: str) -> tuple[OrderRow, ...]:
        """Cancel an order and the list that it belongs to; see `Placing.cancel`."""
        return self._placing.cancel(client_id)

    def cancel_all(self, symbol: str) -> tuple[OrderRow, ...]:
        """Cancel all open orders by hand of a symbol; see `Placing.cancel_all`."""
        return self._placing.cancel_all(symbol)

    def orders(self, *, symbol: str = "", count: int = 1000) -> list[OrderRow]:
        """
        Give orders of the account, the newest first: all that are open and those by hand; with a symbol, its
        newest thousand at the exchange too, whoever placed them. Raises ExchangeError, JournalError.
        """
        ours = self._placing.rows(self._table.newest(self._world, count, symbol=symbol))
        told: tuple[ExchangeOrder, ...]
        with self._account.lock:
            if symbol:
                told = self._account.gateway.newest_orders(symbol)
            else:
                told = self._account.read_open_orders(max_age_s=_OPEN_AGE_S)
        return merged(ours, [row_of_exchange(item) for item in told])

    # What there is.

    def trades(self, symbol: str) -> tuple[ExchangeTrade, ...]:
        """Give the account's newest thousand trades of a symbol, ascending. Raises ExchangeError."""
        with self._account.lock:
            return self._account.gateway.newest_trades(symbol)

    def balances(self) -> list[BalanceRow]:
        """Ask for all balances. Raises ExchangeError."""
        with self._account.lock:
            self._account.read_symbols(())
            return balance_rows(self._account.balances)

    def positions(self) -> list[tuple[Position, Decimal]]:
        """Give what each symbol's orders by hand come to, with the last price. Raises ExchangeError."""
        by_symbol: dict[str, list[Order]] = {}
        for record in self._table.newest(self._world, _MOST):
            by_symbol.setdefault(record.order.symbol, []).append(order_in(record))
        found = []
        for symbol, orders in sorted(by_symbol.items()):
            if not any(order.fills for order in orders):
                continue
            with self._account.lock:
                filters, _ = self._account.rules(symbol)
                last = self._account.gateway.prices(symbol).last
            found.append((position_of(symbol, filters.base_asset, filters.quote_asset, orders), last))
        return found

    # The desk's own thread.

    def _touch(self, symbol: str) -> None:
        self._touched.append(symbol)
        self._bell.ring()

    def _follow(self) -> None:
        is_well = True
        while not self._quit.is_set():
            limit_s = _FULL_S if self._stream.is_up and is_well else _FULL_WITHOUT_STREAM_S
            self._bell.wait(limit_s)
            if self._quit.is_set():
                return
            try:
                self._turn(limit_s)
                is_well = True
            except BtRunError as error:
                is_well, self._full_at = False, float("-inf")
                self._tell(replace(self.news, trouble=str(error)))
            except Exception:
                self._tell(replace(self.news, trouble=_BROKEN))
                raise
            self._quit.wait(_LEAST_S)

    def _turn(self, limit_s: float) -> None:
        events = self._inbox.take()
        touched = symbols_of(events)
        while self._touched:
            touched.add(self._touched.popleft())
        if not (self.is_watched() or self._table.unsettled(self._world)):
            self._full_at = float("-inf")
            return
        if came_up(events) or time.monotonic() - self._full_at > limit_s - _LEAST_S:
            self._full_at = time.monotonic()
            self._account.read_all()
        elif touched or moves_money(events):
            self._account.read_symbols(sorted(touched))
        self._placing.settle_open()
        self._tell(self._stand())

    def _stand(self) -> AccountNews:
        ours = self._placing.rows(self._table.newest(self._world, _SHOWN))
        theirs = [row_of_exchange(told) for told in self._account.open_orders.values()]
        balances = balance_rows(self._account.balances)
        return AccountNews(tuple(balances), tuple(merged(ours, theirs)), self._placing.trouble)

    def _tell(self, news: AccountNews) -> None:
        if news != self.news:
            self.news = news
            self.listener(news)
