"""The life of an order: the table, what may come late or twice, and sums that never drift."""

from __future__ import annotations

import decimal
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.order_events import (
    EVENTS,
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
from brokers.orders import ECHOES, RETURNS, TERMINAL, TRANSITIONS, Order, State, apply
from bt_run.core.errors import ConfigError, IllegalTransition

D = Decimal


def limit(**changes) -> Order:
    asked = {"quantity": D("1.0"), "price": D("100"), "time_in_force": "GTC", "purpose": "entry"}
    return Order("btr-0-00000001", "BTCUSDT", "BUY", "LIMIT", **(asked | changes))


def market_by_quote() -> Order:
    return Order("btr-0-00000002", "EOSUSDT", "BUY", "MARKET", quote_quantity=D(10), purpose="entry")


def trade(
    trade_id: int, quantity: str, price: str = "100", fee: str = "0", asset: str = "USDT", **more
) -> Filled:
    return Filled(trade_id, D(quantity), D(price), D(fee), asset, 1_000 + trade_id, is_maker=False, **more)


def after(order: Order, *events) -> Order:
    for event in events:
        order = apply(order, event)
    return order


ACCEPTED = Accepted(7, 1_000)
SAMPLES = {
    Submitted: Submitted(),
    Accepted: ACCEPTED,
    Filled: trade(1, "0.4"),
    CancelSent: CancelSent(),
    Canceled: Canceled(2_000),
    CancelRefused: CancelRefused("Unknown order sent."),
    Expired: Expired("OCO_TRIGGER", 2_000),
    Rejected: Rejected(-2010, "Account has insufficient balance for requested action."),
    TimedOut: TimedOut("no answer in 10 s"),
    NeverArrived: NeverArrived("not found for 60 s"),
}

WAY_TO = {
    State.NEW: (),
    State.SENT: (Submitted(),),
    State.OPEN: (Submitted(), ACCEPTED),
    State.PARTIAL: (Submitted(), ACCEPTED, trade(90, "0.1")),
    State.CANCELING: (Submitted(), ACCEPTED, CancelSent()),
    State.UNKNOWN: (Submitted(), TimedOut("502")),
    State.FILLED: (Submitted(), ACCEPTED, trade(91, "1.0")),
    State.CANCELED: (Submitted(), ACCEPTED, Canceled(2_000)),
    State.EXPIRED: (Submitted(), ACCEPTED, Expired("OCO_TRIGGER", 2_000)),
    State.REJECTED: (Submitted(), Rejected(-2010, "no")),
}

# design.md, section 4, written again by hand: where each event leads from each state. A fill of 0.4 of 1.0.
LEADS = {
    (State.NEW, Submitted): State.SENT,
    (State.SENT, Accepted): State.OPEN,
    (State.SENT, Rejected): State.REJECTED,
    (State.SENT, TimedOut): State.UNKNOWN,
    (State.SENT, Filled): State.PARTIAL,
    (State.OPEN, Filled): State.PARTIAL,
    (State.OPEN, CancelSent): State.CANCELING,
    (State.OPEN, Canceled): State.CANCELED,
    (State.OPEN, Expired): State.EXPIRED,
    (State.PARTIAL, Filled): State.PARTIAL,
    (State.PARTIAL, CancelSent): State.CANCELING,
    (State.PARTIAL, Canceled): State.CANCELED,
    (State.PARTIAL, Expired): State.EXPIRED,
    (State.CANCELING, Filled): State.CANCELING,
    (State.CANCELING, Canceled): State.CANCELED,
    (State.CANCELING, CancelRefused): State.OPEN,
    (State.CANCELING, Expired): State.EXPIRED,
    (State.UNKNOWN, Accepted): State.OPEN,
    (State.UNKNOWN, Filled): State.PARTIAL,
    (State.UNKNOWN, Canceled): State.CANCELED,
    (State.UNKNOWN, Expired): State.EXPIRED,
    (State.UNKNOWN, Rejected): State.REJECTED,
    (State.UNKNOWN, NeverArrived): State.REJECTED,
    (State.CANCELED, Filled): State.CANCELED,
    (State.EXPIRED, Filled): State.EXPIRED,
}


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("state", State)
def test_every_event_in_every_state(state, kind):
    """It leads where the design says, or is an echo that moves nothing, or is refused and changes nothing."""
    order = after(limit(), *WAY_TO[state])
    assert state == order.state

    if (state, kind) in LEADS:
        assert LEADS[state, kind] == apply(order, SAMPLES[kind]).state
    elif kind in ECHOES[state]:
        assert state == apply(order, SAMPLES[kind]).state
    else:
        with pytest.raises(IllegalTransition) as caught:
            apply(order, SAMPLES[kind])
        assert order.client_id in str(caught.value)
        assert kind.__name__ in str(caught.value)


def test_the_table_holds_nothing_beside_the_design():
    """Each entry of the table is one line of the design, and no event is both a step and an echo."""
    steps = {(state, kind) for state, row in TRANSITIONS.items() for kind in row}

    assert set(LEADS) == steps
    assert set(State) == set(TRANSITIONS) == set(ECHOES)
    assert not [step for step in steps if step[1] in ECHOES[step[0]]]


FOUND = {Accepted: State.OPEN, Filled: State.PARTIAL, Canceled: State.CANCELED, Expired: State.EXPIRED}


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_an_order_that_was_given_up_may_be_found(kind):
    """That it never arrived is a conclusion of ours; the exchange's word revokes it, a request does not."""
    order = after(limit(), Submitted(), TimedOut("502"), SAMPLES[NeverArrived])
    assert order.is_given_up

    if kind in FOUND:
        found = apply(order, SAMPLES[kind])
        assert (FOUND[kind], False) == (found.state, found.is_given_up)
    elif kind in ECHOES[State.REJECTED]:
        assert order == apply(order, SAMPLES[kind])
    else:
        with pytest.raises(IllegalTransition):
            apply(order, SAMPLES[kind])
    assert set(FOUND) == set(RETURNS)


def test_a_fill_may_come_before_the_answer():
    """The stream is quicker than REST: the order is filled, and the late answer still gives its id."""
    order = after(limit(), Submitted(), trade(1, "1.0"))

    assert (State.FILLED, None) == (order.state, order.exchange_id)
    assert (State.FILLED, 7) == ((late := apply(order, ACCEPTED)).state, late.exchange_id)


def test_a_request_that_times_out_after_the_stream_told_is_no_doubt():
    """The order is known by the stream; the missing answer takes nothing away."""
    order = after(limit(), Submitted(), ACCEPTED, trade(1, "0.4"))

    assert order == apply(order, TimedOut("504"))


def test_a_trade_counts_once():
    """Told by the answer, by the stream and by myTrades, it is one trade."""
    order = after(limit(), Submitted(), ACCEPTED, trade(1, "0.4", fee="0.04"))

    assert order == after(order, trade(1, "0.4", fee="0.04"), trade(1, "0.4"))
    assert {"USDT": D("0.04")} == order.fees


def test_cancel_refused_goes_back_to_what_it_was():
    """With a trade it is PARTIAL again, without one OPEN."""
    order = after(limit(), Submitted(), ACCEPTED, CancelSent())

    assert State.OPEN == apply(order, CancelRefused("no")).state
    assert State.PARTIAL == after(order, trade(1, "0.4"), CancelRefused("no")).state
    filled = after(order, trade(1, "1.0"))
    assert filled == apply(filled, CancelRefused("Unknown order sent."))


@pytest.mark.parametrize("end", [Canceled(2_000, D("0.7")), Expired("maintenance", 2_000, D("0.7"))])
def test_a_late_fill_belongs_to_an_order_that_is_over(end):
    """The exchange said 0.7 before its last trade was heard; what is missing is known, then it comes."""
    order = after(limit(), Submitted(), ACCEPTED, trade(1, "0.4"), end)
    assert (D("0.4"), D("0.3")) == (order.executed, order.missing)

    late = apply(order, trade(2, "0.3", price="110"))

    assert order.state == late.state
    assert (D("0.7"), D(0)) == (late.executed, late.missing)
    assert D("73.0") == late.executed_quote


def test_a_second_word_of_the_end_takes_nothing_back():
    """The answer said how much was executed, the stream says only that it is over."""
    order = after(
        limit(), Submitted(), ACCEPTED, Canceled(2_000, D("0.7")), Canceled(2_000), Accepted(7, 9_000)
    )

    assert (D("0.7"), 1_000) == (order.missing, order.accepted_ms)


def test_more_than_the_quantity_is_refused():
    """A trade too many is another order's, or a bug: it is told, and nothing is counted."""
    order = after(limit(), Submitted(), ACCEPTED, trade(1, "0.4"))

    with pytest.raises(IllegalTransition, match=r"1\.1 would be more than 1\.0"):
        apply(order, trade(2, "0.7"))
    with pytest.raises(IllegalTransition, match="above 0"):
        apply(order, trade(3, "0"))
    with pytest.raises(IllegalTransition, match="exchange id is 7"):
        apply(order, Accepted(8, 1_000))


def test_an_order_by_quote_amount_is_filled_when_the_exchange_says_so():
    """Nobody else knows its whole; a trade of it is PARTIAL until the whole is told and reached."""
    order = after(market_by_quote(), Submitted(), Accepted(9, 1_000), trade(1, "1.5", price="5.128"))
    assert (State.PARTIAL, None) == (order.state, order.whole)

    done = apply(order, trade(2, "0.45", price="5.128", total=D("1.95")))

    assert (State.FILLED, D("1.95"), D("9.99960")) == (done.state, done.executed, done.executed_quote)
    assert D("5.128") == done.average_price


def test_the_word_of_the_whole_does_not_hide_a_missed_trade():
    """The last trade came, the first was lost with the connection: the order waits for it."""
    order = after(market_by_quote(), Submitted(), Accepted(9, 1_000), trade(2, "0.45", total=D("1.95")))

    assert State.PARTIAL == order.state
    assert State.FILLED == apply(order, trade(1, "1.5")).state


def test_an_old_trade_may_bring_the_word_of_the_whole():
    """All trades are there, told without a status: the repeated one ends the order and is counted once."""
    order = after(market_by_quote(), Submitted(), Accepted(9, 1_000), trade(1, "1.95"))

    done = apply(order, trade(1, "1.95", total=D("1.95")))

    assert (State.FILLED, D("1.95"), 1) == (done.state, done.executed, len(done.fills))


def test_an_order_made_smaller_by_hand_is_filled_at_its_new_size():
    """Somebody amended it on the web site; the exchange's word of the whole counts."""
    order = after(limit(), Submitted(), ACCEPTED, trade(1, "0.6", total=D("0.6")))

    assert (State.FILLED, D("0.6")) == (order.state, order.whole)


def test_the_exchange_sets_the_quantity_of_an_opo_leg():
    """It sells what the entry bought, so the quantity comes with the acceptance."""
    leg = Order("btr-0-3", "BTCUSDT", "SELL", "STOP_LOSS", stop_price=D(90), list_client_id="btr-0-9")

    order = after(leg, Submitted(), Accepted(7, 1_000, quantity=D("0.999")))

    assert D("0.999") == order.whole
    assert State.FILLED == apply(order, trade(1, "0.999")).state


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"quantity": None}, "no quantity"),
        ({"quantity": D(0)}, "above 0"),
        ({"price": D(-1)}, "above 0"),
        ({"quote_quantity": D(5)}, "not both"),
        ({"quantity": None, "quote_quantity": D(5)}, "only a MARKET order"),
        ({"price": None}, "needs a price"),
        ({"type": "MARKET"}, "has no price"),
        ({"type": "STOP_LOSS_LIMIT"}, "needs a stop price"),
    ],
)
def test_what_is_no_order_is_refused(changes, problem):
    """The error names the order and says what is missing."""
    with pytest.raises(ConfigError, match=problem) as caught:
        replace(limit(), **changes)

    assert "btr-0-00000001" in str(caught.value)


