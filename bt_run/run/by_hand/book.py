"""
The orders by hand in the journal, each change written before it counts.

An order is its record and its story; the story leads to the order (`bt_run.run.live.story`). What happens to it
goes through `brokers.orders.apply` as everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from brokers.orders import apply
from bt_run.core.errors import IllegalTransition
from bt_run.journal.hand_orders import HandOrderRecord
from bt_run.run.live.story import intent_line, line_of, order_of, order_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from brokers.order_events import Event
    from brokers.orders import Order
    from bt_run.run.by_hand.wish import Source, Wish

__all__ = ["after", "first_records", "order_in"]


def first_records(
    orders: Sequence[Order], wish: Wish, *, venue: str, key: str, source: Source, now_ms: int
) -> list[HandOrderRecord]:
    """Give the records of orders in state NEW, the intent of each as its first line."""
    return [
        HandOrderRecord(
            order=order_record(order, run=0, updated_ms=now_ms),
            venue=venue,
            key=key,
            leg=leg,
            source=source,
            wish=wish.document(),
            story=(intent_line(order, time_ms=now_ms),),
        )
        for leg, order in enumerate(orders)
    ]


def order_in(record: HandOrderRecord) -> Order:
    """Give the order of a record. Raises JournalError where its story cannot be followed."""
    return order_of(record.order, record.story)


def after(record: HandOrderRecord, events: Iterable[Event], *, now_ms: int) -> HandOrderRecord:
    """
    Give the record after events; what cannot follow is left out, for the exchange is asked again anyway.

    The same record where nothing is new.
    """
    order, lines = order_in(record), []
    for event in events:
        try:
            changed = apply(order, event)
        except IllegalTransition:
            continue
        if changed != order:
            order = changed
            lines.append(line_of(event, time_ms=now_ms))
    if not lines:
        return record
    return replace(record, order=order_record(order, run=0, updated_ms=now_ms), story=(*record.story, *lines))
