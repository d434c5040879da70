"""What is written of an order reads back as the same order; trades can be taken back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.holdings import Ledger
from brokers.order_events import (
    Accepted,
    Canceled,
    CancelRefused,
    CancelSent,
    Event,
    Expired,
    Filled,
    NeverArrived,
    Rejected,
    Submitted,
    TimedOut,
)
from brokers.orders import Order, apply
from bt_run.core.errors import IllegalTransition, JournalError
from bt_run.journal.column_types import plain
from bt_run.journal.records import OrderEvent
from bt_run.run.live.rewind import books_at
from bt_run.run.live.story import intent_line, line_of, order_of, order_record

NOW = 1_790_000_000_000


def filled(trade_id: int, quantity: str = "0.25", *, total: str | None = None, time_ms: int = NOW) -> Filled:
    whole = None if total is None else Decimal(total)
    return Filled(
        trade_id, Decimal(quantity), Decimal("50000.1"), Decimal("0.00025"), "BTC", time_ms, False, whole
    )


EVENTS: tuple[Event, ...] = (
    Submitted(),
    Accepted(77, NOW),
    filled(1),
    filled(2),
    filled(3, "0.5", total="1.0"),
    CancelSent(),
    Canceled(NOW, Decimal("0.25")),
    CancelRefused("Unknown order sent."),
    Expired("OCO_TRIGGER", NOW, Decimal("0.5")),
    Rejected(-2010, "Account has insufficient balance."),
    TimedOut("HTTP 504"),
    NeverArrived("-2013"),
)


def make_order(**changes: object) -> Order:
    given: dict[str, object] = {"quantity": Decimal(1), "bracket": "b", "purpose": "entry", "created_ms": NOW}
    return Order("btr-x-00000001", "BTCUSDT", "BUY", "MARKET", **{**given, **changes})  # type: ignore[arg-type]


def read_back(order: Order, lines: list[OrderEvent]) -> Order:
    """Write everything as JSON holds it, and read it."""
    told = [OrderEvent(line.kind, line.time_ms, plain(line.details)) for line in lines]
    return order_of(order_record(order, run=1, updated_ms=NOW), told)


@given(st.lists(st.sampled_from(EVENTS), max_size=12), st.booleans())
def test_a_story_leads_to_the_same_order(events: list[Event], by_quote: bool) -> None:
    amount = {"quantity": None, "quote_quantity": Decimal(100)} if by_quote else {}
    order = make_order(**amount)
    lines = [intent_line(order, time_ms=NOW)]
    for event in events:
        try:
            order = apply(order, event)
        except IllegalTransition:
            continue
        lines.append(line_of(event, time_ms=NOW))
    assert read_back(order, lines) == order


def test_a_story_that_cannot_be_is_refused() -> None:
    order = make_order()
    lines = [intent_line(order, time_ms=NOW), line_of(Canceled(NOW), time_ms=NOW)]
    with pytest.raises(JournalError, match=r"order btr-x-00000001 .* cannot be followed"):
        read_back(order, lines)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(["BTC", "USDT", "BNB"])), min_size=1, max_size=8),
    st.integers(0, 8),
)
def test_trades_are_taken_back_to_any_moment(steps: list[tuple[bool, str]], moment: int) -> None:
    ledger = Ledger("USDT", Decimal(1_000_000)).with_symbol("BTCUSDT", "BTC", "USDT")
    known = [ledger]
    orders = []
    for number, (buys, asset) in enumerate(steps):
        fill = Filled(
            number, Decimal("0.3"), Decimal(100 + number), Decimal("0.001"), asset, NOW + number, False
        )
        side = "BUY" if buys or ledger.holding("BTCUSDT").quantity < Decimal("0.4") else "SELL"
        order = Order(f"btr-x-{number:08d}", "BTCUSDT", side, "MARKET", quantity=Decimal("0.3"))  # type: ignore[arg-type]
        for event in (Submitted(), Accepted(number + 1, NOW), fill):
            order = apply(order, event)
        orders.append(order)
        ledger = ledger.book("BTCUSDT", order.side, fill, Decimal(600))
        known.append(ledger)
    place = min(moment, len(steps))
    then = known[place]
    found = books_at(ledger, "BTCUSDT", orders, NOW + place)
    assert found == (then.cash, then.holding("BTCUSDT").quantity)
