"""
Orders by hand, placed and cancelled: checked, written down, sent once.

What becomes of an order is in its record. An answer that did not come leaves it UNKNOWN; it is asked for then
(`Settler`), and never sent again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brokers.client_ids import ClientId
from brokers.order_events import Accepted, CancelRefused, CancelSent, Submitted, TimedOut
from brokers.orders import State, apply
from brokers.reconciling.one_order import adopted
from bt_run.core.errors import ConfigError, ExchangeError
from bt_run.run.by_hand.book import after, first_records, order_in
from bt_run.run.by_hand.draft import draft_of
from bt_run.run.by_hand.rows import row_of_exchange, row_of_record
from bt_run.run.by_hand.settle import Settler, is_as_told
from bt_run.run.live.real_money import check_account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from brokers.binance.rest_gateway import BinanceGateway
    from brokers.order_events import Event
    from brokers.orders import Order
    from bt_run.journal.hand_orders import HandOrderRecord, HandOrders
    from bt_run.run.by_hand.account import AccountView
    from bt_run.run.by_hand.draft import Draft
    from bt_run.run.by_hand.limits import HandLimits
    from bt_run.run.by_hand.rows import OrderRow
    from bt_run.run.by_hand.wish import Source, Wish

__all__ = ["Placed", "Placing"]

_NO_ID_YET = (State.NEW, State.SENT, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Placed:
    """The orders of a wish; `is_repeat` where its key had come before, and nothing was sent now."""

    orders: tuple[OrderRow, ...]
    is_repeat: bool


class Placing:
    """
    From any thread; one order after the other.

    Args:
        gateway: Sends orders; used by this object alone.
        account: Knows the market and the account.
        table: Where orders are written down.
        limits: What no order may be.
        world: Names the exchange in the journal.
        touched: Told the symbol of which something changed.
        account_uid: The uid that the account must have; see `allow_real_money`.
    """

    def __init__(
        self,
        gateway: BinanceGateway,
        account: AccountView,
        table: HandOrders,
        *,
        limits: HandLimits,
        world: str,
        touched: Callable[[str], object],
        account_uid: str | None = None,
    ) -> None:
        self._gateway = gateway
        self._account = account
        self._table = table
        self._limits = limits
        self._world = world
        self._touched = touched
        self._uid = account_uid
        self._settler = Settler(account.gateway)
        self._lock = threading.RLock()
        self._sent_ms: deque[int] = deque(maxlen=1000)

    @property
    def trouble(self) -> str:
        """Say what is not clear about an order; empty where all is."""
        return next(iter(self._settler.troubles.values()), "")

    def check(self, wish: Wish, *, key: str = "check") -> Draft:
        """Give what would be sent and what speaks against it; sends nothing. Raises ExchangeError."""
        market = self._account.market(wish.symbol)
        return draft_of(wish, market, self._limits, venue=self._world, key=key, now_ms=_now_ms())

    def place(self, wish: Wish, *, key: str, source: Source = "hand") -> Placed:
        """
        Place an order once for a key, however often it is called.

        The orders that come back may be in doubt (UNKNOWN); they are asked for then, and never sent again.

        Raises:
            ConfigError: it was refused here, with all reasons; or the key belongs to another wish.
            ExchangeError: what must be known before could not be asked for; nothing was sent.
            JournalError: before anything was sent, or, where the journal fails after, with the order sent: the
                next look at the account finds it.
        """
        name = f"{source}:{key}"
        with self._lock:
            found = self._table.find(self._world, name)
            if found:
                return self._repeat(found, wish)
            self._check_account()
            draft = self.check(wish, key=name)
            now_ms = _now_ms()
            problems = [*draft.problems, self._limits.too_many(self._sent_ms, now_ms=now_ms)]
            if any(problems):
                raise ConfigError(" ".join(problem for problem in problems if problem))
            records = first_records(
                draft.orders, wish, venue=self._world, key=name, source=source, now_ms=now_ms
            )
            if not self._table.add(records):
                return self._repeat(self._table.find(self._world, name), wish)
            self._sent_ms.append(now_ms)
            answers = self._send(draft.orders)
            done = [
                after(record, (Submitted(), *answers[record.order.client_id]), now_ms=_now_ms())
                for record in records
            ]
            self._table.change(done)
            self._touched(wish.symbol)
            return Placed(self.rows(done), is_repeat=False)

    def cancel(self, client_id: str) -> tuple[OrderRow, ...]:
        """
        Cancel an order, and with it the list that it belongs to; one that is over stays as it is.

        Raises:
            ConfigError: no such open order, one of a bot, one in doubt, or the exchange did not cancel it.
            ExchangeError, JournalError: it is not known; the account is looked at again.
        """
        with self._lock:
            record = self._table.one(self._world, client_id)
            if record is None:
                return (self._cancel_stranger(client_id),)
            self._touched(record.order.symbol)
            group = self._table.find(self._world, record.key)
            return self.rows(self._cancel(group))

    def cancel_all(self, symbol: str) -> tuple[OrderRow, ...]:
        """Cancel all open orders by hand of a symbol; those of bots and of others stay. Raises as `cancel`."""
        with self._lock:
            keys = [
                record.key for record in self._table.unsettled(self._world) if record.order.symbol == symbol
            ]
            rows: list[OrderRow] = []
            for key in dict.fromkeys(keys):
                rows += self.rows(self._cancel(self._table.find(self._world, key)))
            self._touched(symbol)
            return tuple(rows)

    def settle_open(self) -> None:
        """Ask for the orders of which the open orders do not say what is known. Raises JournalError."""
        standing = self._account.open_orders
        with self._lock:
            for record in self._table.unsettled(self._world):
                if not is_as_told(order_in(record), standing):
                    self._settled(record)

    def rows(self, records: Iterable[HandOrderRecord]) -> tuple[OrderRow, ...]:
        """Give the rows of orders. Raises JournalError."""
        troubles = self._settler.troubles
        return tuple(
            row_of_record(record, trouble=troubles.get(record.order.client_id, "")) for record in records
        )

    # How.

    def _check_account(self) -> None:
        if self._uid is not None:
            check_account(self._uid, self._gateway.account_uid())
            self._uid = None

    def _send(self, orders: Sequence[Order]) -> Mapping[str, tuple[Event, ...]]:
        if len(orders) == 1:
            return {orders[0].client_id: self._gateway.place(orders[0])}
        return self._gateway.place_list("OCO", orders)

    def _repeat(self, found: list[HandOrderRecord], wish: Wish) -> Placed:
        if dict(found[0].wish) != wish.document():
            raise ConfigError("This key was used for another order. Give each order a key of its own.")
        return Placed(self.rows(found), is_repeat=True)

    def _cancel(self, group: list[HandOrderRecord]) -> list[HandOrderRecord]:
        """Cancel the orders of one wish: one request cancels them all."""
        group = [self._settled(record) if order_in(record).state in _NO_ID_YET else record for record in group]
        open_ones = [record for record in group if record.order.is_open]
        if not open_ones:
            return group
        first = order_in(open_ones[0])
        if first.state in _NO_ID_YET:
            raise ConfigError(
                f"It is not known yet whether the exchange has order {first.client_id}; it is asked for. "
                f"Try again in some seconds."
            )
        asked = [after(record, (CancelSent(),), now_ms=_now_ms()) for record in open_ones]
        self._table.change(asked)
        events = self._gateway.cancel(first)
        refused = [event for event in events if isinstance(event, CancelRefused)]
        if refused:
            asked = [after(record, refused, now_ms=_now_ms()) for record in asked]
            self._table.change(asked)
        settled = {record.order.client_id: self._settled(record) for record in asked}
        if refused and all(record.order.is_open for record in settled.values()):
            raise ConfigError(f"Order {first.client_id} was not cancelled: {refused[0].reason}.")
        return [settled.get(record.order.client_id, record) for record in group]

    def _cancel_stranger(self, client_id: str) -> OrderRow:
        with self._account.lock:
            told = {item.client_id: item for item in self._account.gateway.all_open_orders()}.get(client_id)
        if told is None:
            raise ConfigError(f"There is no open order {client_id}.")
        if ClientId.parse(client_id) is not None:
            raise ConfigError(f"Order {client_id} is a bot's. Pause, stop or panic the bot instead.")
        accepted = Accepted(told.exchange_id, told.time_ms)
        order = apply(apply(adopted(told), Submitted()), accepted)
        self._touched(told.symbol)
        for event in self._gateway.cancel(order):
            if isinstance(event, CancelRefused | TimedOut):
                raise ConfigError(f"Order {client_id} was not cancelled, or nobody knows: {event.reason}.")
        return row_of_exchange(replace(told, status="CANCELED"))

    def _settled(self, record: HandOrderRecord) -> HandOrderRecord:
        """Ask how an order stands and write it down; as it was where the exchange does not answer."""
        try:
            with self._account.lock:
                now = self._settler.settle(record, now_ms=_now_ms())
        except ExchangeError as error:
            self._settler.troubles[record.order.client_id] = str(error)
            return record
        if now is not record:
            self._table.change([now])
        return now


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
