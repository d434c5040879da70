"""How the account stands: balances and open orders, from the exchange, kept up to date with few questions."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from brokers.gateway import BalancesSeen, OrderSeen, StreamChanged
from bt_run.run.by_hand.draft import Market

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from brokers.binance.rest_gateway import BinanceGateway
    from brokers.filters import SymbolFilters
    from brokers.gateway import AccountEvent, FeeRates
    from brokers.reconciling.views import Balance, ExchangeOrder

__all__ = ["AccountView", "came_up", "moves_money", "symbols_of"]

_KEPT_S = 300.0
_ALGO = ("STOP_LOSS", "TAKE_PROFIT")


class AccountView:
    """
    What was last told of the account. From any thread: questions wait for each other.

    Args:
        gateway: Asks; used by this object alone.
        steady: Gives seconds that nobody sets.
    """

    def __init__(self, gateway: BinanceGateway, *, steady: Callable[[], float] = time.monotonic) -> None:
        self.gateway = gateway
        self.lock = threading.RLock()
        self.balances: dict[str, Balance] = {}
        self.open_orders: dict[str, ExchangeOrder] = {}
        self._steady = steady
        self._read_at = float("-inf")
        self._rules: dict[str, tuple[float, SymbolFilters, FeeRates]] = {}

    def read_all(self) -> None:
        """Ask for balances and all open orders; weighs 100. Raises ExchangeError."""
        with self.lock:
            self.read_open_orders(max_age_s=0.0)
            self.balances = dict(self.gateway.balances())

    def read_open_orders(self, *, max_age_s: float) -> tuple[ExchangeOrder, ...]:
        """
        Give all open orders, asked for again where they are older; weighs 80. Raises ExchangeError.

        Whoever asks often gets the same answer: all weight used up, an order would have to wait too.
        """
        with self.lock:
            if self._steady() - self._read_at >= max_age_s:
                self.open_orders = {told.client_id: told for told in self.gateway.all_open_orders()}
                self._read_at = self._steady()
            return tuple(self.open_orders.values())

    def read_symbols(self, symbols: Iterable[str]) -> None:
        """Ask for balances and the open orders of some symbols. Raises ExchangeError."""
        with self.lock:
            for symbol in symbols:
                others = {name: told for name, told in self.open_orders.items() if told.symbol != symbol}
                told_now = {told.client_id: told for told in self.gateway.open_orders(symbol)}
                self.open_orders = others | told_now
            self.balances = dict(self.gateway.balances())

    def rules(self, symbol: str) -> tuple[SymbolFilters, FeeRates]:
        """Give a symbol's rules and fees, asked for every five minutes. Raises UnknownSymbol, ExchangeError."""
        with self.lock:
            kept = self._rules.get(symbol)
            if kept is None or self._steady() - kept[0] > _KEPT_S:
                found = (self._steady(), self.gateway.filters(symbol), self.gateway.fees(symbol))
                kept = self._rules[symbol] = found
            return kept[1], kept[2]

    def market(self, symbol: str) -> Market:
        """Ask for what a draft looks at. Raises UnknownSymbol, ExchangeError."""
        with self.lock:
            filters, fees = self.rules(symbol)
            prices = self.gateway.prices(symbol)
            self.balances = dict(self.gateway.balances())
            mine = [told for told in self.open_orders.values() if told.symbol == symbol]
        algo = sum(told.type.startswith(_ALGO) for told in mine)
        counts = {"MAX_NUM_ORDERS": len(mine), "MAX_NUM_ALGO_ORDERS": algo}
        return Market(filters, prices, self.balances, fees, counts)


def symbols_of(events: Iterable[AccountEvent]) -> set[str]:
    """Name the symbols of which something was told."""
    return {event.symbol for event in events if isinstance(event, OrderSeen)}


def came_up(events: Iterable[AccountEvent]) -> bool:
    """Tell whether the stream came up, so that what was told before may be old."""
    return any(isinstance(event, StreamChanged) and event.state == "up" for event in events)


def moves_money(events: Iterable[AccountEvent]) -> bool:
    """Tell whether balances changed."""
    return any(isinstance(event, BalancesSeen) for event in events)
