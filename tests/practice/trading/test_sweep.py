"""What a print does to resting orders and stops."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bt_run.practice.rules import SymbolRules

D = Decimal


def fills(rig, order):
    return [(fill.price, fill.quantity) for fill in rig.order(order).fills]


def test_limits_share_a_print_in_price_time_priority(rig):
    """Ten units of a print at 88 go to the best price first, then to the older of two."""
    late = rig.place("BUY", "LIMIT", 4, price=90)
    best = rig.place("BUY", "LIMIT", 5, price=91)
    later = rig.place("BUY", "LIMIT", 4, price=90)
    far = rig.place("BUY", "LIMIT", 4, price=80)
    rig.told()

    rig.print(88, 10, continuous=False)

    assert [(D(91), D(5))] == fills(rig, best)
    assert [(D(90), D(4))] == fills(rig, late)
    assert [(D(90), D(1))] == fills(rig, later)
    assert [] == fills(rig, far)
    assert ["TRADE c2 FILLED", "TRADE c1 FILLED", "TRADE c3 PARTIALLY_FILLED", "BALANCES"] == rig.told()
    assert all(fill.is_maker for fill in rig.trading.fills("BTCUSDT"))

    rig.print(89, 10)
    assert [(D(90), D(1)), (D(90), D(3))] == fills(rig, later)


def test_a_print_at_the_limit_fills_and_one_before_it_does_not(rig):
    order = rig.place("SELL", "LIMIT", price=110)
    rig.print("109.99")
    assert "NEW" == rig.order(order).status
    rig.print(110)
    assert "FILLED" == rig.order(order).status


def test_a_print_gives_whole_steps_only(rig):
    order = rig.place("SELL", "LIMIT", price=110)
    rig.print(110, "0.000009")
    assert [] == fills(rig, order)
    rig.print(110, "0.500009")
    assert [(D(110), D("0.5"))] == fills(rig, order)


def test_a_move_away_from_the_limit_does_not_fill(rig):
    """The price stood at the limit when the order came; then it went away."""
    rig.market.bids = [(99, 1)]
    order = rig.place("SELL", "LIMIT", price=100)
    rig.print(98)
    assert "NEW" == rig.order(order).status


def test_a_stop_on_the_way_executes_at_its_level(rig):
    """The price falls from 100 through 95 to 90: the stop sells at 95, in a book that begins there."""
    order = rig.place("SELL", "STOP_LOSS", 7, stop_price=95)
    assert (-1, "NEW") == (order.working_time, order.status)
    rig.told()

    rig.print(90)

    assert [(D(95), D(5)), (D(94), D(2))] == fills(rig, order)
    assert rig.now == rig.order(order).working_time
    told = ["NEW c1 NEW", "TRADE c1 PARTIALLY_FILLED", "TRADE c1 FILLED", "BALANCES"]
    assert told == rig.told()


def test_a_stop_that_is_jumped_over_executes_where_the_price_lands(rig):
    order = rig.place("SELL", "STOP_LOSS", 1, stop_price=95)
    rig.print(90, continuous=False)
    assert [(D(90), D(1))] == fills(rig, order)


@pytest.mark.parametrize(
    ("side", "kind", "stop", "to"),
    [
        ("BUY", "STOP_LOSS", 105, 110),
        ("SELL", "STOP_LOSS", 95, 90),
        ("BUY", "TAKE_PROFIT", 95, 90),
        ("SELL", "TAKE_PROFIT", 105, 110),
    ],
)
def test_each_kind_of_stop_fires_on_its_side(rig, side, kind, stop, to):
    order = rig.place(side, kind, stop_price=stop)
    rig.print(stop + (1 if stop < 100 else -1))
    assert "NEW" == rig.order(order).status
    rig.print(to)
    assert [(D(stop), D(1))] == fills(rig, order)


def test_orders_are_reached_in_the_order_of_the_way(rig):
    """Falling: the stop at 97 before the limit at 95 before the stop at 93, whatever their age."""
    rig.place("SELL", "STOP_LOSS", stop_price=93)
    rig.place("BUY", "LIMIT", price=95)
    rig.place("SELL", "STOP_LOSS", stop_price=97)
    rig.told()

    rig.print(90)

    assert ["NEW c3 NEW", "TRADE c3 FILLED", "TRADE c2 FILLED", "NEW c1 NEW", "TRADE c1 FILLED"] == rig.told()[
        :-1
    ]


def test_a_triggered_limit_takes_what_it_may_and_rests(rig):
    """Stop 95, limit 94: five at 95, one at 94 of five there already taken by another, the rest waits."""
    order = rig.place("SELL", "STOP_LOSS_LIMIT", 9, stop_price=95, price="94.50")
    rig.print(95)
    assert [(D(95), D(5))] == fills(rig, order)
    assert ("PARTIALLY_FILLED", rig.now) == (rig.order(order).status, rig.order(order).working_time)
    assert (D(1), D(4)) == rig.money("BTC")

    rig.print(96, 3)
    assert [(D(95), D(5)), (D("94.50"), D(3))] == fills(rig, order)


def test_a_limit_that_was_triggered_on_the_way_is_passed_on_the_way(rig):
    """Buying: stop 105, limit 106 rests with four and the price goes on through 106."""
    order = rig.place("BUY", "STOP_LOSS_LIMIT", 14, stop_price=105, price="106.50")
    rig.print(108)
    assert [(D(105), D(5)), (D(106), D(5)), (D("106.50"), D(4))] == fills(rig, order)


def test_what_comes_onto_the_book_at_the_print_is_too_late_for_it(rig):
    order = rig.place("SELL", "STOP_LOSS_LIMIT", 9, stop_price=95, price=95)
    rig.print(95)
    assert [(D(95), D(5))] == fills(rig, order)


def test_a_triggered_limit_obeys_its_time_in_force(rig):
    order = rig.place("SELL", "STOP_LOSS_LIMIT", 9, stop_price=95, price=95, time_in_force="FOK")
    rig.print(95)
    order = rig.order(order)
    assert ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED", D(0)) == (
        order.status,
        order.expiry_reason,
        order.executed,
    )
    assert (D(10), D(0)) == rig.money("BTC")


def test_a_triggered_buy_that_cannot_be_paid_expires(make_rig):
    """The stop locked 105; a jump to 120 makes it dearer than the account is rich."""
    rig = make_rig({"USDT": D(110)})
    order = rig.place("BUY", "STOP_LOSS", 1, stop_price=105)
    rig.told()
    rig.print(120, continuous=False)
    order = rig.order(order)
    assert ("EXPIRED", "REJECTED") == (order.status, order.expiry_reason)
    assert (D(110), D(0)) == rig.money("USDT")
    assert ["NEW c1 NEW", "EXPIRED c1 EXPIRED", "BALANCES"] == rig.told()


def test_a_triggered_buy_uses_free_money_beyond_its_lock(make_rig):
    rig = make_rig({"USDT": D(130)})
    order = rig.place("BUY", "STOP_LOSS", 1, stop_price=105)
    rig.print(120, continuous=False)
    assert "FILLED" == rig.order(order).status
    assert (D(10), D(0)) == rig.money("USDT")


def test_a_trailing_sale_follows_the_highest_price(rig):
    """Scenario E of Binance's FAQ: from 40 000, 7 %, highest 45 500, fires at 42 315."""
    rig.market.last_price = D(40_000)
    rig.connect()
    order = rig.place("SELL", "STOP_LOSS_LIMIT", "0.1", price=39_000, trailing_delta=700)
    assert 1_000 == order.trailing_time
    for price in (42_000, 39_500, 45_500, "42_315.01"):
        rig.print(price)
        assert -1 == rig.order(order).working_time
    rig.print(42_000)
    order = rig.order(order)
    assert ("FILLED", D(42_315)) == (order.status, order.fills[0].price)


