"""
Orders and their events as lines of the journal, and back.

An order's story begins with the line `INTENT`, which holds what its record has no column for. Its lines, taken
in turn, lead to the very order that they were written from.
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from brokers.order_events import EVENTS, Filled
from brokers.orders import Order, apply
from bt_run.core.errors import BtRunError, JournalError
from bt_run.journal.records import FillRecord, OrderEvent, OrderRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from brokers.order_events import Event

__all__ = [
    "FEE_VALUE",
    "INTENT",
    "fill_record",
    "filled_of",
    "intent_line",
    "line_of",
    "order_of",
    "order_record",
]

INTENT = "Intent"
"""The kind of an order's first line."""

FEE_VALUE = "fee_value"
"""Under this name a trade's line holds what its fee in a third asset was worth, quote asset."""

_KINDS: Mapping[str, Any] = {kind.__name__: kind for kind in EVENTS}


def order_record(order: Order, *, run: int, updated_ms: int) -> OrderRecord:
    """Give an order as the journal keeps it; `run` is the one that made it."""
    return OrderRecord(
        run=run,
        client_id=order.client_id,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        quantity=order.quantity,
        created_ms=order.created_ms,
        updated_ms=updated_ms,
        state=str(order.state),
        quote_quantity=order.quote_quantity,
        price=order.price,
        stop_price=order.stop_price,
        trailing_delta=order.trailing_delta,
        time_in_force=order.time_in_force or "",
        list_id=order.list_client_id,
        purpose=order.purpose,
        exchange_id=order.exchange_id,
        reason=order.reason,
    )


def intent_line(order: Order, *, time_ms: int, bar: int | None = None) -> OrderEvent:
    """Give the first line of an order's story; `bar` is the open time of the bar that led to it."""
    details: dict[str, Any] = {"bracket": order.bracket}
    return OrderEvent(INTENT, time_ms, details if bar is None else {**details, "bar": bar})


def line_of(event: Event, *, time_ms: int) -> OrderEvent:
    """Give the line that an event makes; at its own time where it has one, else at `time_ms`."""
    told = {field.name: getattr(event, field.name) for field in fields(event)}
    at = told.pop("time_ms", 0) or time_ms
    return OrderEvent(
        type(event).__name__, at, {key: value for key, value in told.items() if value is not None}
    )


def fill_record(order: Order, fill: Filled, *, run: int) -> FillRecord:
    """Give a trade of an order as the journal keeps it; `run` is the order's."""
    return FillRecord(
        run=run,
        symbol=order.symbol,
        trade_id=fill.trade_id,
        client_id=order.client_id,
        side=order.side,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        time_ms=fill.time_ms,
        is_maker=fill.is_maker,
    )


def filled_of(record: FillRecord) -> Filled:
    """Give the trade that a record tells of."""
    return Filled(
        record.trade_id,
        record.quantity,
        record.price,
        record.fee,
        record.fee_asset,
        record.time_ms,
        bool(record.is_maker),
    )


def order_of(record: OrderRecord, story: Iterable[OrderEvent]) -> Order:
    """
    Give the order that a record and its story tell of.

    Raises:
        JournalError: a line that cannot follow the one before it, or fields that make no order.
    """
    lines = list(story)
    intent = next((line for line in lines if line.kind == INTENT), None)
    try:
        order = Order(
            record.client_id,
            record.symbol,
            cast("Any", record.side),
            cast("Any", record.type),
            quantity=record.quantity,
            quote_quantity=record.quote_quantity,
            price=record.price,
            stop_price=record.stop_price,
            trailing_delta=record.trailing_delta,
            time_in_force=cast("Any", record.time_in_force or None),
            list_client_id=record.list_id,
            bracket="" if intent is None else str(intent.details.get("bracket") or ""),
            purpose=cast("Any", record.purpose or "manual"),
            created_ms=record.created_ms,
        )
        for line in lines:
            if line.kind in _KINDS:
                order = apply(order, _event_of(line))
    except (BtRunError, TypeError, ValueError, ArithmeticError) as error:
        raise JournalError(
            f"The story of order {record.client_id} in the journal cannot be followed: {error}"
        ) from error
    return order


def _event_of(line: OrderEvent) -> Event:
    kind = _KINDS[line.kind]
    given: dict[str, Any] = {}
    for field in fields(kind):
        value = line.time_ms if field.name == "time_ms" else line.details.get(field.name)
        if value is not None and "Decimal" in str(field.type):
            value = Decimal(value)
        given[field.name] = value
    return cast("Event", kind(**given))
