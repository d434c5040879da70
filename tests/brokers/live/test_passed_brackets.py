"""A strategy's own bracket whose level the price had passed before it could be placed: it is sold at market."""

from __future__ import annotations

from decimal import Decimal

import backtrader as bt
import pytest

from brokers.order_events import Rejected
from bt_run.core.settings import Protection

D = Decimal


def bracket(size=1, kind=bt.Order.Market, **legs):
    """Buy with a stop and a target; the entry may be of any kind."""

    def act(strategy):
        orders = strategy.buy_bracket(size=size, exectype=kind, **legs)
        strategy.kept["entry"], strategy.kept["stop"], strategy.kept["target"] = orders

    return act


def sale_of(done):
    """Give the order of Backtrader that closed what the bracket had bought."""
    (sale,) = [order for order in done.strategy.orders.values() if order.info.get("tag")]
    return sale


@pytest.mark.parametrize(
    ("legs", "tag"),
    [
        ({"stopprice": 101.0, "limitprice": 120.0}, "stop_loss"),
        ({"stopprice": 90.0, "limitprice": 99.0}, "take_profit"),
        ({"stopprice": 101.0, "limitexec": None}, "stop_loss"),
    ],
    ids=["stop", "target", "stop alone"],
)
def test_what_a_bracket_bought_is_sold_where_its_level_was_passed(exchange, run, legs, tag):
    """The strategy hears of both: that the legs were refused, and that the holding is sold."""
    done = run(exchange, [100.0] * 4, {1: bracket(**legs)})

    assert done.broker.getposition(done.strategy.data).size == 0
    assert ["Submitted", "Rejected"] == done.strategy.statuses(done.kept["stop"])
    assert ["Submitted", "Accepted", "Completed"] == done.strategy.statuses(sale_of(done))
    assert tag == sale_of(done).info["tag"]
    assert [D(1)] == [order.executed for order in done.orders(side="SELL", state="FILLED")]
    assert 1 == len(done.strategy.closed)


def test_a_stop_that_is_passed_before_the_fill_of_the_entry_is_heard_of(exchange, run, monkeypatch):
    """The entry is a stop order, so no list of the exchange holds its legs; the market falls back at once."""
    move = exchange.move

    def spike(price):
        move(price)
        if price == 106.0:
            exchange.price = D(104)

    monkeypatch.setattr(exchange, "move", spike)
    script = {1: bracket(kind=bt.Order.Stop, price=105.0, stopprice=104.5, limitprice=120.0)}
    done = run(exchange, [100.0, 106.0, 104.0, 104.0], script)

    assert ("Completed", "Rejected") == (done.kept["entry"].getstatusname(), done.kept["stop"].getstatusname())
    assert done.broker.getposition(done.strategy.data).size == 0
    assert "stop_loss" == sale_of(done).info["tag"]


def test_the_sale_is_tried_again_until_it_is_done(exchange, run, monkeypatch):
    """And only what the bracket bought is sold: the strategy holds more."""
    plain, refused = exchange.place, []

    def place(order):
        if order.side == "SELL" and order.type == "MARKET" and len(refused) < 2:
            refused.append(order)
            return (Rejected(-1013, "Market is closed."),)
        return plain(order)

    monkeypatch.setattr(exchange, "place", place)
    script = {1: lambda s: s.buy(size=2), 2: bracket(stopprice=101.0, limitprice=120.0)}
    done = run(exchange, [100.0] * 8, script)

    assert 2 == len(refused)
    assert done.broker.getposition(done.strategy.data).size == 2


def test_two_brackets_of_one_holding_are_sold_both(exchange, run, monkeypatch):
    """They share a name; the sale of the first is refused and waits while the second comes."""
    plain, refused = exchange.place, []

    def place(order):
        if order.side == "SELL" and order.type == "MARKET" and not refused:
            refused.append(order)
            return (Rejected(-1013, "Market is closed."),)
        return plain(order)

    monkeypatch.setattr(exchange, "place", place)
    legs = {"stopprice": 101.0, "limitprice": 120.0}

    def both(strategy):
        bracket(**legs)(strategy)
        bracket(size=2, **legs)(strategy)

    done = run(exchange, [100.0] * 6, {1: both})

    assert done.broker.getposition(done.strategy.data).size == 0
    sold = [order.executed for order in done.orders(side="SELL", state="FILLED")]
    assert [D(1), D(2)] == sorted(sold)


def test_legs_that_never_arrived_are_made_up_for_where_the_price_is_beyond_them(exchange, run):
    """The answer is lost; when it is known that there was no order, the price is below the stop."""
    exchange.faults.extend([None, "lost"])
    closes = [100.0, 100.0, 90.0, 90.0, 90.0, 90.0]
    done = run(exchange, closes, {1: bracket(stopprice=95.0, limitprice=120.0)})

    assert done.broker.getposition(done.strategy.data).size == 0
    assert "stop_loss" == sale_of(done).info["tag"]


def test_a_sale_without_an_answer_is_asked_for_and_not_sent_again(exchange, run):
    exchange.faults.extend([None, None, "kept"])
    done = run(exchange, [100.0] * 5, {1: bracket(stopprice=101.0, limitprice=120.0)})

    assert done.broker.getposition(done.strategy.data).size == 0
    assert 1 == sum(asked[:3] == ("place", "SELL", "MARKET") for asked in exchange.asked)


def test_a_bracket_that_is_refused_for_another_reason_is_the_strategys_affair(exchange, run, monkeypatch):
    """It is told so, and may place other orders."""
    full = Rejected(-1013, "Filter failure: MAX_NUM_ORDER_LISTS")
    monkeypatch.setattr(exchange, "place_list", lambda kind, orders: {o.client_id: (full,) for o in orders})
    done = run(exchange, [100.0] * 4, {1: bracket(stopprice=90.0, limitprice=120.0)})

    assert done.broker.getposition(done.strategy.data).size == 1
    assert ["Submitted", "Rejected"] == done.strategy.statuses(done.kept["stop"])


def test_own_protection_does_not_keep_what_the_bracket_would_have_sold(exchange, run):
    """The stop of the run lies lower; the bracket's was passed, and that is what the strategy asked for."""
    script = {1: bracket(stopprice=101.0, limitprice=120.0)}
    done = run(exchange, [100.0] * 4, script, protection=Protection(stop_loss_pct=20))

    assert done.broker.getposition(done.strategy.data).size == 0
    assert {} == exchange.open_legs()
