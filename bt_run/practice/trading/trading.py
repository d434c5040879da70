"""The account's side of the exchange: orders in, executions out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bt_run.practice.events import Deposited, Printed, Wiped
from bt_run.practice.refusal import Refusal
from bt_run.practice.trading import amendments, cancels, entry, lists, snapshot
from bt_run.practice.trading.desk import Desk
from bt_run.practice.trading.forced import Forced
from bt_run.practice.trading.records import Records, page
from bt_run.practice.trading.resting import Listing
from bt_run.practice.trading.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from decimal import Decimal

    from bt_run.practice.events import Event
    from bt_run.practice.orders import Balance, Fill, ListTicket, Order, OrderList, Ticket
    from bt_run.practice.rules import Fees
    from bt_run.practice.trading.answers import Amended, Amendment, CancelReplaced
    from bt_run.practice.trading.cancels import Mode, Restrictions
    from bt_run.practice.trading.depth import Quotes

__all__ = ["Trading"]

_MOST = 1000


class Trading:
    """
    One account that trades on the exchange's markets; synchronous, without I/O, called from one thread.

    Every request either does all that it says, tells the events and gives the result, or raises Refusal
    with Binance's code and words and has changed nothing (`cancel_replace` may do one half). Events are told
    before the call returns, executions first, in the order of happening, and last the balances, once.
    What is exact and what is left out: docs/design/practice-matching.md.

    Args:
        balances: What the account starts with, by asset, each >= 0. Raises ConfigError.

    `forced` is for faults.
    """

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self._desk = Desk(balances)
        self.forced = Forced(self._desk)

    def connect(
        self, markets: Mapping[str, Quotes], now: Callable[[], int], tell: Callable[[Event], None]
    ) -> None:
        """Join the exchange: its markets by symbol, its clock (ms), and where events go."""
        desk = self._desk
        desk.now, desk.tell = now, tell
        desk.listings = {symbol: Listing(market, now) for symbol, market in markets.items()}
        for listing in desk.listings.values():
            desk.account.know(listing.rules.base, listing.rules.quote)

    def follow(self, event: Event) -> None:
        """Let a print of a market do to the orders what it does; other events do nothing."""
        if isinstance(event, Printed):
            with self._action():
                sweep(self._desk, event.print)

    def place(self, ticket: Ticket) -> Order:
        """Place an order. Raises Refusal -1121, -1013 (filters) or -2010 (matching engine)."""
        with self._action():
            order = entry.submit(self._desk, ticket)
        if order is None:  # cannot be: only a test gives none
            raise AssertionError(ticket)
        return order

    def test(self, ticket: Ticket) -> None:
        """Judge an order by its filters alone, and place nothing. Raises Refusal -1121 or -1013."""
        entry.submit(self._desk, ticket, only_test=True)

    def cancel(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        new_client_order_id: str | None = None,
        restrictions: Restrictions | None = None,
    ) -> Order | OrderList:
        """
        Cancel an open order; where it belongs to a list, the whole list, which is given then.

        `new_client_order_id` is the id of the cancellation; give it where an answer must show it, otherwise
        one is made up. Raises Refusal -1121, -1102, -2011 or -2039.
        """
        self._desk.listing(symbol)
        order = self._desk.records.find(symbol, order_id, client_order_id)
        with self._action():
            return cancels.cancel(self._desk, order, self._id(new_client_order_id), restrictions)

    def cancel_all(self, symbol: str) -> list[Order | OrderList]:
        """Cancel all orders and lists of a symbol. Raises Refusal -1121, or -2011 where none is open."""
        self._desk.listing(symbol)
        with self._action():
            return cancels.cancel_all(self._desk, symbol)

    def cancel_replace(
        self,
        symbol: str,
        *,
        mode: Mode,
        ticket: Ticket,
        cancel_order_id: int | None = None,
        cancel_client_order_id: str | None = None,
        cancel_new_client_order_id: str | None = None,
        restrictions: Restrictions | None = None,
    ) -> CancelReplaced:
        """
        Cancel an order and place another; gives both halves where both succeed.

        Raises:
            CancelReplaceRefused: -2022 (HTTP 400) or -2021 (409), with the halves in `parts`.
            Refusal: -1121, -1102, -1013: nothing has changed.
        """
        self._desk.listing(symbol)
        order: Order | Refusal | None
        try:
            order = self._desk.records.find(symbol, cancel_order_id, cancel_client_order_id)
        except Refusal as refusal:
            if refusal.code != -2039:
                raise
            order = refusal
        with self._action():
            return cancels.replace_order(
                self._desk,
                order,
                ticket,
                mode=mode,
                cancel_id=self._id(cancel_new_client_order_id),
                restrictions=restrictions,
            )

    def amend(
        self,
        symbol: str,
        *,
        new_quantity: Decimal,
        order_id: int | None = None,
        client_order_id: str | None = None,
        new_client_order_id: str | None = None,
    ) -> Amended:
        """
        Reduce an open order's quantity; it keeps its id and its place, and gets a new client id.

        The client id is made up unless given; the present one may be given to keep it. Raises Refusal
        -1121, -1102, -2038 or -2039.
        """
        self._desk.listing(symbol)
        order = self._desk.records.find(symbol, order_id, client_order_id)
        if order is None or not order.is_open:
            raise Refusal(-2038, "Unknown order sent.")
        with self._action():
            return amendments.amend(self._desk, order, new_quantity, self._id(new_client_order_id))

    def amendments(
        self, symbol: str, order_id: int, *, from_execution_id: int | None = None, limit: int = 500
    ) -> list[Amendment]:
        """
        Give the amendments of an order, oldest first: from an execution id on, otherwise the last ones.

        Raises Refusal -1121 or -2013.
        """
        self.order(symbol, order_id)
        first = from_execution_id or 0
        found = self._desk.records.amendments.get(order_id, ())
        rows = [amendment for amendment in found if amendment.execution_id >= first]
        return page(rows, min(limit, _MOST), oldest=from_execution_id is not None)

    def place_list(self, ticket: ListTicket) -> OrderList:
        """
        Place an order list; gives it as just accepted. `placed_orders` has its orders for the answer.

        Raises Refusal -1121, -1013 or -2010.
        """
        with self._action():
            return lists.place_list(self._desk, ticket)

    def placed_orders(self, list_id: int) -> tuple[Order, ...]:
        """
        Give a list's orders as Binance's answer to its placement shows them.

        A working order that filled at once is FILLED there while the pending ones are still PENDING_NEW.
        """
        return self._desk.records.placed[list_id]

    def list_orders(self, order_list: OrderList) -> tuple[Order, ...]:
        """Give a list's orders as they are now."""
        return self._desk.records.legs(order_list)

    def cancel_list(
        self,
        symbol: str,
        *,
        list_id: int | None = None,
        client_list_id: str | None = None,
        new_client_order_id: str | None = None,
    ) -> OrderList:
        """Cancel all open orders of a list. Raises Refusal -1121, -1102, or -2011 where it is not executing."""
        self._desk.listing(symbol)
        found = self._desk.records.find_list(list_id, client_list_id)
        if found is None or found.symbol != symbol or found.order_status != "EXECUTING":
            raise Refusal(-2011, "Unknown order list sent.")
        with self._action():
            return lists.cancel_list(self._desk, found, self._id(new_client_order_id))

    def order_list(self, *, list_id: int | None = None, client_list_id: str | None = None) -> OrderList:
        """Give a list by either id. Raises Refusal -1102 or -2013."""
        found = self._desk.records.find_list(list_id, client_list_id)
        if found is None:
            raise Refusal(-2013, "Order list does not exist.")
        return found

    def open_lists(self) -> list[OrderList]:
        """Give the lists that are executing, oldest first."""
        return self._desk.records.open_lists()

    def all_lists(
        self,
        *,
        from_id: int | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[OrderList]:
        """
        Give lists, oldest first: from an id or a time on the first `limit`, otherwise the last ones.

        `start` and `end` are ms, inclusive, of the last change.
        """
        rows = [
            found
            for _, found in sorted(self._desk.records.lists.items())
            if _within(found.time, start, end) and (from_id is None or found.list_id >= from_id)
        ]
        return page(rows, min(limit, _MOST), oldest=from_id is not None or start is not None)

    def order(self, symbol: str, order_id: int | None = None, client_order_id: str | None = None) -> Order:
        """
        Give an order by either id; a client id means the latest order that has it.

        Raises Refusal -1121, -1102, -2013 where there is none, -2039 where the two ids do not fit.
        """
        self._desk.listing(symbol)
        found = self._desk.records.find(symbol, order_id, client_order_id)
        if found is None:
            raise Refusal(-2013, "Order does not exist.")
        return found

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Give the open orders of a symbol, or of all, oldest first. Raises Refusal -1121."""
        if symbol is not None:
            self._desk.listing(symbol)
        return self._desk.records.open_orders(symbol)

    def all_orders(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[Order]:
        """
        Give orders, oldest first: from an id or a time on the first `limit`, otherwise the last ones.

        `start` and `end` are ms, inclusive, of acceptance. Raises Refusal -1121.
        """
        self._desk.listing(symbol)
        rows = [
            order
            for order in self._desk.records.orders_of(symbol)
            if _within(order.created, start, end) and (order_id is None or order.order_id >= order_id)
        ]
        return page(rows, min(limit, _MOST), oldest=order_id is not None or start is not None)

    def fills(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        start: int | None = None,
        end: int | None = None,
        from_id: int | None = None,
        limit: int = 500,
    ) -> list[Fill]:
        """
        Give trades, oldest first: from an id or a time on the first `limit`, otherwise the last ones.

        `start` and `end` are ms, inclusive. Raises Refusal -1121.
        """
        self._desk.listing(symbol)
        rows = [
            fill
            for fill in self._desk.records.fills_of(symbol)
            if (order_id is None or fill.order_id == order_id)
            and (from_id is None or fill.trade_id >= from_id)
            and _within(fill.time, start, end)
        ]
        return page(rows, min(limit, _MOST), oldest=from_id is not None or start is not None)

    def history(self, symbol: str) -> tuple[list[Order], list[Fill]]:
        """Give all orders of a symbol as they are now, and all its trades, oldest first. Raises -1121."""
        self._desk.listing(symbol)
        return list(self._desk.records.orders_of(symbol)), list(self._desk.records.fills_of(symbol))

    @property
    def execution_id(self) -> int:
        """Give the id of the last execution report; 0 before any."""
        return self._desk.counters.execution

    def balances(self) -> dict[str, Balance]:
        """Give all balances, also those of 0, sorted by asset."""
        account = self._desk.account
        return {asset: account.balance(asset) for asset in sorted(account.free)}

    def fees(self, symbol: str) -> Fees:
        """Give what trading a symbol costs. Raises Refusal -1121."""
        return self._desk.listing(symbol).rules.fees

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Add to a free balance from outside; < 0 takes away. Raises Refusal -2010 beyond what is free."""
        with self._action():
            self._desk.account.add(asset, amount)
            self._desk.tell(Deposited(asset, amount, self._desk.now()))

    def wipe(self) -> None:
        """
        Forget all orders, lists and trades, and have the balances of the start: the testnet's reset.

        Ids of orders, lists and trades begin again; execution ids go on rising.
        """
        desk = self._desk
        for listing in desk.listings.values():
            listing.clear()
        desk.records = Records()
        desk.counters.restart()
        desk.account.wipe()
        desk.account.changed.clear()
        desk.tell(Wiped(desk.now()))

    def snapshot(self) -> dict[str, Any]:
        """Give the whole state as what the json module can write."""
        return snapshot.dump(self._desk)

    def restore(self, state: dict[str, Any]) -> None:
        """Be as when `snapshot` was taken; call after `connect`. Tells nothing. Raises ConfigError."""
        snapshot.load(self._desk, state)

    @contextmanager
    def _action(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._desk.flush()

    def _id(self, given: str | None) -> str:
        return given if given is not None else self._desk.counters.client_id()


def _within(time: int, start: int | None, end: int | None) -> bool:
    return (start is None or time >= start) and (end is None or time <= end)
