"""
Orders of a person's, kept in the journal beside the bot's own and apart from them.

They have a table of their own: no run reads it, so none adopts such an order, cancels it, or counts its trades.
It is written while a bot writes the journal, in short transactions that wait for the disk: what `add` returned
for is there after a power failure, and only then may a request leave.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from bt_run.journal.bring_up import bring_up
from bt_run.journal.database import Place, open_engine, open_reading, telling
from bt_run.journal.records import TERMINAL_STATES, OrderEvent, OrderRecord
from bt_run.journal.schema import hand_orders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Row

__all__ = ["HandOrderRecord", "HandOrders"]

_LEFT_OUT = frozenset({"run", "trailing_delta", "purpose"})
_COLUMNS = tuple(field.name for field in fields(OrderRecord) if field.name not in _LEFT_OUT)


@dataclass(frozen=True, slots=True)
class HandOrderRecord:
    """
    An order with all that happened to it.

    `key` is what the asker called the wish, the same for each `leg` of it (0, 1). `source` says who asked:
    ``hand`` or ``signal``. `wish` is what was asked for. `order.run` is 0: no run made it.
    """

    order: OrderRecord
    venue: str
    key: str
    leg: int
    source: str
    wish: Mapping[str, Any]
    story: tuple[OrderEvent, ...] = ()


class HandOrders:
    """
    The table, to read and to write; made with its journal where there is none. For any number of threads.

    Every method may raise JournalError; then nothing of what it was given was written.

    Args:
        journal: A file's name, or a URL of SQLAlchemy's.

    Raises:
        ConfigError: a bot of an older version writes it, or it cannot be a journal.
        JournalError: the database failed.
    """

    def __init__(self, journal: str | Path) -> None:
        self.place = Place.parse(journal)
        bring_up(self.place, wanted="orders by hand")
        self._engine = open_engine(self.place, durable=True)
        self._reader = open_reading(self.place)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()
        self._reader.dispose()

    def add(self, records: Sequence[HandOrderRecord]) -> bool:
        """Keep the orders of a wish, all or none; False, and nothing is written, where one is there already."""
        ids = [record.order.client_id for record in records]
        is_there = select(hand_orders.c.client_id).where(hand_orders.c.client_id.in_(ids))
        with telling(self.place), self._engine.begin() as connection:
            if connection.execute(is_there).first() is not None:
                return False
            connection.execute(insert(hand_orders), [_row_of(record) for record in records])
        return True

    def change(self, records: Sequence[HandOrderRecord]) -> None:
        """Write how orders stand now, together."""
        with telling(self.place), self._engine.begin() as connection:
            for record in records:
                is_it = hand_orders.c.client_id == record.order.client_id
                connection.execute(update(hand_orders).where(is_it), _row_of(record))

    def find(self, venue: str, key: str) -> list[HandOrderRecord]:
        """Give the orders of a wish, by leg; none where the key is new."""
        return self._read(
            select(hand_orders)
            .where(hand_orders.c.venue == venue, hand_orders.c.key == key)
            .order_by(hand_orders.c.leg)
        )

    def one(self, venue: str, client_id: str) -> HandOrderRecord | None:
        """Give an order by its id; None where it is none of these."""
        is_it = (hand_orders.c.venue == venue) & (hand_orders.c.client_id == client_id)
        return next(iter(self._read(select(hand_orders).where(is_it))), None)

    def unsettled(self, venue: str) -> list[HandOrderRecord]:
        """Give the orders that are not known to be done, oldest first."""
        is_open = hand_orders.c.state.not_in(TERMINAL_STATES)
        return self._read(
            select(hand_orders).where(hand_orders.c.venue == venue, is_open).order_by(hand_orders.c.created_ms)
        )

    def newest(self, venue: str, count: int, *, symbol: str = "") -> list[HandOrderRecord]:
        """Give the newest orders, newest first, of one symbol or all."""
        chosen = select(hand_orders).where(hand_orders.c.venue == venue)
        if symbol:
            chosen = chosen.where(hand_orders.c.symbol == symbol)
        return self._read(
            chosen.order_by(hand_orders.c.created_ms.desc(), hand_orders.c.client_id).limit(count)
        )

    def _read(self, chosen: Any) -> list[HandOrderRecord]:
        with telling(self.place), self._reader.begin() as connection:
            return [_record_of(row) for row in connection.execute(chosen)]


def _row_of(record: HandOrderRecord) -> dict[str, Any]:
    story = [[line.kind, line.time_ms, dict(line.details)] for line in record.story]
    return {
        **{name: getattr(record.order, name) for name in _COLUMNS},
        "venue": record.venue,
        "key": record.key,
        "leg": record.leg,
        "source": record.source,
        "wish": dict(record.wish),
        "story": story,
    }


def _record_of(row: Row[Any]) -> HandOrderRecord:
    told = row._mapping
    return HandOrderRecord(
        order=OrderRecord(run=0, **{name: told[name] for name in _COLUMNS}),
        venue=told["venue"],
        key=told["key"],
        leg=told["leg"],
        source=told["source"],
        wish=told["wish"],
        story=tuple(OrderEvent(kind, time_ms, details) for kind, time_ms, details in told["story"] or ()),
    )
