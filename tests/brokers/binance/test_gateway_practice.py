"""Orders of every kind on the practice exchange, judged by what `brokers.orders.apply` makes of them."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from brokers.binance.server_clock import ServerClock
from brokers.gateway import FeeRates, Gateway
from brokers.order_events import (
    Accepted,
    Canceled,
    CancelRefused,
    CancelSent,
    Expired,
    Filled,
    Submitted,
    TimedOut,
)
from brokers.orders import State, apply
from bt_run.core.errors import UnknownSymbol
from bt_run.practice.faults import (
    BadTimestamp,
    FillBeforeReply,
    LateAnswer,
    LostAnswer,
    PartialFillThenCancel,
    ServerError,
    UnknownOutcome,
)

D = Decimal


def after(order, events):
    """Give the order after being sent and after these events."""
    order = apply(order, Submitted()) if order.state is State.NEW else order
    for event in events:
        order = apply(order, event)
    return order


@pytest.fixture
def gateway(practice):
    gateway: Gateway = practice.gateway()
    gateway.connect()
    yield gateway
    gateway.close()


def test_a_market_order_comes_back_filled(gateway, make_order):
    """Accepted, then its trades, the last of which says that they are the whole."""
    order = make_order("MARKET", quantity=D("1.5"))

    events = gateway.place(order)
    filled = after(order, events)

    assert [Accepted, Filled] == [type(event) for event in events][:2]
    assert State.FILLED is filled.state
    assert D("1.5") == filled.executed == events[-1].total
    assert not filled.fills[0].is_maker
    assert "BTC" == filled.fills[0].fee_asset


def test_a_market_order_by_quote_amount_ends_when_the_exchange_says_so(gateway, make_order):
    """Nobody else knows its quantity."""
    order = make_order("MARKET", quote_quantity=D(1000))

    filled = after(order, gateway.place(order))

    assert State.FILLED is filled.state
    assert D(980) < filled.executed_quote <= D(1000)


def test_a_market_order_on_a_thin_book_expires_with_its_trades(practice, gateway, make_order):
    """What was bought is ours."""
    order = make_order("MARKET", quantity=D(4))
    with practice.faults.having(PartialFillThenCancel(share=0.5)):
        ended = after(order, gateway.place(order))

    assert State.EXPIRED is ended.state
    assert D(2) == ended.executed
    assert "INSUFFICIENT_LIQUIDITY" == ended.reason
    assert not ended.missing


def test_each_resting_type_is_accepted_and_cancelled(practice, gateway, make_order):
    """Limit, post-only, stops, targets, trailing."""
    price = practice.price
    above, below = (price * D("1.2")).quantize(D("0.01")), (price * D("0.8")).quantize(D("0.01"))
    orders = [
        make_order("LIMIT"),
        make_order("LIMIT_MAKER"),
        make_order("STOP_LOSS", "SELL", stop_price=below),
        make_order("STOP_LOSS_LIMIT", "SELL", stop_price=below, price=below - 1),
        make_order("TAKE_PROFIT", "SELL", stop_price=above),
        make_order("TAKE_PROFIT_LIMIT", "SELL", stop_price=above, price=above),
        make_order("STOP_LOSS", "SELL", trailing_delta=500),
    ]
    for order in orders:
        placed = after(order, gateway.place(order))
        assert State.OPEN is placed.state, order.type
        told = gateway.query("BTCUSDT", order.client_id)
        assert (order.type, order.price, order.stop_price) == (told.type, told.price, told.stop_price)
        assert (order.quantity, order.trailing_delta) == (told.quantity, told.trailing_delta)
        assert [order.client_id] == [one.client_id for one in gateway.open_orders("BTCUSDT")]
        canceled = after(apply(placed, CancelSent()), gateway.cancel(placed))
        assert State.CANCELED is canceled.state
        assert D(0) == canceled.reported_executed
    assert () == gateway.open_orders("BTCUSDT")
    assert "CANCELED" == gateway.query("BTCUSDT", orders[0].client_id).status


def test_an_order_without_a_number_is_cancelled_by_its_name(gateway, make_order):
    """As after an answer that was lost."""
    order = make_order()
    gateway.place(order)

    assert isinstance(gateway.cancel(order)[0], Canceled)
    assert isinstance(gateway.cancel(order)[0], CancelRefused)


def test_a_cancel_after_a_reset_leaves_another_order_of_the_same_number_alone(practice, gateway, make_order):
    """Numbers begin anew with a testnet's reset; a person's order may have the one that ours had."""
    ours, theirs = make_order(), make_order(client_id="by-hand")
    placed = after(ours, gateway.place(ours))
    practice.within(practice.server.exchange.trading.wipe)
    other = after(theirs, gateway.place(theirs))
    assert placed.exchange_id == other.exchange_id

    (event,) = gateway.cancel(placed)

    assert isinstance(event, CancelRefused)
    assert "-2039" in event.reason
    assert ["by-hand"] == [one.client_id for one in gateway.open_orders("BTCUSDT")]


def test_an_immediate_or_cancel_order_expires_with_its_reason(gateway, make_order):
    """Also one that finds nothing."""
    order = make_order(time_in_force="IOC")

    ended = after(order, gateway.place(order))

    assert State.EXPIRED is ended.state
    assert "UNFILLED_IOC_QUANTITY_EXPIRED" == ended.reason


@pytest.mark.parametrize(
    ("fault", "type_"),
    [
        (ServerError(), "LIMIT"),
        (ServerError(status=502, executed=False), "LIMIT"),
        (UnknownOutcome(), "MARKET"),
        (UnknownOutcome(status=504, executed=False), "MARKET"),
        (LostAnswer(), "LIMIT"),
        (LostAnswer(executed=False), "MARKET"),
        (LateAnswer(delay_s=0.3), "MARKET"),
    ],
    ids=lambda value: f"{getattr(value, 'kind', value)}",
)
def test_an_order_whose_fate_is_not_known_can_be_asked_for(practice, gateway, make_order, fault, type_):
    """The one question answers it: it is there, or it is not; the account holds it once or not at all."""
    order = make_order(type_)
    gateway._client._library._requests_params["timeout"] = 0.1
    with practice.faults.having(fault):
        events = gateway.place(order)
    told = gateway.query("BTCUSDT", order.client_id)

    assert [TimedOut] == [type(event) for event in events]
    assert State.UNKNOWN is after(order, events).state
    if fault.executed:
        assert order.client_id == told.client_id
        trades = gateway.trades("BTCUSDT", exchange_id=told.exchange_id)
        assert (type_ == "MARKET") == bool(trades)
    else:
        assert told is None


def test_an_id_that_is_open_already_is_not_refused(gateway, make_order):
    """The order of that id is there: whoever asks will find it."""
    order = make_order()
    gateway.place(order)

    (event,) = gateway.place(order)

    assert isinstance(event, TimedOut)
    assert "Duplicate order sent" in event.reason


def test_a_clock_that_was_set_places_the_order_once(practice, gateway, make_order):
    """The exchange says that it was not executed; then it is."""
    order = make_order()
    with practice.faults.having(BadTimestamp(count=1)):
        placed = after(order, gateway.place(order))

    assert State.OPEN is placed.state
    assert 1 == len(gateway.open_orders("BTCUSDT"))


def test_a_wrong_clock_of_ours_is_set_without_losing_an_order(practice, make_order):
    """Our clock is an hour ahead and was never compared."""
    practice.clock.offset_ms = 3_600_000.0
    gateway, order = practice.gateway(), make_order()

    assert State.OPEN is after(order, gateway.place(order)).state
    assert abs(gateway.server_time_ms() - practice.server.exchange.now) < 2000


@pytest.fixture
def set_clock(monkeypatch):
    """Give what sets this machine's clock forward, seconds, for all who read it from now on."""
    plain, step = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: plain() + step[0])
    return lambda seconds: step.__setitem__(0, seconds)


