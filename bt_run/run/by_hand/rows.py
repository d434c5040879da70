"""Orders and balances of the account as a person reads them: text with all digits, times in ms UTC. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from brokers.amounts import ZERO, ratio, text_of
from brokers.client_ids import ClientId
from brokers.hand_ids import is_hand_id
from brokers.orders import State
from bt_run.run.live.story import order_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from brokers.orders import Order
    from brokers.reconciling.views import Balance, ExchangeOrder
    from bt_run.journal.hand_orders import HandOrderRecord

__all__ = [
    "BalanceRow",
    "OrderRow",
    "Whose",
    "balance_rows",
    "merged",
    "row_of_exchange",
    "row_of_record",
    "short_text",
]

Whose = Literal["hand", "signal", "bot", "other"]

_STATES = {
    "NEW": State.OPEN,
    "PENDING_NEW": State.OPEN,
    "PARTIALLY_FILLED": State.PARTIAL,
    "PENDING_CANCEL": State.CANCELING,
    "EXPIRED_IN_MATCH": State.EXPIRED,
}
_OPEN = frozenset({State.NEW, State.SENT, State.OPEN, State.PARTIAL, State.CANCELING, State.UNKNOWN})


@dataclass(frozen=True, slots=True)
class OrderRow:
    """
    An order of the account. `time_ms` is the exchange's time where it took the order, else ours.

    `whose`: placed by hand, by a signal, by a bot of bt-run, or by something else. Amounts are text; None where
    the order has none, or where it is not told (the average price of an order that is not ours).
    """

    client_id: str
    time_ms: int
    symbol: str
    side: str
    type: str
    state: str
    is_open: bool
    whose: Whose
    quantity: str | None
    quote_quantity: str | None
    price: str | None
    stop_price: str | None
    time_in_force: str
    filled: str
    average: str | None
    filled_ms: int | None
    list_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """An asset of the account; what open orders lock is not free."""

    asset: str
    free: str
    locked: str
    total: str


def short_text(amount: Decimal) -> str:
    """Write an amount that was computed, with eight decimals at most, however large it is."""
    return text_of(Decimal(f"{amount:.8f}"))


def balance_rows(balances: Mapping[str, Balance]) -> list[BalanceRow]:
    """Give what the account holds, by asset."""
    return [
        BalanceRow(asset, text_of(held.free), text_of(held.locked), text_of(held.total))
        for asset, held in sorted(balances.items())
    ]


def row_of_record(record: HandOrderRecord, *, trouble: str = "") -> OrderRow:
    """Give the row of an order in the journal; `trouble` says what is not clear. Raises JournalError."""
    order = order_of(record.order, record.story)
    return OrderRow(
        client_id=order.client_id,
        time_ms=order.accepted_ms or order.created_ms,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        state=str(order.state),
        is_open=not order.is_terminal,
        whose="signal" if record.source == "signal" else "hand",
        quantity=_text(order.quantity),
        quote_quantity=_text(order.quote_quantity),
        price=_text(order.price),
        stop_price=_text(order.stop_price),
        time_in_force=order.time_in_force or "",
        filled=text_of(order.executed),
        average=_average(order),
        filled_ms=max((fill.time_ms for fill in order.fills), default=None),
        list_id=order.list_client_id,
        reason=trouble or order.reason,
    )


def row_of_exchange(told: ExchangeOrder) -> OrderRow:
    """Give the row of an order that the exchange tells of."""
    state = _STATES.get(told.status) or State.__members__.get(told.status, State.UNKNOWN)
    return OrderRow(
        client_id=told.client_id,
        time_ms=told.time_ms,
        symbol=told.symbol,
        side=told.side,
        type=told.type,
        state=str(state),
        is_open=state in _OPEN,
        whose=whose_of(told.client_id),
        quantity=_text(told.quantity),
        quote_quantity=_text(told.quote_quantity),
        price=_text(told.price),
        stop_price=_text(told.stop_price),
        time_in_force=told.time_in_force or "",
        filled=text_of(told.executed),
        average=None,
        filled_ms=told.update_ms if told.executed else None,
        list_id=told.list_client_id,
        reason=told.reason,
    )


def whose_of(client_id: str) -> Whose:
    """Tell by its id who placed an order that the journal does not have."""
    if ClientId.parse(client_id) is not None:
        return "bot"
    return "hand" if is_hand_id(client_id) else "other"


def merged(ours: Iterable[OrderRow], theirs: Sequence[OrderRow]) -> list[OrderRow]:
    """Give all rows once, the newest first; of an order that both have, the journal's, which has its trades."""
    known = {row.client_id: row for row in theirs} | {row.client_id: row for row in ours}
    return sorted(known.values(), key=lambda row: (row.time_ms, row.client_id), reverse=True)


def _average(order: Order) -> str | None:
    if not order.fills:
        return None
    return short_text(ratio(order.executed_quote, order.executed or ZERO))


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else text_of(amount)
