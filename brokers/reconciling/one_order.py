"""What one order of ours must learn from the exchange's word, as events that its state allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, text_of
from brokers.order_events import (
    Accepted,
    Canceled,
    CancelRefused,
    Event,
    Expired,
    NeverArrived,
    Rejected,
    Submitted,
    TimedOut,
)
from brokers.orders import Order, Purpose, State, apply
from brokers.reconciling.views import ENDED, WORKING, ExchangeOrder, ExchangeTrade, Missing
from bt_run.core.errors import ConfigError, IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Lesson", "adopted", "lesson_of_absence", "lesson_of_order"]

_NO_ID_YET = (State.NEW, State.SENT, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Lesson:
    """
    Events for one order, and the order after them.

    `needs_trades`: the exchange executed more than the trades at hand explain. `is_open`: it is not known yet
    how the order stands. `contradiction` is a sentence where the two sides cannot both be right.
    """

    order: Order
    events: tuple[Event, ...] = ()
    needs_trades: bool = False
    is_open: bool = False
    contradiction: str = ""


class _Scribe:
    """Writes events down and applies them at once, so that only legal ones are written."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.events: list[Event] = []

    def write(self, event: Event) -> None:
        self.order = apply(self.order, event)
        self.events.append(event)

    def lesson(self, *, needs_trades: bool = False, is_open: bool = False, against: str = "") -> Lesson:
        sentence = _sentence(self.order, against) if against else ""
        return Lesson(self.order, tuple(self.events), needs_trades, is_open, sentence)


def lesson_of_order(
    order: Order, told: ExchangeOrder | None, trades: Iterable[ExchangeTrade], *, is_fresh: bool = True
) -> Lesson:
    """
    Compare one order with the exchange's word on it, None where it was not asked for, and with its trades.

    A word that is not fresh (a list fetched before an event came) may lag behind: what it says of an order that
    is over is not believed, but asked again.
    """
    scribe = _Scribe(order)
    try:
        if told is not None:
            if told.exchange_id != (order.exchange_id or told.exchange_id):
                return _against(order, f"the exchange has it as {told.exchange_id}, not {order.exchange_id}")
            if order.state is State.REJECTED and (told.status == "REJECTED" or not order.is_given_up):
                return _rejected_lives(order, told)
            _accept(scribe, told)
        _add_trades(scribe, told, trades)
        if told is not None and scribe.order.state is not State.REJECTED:
            _end(scribe, told)
    except (IllegalTransition, ConfigError) as error:
        return _against(order, str(error))
    return _judge(scribe, told, is_fresh=is_fresh)


def lesson_of_absence(
    order: Order, answer: Missing, trades: Iterable[ExchangeTrade] = (), *, patience_s: float
) -> Lesson:
    """
    Learn from the answer that the exchange does not know the order; before `patience_s` only that much.

    A trade of the order that is listed all the same counts, and no order that has traded was never there.
    """
    scribe = _Scribe(order)
    try:
        _add_trades(scribe, None, trades)
    except (IllegalTransition, ConfigError) as error:
        return _against(order, str(error))
    if scribe.order.is_terminal:
        return scribe.lesson()
    if order.state is State.NEW:
        scribe.write(Submitted())
    if scribe.order.state is State.SENT:
        scribe.write(TimedOut("no answer of the exchange is on record"))
    if answer.code == -2026 and not scribe.order.fills:
        scribe.write(Expired("archived by the exchange: it ended without a trade (-2026)", 0, ZERO))
        return scribe.lesson()
    patient = answer.asked_s >= patience_s
    if scribe.order.state is State.UNKNOWN and patient:
        scribe.write(NeverArrived(f"the exchange did not know it for {answer.asked_s:.0f} s ({answer.code})"))
        return scribe.lesson()
    if patient:
        had = "it had accepted it" if order.exchange_id is not None else "it had executed a part of it"
        return scribe.lesson(against=f"the exchange does not know it any more ({answer.code}), though {had}")
    return scribe.lesson(is_open=True)