@pytest.fixture
def measured(practice, set_clock, monkeypatch):
    """Give the measurements of the exchange's clock, made once by now."""
    practice.clock, found = ServerClock(wall=time.time), []
    plain = practice.clock.measure
    monkeypatch.setattr(practice.clock, "measure", lambda *asked: (found.append(asked), plain(*asked)))
    return found


@pytest.mark.parametrize("step_s", [3600.0, -3600.0], ids=["forward", "back"])
def test_an_order_after_a_step_of_our_clock_is_signed_with_the_exchange_s_time(
    practice, make_order, measured, set_clock, step_s
):
    """The exchange does not have to refuse one first (-1021), so nothing is late."""
    gateway, order = practice.gateway(), make_order()
    gateway.connect()
    set_clock(step_s)

    assert State.OPEN is after(order, gateway.place(order)).state
    assert 1 == len(measured)
    assert abs(gateway.server_time_ms() - practice.server.exchange.now) < 60_000


def test_the_first_question_after_a_step_measures_the_clock(practice, measured, set_clock):
    """Half an hour would be late."""
    gateway = practice.gateway()
    gateway.connect()
    gateway.balances()
    assert 1 == len(measured)
    set_clock(90.0)
    gateway.balances()
    gateway.balances()

    assert 2 == len(measured)
    assert not practice.clock.is_due


def test_an_answer_that_comes_after_the_fill_is_accepted(practice, gateway, make_order):
    """The stream has told the trade by then; the answer repeats only what it knew."""
    with practice.faults.having(FillBeforeReply(hold_s=0.01)):
        events = gateway.place(make_order())

    assert [Accepted] == [type(event) for event in events]


# Lists.


def legs(practice, make_order, side="SELL"):
    price = practice.price
    return [
        make_order(
            "LIMIT_MAKER", side, price=(price * D("1.2")).quantize(D("0.01")), list_client_id="btr-0b-L1"
        ),
        make_order(
            "STOP_LOSS", side, stop_price=(price * D("0.8")).quantize(D("0.01")), list_client_id="btr-0b-L1"
        ),
    ]


