"""Asking the exchange about orders whose fate is open, and waiting until it is known."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brokers.amounts import ZERO
from brokers.live.absence import Evidence
from brokers.orders import State
from brokers.reconcile import PATIENCE_S
from brokers.reconciling.one_order import lesson_of_absence, lesson_of_order
from brokers.reconciling.views import Missing
from bt_run.core.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from brokers.gateway import Gateway
    from brokers.live.desk import Desk
    from brokers.orders import Order
    from brokers.reconciling.one_order import Lesson
    from brokers.reconciling.views import ExchangeOrder, ExchangeTrade

__all__ = ["Inquiry", "Waits"]

_log = logging.getLogger(__name__)

_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


@dataclass(slots=True)
class _Doubt:
    due_s: float
    tries: int = 0
    absent_since_s: float | None = None
    told: str = ""


class Inquiry:
    """
    Asks for each doubtful order by its client id: soon, then ever more rarely, and never sends it again.

    It asks in the thread that trades: whoever waits for the answer waits there. That an order never arrived is
    believed where the exchange has said so for `PATIENCE_S` seconds and neither a listed trade nor a balance
    contradicts; it alone decides that. `clock` gives seconds that only grow; `note` takes what a person should
    know.
    """

    def __init__(
        self,
        desk: Desk,
        gateway: Gateway,
        clock: Callable[[], float],
        *,
        note: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._desk = desk
        self._gateway = gateway
        self._evidence = Evidence(desk, gateway)
        self._clock = clock
        self._note = note
        self._doubts: dict[str, _Doubt] = {}

    def pump(self) -> None:
        """Ask for what is due."""
        doubtful = {order.client_id for order in self._desk.doubtful()}
        if not (doubtful or self._doubts):
            return
        now = self._clock()
        self._doubts = {name: doubt for name, doubt in self._doubts.items() if name in doubtful}
        for client_id in doubtful:
            doubt = self._doubts.setdefault(client_id, _Doubt(now + _PAUSES_S[0]))
            if now >= doubt.due_s:
                self.ask(client_id)

    def ask(self, client_id: str) -> None:
        """Ask now; whatever is learnt goes to the desk. Without an answer it is asked again later."""
        now = self._clock()
        doubt = self._doubts.setdefault(client_id, _Doubt(now))
        doubt.due_s = now + _PAUSES_S[min(doubt.tries, len(_PAUSES_S) - 1)]
        doubt.tries += 1
        order = self._desk.orders[client_id]
        try:
            told = self._gateway.query(order.symbol, client_id)
            if told is None:
                self._learn_absence(client_id, doubt, now)
            else:
                doubt.absent_since_s = None
                self._learn(client_id, told)
        except ExchangeError as error:
            _log.warning("Order %s is asked for again later: %s", client_id, error)

    def _learn(self, client_id: str, told: ExchangeOrder) -> None:
        order = self._desk.orders[client_id]
        executed = max(told.executed, order.reported_executed or ZERO)
        trades: tuple[ExchangeTrade, ...] = ()
        if executed > order.executed:
            trades = self._gateway.trades(order.symbol, exchange_id=told.exchange_id)
        self._apply(client_id, lesson_of_order(order, told, trades))

    def _learn_absence(self, client_id: str, doubt: _Doubt, now: float) -> None:
        if doubt.absent_since_s is None:
            doubt.absent_since_s = now
        order, asked_s = self._desk.orders[client_id], now - doubt.absent_since_s
        if order.is_terminal:
            return
        if asked_s >= PATIENCE_S and order.state in (State.SENT, State.UNKNOWN):
            found = self._evidence.against(order)
            if not isinstance(found, str):
                self._learn(client_id, found)
                return
            if found:
                self._tell(order, doubt, found)
                asked_s = 0.0
        self._apply(client_id, lesson_of_absence(order, Missing(client_id, asked_s), patience_s=PATIENCE_S))

    def _tell(self, order: Order, doubt: _Doubt, against: str) -> None:
        """Say, once, why the exchange is not believed."""
        if against != doubt.told:
            doubt.told = against
            self._note(
                f"The exchange does not know order {order.client_id} ({order.side} {order.type}), but "
                f"{against}. It is asked for until that is clear. Nothing is sent for {order.symbol} meanwhile."
            )

    def _apply(self, client_id: str, lesson: Lesson) -> None:
        for event in lesson.events:
            self._desk.take(client_id, event)
        if lesson.contradiction:
            self._desk.complain(lesson.contradiction)

    def withdraw(self, client_ids: Iterable[str]) -> bool:
        """
        Cancel these orders, each list once, and ask for those whose end the answer did not tell.

        Tells whether all of them are over and all their trades are known.
        """
        names = list(client_ids)
        lists: set[str] = set()
        for client_id in names:
            order = self._desk.orders[client_id]
            if order.is_terminal or order.list_client_id in lists:
                continue
            self._desk.cancel(client_id)
            if order.list_client_id:
                lists.add(order.list_client_id)
        for client_id in names:
            if not self._desk.is_over(client_id):
                self.ask(client_id)
        return all(self._desk.is_over(client_id) for client_id in names)


@dataclass(slots=True)
class _Wait:
    symbol: str
    blockers: tuple[str, ...]
    act: Callable[[], None]
    due_s: float


@dataclass(slots=True)
class Waits:
    """What is done once certain orders are over, such as a sale after the stop that locked the coins."""

    desk: Desk
    inquiry: Inquiry
    clock: Callable[[], float]
    _waits: list[_Wait] = field(default_factory=list)

    def after(self, symbol: str, blockers: Iterable[str], act: Callable[[], None]) -> None:
        """Cancel the blockers; act at once where their end is known, else as soon as it is."""
        names = tuple(blockers)
        if self.inquiry.withdraw(names):
            act()
        else:
            self._waits.append(_Wait(symbol, names, act, self.clock() + _PAUSES_S[1]))

    def pump(self) -> None:
        """Act on what has become known; cancel again what the exchange still has open."""
        if not self._waits:
            return
        now = self.clock()
        waits, self._waits = self._waits, []
        for wait in waits:
            if not self._over(wait) and now >= wait.due_s:
                wait.due_s = now + _PAUSES_S[2]
                self.inquiry.withdraw(
                    name
                    for name in wait.blockers
                    if self.desk.orders[name].state in (State.OPEN, State.PARTIAL)
                )
            if self._over(wait):
                wait.act()
            else:
                self._waits.append(wait)

    def _over(self, wait: _Wait) -> bool:
        return all(self.desk.is_over(name) for name in wait.blockers)

    def about(self, symbol: str) -> bool:
        """Whether something of this symbol waits."""
        return any(wait.symbol == symbol for wait in self._waits)
