"""Which id each cancellation got, heard from the exchange's own reports while it acts."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bt_run.practice.events import Executed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.practice.events import Event
    from bt_run.practice.exchange import Exchange

__all__ = ["Reports", "heard"]


@dataclass(slots=True)
class Reports:
    """`cancel_ids` are by order id: what the reports call `c`, so that answers say the same."""

    cancel_ids: dict[int, str] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        """Keep the id of a cancellation."""
        if isinstance(event, Executed) and event.cancel_id is not None:
            self.cancel_ids[event.order.order_id] = event.cancel_id


@contextmanager
def heard(exchange: Exchange) -> Iterator[Reports]:
    """Collect what the exchange reports inside the block."""
    reports = Reports()
    end = exchange.listen(reports.hear)
    try:
        yield reports
    finally:
        end()