def test_sums_do_not_hang_on_the_context_of_the_thread():
    """A strategy may set the precision of decimals to three digits; the books do not follow it."""
    with decimal.localcontext() as context:
        context.prec = 3
        order = after(limit(), Submitted(), ACCEPTED, trade(1, "0.12345678", "54321.99"), trade(2, "0.1"))

    assert D("0.22345678") == order.executed
    assert D("0.12345678") * D("54321.99") + 10 == order.executed_quote


EIGHTHS = st.integers(1, 8).map(lambda eighths: D(eighths) / 8)
ANY_EVENT = st.one_of(
    st.sampled_from([event for kind, event in SAMPLES.items() if kind is not Filled]),
    st.builds(
        trade,
        st.integers(1, 6),
        EIGHTHS.map(str),
        st.sampled_from(["99.5", "100", "101.25"]),
        st.sampled_from(["0", "0.001"]),
        st.sampled_from(["USDT", "BTC", "BNB"]),
    ),
)


@given(st.lists(ANY_EVENT, max_size=30), st.booleans())
def test_whatever_comes_the_sums_hold(events, by_quote):
    """Executed is the sum of distinct trades, never above the quantity; an order that is over stays over."""
    order = market_by_quote() if by_quote else limit()
    taken: dict[int, Filled] = {}
    for event in events:
        before = order
        try:
            order = apply(order, event)
        except IllegalTransition:
            assert before == order
            continue
        if isinstance(event, Filled):
            taken.setdefault(event.trade_id, event)
        assert sum(fill.quantity for fill in taken.values()) == order.executed
        assert sum(fill.quantity * fill.price for fill in taken.values()) == order.executed_quote
        assert order.quantity is None or order.executed <= order.quantity
        if before.state in TERMINAL:
            assert before.state == order.state
        elif order.fills:
            assert (order.state == State.FILLED) == (order.executed == order.whole)
        if isinstance(event, Filled):
            assert order == apply(order, event)


@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=5))
def test_the_order_of_words_does_not_matter(places, repeated):
    """Answer, trades and stream in any order, some twice: the same order in the end."""
    words = [ACCEPTED, *(trade(number, "0.25") for number in range(1, 5))]

    order = after(limit(), Submitted(), *(words[place] for place in (*places, *repeated)))

    assert (State.FILLED, 7, D(1)) == (order.state, order.exchange_id, order.executed)
