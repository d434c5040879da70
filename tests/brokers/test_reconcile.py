"""The journal against the exchange: what is learnt, asked, and left alone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.hand_ids import hand_id
from brokers.holdings import Ledger
from brokers.order_events import (
    Accepted,
    Canceled,
    CancelRefused,
    CancelSent,
    Expired,
    Filled,
    NeverArrived,
    Rejected,
    Submitted,
    TimedOut,
)
from brokers.orders import Order, State, apply
from brokers.reconcile import applied, reconcile
from brokers.reconciling.views import Balance, Belief, ExchangeOrder, ExchangeTrade, ExchangeView, Missing
from bt_run.core.errors import IllegalTransition

D = Decimal
OURS = "btr-0b-00000001"
SYMBOL = "BTCUSDT"


def limit(client_id=OURS, *events, **changes) -> Order:
    asked = {"quantity": D(1), "price": D(100), "time_in_force": "GTC", "purpose": "entry"} | changes
    order = Order(client_id, SYMBOL, asked.pop("side", "BUY"), asked.pop("type", "LIMIT"), **asked)
    for event in events:
        order = apply(order, event)
    return order


def sent(*events, **changes) -> Order:
    return limit(OURS, Submitted(), *events, **changes)


def opened(*events, **changes) -> Order:
    return sent(Accepted(7, 1_000), *events, **changes)


def filled(trade_id=1, quantity="0.4", **more) -> Filled:
    return Filled(trade_id, D(quantity), D(100), D("0.04"), "USDT", 1_000 + trade_id, is_maker=True, **more)


def told(status="NEW", executed="0", client_id=OURS, **changes) -> ExchangeOrder:
    said = ExchangeOrder(
        client_id, SYMBOL, 7, "BUY", "LIMIT", status, D(1), D(executed), 1_000, 2_000, price=D(100)
    )
    return replace(said, **changes)


def trade(trade_id=1, quantity="0.4", exchange_id=7) -> ExchangeTrade:
    return ExchangeTrade(
        SYMBOL, trade_id, exchange_id, D(quantity), D(100), D("0.04"), "USDT", 1_000 + trade_id, is_maker=True
    )


def books(*orders: Order, cash="1000") -> Ledger:
    ledger = Ledger("USDT", D(cash)).with_symbol(SYMBOL, "BTC", "USDT")
    for order in orders:
        for fill in order.fills:
            ledger = ledger.book(SYMBOL, order.side, fill)
    return ledger


def belief(*orders: Order, ledger: Ledger | None = None) -> Belief:
    known = {order.client_id: order for order in orders}
    return Belief(known, ledger or books(*orders), frozenset({"0b"}), {SYMBOL: D("0.00001")})


def kinds(result) -> list[type]:
    return [type(event) for _, event in result.events]


def listed(*orders, **more) -> ExchangeView:
    return ExchangeView(open_orders=orders, **more)


def asked(*orders, **more) -> ExchangeView:
    return ExchangeView(queried=orders, **more)


def missing(seconds, code=-2013) -> ExchangeView:
    return ExchangeView(missing=(Missing(OURS, seconds, code),))


# What the journal has, what the exchange says, which events follow, where the order stands after them.
LEARNT = {
    "intent that did arrive": (limit(), listed(told()), [Submitted, Accepted], State.OPEN),
    "sent, found open": (sent(), listed(told()), [Accepted], State.OPEN),
    "unknown, found open": (sent(TimedOut("502")), listed(told()), [Accepted], State.OPEN),
    "unknown, waits in a list": (sent(TimedOut("502")), listed(told("PENDING_NEW")), [Accepted], State.OPEN),
    "given up, found open": (sent(TimedOut("5"), NeverArrived("6")), asked(told()), [Accepted], State.OPEN),
    "given up, found rejected": (
        sent(TimedOut("5"), NeverArrived("6")),
        asked(told("REJECTED")),
        [],
        State.REJECTED,
    ),
    "given up, found filled": (
        sent(TimedOut("5"), NeverArrived("6")),
        asked(told("FILLED", "1"), trades=(trade(1, "1"),)),
        [Accepted, Filled],
        State.FILLED,
    ),
    "unknown, found rejected": (sent(TimedOut("502")), asked(told("REJECTED")), [Rejected], State.REJECTED),
    "unknown, found cancelled": (
        sent(TimedOut("502")),
        asked(told("CANCELED")),
        [Accepted, Canceled],
        State.CANCELED,
    ),
    "unknown, found filled": (
        sent(TimedOut("502")),
        asked(told("FILLED", "1"), trades=(trade(2, "0.6"), trade(1))),
        [Accepted, Filled, Filled],
        State.FILLED,
    ),
    "nothing new": (opened(), listed(told()), [], State.OPEN),
    "missed a fill": (
        opened(),
        listed(told("PARTIALLY_FILLED", "0.4"), trades=(trade(),)),
        [Filled],
        State.PARTIAL,
    ),
    "knows the fill": (
        opened(filled()),
        listed(told("PARTIALLY_FILLED", "0.4"), trades=(trade(),)),
        [],
        State.PARTIAL,
    ),
    "missed the end": (opened(filled()), asked(told("CANCELED", "0.4")), [Canceled], State.CANCELED),
    "missed the last fill and the end": (
        opened(filled()),
        asked(told("EXPIRED", "0.9"), trades=(trade(), trade(2, "0.5"))),
        [Filled, Expired],
        State.EXPIRED,
    ),
    "self-trade": (opened(), asked(told("EXPIRED_IN_MATCH")), [Expired], State.EXPIRED),
    "dropped at its trigger": (opened(), asked(told("REJECTED")), [Expired], State.EXPIRED),
    "cancel did not arrive": (opened(CancelSent()), listed(told()), [CancelRefused], State.OPEN),
    "cancel did arrive": (opened(CancelSent()), asked(told("CANCELED")), [Canceled], State.CANCELED),
    "late fill": (opened(Canceled(2_000)), ExchangeView(trades=(trade(),)), [Filled], State.CANCELED),
    "filled before the answer came": (
        sent(filled(1, "1")),
        asked(told("FILLED", "1"), trades=(trade(1, "1"),)),
        [Accepted],
        State.FILLED,
    ),
    "made smaller by hand": (
        opened(filled(1, "0.6")),
        asked(told("FILLED", "0.6"), trades=(trade(1, "0.6"),)),
        [Filled],
        State.FILLED,
    ),
    "a list that lags behind": (opened(filled(1, "1")), asked(told("FILLED", "0.4")), [], State.FILLED),
    "never arrived": (sent(), missing(60), [TimedOut, NeverArrived], State.REJECTED),
    "intent that never left": (limit(), missing(61), [Submitted, TimedOut, NeverArrived], State.REJECTED),
    "unknown for long": (sent(TimedOut("502")), missing(60), [NeverArrived], State.REJECTED),
    "unknown, not asked for long": (sent(), missing(59), [TimedOut], State.UNKNOWN),
    "open, absent for a moment": (opened(), missing(5), [], State.OPEN),
    "archived": (opened(), missing(0, -2026), [Expired], State.EXPIRED),
    "archived, with a trade": (
        opened(),
        replace(missing(0, -2026), trades=(trade(),)),
        [Filled],
        State.PARTIAL,
    ),
    "denied, with all of its trades": (
        opened(),
        replace(missing(90), trades=(trade(1, "1"),)),
        [Filled],
        State.FILLED,
    ),
    "archived with its trade known": (
        opened(filled()),
        replace(missing(0, -2026), trades=(trade(),)),
        [],
        State.PARTIAL,
    ),
    "unknown and archived": (sent(TimedOut("502")), missing(0, -2026), [Expired], State.EXPIRED),
    "over, asked all the same": (opened(Canceled(2_000)), missing(90), [], State.CANCELED),
}


@pytest.mark.parametrize("name", LEARNT)
def test_what_is_learnt(name):
    """The events that follow, where they lead, and that they follow once only."""
    order, view, events, state = LEARNT[name]
    believed = belief(order)

    result = reconcile(believed, view)
    after = applied(believed, result)

    assert events == kinds(result)
    assert state == after.orders[OURS].state
    assert reconcile(after, view).changes_nothing
    assert {fill.trade_id for fill in after.orders[OURS].fills} == {number for _, number in after.ledger.booked}


@pytest.mark.parametrize(
    ("order", "view", "to_query", "to_fetch", "unresolved"),
    [
        (opened(), ExchangeView(), [OURS], [], []),
        (sent(), ExchangeView(), [OURS], [], []),
        (limit(), ExchangeView(), [OURS], [], []),
        (sent(), missing(10), [], [], [OURS]),
        (opened(), missing(10), [], [], [OURS]),
        (opened(), asked(told("FILLED", "1"), trades=(trade(),)), [], [(SYMBOL, 7)], []),
        (sent(), asked(told("FILLED", "1")), [], [(SYMBOL, 7)], []),
        (opened(), asked(told("CANCELED", "0.4")), [], [(SYMBOL, 7)], []),
        (opened(Canceled(2_000, D("0.4"))), ExchangeView(), [], [(SYMBOL, 7)], []),
        (opened(Canceled(2_000)), listed(told()), [OURS], [], []),
        (opened(filled(1, "1")), ExchangeView(), [], [], []),
        (opened(), listed(told()), [], [], []),
    ],
)
def test_what_is_asked(order, view, to_query, to_fetch, unresolved):
    """Unknown is asked for, never guessed; and nothing is settled as long as something is asked."""
    result = reconcile(belief(order), view)

    assert (to_query, to_fetch) == (list(result.to_query), list(result.to_fetch))
    assert unresolved == list(result.unresolved)
    assert result.is_settled == (not (to_query or to_fetch or unresolved))


CONTRADICTIONS = {
    "refused, and lives": (sent(Rejected(-2010, "no")), asked(told()), "has it as NEW"),
    "open again": (opened(Canceled(2_000)), asked(told()), "still has it open"),
    "another order of that name": (opened(), listed(told(exchange_id=8)), "has it as 8, not 7"),
    "a word nobody knows": (opened(), asked(told("FROZEN")), "'FROZEN', which bt-run does not know"),
    "more than the whole": (
        opened(filled(1, "1")),
        asked(told("FILLED", "1"), trades=(trade(1, "1"), trade(2, "0.1"))),
        "cannot follow",
    ),
    "gone with a part of it executed": (
        sent(filled()),
        missing(90),
        "does not know it any more (-2013), though it had executed a part",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_contradicts_is_told(name):
    """Nothing is changed, the sentence names the order, and trading may not begin."""
    order, view, problem = CONTRADICTIONS[name]

    result = reconcile(belief(order), view)

    assert result.changes_nothing
    assert not result.is_settled
    (sentence,) = result.contradictions
    assert OURS in sentence
    assert problem in sentence
    assert sentence in result.sentences


def test_a_trade_that_the_ledger_missed_is_booked():
    """The order knew it, the process stopped before the books did: booked now, once."""
    order = opened(filled(1, "1"))
    believed = belief(order, ledger=books())

    result = reconcile(believed, ExchangeView())
    after = applied(believed, result)

    assert [(OURS, 1)] == [(item.client_id, item.fill.trade_id) for item in result.to_book]
    assert (D(1), D("899.96")) == (after.ledger.holding(SYMBOL).quantity, after.ledger.cash)
    assert "Missed trade 1: BUY 1 BTCUSDT at 100 (order btr-0b-00000001); it is booked now." in result.sentences


def test_trades_of_several_orders_are_booked_by_time():
    """A purchase and a sale were missed; the sale comes second even where its order comes first."""
    sale = replace(
        limit("btr-0b-00000000", Submitted(), Accepted(9, 1_000), side="SELL"),
        fills=(replace(filled(5, "1"), time_ms=9_000),),
        state=State.FILLED,
    )
    believed = belief(sale, opened(filled(6, "1")), ledger=books())

    result = reconcile(believed, ExchangeView())

    assert [6, 5] == [item.fill.trade_id for item in result.to_book]
    assert D(0) == applied(believed, result).ledger.holding(SYMBOL).quantity


def test_a_sale_of_what_is_not_held_is_told_and_not_booked():
    """The purchase is not known: the books stay, the sentence says so."""
    sale = replace(
        limit("btr-0b-00000005", Submitted(), side="SELL"), fills=(filled(5, "1"),), state=State.FILLED
    )
    believed = belief(sale, ledger=books())

    result = reconcile(believed, ExchangeView())

    assert result.changes_nothing
    assert "sold 1, but the books hold 0" in result.contradictions[0]


def test_an_order_of_ours_that_the_journal_lost_is_taken_in():
    """Known by its run tag; brought to where it stands, with its trades."""
    stop = told(
        "PARTIALLY_FILLED",
        "0.4",
        "btr-0b-00000077",
        side="SELL",
        type="STOP_LOSS",
        price=None,
        stop_price=D(90),
    )
    believed = belief(ledger=books(opened(filled(90, "1"))))
    view = listed(stop, trades=(trade(3),))

    result = reconcile(believed, view)
    after = applied(believed, result)
    order = after.orders["btr-0b-00000077"]

    assert ("stop_loss", State.PARTIAL, 7) == (order.purpose, order.state, order.exchange_id)
    assert D("0.6") == after.ledger.holding(SYMBOL).quantity
    assert reconcile(after, view).changes_nothing
    assert "Order btr-0b-00000077 (SELL BTCUSDT STOP_LOSS) is ours, the journal had lost it" in " ".join(
        result.sentences
    )


def test_a_lost_order_by_quote_amount_or_of_another_symbol():
    """The first is taken in as it was asked; the second is told, because the books do not know its symbol."""
    by_quote = told(
        "FILLED", "0.4", "btr-0b-00000078", type="MARKET", price=None, quantity=D("0.4"), quote_quantity=D(40)
    )
    other = told(client_id="btr-0b-00000079", symbol="ETHUSDT")
    believed = belief()
    view = ExchangeView(open_orders=(other,), queried=(by_quote,), trades=(trade(3),))

    result = reconcile(believed, view)

    assert State.FILLED == applied(believed, result).orders["btr-0b-00000078"].state
    assert ["Order btr-0b-00000079 is ours, but of ETHUSDT, which the books do not know."] == list(
        result.contradictions
    )


def test_orders_of_others_are_not_touched():
    """Another program's, another run's; both named, neither changed, nor do they keep anybody from trading."""
    result = reconcile(
        belief(opened()),
        listed(
            told(),
            told(client_id="and_f4ebcde1", exchange_id=8),
            told(client_id="btr-9z-00000001", exchange_id=9),
        ),
    )

    assert result.changes_nothing
    assert result.is_settled
    assert ["and_f4ebcde1", "btr-9z-00000001"] == [order.client_id for order in result.foreign_orders]
    assert [
        "Order and_f4ebcde1 (BUY BTCUSDT LIMIT) is not from bt-run; it is not touched.",
        "Order btr-9z-00000001 (BUY BTCUSDT LIMIT) is another run of bt-run; it is not touched.",
    ] == list(result.sentences)


def test_where_all_agrees_nothing_is_said():
    """An empty report is an empty tuple."""
    order = opened(filled())
    view = listed(
        told("PARTIALLY_FILLED", "0.4"),
        trades=(trade(),),
        balances={"BTC": Balance(D("0.4"), D(0)), "USDT": Balance(D(900), D(60))},
    )

    result = reconcile(belief(order), view)

    assert () == result.sentences
    assert result.is_settled


EVENTS = st.sampled_from(
    [
        Submitted(),
        Accepted(7, 1_000),
        filled(1),
        filled(2, "0.6"),
        filled(2, "0.6", total=D(1)),
        CancelSent(),
        CancelRefused("no"),
        Canceled(2_000, D("0.4")),
        Canceled(2_000),
        Expired("OCO_TRIGGER", 2_000),
        TimedOut("502"),
        Rejected(-2010, "no"),
    ]
)
STATUSES = st.sampled_from(
    [
        "PENDING_NEW",
        "NEW",
        "PARTIALLY_FILLED",
        "FILLED",
        "CANCELED",
        "EXPIRED",
        "EXPIRED_IN_MATCH",
        "REJECTED",
        "ODD",
    ]
)
TRADES = st.lists(st.sampled_from([trade(1), trade(2, "0.6"), trade(3, "0.1"), trade(4, "1", 8)]), max_size=4)


@st.composite
def worlds(draw) -> tuple[Belief, ExchangeView]:
    """Draw any journal of up to three orders, and any word of the exchange on them, likely or not."""
    orders, books_of = [], []
    for number in range(draw(st.integers(0, 3))):
        by_quote = draw(st.booleans())
        shape = (
            {"quantity": None, "quote_quantity": D(100), "price": None, "type": "MARKET"} if by_quote else {}
        )
        order = limit(f"btr-0b-{number:08d}", **shape)
        for event in draw(st.lists(EVENTS, max_size=6)):
            try:
                order = apply(order, event)
            except IllegalTransition:
                continue
        orders.append(order)
        books_of.append(order) if draw(st.booleans()) else None
    saying = st.builds(
        told,
        STATUSES,
        st.sampled_from(["0", "0.4", "0.6", "1"]),
        st.sampled_from([f"btr-0b-{number:08d}" for number in range(5)] + ["web_1"]),
        exchange_id=st.sampled_from([7, 7, 7, 8]),
    )
    absent = st.builds(
        Missing,
        st.sampled_from([f"btr-0b-{number:08d}" for number in range(3)]),
        st.sampled_from([1.0, 100.0]),
        st.sampled_from([-2013, -2026]),
    )
    view = ExchangeView(
        open_orders=tuple(draw(st.lists(saying, max_size=3))),
        queried=tuple(draw(st.lists(saying, max_size=3))),
        missing=tuple(draw(st.lists(absent, max_size=2))),
        trades=tuple(draw(TRADES)),
        complete_ms=draw(st.sampled_from([{}, {SYMBOL: (0, 9_999)}])),
        balances=draw(
            st.sampled_from([None, {}, {"BTC": Balance(D("0.4"), D(1)), "DOGE": Balance(D(1), D(0))}])
        ),
    )
    return belief(*orders, ledger=books(*books_of)), view


@given(worlds())
def test_applied_once_nothing_is_left_to_apply(world):
    """Whatever both sides say: the result can be applied, and the second comparison changes nothing."""
    believed, view = world

    result = reconcile(believed, view)
    after = applied(believed, result)
    again = reconcile(after, view)

    assert again.changes_nothing
    assert again.foreign_orders == result.foreign_orders
    assert {order.client_id for order in again.foreign_orders} <= {"web_1"}
    assert all(sentence.endswith((".", ":")) for sentence in (*result.sentences, *again.sentences))
    for client_id, order in believed.orders.items():
        later = after.orders[client_id]
        assert later.fills[: len(order.fills)] == order.fills
        assert not order.is_terminal or order.state == later.state


def test_an_order_of_the_web_desk_is_a_strangers():
    """Neither adopted nor asked for nor booked; the report says whose it is."""
    by_hand = told(client_id=hand_id("testnet", "a wish", 0), exchange_id=9)
    result = reconcile(belief(opened()), ExchangeView(open_orders=(told(), by_hand), balances={}))

    assert (by_hand,) == result.foreign_orders
    assert () == result.adopted
    assert () == result.to_query
    assert any("from the web desk" in said and "is not touched" in said for said in result.sentences)
