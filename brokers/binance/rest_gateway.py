"""
Binance behind the border of `brokers.gateway`: orders, cancels and questions, for the thread that trades.

Nothing that places an order is ever sent again, with one exception: after -1021, which says that nothing was
executed. While the exchange wants us to be quiet (HTTP 429, 418, 403), new orders are refused at once with the
reason; a cancel waits for up to `CANCEL_WAIT_S` seconds, because it protects, and is then refused; a question
waits longer, and raises in the end. A cancel is repeated once where the exchange's id goes along, because that
is harmless.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Literal

from brokers.binance import codec
from brokers.binance.errors import Failure, RequestFailed, Verdict, failed_cancel, failed_order, judge
from brokers.binance.limits import RequestLimits
from brokers.binance.order_params import list_params, order_params
from brokers.binance.questions import AccountQuestions, no_sense
from brokers.binance.rest_client import RestClient
from brokers.binance.server_clock import ServerClock
from brokers.order_events import Rejected, TimedOut
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from brokers.binance.codec import KeyRights
    from brokers.binance.credentials import Credentials
    from brokers.filters import SymbolFilters
    from brokers.gateway import FeeRates, MarketPrices
    from brokers.order_events import Event
    from brokers.orders import Order
    from brokers.reconciling.views import Balance, ExchangeOrder, ExchangeTrade
    from bt_run.core.venue import Venue

__all__ = ["CANCEL_WAIT_S", "BinanceGateway"]

CANCEL_WAIT_S = 5.0
"""The longest pause that a cancel waits out."""

_ORDER = "/api/v3/order"
_WARM_S = 20.0
_QUICK_S = 2.0

_log = logging.getLogger(__name__)


class BinanceGateway:
    """
    A `Gateway` on a venue that speaks Binance's protocol; for one thread.

    Args:
        venue: Where.
        credentials: Who.
        limits: Shared by all clients of this address; a new one by default.
        clock: The exchange's clock, shared by all who sign; a new one by default.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        venue: Venue,
        credentials: Credentials,
        *,
        limits: RequestLimits | None = None,
        clock: ServerClock | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.venue = venue
        self.limits = limits or RequestLimits()
        self.clock = clock or ServerClock()
        self._client = RestClient(venue, credentials, limits=self.limits, clock=self.clock, sleep=sleep)
        self._questions = AccountQuestions(self._client)
        self._sleep = sleep or time.sleep

    def connect(self) -> None:
        """Open the connection and measure the exchange's clock, so that the first order finds all ready."""
        self._client.synchronize()
        self._client.prepare("post", _ORDER)
        self._client.prepare("delete", _ORDER)

    def keep_warm(self, *, idle_s: float = _WARM_S) -> None:
        """
        Ask for the time where nothing was asked for `idle_s` seconds, so that the connection stays open.

        A connection that the exchange has closed costs the next order two or three round trips. Errors are
        logged only: who wants an answer asks.
        """
        if time.monotonic() - self._client.last_used_at < idle_s or self.limits.hold() is not None:
            return
        try:
            self._client.send("get", "/api/v3/time", {}, signed=False)
        except RequestFailed as failed:
            _log.info("The idle connection to %s failed: %s", self.venue.rest_url, failed)

    def interrupt(self) -> None:
        """End the request that is under way, from any thread; the next one opens a new connection."""
        self._client.interrupt()

    def close(self) -> None:
        """End what is under way, from any thread; nothing more is asked."""
        self._client.close()

    # Orders.

    def place(self, order: Order) -> tuple[Event, ...]:
        """Send an order once; see `Gateway`."""
        try:
            params = order_params(order)
        except ConfigError as error:
            return (Rejected(None, f"not sent: {error}"),)
        try:
            return codec.placed(self._place(_ORDER, params), order)
        except RequestFailed as failed:
            return failed_order(failed.failure)
        except codec.MALFORMED as error:
            return _not_understood(error)

    def place_list(
        self, kind: Literal["OCO", "OTO", "OTOCO"], orders: Sequence[Order]
    ) -> Mapping[str, tuple[Event, ...]]:
        """Send an order list once; see `Gateway`."""
        by_id = {order.client_id: order for order in orders}
        try:
            params = list_params(kind, orders)
        except ConfigError as error:
            return dict.fromkeys(by_id, (Rejected(None, f"not sent: {error}"),))
        try:
            return codec.placed_list(self._place(f"/api/v3/orderList/{kind.lower()}", params), by_id)
        except RequestFailed as failed:
            events = failed_order(failed.failure)
        except codec.MALFORMED as error:
            events = _not_understood(error)
        return dict.fromkeys(by_id, events)

    def cancel(self, order: Order) -> tuple[Event, ...]:
        """
        Cancel an order; see `Gateway`.

        Both ids go along where both are known, and must be of one order (-2039): after a reset of the testnet
        another order may have the number. Where the answer is lost soon, it is asked once more by both. The
        cancel itself bears no id of ours: the account's stream tells the order's beside it.
        """
        params: dict[str, Any] = {"symbol": order.symbol, "origClientOrderId": order.client_id}
        if order.exchange_id is not None:
            params["orderId"] = order.exchange_id
        began = time.monotonic()
        try:
            return codec.canceled(self._cancel(params), order.client_id)
        except RequestFailed as failed:
            is_quick = time.monotonic() - began < _QUICK_S
            if order.exchange_id is None or judge(failed.failure) is not Verdict.UNKNOWN or not is_quick:
                return failed_cancel(failed.failure)
        except (StopIteration, *codec.MALFORMED) as error:
            return _not_understood(error)
        return self._cancel_again(params, order)

    # Questions; all of `Gateway`.

    def filters(self, symbol: str) -> SymbolFilters:
        """Give the symbol's rules, those of this account among them."""
        return self._questions.filters(symbol)

    def fees(self, symbol: str) -> FeeRates:
        """Give what trading costs. A discount for paying in BNB is not taken off: it ends with the BNB."""
        return self._questions.fees(symbol)

    def balances(self) -> Mapping[str, Balance]:
        """Give all balances that are not zero."""
        return self._questions.balances()

    def key_rights(self) -> KeyRights:
        """Give what the key may do, for a warning; beyond `Gateway`. Raises ExchangeError."""
        return self._questions.key_rights()

    def account_uid(self) -> int | None:
        """Give the account's number; beyond `Gateway`. Raises ExchangeError."""
        return self._questions.account_uid()

    def server_time_ms(self) -> int:
        """Give the exchange's time by the offset last measured."""
        return self.clock.now_ms()

    def query(self, symbol: str, client_id: str) -> ExchangeOrder | None:
        """Ask for an order by client id; None also for one that was archived (-2026)."""
        found = self._questions.find_order(symbol, client_id)
        return None if isinstance(found, int) else found

    def query_number(self, symbol: str, exchange_id: int) -> ExchangeOrder | None:
        """Ask for an order by number, whose ever it is."""
        found = self._questions.find_order(symbol, exchange_id)
        return None if isinstance(found, int) else found

    def open_orders(self, symbol: str) -> tuple[ExchangeOrder, ...]:
        """Give all open orders of a symbol, foreign ones too."""
        return self._questions.open_orders(symbol)

    def trades(
        self,
        symbol: str,
        *,
        since_trade_id: int | None = None,
        exchange_id: int | None = None,
        start_ms: int | None = None,
    ) -> tuple[ExchangeTrade, ...]:
        """Give the account's trades of a symbol, ascending and complete; all of them where nothing is said."""
        return self._questions.trades(
            symbol, since_trade_id=since_trade_id, exchange_id=exchange_id, start_ms=start_ms
        )

    # Questions beyond `Gateway`, for who looks at the whole account; each raises ExchangeError.

    def all_open_orders(self) -> tuple[ExchangeOrder, ...]:
        """Give the open orders of all symbols, whoever placed them."""
        return self._questions.all_open_orders()

    def newest_orders(self, symbol: str) -> tuple[ExchangeOrder, ...]:
        """Give the newest orders of a symbol, 1000 at most, ascending."""
        return self._questions.newest_orders(symbol)

    def newest_trades(self, symbol: str) -> tuple[ExchangeTrade, ...]:
        """Give the account's newest trades of a symbol, 1000 at most, ascending."""
        return self._questions.newest_trades(symbol)

    def prices(self, symbol: str) -> MarketPrices:
        """Give the prices of a symbol now."""
        return self._questions.prices(symbol)

    # How.

    def _place(self, path: str, params: Mapping[str, str]) -> Any:
        hold = self.limits.hold(new_order=True)
        if hold is not None:
            reason = f"for {hold.wait_s:.0f} more seconds the exchange takes no order from here: {hold.reason}"
            raise RequestFailed(Failure("held", reason))
        return self._client.send_timely("post", path, params)

    def _cancel(self, params: Mapping[str, Any]) -> Any:
        hold = self.limits.hold()
        if hold is not None and hold.wait_s > CANCEL_WAIT_S:
            reason = f"for {hold.wait_s:.0f} more seconds the exchange takes nothing from here: {hold.reason}"
            raise RequestFailed(Failure("held", reason))
        if hold is not None:
            self._sleep(hold.wait_s)
        return self._client.send_timely("delete", _ORDER, params)

    def _cancel_again(self, params: Mapping[str, Any], order: Order) -> tuple[Event, ...]:
        """Repeat a cancel whose fate is not known; a refusal now may mean that the first one did it."""
        try:
            return codec.canceled(self._cancel(params), order.client_id)
        except RequestFailed as failed:
            return (TimedOut(f"the cancel, asked twice: {failed}"),)
        except (StopIteration, *codec.MALFORMED) as error:
            return _not_understood(error)


def _not_understood(error: Exception) -> tuple[Event, ...]:
    """Give what follows from an answer that cannot be read: the request may have been executed."""
    _log.warning("An answer could not be read.", exc_info=error)
    return (TimedOut(no_sense(error)),)