@pytest.mark.parametrize(
    ("side", "kind", "numbers", "way"),
    [
        ("BUY", "STOP_LOSS_LIMIT", (44_000, 500, 45_000, 44_100), (37_000, 45_000, 46_000, 42_000)),
        ("SELL", "STOP_LOSS_LIMIT", (39_000, 1000, 36_000, 36_900), (41_500, 37_000, 41_000)),
        ("BUY", "TAKE_PROFIT_LIMIT", (38_000, 850, 41_000, 40_145), (42_000, 37_000, 39_000, 38_000)),
        (
            "SELL",
            "TAKE_PROFIT_LIMIT",
            (42_000, 750, 41_000, "43012.5"),
            (41_500, 39_000, 45_000, 44_000, 46_500),
        ),
    ],
    ids="ABCD",
)
def test_trailing_begins_at_the_stop_price(rig, side, kind, numbers, way):
    """Scenarios A to D of Binance's FAQ, with limits that are filled at once where the FAQ's would rest."""
    stop, delta, limit, fires = numbers
    rig.market.last_price = D(40_000)
    rig.connect()
    order = rig.place(side, kind, "0.1", price=limit, stop_price=stop, trailing_delta=delta)
    assert order.trailing_time is None
    for price in way:
        rig.print(price)
        assert -1 == rig.order(order).working_time
    assert rig.order(order).trailing_time is not None
    rig.print(D(fires) * (2 if side == "BUY" else D("0.5")))
    assert D(fires) == rig.order(order).fills[0].price


def test_touching_the_stop_and_falling_back_may_happen_in_one_move(rig):
    """The price rises to 111 through 110 in one print; 5 % below 111 is 105.45."""
    order = rig.place("SELL", "TAKE_PROFIT", stop_price=110, trailing_delta=500)
    rig.print(111)
    assert rig.now == rig.order(order).trailing_time
    rig.print(100)
    assert [(D("105.45"), D(1))] == fills(rig, order)


def test_a_print_of_one_symbol_leaves_the_others_alone(make_rig):
    rig = make_rig({"USDT": D(1000)}, SymbolRules(), SymbolRules("ETHUSDT", "ETH"))
    order = rig.place("BUY", "LIMIT", price=90, symbol="ETHUSDT")
    rig.print(50)
    assert "NEW" == rig.order(order).status
    rig.print(90, symbol="ETHUSDT")
    assert "FILLED" == rig.order(order).status


@pytest.mark.parametrize(("side", "top", "fires"), [("SELL", "111.03", "105.47"), ("BUY", "95.03", "99.79")])
def test_a_trailing_level_is_the_first_price_that_is_far_enough(rig, side, top, fires):
    """5 % of 111.03 and of 95.03 end between two ticks."""
    order = rig.place(side, "STOP_LOSS", trailing_delta=500)
    rig.print(top)
    rig.print(100)
    assert [(D(fires), D(1))] == fills(rig, order)


def test_after_a_restart_the_way_begins_where_it_ended(rig, make_rig):
    rig.place("SELL", "STOP_LOSS", stop_price=90, id="stop")
    other = make_rig()
    other.market.last_price = D(80)
    other.connect()
    other.trading.restore(rig.trading.snapshot())
    other.print(70)
    assert D(90) == other.trading.fills("BTCUSDT")[0].price
