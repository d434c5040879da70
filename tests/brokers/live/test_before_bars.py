"""What is held from before the run is protected, and sold where it must be, before its feed has any bar."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import pytest

from brokers.holdings import Ledger
from brokers.order_events import Accepted, Rejected, Submitted
from brokers.orders import Order, apply
from bt_run.core.settings import Protection

D = Decimal
START = 1_767_268_800_000  # the exchange's time until the first bar has come
FLAT = [100.0] * 5
BOTH = Protection(stop_loss_pct=5, take_profit_pct=20)


def books(quantity="1", price="90", cash="500"):
    ledger = Ledger("USDT", D(cash)).with_symbol("BTCUSDT", "BTC", "USDT")
    held = replace(ledger.holding("BTCUSDT"), quantity=D(quantity), cost=D(quantity) * D(price))
    return replace(ledger, holdings=MappingProxyType({"BTCUSDT": held}))


def restored(*orders, held="1"):
    return lambda broker: broker.restore(orders, books(held))


def look(name, exchange):
    return lambda strategy: strategy.kept.update({name: exchange.open_legs()})


@pytest.mark.parametrize(
    ("protection", "legs"),
    [
        (BOTH, {"LIMIT_MAKER": D(1), "STOP_LOSS": D(1)}),
        (Protection(stop_loss_pct=5), {"STOP_LOSS": D(1)}),
        (Protection(trailing_stop_pct=5), {"STOP_LOSS": D(1)}),
    ],
    ids=["both", "stop", "trailing"],
)
def test_a_bare_holding_is_protected_at_once(make_exchange, run, protection, legs):
    """A bar may be a day away; the strategy is told of holding and legs when it has come."""
    exchange = make_exchange(base="1")
    script = {1: look("legs", exchange)}
    done = run(exchange, FLAT, script, protection=protection, prepare=restored())

    assert {START} == {order.created_ms for order in done.orders(side="SELL")}
    assert len(legs) == len(done.orders(side="SELL"))  # and none is placed again when the bar has come
    assert {"legs": legs} == done.kept
    told = [order for order in done.strategy.orders.values() if order.info.get("restored")]
    assert [1.0, *([-1.0] * len(legs))] == [order.created.size for order in told]
    assert ["Accepted"] * len(legs) == [order.getstatusname() for order in told[1:]]


def test_an_adopted_holding_is_protected_at_once(make_exchange, run):
    exchange = make_exchange(base="1")
    done = run(exchange, FLAT, {}, protection=BOTH, adopt_position={"BTCUSDT": ("0.4", 90)})

    assert {(START, D("0.4"))} == {(order.created_ms, order.quantity) for order in done.orders(side="SELL")}


def test_legs_of_an_earlier_run_that_cover_the_holding_stay(make_exchange, run):
    exchange = make_exchange(base="1")
    leg = Order(
        "btr-0b-00000001", "BTCUSDT", "SELL", "STOP_LOSS",
        quantity=D(1), stop_price=D(85), purpose="stop_loss", bracket="b", created_ms=1,
    )  # fmt: skip
    accepted = next(e for e in exchange.place(leg) if isinstance(e, Accepted))
    exchange.asked.clear()
    known = apply(apply(leg, Submitted()), accepted)
    run(exchange, FLAT, {}, protection=Protection(stop_loss_pct=5), prepare=restored(known))

    assert [] == exchange.asked


def test_a_holding_whose_stop_is_passed_already_is_sold_before_any_bar(make_exchange, run):
    """And nobody tells the strategy of a holding that is gone."""
    exchange = make_exchange(base="1")
    exchange.price = D(80)
    done = run(exchange, [80.0] * 4, {}, protection=BOTH, prepare=restored())

    assert [START] == [order.created_ms for order in done.orders(side="SELL", state="FILLED")]
    assert {0.0} == set(done.strategy.sizes)
    assert [] == done.strategy.told


def test_a_stop_that_sells_before_the_first_bar(make_exchange, run, make_bars, monkeypatch):
    """The position is gone when the strategy sees its first bar, and it is told of none."""
    exchange = make_exchange(base="1")
    load, turns = make_bars._load, []

    def wait_for_the_stop(bars):
        turns.append(len(exchange.open_legs()))
        if len(turns) > 5:
            return load(bars)
        if len(turns) == 3:
            exchange.move(84.0)
        return None

    monkeypatch.setattr(make_bars, "_load", wait_for_the_stop)
    done = run(exchange, [84.0] * 4, {}, protection=Protection(stop_loss_pct=5), prepare=restored())

    assert [0, 1, 1, 0] == turns[:4]
    assert [D(1)] == [order.executed for order in done.orders(side="SELL")]
    assert {0.0} == set(done.strategy.sizes)
    assert [] == done.strategy.told


def test_an_entry_of_an_earlier_run_that_fills_before_the_first_bar_is_protected(make_exchange, run):
    """It was open when the run began; its purchase is a holding that no order of Backtrader stands for yet."""
    exchange = make_exchange(cash="500")
    bid = Order(
        "btr-0b-00000001", "BTCUSDT", "BUY", "LIMIT",
        quantity=D(1), price=D(95), time_in_force="GTC", purpose="entry", bracket="b", created_ms=1,
    )  # fmt: skip
    accepted = next(e for e in exchange.place(bid) if isinstance(e, Accepted))
    known = apply(apply(bid, Submitted()), accepted)

    def prepare(broker):
        broker.restore([known], books("0", "0"))
        exchange.move(94.0)

    script = {1: look("legs", exchange)}
    done = run(exchange, FLAT, script, protection=Protection(stop_loss_pct=5), prepare=prepare)

    assert {"legs": {"STOP_LOSS": D(1)}} == done.kept
    assert {START} == {order.created_ms for order in done.orders(side="SELL")}
    assert 1.0 == done.strategy.sizes[0]
    assert ["Submitted", "Accepted", "Completed"] == [status for _, status, _ in done.strategy.told[:3]]


def test_what_a_bracket_of_an_earlier_run_left_bare_is_sold_before_any_bar(make_exchange, run):
    exchange = make_exchange(base="1")
    answers = []

    def prepare(broker):
        restored()(broker)
        plain = broker.next

        def first_turn():
            if not answers:
                answers.append(broker.close_bare("BTCUSDT", D("0.0001"), "b"))
                answers.append(broker.close_bare("BTCUSDT", D("0.6"), "b"))
            plain()

        broker.next = first_turn

    done = run(exchange, FLAT, {}, prepare=prepare)

    assert [False, True] == answers  # a tenth of the lot step cannot be sold
    assert [(START, D("0.6"))] == [(o.created_ms, o.executed) for o in done.orders(side="SELL")]
    assert {0.4} == set(done.strategy.sizes)


def test_what_its_last_order_locks_is_cancelled_before_it_is_sold(make_exchange, run):
    """A target that had begun to fill has ended its stop; it alone holds nothing when the market falls."""
    exchange = make_exchange(base="1")
    target = Order(
        "btr-0b-00000001", "BTCUSDT", "SELL", "LIMIT",
        quantity=D(1), price=D(120), time_in_force="GTC", purpose="take_profit", bracket="b", created_ms=1,
    )  # fmt: skip
    accepted = next(e for e in exchange.place(target) if isinstance(e, Accepted))
    exchange.asked.clear()
    known = apply(apply(target, Submitted()), accepted)

    def prepare(broker):
        restored(known)(broker)
        start = broker.start
        broker.start = lambda: (start(), broker.close_bare("BTCUSDT", D(1), "b"))[0]

    run(exchange, FLAT, {}, prepare=prepare)

    assert [("cancel", "SELL", "LIMIT"), ("place", "SELL", "MARKET", "1.000")] == exchange.asked


def test_a_sale_that_is_refused_before_the_bar_is_made_after_it(make_exchange, run, monkeypatch):
    """The strategy knows the holding by then, so it is told of the sale as of any other."""
    exchange = make_exchange(base="1")
    plain = exchange.place

    def place(order):
        closed = exchange.now_ms < START + 120_000
        return (Rejected(-1013, "Market is closed."),) if closed else plain(order)

    monkeypatch.setattr(exchange, "place", place)

    def prepare(broker):
        restored()(broker)
        start = broker.start
        broker.start = lambda: (start(), broker.close_bare("BTCUSDT", D(1), "b"))[0]

    done = run(exchange, [100.0] * 6, {}, prepare=prepare)

    assert ["REJECTED"] == [str(o.state) for o in done.orders(side="SELL", created_ms=START)]
    assert 0.0 == done.strategy.sizes[-1]
    assert 1 == len(done.strategy.closed)
