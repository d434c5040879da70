"""What the account shows of an order that the exchange does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brokers.amounts import text_of
from brokers.reconciling.account import SPREAD_MS, compare_balances, stray_orders
from brokers.reconciling.views import Belief, ExchangeView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from brokers.gateway import Gateway
    from brokers.live.desk import Desk
    from brokers.orders import Order
    from brokers.reconciling.views import ExchangeOrder

__all__ = ["Evidence", "TradeOwners"]


class TradeOwners:
    """Finds an order by the number that its trades tell; another's number is remembered and asked for once."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._others: set[tuple[str, int]] = set()

    def seek(self, order: Order, numbers: Iterable[int]) -> ExchangeOrder | int | None:
        """
        Give the order where a number of its symbol is its own, or a number of which nobody knows whose it is.

        None where all are others'. Raises ExchangeError.
        """
        for number in numbers:
            if (order.symbol, number) in self._others:
                continue
            told = self._gateway.query_number(order.symbol, number)
            if told is None:
                return number
            if told.client_id == order.client_id:
                return told
            self._others.add((order.symbol, number))
        return None


class Evidence:
    """
    Looks for what speaks against an absence: a trade that no known order made, or coins or cash that are gone.

    One copy of the exchange's books may lag where others do not. Whose the trade is, the number of its order
    tells.
    """

    def __init__(self, desk: Desk, gateway: Gateway) -> None:
        self._desk = desk
        self._gateway = gateway
        self._owners = TradeOwners(gateway)

    def against(self, order: Order) -> ExchangeOrder | str:
        """
        Give the order itself where its number leads to it, else a sentence on what contradicts its absence.

        The sentence is empty where nothing does. Raises ExchangeError where a question was not answered.
        """
        desk, symbol = self._desk, order.symbol
        start_ms = max(0, order.created_ms - SPREAD_MS)
        trades = self._gateway.trades(symbol, start_ms=start_ms)
        belief = Belief(desk.orders, desk.ledger, frozenset())
        strays = stray_orders(symbol, belief, ExchangeView(trades=trades), since_ms=order.created_ms)
        found = self._owners.seek(order, (number for _, number in strays))
        if isinstance(found, int):
            return f"a trade of order {found} is listed, of which nobody knows whose it is"
        return self._shortage(order) if found is None else found

    def _shortage(self, order: Order) -> str:
        """Say what the account lacks of the assets of the order."""
        holding = self._desk.ledger.holding(order.symbol)
        _, short = compare_balances(self._desk.ledger, self._gateway.balances())
        for lack in short:
            if lack.asset in (holding.base_asset, holding.quote_asset):
                told, believed = text_of(lack.told), text_of(lack.believed)
                return f"the account holds {told} {lack.asset}, the books say {believed}"
        return ""
