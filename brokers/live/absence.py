"""What the account shows of an order that the exchange does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brokers.amounts import text_of
from brokers.reconciling.account import SPREAD_MS, compare_balances, stray_orders
from brokers.reconciling.views import Belief, ExchangeOrder, ExchangeView

if TYPE_CHECKING:
    from brokers.gateway import Gateway
    from brokers.live.desk import Desk
    from brokers.orders import Order

__all__ = ["Evidence"]


class Evidence:
    """
    Looks for what speaks against an absence: a trade that no known order made, or coins or cash that are gone.

    One copy of the exchange's books may lag where others do not. Whose the trade is, the number of its order
    tells; another's is remembered, so that it is asked for once.
    """

    def __init__(self, desk: Desk, gateway: Gateway) -> None:
        self._desk = desk
        self._gateway = gateway
        self._others: dict[tuple[str, int], ExchangeOrder] = {}

    def against(self, order: Order) -> ExchangeOrder | str:
        """
        Give the order itself where its number leads to it, else a sentence on what contradicts its absence.

        The sentence is empty where nothing does. Raises ExchangeError where a question was not answered.
        """
        desk, symbol = self._desk, order.symbol
        start_ms = max(0, order.created_ms - SPREAD_MS)
        trades = self._gateway.trades(symbol, start_ms=start_ms)
        belief = Belief(desk.orders, desk.ledger, frozenset())
        view = ExchangeView(queried=tuple(self._others.values()), trades=trades)
        for where, number in stray_orders(symbol, belief, view, since_ms=order.created_ms):
            told = self._gateway.query_number(where, number)
            if told is None:
                return f"a trade of order {number} is listed, of which nobody knows whose it is"
            if told.client_id == order.client_id:
                return told
            self._others[where, number] = told
        return self._shortage(order)

    def _shortage(self, order: Order) -> str:
        """Say what the account lacks of the assets of the order."""
        holding = self._desk.ledger.holding(order.symbol)
        _, short = compare_balances(self._desk.ledger, self._gateway.balances())
        for lack in short:
            if lack.asset in (holding.base_asset, holding.quote_asset):
                told, believed = text_of(lack.told), text_of(lack.believed)
                return f"the account holds {told} {lack.asset}, the books say {believed}"
        return ""