def adopted(told: ExchangeOrder) -> Order:
    """
    Make an order of ours that the journal has lost, in state NEW; its events bring it to what it is.

    What it was for is guessed from its type: BUY entry, SELL exit, stop or target. Raises ConfigError where the
    exchange's word makes no order.
    """
    purpose: Purpose = "entry" if told.side == "BUY" else "exit"
    if told.side == "SELL" and told.type.startswith("STOP_LOSS"):
        purpose = "stop_loss"
    elif told.side == "SELL" and told.type.startswith("TAKE_PROFIT"):
        purpose = "take_profit"
    return Order(
        told.client_id,
        told.symbol,
        told.side,
        told.type,
        quantity=None if told.quote_quantity else told.quantity,
        quote_quantity=told.quote_quantity,
        price=told.price,
        stop_price=told.stop_price,
        trailing_delta=told.trailing_delta,
        time_in_force=told.time_in_force,
        list_client_id=told.list_client_id,
        bracket=told.list_client_id,
        purpose=purpose,
        created_ms=told.time_ms,
    )


def _accept(scribe: _Scribe, told: ExchangeOrder) -> None:
    order = scribe.order
    if order.state is State.NEW:
        scribe.write(Submitted())
    if told.status == "REJECTED" and order.state in _NO_ID_YET:
        scribe.write(Rejected(None, told.reason or "rejected by the exchange"))
        return
    unsized = order.quantity is None and order.quote_quantity is None and told.quantity is not None
    if order.exchange_id is None or scribe.order.state in (State.SENT, State.UNKNOWN) or unsized:
        scribe.write(Accepted(told.exchange_id, told.time_ms, told.quantity))


def _add_trades(scribe: _Scribe, told: ExchangeOrder | None, trades: Iterable[ExchangeTrade]) -> None:
    exchange_id = scribe.order.exchange_id
    if exchange_id is None:
        return
    total = told.executed if told is not None and told.status == "FILLED" else None
    mine = [
        trade for trade in trades if (trade.symbol, trade.exchange_id) == (scribe.order.symbol, exchange_id)
    ]
    for trade in sorted(mine, key=lambda trade: (trade.time_ms, trade.trade_id)):
        if not scribe.order.has_trade(trade.trade_id):
            scribe.write(trade.filled(total))
    order = scribe.order
    if total is not None and not order.is_terminal and order.total is None and order.fills:
        # Every trade is there, but none of them brought word that they are the whole.
        scribe.write(replace(order.fills[-1], total=total))


def _end(scribe: _Scribe, told: ExchangeOrder) -> None:
    if scribe.order.is_terminal:
        return
    if told.status == "CANCELED":
        scribe.write(Canceled(told.update_ms, told.executed))
    elif told.status in ENDED:
        scribe.write(Expired(told.reason or told.status, told.update_ms, told.executed))
    elif told.status in WORKING and scribe.order.state is State.CANCELING:
        scribe.write(CancelRefused("the exchange still has the order open"))


def _judge(scribe: _Scribe, told: ExchangeOrder | None, *, is_fresh: bool) -> Lesson:
    order = scribe.order
    executed = max(told.executed if told is not None else ZERO, order.reported_executed or ZERO)
    needs_trades = executed > order.executed
    if told is None:
        return scribe.lesson(needs_trades=needs_trades, is_open=not order.is_terminal)
    against = ""
    is_late = told.status in WORKING and order.is_terminal
    if told.status not in WORKING | ENDED | {"FILLED", "PENDING_NEW"}:
        against = f"the exchange calls it {told.status!r}, which bt-run does not know"
    elif is_late and is_fresh:
        against = f"the exchange still has it open ({told.status})"
    return scribe.lesson(needs_trades=needs_trades, is_open=is_late and not is_fresh, against=against)


def _rejected_lives(order: Order, told: ExchangeOrder) -> Lesson:
    if told.status == "REJECTED":
        return Lesson(order)
    return _against(order, f"the exchange has it as {told.status}, {text_of(told.executed)} of it executed")


def _against(order: Order, why: str) -> Lesson:
    return Lesson(order, contradiction=_sentence(order, why))


def _sentence(order: Order, why: str) -> str:
    return f"Order {order.client_id} is {order.state} in the journal, but {why.rstrip('.')}."
