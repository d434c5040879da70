"""All orders, lists, fills and amendments of the account, and how to find them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bt_run.practice.orders import Fill, Order, OrderList
    from bt_run.practice.trading.answers import Amendment

__all__ = ["Records", "no_ids", "page", "wrong_pair"]

_Row = TypeVar("_Row")


def no_ids() -> Refusal:
    """Make Binance's refusal where a request names no order."""
    return Refusal(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")


def wrong_pair() -> Refusal:
    """Make Binance's refusal where the two ids of a request are of two orders (since 2025-05-07)."""
    return Refusal(-2039, "Client order ID is not correct for this order ID.")


def page(rows: Sequence[_Row], limit: int, *, oldest: bool) -> list[_Row]:
    """Give the first `limit` rows, or the last ones, oldest first."""
    return list(rows[:limit] if oldest else rows[-limit:])


class Records:
    """
    The account's history by id. Every change of an order is a `put` of its next state.

    A client id is unique among the open orders of a symbol only; after an order ended its id may be used
    again, and then means the latest order that has it.
    """

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.lists: dict[int, OrderList] = {}
        self.placed: dict[int, tuple[Order, ...]] = {}
        self.amendments: dict[int, tuple[Amendment, ...]] = {}
        self._of_symbol: dict[str, list[int]] = defaultdict(list)
        self._open: dict[str, dict[int, None]] = defaultdict(dict)
        self._by_client_id: dict[tuple[str, str], int] = {}
        self._fills: dict[str, list[Fill]] = defaultdict(list)
        self._by_list_id: dict[str, int] = {}

    def put(self, order: Order) -> None:
        """Keep an order, or its next state."""
        symbol = order.ticket.symbol
        former = self.orders.get(order.order_id)
        if former is None:
            self._of_symbol[symbol].append(order.order_id)
        elif former.client_order_id != order.client_order_id:
            self._by_client_id.pop((symbol, former.client_order_id), None)
        if former is None or former.client_order_id != order.client_order_id:
            self._by_client_id[symbol, order.client_order_id] = order.order_id
        self.orders[order.order_id] = order
        if order.is_open:
            self._open[symbol][order.order_id] = None
        else:
            self._open[symbol].pop(order.order_id, None)

    def put_list(self, order_list: OrderList) -> None:
        """Keep an order list, or its next state."""
        self.lists[order_list.list_id] = order_list
        self._by_list_id[order_list.client_list_id] = order_list.list_id

    def add_fill(self, fill: Fill) -> None:
        """Keep a trade."""
        self._fills[fill.symbol].append(fill)

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Give what is open, of one symbol or of all, oldest first."""
        if symbol is not None:
            return [self.orders[key] for key in self._open[symbol]]
        return [self.orders[key] for key in sorted(key for ids in self._open.values() for key in ids)]

    def open_lists(self, symbol: str | None = None) -> list[OrderList]:
        """Give the lists that are executing, oldest first."""
        ids = dict.fromkeys(order.list_id for order in self.open_orders(symbol) if order.list_id != -1)
        return [self.lists[key] for key in sorted(ids)]

    def is_taken(self, symbol: str, client_order_id: str) -> bool:
        """Tell whether an open order has this client id."""
        key = self._by_client_id.get((symbol, client_order_id))
        return key is not None and self.orders[key].is_open

    def find(self, symbol: str, order_id: int | None, client_order_id: str | None) -> Order | None:
        """
        Find an order by either id or both; None where there is none.

        Raises:
            Refusal: -1102 without an id, -2039 where the two are of different orders.
        """
        if order_id is None and client_order_id is None:
            raise no_ids()
        key = order_id if order_id is not None else self._by_client_id.get((symbol, client_order_id or ""))
        order = None if key is None else self.orders.get(key)
        if order is None or order.ticket.symbol != symbol:
            return None
        if client_order_id is not None and order.client_order_id != client_order_id:
            raise wrong_pair()
        return order

    def find_list(self, list_id: int | None, client_list_id: str | None) -> OrderList | None:
        """Find a list by either id or both; None where there is none. Raises Refusal -1102."""
        if list_id is None and client_list_id is None:
            raise Refusal(
                -1102,
                "Param 'orderListId' or 'origClientOrderId' must be sent, but both were empty/null!",
            )
        key = list_id if list_id is not None else self._by_list_id.get(client_list_id or "")
        found = None if key is None else self.lists.get(key)
        if found is None or (client_list_id is not None and found.client_list_id != client_list_id):
            return None
        return found

    def legs(self, order_list: OrderList) -> tuple[Order, ...]:
        """Give the orders of a list as they are now."""
        return tuple(self.orders[key] for key in order_list.order_ids)

    def orders_of(self, symbol: str) -> Iterator[Order]:
        """Give all orders of a symbol, oldest first."""
        return (self.orders[key] for key in self._of_symbol[symbol])

    def fills_of(self, symbol: str) -> Sequence[Fill]:
        """Give all trades of a symbol, oldest first."""
        return self._fills[symbol]

    def client_ids(self) -> list[tuple[str, str, int]]:
        """Give which order each client id of a symbol means now."""
        return [(symbol, name, key) for (symbol, name), key in self._by_client_id.items()]

    def load(
        self,
        orders: Iterable[Order],
        lists: Iterable[OrderList],
        amendments: Iterable[Amendment],
        client_ids: Iterable[tuple[str, str, int]],
    ) -> None:
        """Fill empty records with what others had; orders and lists by id ascending."""
        kept = list(orders)
        for order in kept:
            self.put(order)
        self._by_client_id = {(symbol, name): key for symbol, name, key in client_ids}
        for fill in sorted((fill for order in kept for fill in order.fills), key=lambda fill: fill.trade_id):
            self.add_fill(fill)
        for order_list in lists:
            self.put_list(order_list)
        for amendment in amendments:
            self.amendments[amendment.order_id] = (*self.amendments.get(amendment.order_id, ()), amendment)
