"""
Everything the account has, and the only steps by which an order changes; each step tells its event.

Nothing else in this package changes an order, a balance or the book, so what holds here holds everywhere:
an order that is not open holds no money and stands on no book.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bt_run.practice.events import BalancesChanged, Executed, ListChanged
from bt_run.practice.orders import Fill, Order
from bt_run.practice.refusal import Refusal
from bt_run.practice.trading.account import Account
from bt_run.practice.trading.ids import Counters
from bt_run.practice.trading.records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from bt_run.practice.events import Event, ExecutionType
    from bt_run.practice.orders import OrderList, Status, Ticket
    from bt_run.practice.trading.depth import Level
    from bt_run.practice.trading.resting import Listing

__all__ = ["Desk", "shared_key"]


def shared_key(list_id: int) -> int:
    """Give the key of the hold that stands behind both legs of a list; order ids are > 0."""
    return -list_id


class Desk:
    """
    The account's orders, money and books, one step at a time.

    Steps do not judge whether they are allowed; that is done before. `flush` ends an action: it tells the
    balances that the steps since the last one changed.
    """

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self.account = Account(balances)
        self.records = Records()
        self.counters = Counters()
        self.listings: dict[str, Listing] = {}
        self.now: Callable[[], int] = lambda: 0
        self.tell: Callable[[Event], None] = lambda event: None
        self._acted: dict[str, None] = {}

    def listing(self, symbol: str) -> Listing:
        """Find a symbol; raises Refusal -1121."""
        found = self.listings.get(symbol)
        if found is None:
            raise Refusal(-1121, "Invalid symbol.")
        return found

    def of(self, order: Order) -> Listing:
        """Give the symbol of an order."""
        return self.listings[order.ticket.symbol]

    def open(
        self,
        ticket: Ticket,
        quantity: Decimal,
        *,
        list_id: int = -1,
        status: Status = "NEW",
        works: bool,
        tracks: bool = False,
    ) -> Order:
        """Accept an order; `works` where it comes onto the book, `tracks` where it trails at once."""
        now = self.now()
        order = Order(
            ticket=ticket,
            order_id=self.counters.next_order(),
            status=status,
            created=now,
            updated=now,
            quantity=quantity,
            list_id=list_id,
            working_time=now if works else -1,
            trailing_time=now if tracks else None,
            client_order_id=ticket.client_order_id,
        )
        return self.report("NEW", order)

    def renew(self, order: Order, *, works: bool, tracks: bool = False) -> Order:
        """Let a pending or triggered order begin; tells NEW, for a triggered one the second time."""
        now = self.now()
        self.of(order).leave(order.order_id)
        return self.report(
            "NEW",
            replace(
                order,
                status="NEW",
                updated=now,
                working_time=now if works else -1,
                trailing_time=now if tracks else order.trailing_time,
            ),
        )

    def track(self, order: Order) -> Order:
        """Note that a trailing order's stop price was touched; Binance tells nothing then."""
        found = replace(order, trailing_time=self.now())
        self.records.put(found)
        return found

    def fill(self, order: Order, part: Level, *, is_maker: bool) -> Order:
        """Execute a part of an order; tells TRADE. What it holds must be for this price or a worse one."""
        listing = self.of(order)
        ticket = order.ticket
        self._shrink_hold(order, part.quantity)
        fee, asset = self.account.trade(
            listing.rules, ticket.side, part.price, part.quantity, is_maker=is_maker
        )
        fill = Fill(
            trade_id=self.counters.next_trade(ticket.symbol),
            symbol=ticket.symbol,
            order_id=order.order_id,
            list_id=order.list_id,
            price=part.price,
            quantity=part.quantity,
            quote_quantity=part.price * part.quantity,
            commission=fee,
            commission_asset=asset,
            time=self.now(),
            is_buyer=ticket.side == "BUY",
            is_maker=is_maker,
        )
        executed = order.executed + part.quantity
        done = executed >= order.quantity
        if done:
            listing.leave(order.order_id)
        self.records.add_fill(fill)
        found = replace(
            order,
            status="FILLED" if done else "PARTIALLY_FILLED",
            executed=executed,
            executed_quote=order.executed_quote + fill.quote_quantity,
            updated=fill.time,
            fills=(*order.fills, fill),
        )
        return self.report("TRADE", found, fill=fill)

    def expire(self, order: Order, reason: str) -> Order:
        """End an order by the exchange; `reason` is Binance's expiryReason."""
        return self._end(order, "EXPIRED", "EXPIRED", reason=reason)

    def cancel(self, order: Order, cancel_id: str) -> Order:
        """End an order by the client's wish."""
        return self._end(order, "CANCELED", "CANCELED", cancel_id=cancel_id)

    def reduce(self, order: Order, quantity: Decimal, client_order_id: str) -> tuple[Order, int]:
        """Amend an order; it keeps its place. Gives the execution id of the REPLACED report too."""
        found = replace(order, quantity=quantity, client_order_id=client_order_id, updated=self.now())
        self.report("REPLACED", found, former_id=order.client_order_id)
        return found, self.counters.execution

    def report(
        self,
        kind: ExecutionType,
        order: Order,
        *,
        fill: Fill | None = None,
        cancel_id: str | None = None,
        former_id: str | None = None,
        reject_reason: str = "NONE",
    ) -> Order:
        """Keep an order's next state and tell of it."""
        self._acted[order.ticket.symbol] = None
        if kind != "REJECTED":
            self.records.put(order)
        execution = self.counters.next_execution()
        self.tell(
            Executed(execution, kind, order, self.now(), fill, cancel_id, reject_reason, former_id=former_id)
        )
        return order

    def report_list(
        self, order_list: OrderList, status_type: str, order_status: str = "EXECUTING"
    ) -> OrderList:
        """Keep an order list's next state and tell of it."""
        found = replace(order_list, status_type=status_type, order_status=order_status, time=self.now())
        self.records.put_list(found)
        self.tell(ListChanged(found, self.records.legs(found), self.now()))
        return found

    def flush(self) -> None:
        """
        Tell the balances, once for all steps since the last time.

        As Binance does: both assets of each symbol that was acted on, and whatever else changed.
        """
        acted, self._acted = self._acted, {}
        changed, self.account.changed = self.account.changed, set()
        if not changed:
            return
        assets: dict[str, None] = {}
        for symbol in acted:
            rules = self.listings[symbol].rules
            assets |= {rules.base: None, rules.quote: None}
        assets |= dict.fromkeys(sorted(changed))
        self.tell(BalancesChanged({asset: self.account.balance(asset) for asset in assets}, self.now()))

    def _end(
        self,
        order: Order,
        kind: ExecutionType,
        status: Status,
        *,
        reason: str | None = None,
        cancel_id: str | None = None,
    ) -> Order:
        self.of(order).leave(order.order_id)
        found = replace(order, status=status, updated=self.now(), expiry_reason=reason)
        self.records.put(found)
        self._release_hold(found)
        return self.report(kind, found, cancel_id=cancel_id)

    def _shrink_hold(self, order: Order, quantity: Decimal) -> None:
        if order.order_id in self.account.holds:
            self.account.shrink(order.order_id, quantity)
        elif order.list_id != -1 and shared_key(order.list_id) in self.account.holds:
            self.account.shrink(shared_key(order.list_id), quantity)

    def _release_hold(self, order: Order) -> None:
        """Free what stood behind an order; what it shares goes with the last of those that share it."""
        self.account.release(order.order_id)
        if order.list_id == -1 or shared_key(order.list_id) not in self.account.holds:
            return
        if not any(leg.is_open for leg in self.records.legs(self.records.lists[order.list_id])):
            self.account.release(shared_key(order.list_id))
