"""Orders, their events and their trades as records of the journal, and trades back."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from brokers.order_events import Filled
from bt_run.journal.records import FillRecord, OrderEvent, OrderRecord

if TYPE_CHECKING:
    from brokers.order_events import Event
    from brokers.orders import Order

__all__ = ["fill_of", "fill_record", "order_line", "order_record"]


def order_record(order: Order, *, run: int, updated_ms: int) -> OrderRecord:
    """Give the record of an order as it stands."""
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


def order_line(event: Event, *, time_ms: int) -> OrderEvent:
    """Give the line of the story that an event makes; at its own time where it has one, else at `time_ms`."""
    told = {item.name: getattr(event, item.name) for item in fields(event)}
    at = told.pop("time_ms", 0) or time_ms
    return OrderEvent(
        type(event).__name__, at, {key: value for key, value in told.items() if value is not None}
    )


def fill_of(record: FillRecord) -> Filled:
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


def fill_record(order: Order, fill: Filled, *, run: int) -> FillRecord:
    """Give the record of a trade of an order."""
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