def test_an_oco_is_accepted_and_cancelled_as_a_whole(practice, gateway, make_order):
    """Both legs by their own ids; cancelling one takes the other with it."""
    above, below = legs(practice, make_order)

    placed = gateway.place_list("OCO", [above, below])
    first = after(above, placed[above.client_id])
    canceled = after(apply(first, CancelSent()), gateway.cancel(first))

    assert State.OPEN is first.state
    assert State.OPEN is after(below, placed[below.client_id]).state
    assert State.CANCELED is canceled.state
    assert () == gateway.open_orders("BTCUSDT")


def test_an_otoco_waits_for_its_entry(practice, gateway, make_order):
    """The protecting legs are accepted and pending."""
    entry = make_order(list_client_id="btr-0b-L1")
    above, below = legs(practice, make_order)

    placed = gateway.place_list("OTOCO", [entry, above, below])

    assert {entry.client_id, above.client_id, below.client_id} == set(placed)
    assert all(State.OPEN is after(order, placed[order.client_id]).state for order in (entry, above, below))
    assert "PENDING_NEW" == gateway.query("BTCUSDT", below.client_id).status


def test_an_oto_whose_entry_fills_at_once_brings_its_trades(practice, gateway, make_order):
    """The pending order is told as it was at that moment."""
    entry = make_order(price=(practice.price * D("1.1")).quantize(D("0.01")), list_client_id="btr-0b-L1")
    stop = make_order("STOP_LOSS", "SELL", stop_price=D(50), quantity=D("0.5"), list_client_id="btr-0b-L1")

    placed = gateway.place_list("OTO", [entry, stop])

    assert State.FILLED is after(entry, placed[entry.client_id]).state
    assert isinstance(placed[stop.client_id][0], Accepted)


def test_a_refused_list_refuses_all_its_orders(practice, gateway, make_order):
    """With the exchange's reason."""
    above, below = legs(practice, make_order)

    told = gateway.place_list("OCO", [below, above])

    assert {above.client_id, below.client_id} == set(told)
    assert all(events[0].code < -1000 for events in told.values())


# Questions.


def test_the_rules_of_a_symbol_are_read(gateway):
    """Those of the symbol and of the account."""
    rules = gateway.filters("BTCUSDT")

    assert ("BTC", "USDT", "TRADING") == (rules.base_asset, rules.quote_asset, rules.status)
    assert D("0.00001") == rules.lot.step
    assert rules.is_oco_allowed
    assert 6000 == gateway.limits.limit


def test_an_unknown_symbol_suggests_the_nearest(gateway):
    """A typing error is the usual reason."""
    with pytest.raises(UnknownSymbol, match="BTCUSDT"):
        gateway.filters("BTCUSTD")


def test_fees_balances_and_rights_are_read(gateway):
    """What a trade costs, what there is, what the key may do."""
    assert FeeRates(D("0.001"), D("0.001")) == gateway.fees("BTCUSDT")
    assert {"BTC": D(10), "USDT": D(1_000_000)} == {
        asset: balance.total for asset, balance in gateway.balances().items()
    }
    assert (True, False) == (gateway.key_rights().can_trade, gateway.key_rights().can_withdraw)


def test_trades_come_complete_over_pages(gateway, make_order, monkeypatch):
    """Ascending, each once, from an id on, or of one order."""
    monkeypatch.setattr("brokers.binance.questions._PAGE", 3)
    placed = [after(order, gateway.place(order)) for order in (make_order("MARKET") for _ in range(8))]
    expected = [fill.trade_id for order in placed for fill in order.fills]

    everything = gateway.trades("BTCUSDT")

    assert expected == [trade.trade_id for trade in everything]
    assert expected[4:] == [trade.trade_id for trade in gateway.trades("BTCUSDT", since_trade_id=expected[4])]
    of_one = gateway.trades("BTCUSDT", exchange_id=placed[2].exchange_id)
    assert [fill.trade_id for fill in placed[2].fills] == [trade.trade_id for trade in of_one]
    assert () == gateway.trades("BTCUSDT", since_trade_id=expected[-1] + 1)


def test_an_unknown_order_is_none(gateway):
    """-2013 is an answer, not an error."""
    assert gateway.query("BTCUSDT", "btr-0b-99999999") is None


def test_an_expired_order_is_told_with_its_reason(gateway, make_order):
    """As the stream would."""
    order = make_order(time_in_force="FOK")
    assert isinstance(gateway.place(order)[-1], Expired)

    told = gateway.query("BTCUSDT", order.client_id)

    assert ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED", "FOK") == (told.status, told.reason, told.time_in_force)


def test_the_whole_account_is_told_for_a_person(gateway, make_order):
    """Open orders of all symbols, the newest orders and trades of one, and its prices around the last trade."""
    gateway.place(make_order("MARKET", quantity=D("0.5")))
    resting = make_order()
    gateway.place(resting)
    prices = gateway.prices("BTCUSDT")

    assert [resting.client_id] == [told.client_id for told in gateway.all_open_orders()]
    assert resting.client_id == gateway.newest_orders("BTCUSDT")[-1].client_id
    assert D("0.5") == sum(trade.quantity for trade in gateway.newest_trades("BTCUSDT"))
    assert 0 < prices.bid <= prices.ask
    assert prices.last > 0
