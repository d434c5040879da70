"""The journal as the outbox of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bt_run.alerts.delivery import Delivery
from bt_run.alerts.happening import Happening, Picture
from bt_run.journal.records import AlertRecord, DeliveryRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.alerts.delivery import State
    from bt_run.alerts.happening import Kind
    from bt_run.journal.alert_tables import AlertTables

__all__ = ["JournalOutbox", "delivery_of"]

_KEY, _SYMBOL = 160, 32
"""What the columns hold; a run of many symbols has a longer name, and SQLite alone would not mind."""


class JournalOutbox:
    """Implements `bt_run.alerts.delivery.Outbox` in the tables of a journal."""

    def __init__(self, tables: AlertTables) -> None:
        self._tables = tables

    def add(self, happening: Happening, targets: Sequence[str], *, now_ms: int, due_ms: int) -> bool:
        """Keep a message for each target; tells whether it is new. Raises JournalError."""
        picture = {} if happening.picture is None else happening.picture.document()
        record = AlertRecord(
            id=0,
            key=happening.key[:_KEY],
            kind=happening.kind,
            time_ms=happening.time_ms,
            symbol=happening.symbol[:_SYMBOL],
            title=happening.title,
            body=happening.text,
            picture=picture,
            rule=happening.rule,
            created_ms=now_ms,
        )
        ways = tuple(DeliveryRecord(0, target, "waiting", 0, due_ms, None, "") for target in targets)
        return self._tables.add(record, ways) is not None

    def waiting(self, target: str) -> Sequence[Delivery]:
        """Give the first hundred deliveries that wait for a target, in the order in which they were made."""
        return [delivery_of(record, way) for record, way in self._tables.waiting(target)]

    def claim(self, delivery: Delivery, *, until_ms: int) -> bool:
        """Keep a delivery from other processes until then; False where another one was first."""
        return self._tables.claim(delivery.alert, delivery.target, due_ms=delivery.due_ms, until_ms=until_ms)

    def settle(self, delivery: Delivery) -> None:
        """Write down how a delivery stands now. Raises JournalError."""
        self._tables.settle(
            DeliveryRecord(
                delivery.alert,
                delivery.target,
                delivery.state,
                delivery.attempts,
                delivery.due_ms,
                delivery.done_ms,
                delivery.reason,
            )
        )


def delivery_of(record: AlertRecord, way: DeliveryRecord) -> Delivery:
    """Give a delivery as the journal has it."""
    happening = Happening(
        kind=cast("Kind", record.kind),
        key=record.key,
        time_ms=record.time_ms,
        symbol=record.symbol,
        title=record.title,
        text=record.body,
        picture=Picture.of(record.picture),
        rule=record.rule,
    )
    return Delivery(
        alert=record.id,
        target=way.target,
        happening=happening,
        created_ms=record.created_ms,
        due_ms=way.due_ms,
        attempts=way.attempts,
        state=cast("State", way.state),
        reason=way.reason,
        done_ms=way.done_ms,
    )
