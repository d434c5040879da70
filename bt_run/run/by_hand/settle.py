"""
Find out at the exchange how an order by hand stands.

An order without an answer is asked for by its client id until the exchange knows it, or has said for a minute
that it does not, and lists no trade that may be its; it is never sent again.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from brokers.live.absence import TradeOwners
from brokers.order_events import Expired
from brokers.orders import State
from brokers.reconciling.account import SPREAD_MS
from brokers.reconciling.one_order import lesson_of_absence, lesson_of_order
from brokers.reconciling.views import ExchangeOrder, Missing
from bt_run.run.by_hand.book import after, order_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from brokers.gateway import Gateway
    from brokers.orders import Order
    from brokers.reconciling.views import ExchangeTrade
    from bt_run.journal.hand_orders import HandOrderRecord

__all__ = ["PATIENCE_S", "Settler", "is_as_told"]

PATIENCE_S = 60.0
"""An order that the exchange did not know for so long never arrived there."""

_log = logging.getLogger(__name__)


class Settler:
    """
    Asks for orders; remembers since when the exchange does not know them. For one thread at a time.

    `troubles` are sentences by client id on what is not clear.

    Args:
        gateway: Answers the questions.
        patience_s: See `PATIENCE_S`.
        steady: Gives seconds that nobody sets.
    """

    def __init__(
        self, gateway: Gateway, *, patience_s: float = PATIENCE_S, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self.troubles: dict[str, str] = {}
        self._gateway = gateway
        self._patience_s = patience_s
        self._steady = steady
        self._missing_since: dict[str, float] = {}
        self._owners = TradeOwners(gateway)

    def settle(self, record: HandOrderRecord, *, now_ms: int) -> HandOrderRecord:
        """Ask for an order and give its record after the answer. Raises ExchangeError, JournalError."""
        order = order_in(record)
        told = self._gateway.query(order.symbol, order.client_id)
        if told is None:
            return self._absent(record, order, now_ms=now_ms)
        return self._found(record, order, told, now_ms=now_ms)

    def _found(
        self, record: HandOrderRecord, order: Order, told: ExchangeOrder, *, now_ms: int
    ) -> HandOrderRecord:
        self._missing_since.pop(order.client_id, None)
        trades: tuple[ExchangeTrade, ...] = ()
        if told.executed > order.executed:
            trades = self._gateway.trades(order.symbol, exchange_id=told.exchange_id)
        lesson = lesson_of_order(order, told, trades)
        self._note(order.client_id, lesson.contradiction)
        if lesson.needs_trades and lesson.order.is_terminal:
            return record  # its trades come late: asked again before it counts as over
        return after(record, lesson.events, now_ms=now_ms)

    def _absent(self, record: HandOrderRecord, order: Order, *, now_ms: int) -> HandOrderRecord:
        since = self._missing_since.setdefault(order.client_id, self._steady())
        asked_s = self._steady() - since
        lesson = lesson_of_absence(order, Missing(order.client_id, asked_s), patience_s=self._patience_s)
        events = lesson.events
        if lesson.contradiction:
            events = (Expired("the exchange does not know it any more; it may have been reset", 0),)
        is_over = events and not lesson.is_open
        trace = self._trace_of(order) if is_over else None
        if isinstance(trace, ExchangeOrder):
            return self._found(record, order, trace, now_ms=now_ms)
        if trace is not None:
            self._note(order.client_id, f"nobody knows whose a listed trade of order {trace} is")
            return record
        self._note(order.client_id, "" if is_over else "the exchange does not know it yet; it is asked for")
        return after(record, events, now_ms=now_ms)

    def _trace_of(self, order: Order) -> ExchangeOrder | int | None:
        """
        Give the order where a listed trade leads to it, or the number of an order of which nobody knows.

        One copy of the exchange's books may deny what another lists. None where no trade speaks for it.
        """
        start_ms = max(0, order.created_ms - SPREAD_MS)
        trades = self._gateway.trades(order.symbol, start_ms=start_ms)
        return self._owners.seek(order, dict.fromkeys(trade.exchange_id for trade in trades))

    def _note(self, client_id: str, trouble: str) -> None:
        if not trouble:
            self.troubles.pop(client_id, None)
        elif self.troubles.get(client_id) != trouble:
            self.troubles[client_id] = trouble
            _log.warning("%s", trouble)


def is_as_told(order: Order, standing: Mapping[str, ExchangeOrder]) -> bool:
    """Tell whether a list of open orders says of an order what is known already."""
    told = standing.get(order.client_id)
    is_working = order.state in (State.OPEN, State.PARTIAL)
    return told is not None and is_working and told.executed == order.executed
