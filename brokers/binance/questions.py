"""What can be asked about the account and its orders, over one thread's client."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

from brokers.binance import codec
from brokers.binance.errors import RequestFailed
from brokers.filters import SymbolFilters
from bt_run.core.errors import Disconnected, ExchangeError, Rejected, UnknownSymbol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from brokers.binance.codec import KeyRights
    from brokers.binance.rest_client import RestClient
    from brokers.gateway import FeeRates, MarketPrices
    from brokers.reconciling.views import Balance, ExchangeOrder, ExchangeTrade

__all__ = ["AccountQuestions", "no_sense"]

_PAGE = 1000
_UNKNOWN_ORDER = -2013
_NO_SYMBOL = (-1121, -1100)
_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class AccountQuestions:
    """
    Questions; each raises ExchangeError where it was not answered after some attempts.

    Weights: rest-api.md (read 2026-07-21).
    """

    def __init__(self, client: RestClient) -> None:
        self._client = client

    def filters(self, symbol: str) -> SymbolFilters:
        """Give the symbol's rules, those of this account among them. Raises UnknownSymbol too."""
        what = f"The rules of {symbol}"
        asked = {"symbol": symbol}
        try:
            info = self._client.ask("/api/v3/exchangeInfo", asked, weight=20, what=what, signed=False)
        except Rejected as error:
            if error.code in _NO_SYMBOL:
                raise UnknownSymbol(symbol, self._symbols()) from None
            raise
        _read(what, lambda: self._note_limits(info))
        found = _read(what, lambda: next(item for item in info["symbols"] if item["symbol"] == symbol))
        return SymbolFilters.of(found, others=[*info.get("exchangeFilters", ()), *self._own_filters(symbol)])

    def fees(self, symbol: str) -> FeeRates:
        """Give what trading costs at most."""
        what = f"The fees of {symbol}"
        answer = self._client.ask("/api/v3/account/commission", {"symbol": symbol}, weight=20, what=what)
        return _read(what, lambda: codec.fee_rates(answer))

    def balances(self) -> dict[str, Balance]:
        """Give all balances that are not zero."""
        account = self._account()
        return _read("The balances", lambda: codec.balances(account))

    def key_rights(self) -> KeyRights:
        """Give what the key may do. Mainnet tells of the key; other venues only of the account."""
        if self._client.venue.name != "mainnet":
            account = self._account()
            return codec.KeyRights(account.get("canTrade"), account.get("canWithdraw"))
        what = "The rights of the key"
        told = self._client.ask("/sapi/v1/account/apiRestrictions", {}, weight=1, what=what)
        return codec.KeyRights(
            told.get("enableSpotAndMarginTrading"), told.get("enableWithdrawals"), told.get("ipRestrict")
        )

    def account_uid(self) -> int | None:
        """Give the account's number; None where the exchange does not tell it."""
        uid = self._account().get("uid")
        return uid if isinstance(uid, int) else None

    def find_order(self, symbol: str, name: str | int) -> ExchangeOrder | int:
        """Give an order by client id or by number, or the code with which it is not known (-2013, -2026)."""
        what = f"Order {name}"
        params = {"symbol": symbol, "origClientOrderId" if isinstance(name, str) else "orderId": name}
        try:
            answer = self._client.ask("/api/v3/order", params, weight=4, what=what, urgent=True)
        except RequestFailed as failed:
            return failed.failure.code or _UNKNOWN_ORDER
        return _read(what, lambda: codec.exchange_order(answer))

    def open_orders(self, symbol: str) -> tuple[ExchangeOrder, ...]:
        """Give all open orders of a symbol, foreign ones too."""
        what = f"The open orders of {symbol}"
        answer = self._client.ask("/api/v3/openOrders", {"symbol": symbol}, weight=6, what=what)
        return _read(what, lambda: tuple(codec.exchange_order(item) for item in answer))

    def all_open_orders(self) -> tuple[ExchangeOrder, ...]:
        """Give the open orders of all symbols; it weighs as much as thirteen of one."""
        what = "The open orders"
        answer = self._client.ask("/api/v3/openOrders", {}, weight=80, what=what)
        return _read(what, lambda: tuple(codec.exchange_order(item) for item in answer))

    def newest_orders(self, symbol: str) -> tuple[ExchangeOrder, ...]:
        """Give the newest orders of a symbol, 1000 at most, ascending, whoever placed them."""
        what = f"The orders of {symbol}"
        params = {"symbol": symbol, "limit": _PAGE}
        answer = self._client.ask("/api/v3/allOrders", params, weight=20, what=what)
        return _read(what, lambda: tuple(codec.exchange_order(item) for item in answer))

    def newest_trades(self, symbol: str) -> tuple[ExchangeTrade, ...]:
        """Give the account's newest trades of a symbol, 1000 at most, ascending."""
        return _read(
            f"The trades of {symbol}",
            lambda: tuple(sorted(self._trades_page(symbol, {}), key=lambda trade: trade.trade_id)),
        )

    def prices(self, symbol: str) -> MarketPrices:
        """Give the prices of a symbol now. An empty side of the book is as the last trade."""
        what, asked = f"The prices of {symbol}", {"symbol": symbol}
        told = [
            self._client.ask(f"/api/v3/{path}", asked, weight=weight, what=what, signed=False)
            for path, weight in (("ticker/bookTicker", 2), ("ticker/price", 2), ("avgPrice", 2))
        ]
        return _read(what, lambda: codec.market_prices(*told))

    def trades(
        self,
        symbol: str,
        *,
        since_trade_id: int | None = None,
        exchange_id: int | None = None,
        start_ms: int | None = None,
    ) -> tuple[ExchangeTrade, ...]:
        """
        Give the account's trades of a symbol, ascending and complete: page after page until there are no more.

        From an id on, of one order, from a time on (ms since 1970 UTC; then neither of the others), or all.
        """
        found: dict[int, ExchangeTrade] = {}
        where: dict[str, Any] = {"fromId": since_trade_id or 0}
        if exchange_id is not None:
            where["orderId"] = exchange_id
        if start_ms is not None:
            where = {"startTime": start_ms}
        while True:
            page = self._trades_page(symbol, where)
            news = [trade for trade in page if trade.trade_id not in found]
            found |= {trade.trade_id: trade for trade in news}
            if len(page) < _PAGE or not news:
                return tuple(found[number] for number in sorted(found) if number >= (since_trade_id or 0))
            where.pop("startTime", None)
            where["fromId"] = max(found) + 1

    def _trades_page(self, symbol: str, where: Mapping[str, Any]) -> list[ExchangeTrade]:
        what = f"The trades of {symbol}"
        params = {"symbol": symbol, "limit": _PAGE, **where}
        weight = 5 if "orderId" in where else 20
        answer = self._client.ask("/api/v3/myTrades", params, weight=weight, what=what)
        return _read(what, lambda: [codec.exchange_trade(item) for item in answer])

    def _account(self) -> Any:
        params = {"omitZeroBalances": "true"}
        return self._client.ask("/api/v3/account", params, weight=20, what="The account")

    def _own_filters(self, symbol: str) -> list[Any]:
        """Give the filters of this account alone; none where the venue does not know them."""
        try:
            told = self._client.ask("/api/v3/myFilters", {"symbol": symbol}, weight=40, what="The own filters")
        except Rejected as error:
            _log.info("%s", error)
            return []
        return [*told.get("exchangeFilters", ()), *told.get("assetFilters", ())]

    def _symbols(self) -> list[str]:
        """Give all symbols for a suggestion; none where even that fails, because the first error counts."""
        try:
            info = self._client.ask("/api/v3/exchangeInfo", {}, weight=20, what="exchangeInfo", signed=False)
        except ExchangeError:
            return []
        return [item["symbol"] for item in info.get("symbols", ())]

    def _note_limits(self, info: Mapping[str, Any]) -> None:
        for limit in info.get("rateLimits", ()):
            if limit.get("rateLimitType") == "REQUEST_WEIGHT" and limit.get("interval") == "MINUTE":
                self._client.limits.limit = int(limit["limit"]) // int(limit.get("intervalNum", 1))


def no_sense(error: Exception) -> str:
    """Say that an answer cannot be read."""
    return f"the answer is not what it should be ({type(error).__name__}: {error})"


def _read(what: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except (StopIteration, *codec.MALFORMED) as error:
        raise Disconnected(what, reason=no_sense(error)) from error
