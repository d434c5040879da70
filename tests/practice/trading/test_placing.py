"""Orders against the book: what they take, what they leave, what they are refused for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bt_run.practice.rules import Fees

D = Decimal


def test_a_market_order_walks_the_levels(rig):
    """Three levels of five: seven units cost five of the first and two of the second."""
    order = rig.place("BUY", "MARKET", 7)

    assert "FILLED" == order.status
    assert [(D(101), D(5)), (D(102), D(2))] == [(fill.price, fill.quantity) for fill in order.fills]
    assert D(709) == order.executed_quote
    assert (D(9291), D(0)) == rig.money("USDT")
    assert (D(17), D(0)) == rig.money("BTC")
    assert ["NEW c1 NEW", "TRADE c1 PARTIALLY_FILLED", "TRADE c1 FILLED", "BALANCES"] == rig.told()
    assert 1_000 == order.working_time == order.created
    assert [1_000_000_000, 1_000_000_001] == [fill.trade_id for fill in order.fills]


def test_a_market_order_expires_where_the_book_ends(rig):
    """Fifteen units are there; the sixteenth is not."""
    order = rig.place("SELL", "MARKET", 9)
    assert "FILLED" == order.status
    rig.market.bids = [(99, 1)]
    rig.print(100)
    rig.told()

    order = rig.place("SELL", "MARKET", 1)
    assert "FILLED" == order.status

    rig.market.asks = [(101, 2)]
    order = rig.place("BUY", "MARKET", 3)
    assert ("EXPIRED", "INSUFFICIENT_LIQUIDITY", D(2)) == (order.status, order.expiry_reason, order.executed)
    assert "EXPIRED c3 EXPIRED" == rig.told()[-2]


def test_what_is_taken_is_there_again_after_the_next_print(rig):
    """Two takers between two prints share the levels."""
    assert D(101) == rig.place("BUY", "MARKET", 5).fills[0].price
    assert D(102) == rig.place("BUY", "MARKET", 5).fills[0].price
    rig.print(100)
    assert D(101) == rig.place("BUY", "MARKET", 5).fills[0].price


def test_a_quote_quantity_buys_whole_steps_and_never_more(rig):
    """100 USDT at 101 are 0.99009 BTC, not a step more."""
    order = rig.place("BUY", "MARKET", None, quote_quantity=100)

    assert D("0.99009") == order.executed == order.quantity
    assert order.executed_quote <= 100 < order.executed_quote + D(101) * D("0.00001")
    assert "FILLED" == order.status
    # The NEW report has the quantity already, as Binance's (captured 2021-06-14).
    assert D("0.99009") == rig.events[0].order.quantity


def test_a_quote_quantity_sells_for_at_most_so_much(rig):
    order = rig.place("SELL", "MARKET", None, quote_quantity=600)

    assert [(D(99), D(5)), (D(98), D("1.07142"))] == [(f.price, f.quantity) for f in order.fills]
    assert order.executed_quote <= 600


def test_a_quote_quantity_expires_on_a_thin_book(rig, refused):
    rig.market.asks = [(101, 1)]
    order = rig.place("BUY", "MARKET", None, quote_quantity=1010)
    assert ("EXPIRED", D(1), D(10)) == (order.status, order.executed, order.quantity)

    rig.market.asks = []
    ticket = rig.ticket("BUY", "MARKET", None, quote_quantity=1010)
    assert (-2010, "Order book liquidity is less than symbol minimum quantity.") == refused(
        rig.trading.place, ticket
    )


def test_a_limit_order_takes_what_its_limit_allows_and_rests(rig):
    """A buy at 102 takes ten and leaves two on the book, which the next print at 102 fills."""
    order = rig.place("BUY", "LIMIT", 12, price=102)
    assert ("PARTIALLY_FILLED", D(10), D(1015)) == (order.status, order.executed, order.executed_quote)
    assert (D(10_000 - 1015 - 204), D(204)) == rig.money("USDT")

    rig.print(102)
    order = rig.order(order)
    assert ("FILLED", D(102), True) == (order.status, order.fills[-1].price, order.fills[-1].is_maker)
    assert (D(10_000 - 1015 - 204), D(0)) == rig.money("USDT")


def test_immediate_or_cancel_and_fill_or_kill(rig):
    """IOC keeps what it got; FOK gets all or nothing."""
    order = rig.place("BUY", "LIMIT", 12, price=102, time_in_force="IOC")
    assert ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED") == (order.status, order.expiry_reason)
    assert D(10) == order.executed

    rig.print(100)
    order = rig.place("BUY", "LIMIT", 12, price=102, time_in_force="FOK")
    assert ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED") == (order.status, order.expiry_reason)
    assert D(0) == order.executed

    order = rig.place("BUY", "LIMIT", 12, price=103, time_in_force="FOK")
    assert "FILLED" == order.status
    assert D(0) == rig.money("USDT")[1]


def test_a_limit_maker_never_takes(rig, refused):
    ticket = rig.ticket("BUY", "LIMIT_MAKER", price=101)
    assert (-2010, "Order would immediately match and take.") == refused(rig.trading.place, ticket)
    assert [] == rig.told()

    order = rig.place("BUY", "LIMIT_MAKER", price="100.99")
    assert ("NEW", 1_000) == (order.status, order.working_time)


def test_a_stop_on_the_wrong_side_is_refused(rig, refused):
    would = (-2010, "Order would trigger immediately.")
    for side, kind, stop in (
        ("BUY", "STOP_LOSS", 100),
        ("SELL", "STOP_LOSS", 100),
        ("BUY", "TAKE_PROFIT", 101),
        ("SELL", "TAKE_PROFIT", 99),
    ):
        assert would == refused(rig.trading.place, rig.ticket(side, kind, stop_price=stop))


@pytest.mark.parametrize(
    ("side", "given", "asset", "locked"),
    [
        ("BUY", {"type_": "LIMIT", "price": 90}, "USDT", D(180)),
        ("SELL", {"type_": "LIMIT", "price": 120}, "BTC", D(2)),
        ("BUY", {"type_": "STOP_LOSS", "stop_price": 110}, "USDT", D(220)),
        ("BUY", {"type_": "STOP_LOSS_LIMIT", "stop_price": 110, "price": 111}, "USDT", D(222)),
        ("SELL", {"type_": "STOP_LOSS", "stop_price": 90}, "BTC", D(2)),
        ("BUY", {"type_": "TAKE_PROFIT", "trailing_delta": 1000}, "USDT", D(220)),
    ],
)
def test_placement_locks_and_cancelling_frees(rig, side, given, asset, locked):
    before = rig.money(asset)[0]
    order = rig.place(side, quantity=2, **given)
    assert (before - locked, locked) == rig.money(asset)
    assert ["NEW c1 NEW", "BALANCES"] == rig.told()

    cancelled = rig.trading.cancel("BTCUSDT", order_id=order.order_id, new_client_order_id="x")
    assert "CANCELED" == cancelled.status
    assert (before, D(0)) == rig.money(asset)
    assert "x" == rig.events[0].cancel_id
    assert ["CANCELED c1 CANCELED", "BALANCES"] == rig.told()


def test_want_of_money_is_refused_and_changes_nothing(rig, refused):
    want = (-2010, "Account has insufficient balance for requested action.")
    for ticket in (
        rig.ticket("BUY", "MARKET", None, quote_quantity=10_001),
        rig.ticket("BUY", "LIMIT", 101, price=100),
        rig.ticket("SELL", "LIMIT", 11, price=100),
        rig.ticket("SELL", "MARKET", 11),
        rig.ticket("BUY", "STOP_LOSS", 99, stop_price=110),
    ):
        assert want == refused(rig.trading.place, ticket)
        rig.trading.test(ticket)  # it does not reach the matching engine, whose word this is
    assert [] == rig.told()
    assert [] == rig.trading.all_orders("BTCUSDT")


def test_a_test_places_nothing(rig, refused):
    rig.trading.test(rig.ticket("BUY", "MARKET"))
    assert [] == rig.told()
    assert [] == rig.trading.all_orders("BTCUSDT")
    assert (-1121, "Invalid symbol.") == refused(rig.trading.test, rig.ticket("BUY", "MARKET", symbol="X"))


def test_a_client_id_is_unique_among_open_orders_only(rig, refused):
    """While the first is open a second is refused; afterwards the id means the latest."""
    first = rig.place("BUY", "LIMIT", price=90, id="same")
    ticket = rig.ticket("BUY", "MARKET", id="same")
    assert (-2010, "Duplicate order sent.") == refused(rig.trading.place, ticket)

    rig.trading.cancel("BTCUSDT", client_order_id="same")
    second = rig.trading.place(ticket)
    assert second.order_id == rig.trading.order("BTCUSDT", client_order_id="same").order_id
    assert first.order_id == rig.trading.order("BTCUSDT", first.order_id).order_id


def test_a_symbol_may_lack_an_order_type(make_rig, refused):
    rig = make_rig(order_types=("LIMIT",))
    assert (-1013, "Market orders are not supported for this symbol.") == refused(
        rig.trading.place, rig.ticket("BUY", "MARKET")
    )


@pytest.mark.parametrize(
    ("pay_in", "side", "asset", "amount"),
    [
        ("received", "BUY", "BTC", D("0.00143")),
        ("received", "SELL", "USDT", D("0.14157")),
        ("quote", "BUY", "USDT", D("0.14443")),
        ("quote", "SELL", "USDT", D("0.14157")),
        ("BNB", "BUY", "BNB", D("0.00024072")),
        ("BNB", "SELL", "BNB", D("0.00023595")),
    ],
)
def test_commission_is_paid_in_the_asset_that_the_rules_name(make_rig, pay_in, side, asset, amount):
    """One permille of 1.43 units at 101 or 99, BNB at 600; rounded to eight decimals, half up."""
    balances = {"BTC": D(10), "USDT": D(10_000), "BNB": D(1)}
    rig = make_rig(balances, fees=Fees(pay_in=pay_in))

    (fill,) = rig.place(side, "MARKET", "1.43").fills

    assert (amount, asset) == (fill.commission, fill.commission_asset)
    sign = 1 if side == "BUY" else -1
    paid = {asset: amount}
    for name, change in (("BTC", D("1.43")), ("USDT", -fill.quote_quantity), ("BNB", D(0))):
        assert balances[name] + sign * change - paid.get(name, 0) == rig.money(name)[0]
    told = rig.events[-1].balances
    assert set(told) == {"BTC", "USDT"} | {asset}


def test_commission_falls_back_where_bnb_is_gone(make_rig):
    rig = make_rig({"USDT": D(1000), "BNB": D("0.00001")}, fees=Fees(pay_in="BNB"))
    (fill,) = rig.place("BUY", "MARKET", 1).fills
    assert (D("0.001"), "BTC") == (fill.commission, fill.commission_asset)


def test_commission_on_top_is_locked_with_the_order(make_rig, refused):
    """Where a buyer pays in quote asset, 100 USDT do not buy for 100."""
    rig = make_rig({"USDT": D(100)}, fees=Fees(pay_in="quote"))
    assert -2010 == refused(rig.trading.place, rig.ticket("BUY", "LIMIT", 2, price=50))[0]

    order = rig.place("BUY", "LIMIT", 1, price=90)
    assert (D("9.91"), D("90.09")) == rig.money("USDT")
    rig.print(90)
    assert "FILLED" == rig.order(order).status
    assert (D("9.91"), D(0)) == rig.money("USDT")


def test_rounded_commissions_never_overdraw(make_rig):
    """A hundred commissions of 456.7 units of the eighth decimal round to more than was locked for them all."""
    rate = D("0.00004567")
    rig = make_rig({"USDT": 10 * (1 + rate)}, fees=Fees(rate, rate, "quote"))
    rig.market.last_price = D("1.05")
    rig.connect()
    order = rig.place("BUY", "LIMIT", 10, price=1)
    for _ in range(100):
        rig.print(1, "0.1")
    order = rig.order(order)
    assert ("FILLED", 100) == (order.status, len(order.fills))
    # What the lock has not for the rounding of one fill is left for the next.
    assert {D("0.00000456"), D("0.00000457")} == {fill.commission for fill in order.fills}
    assert 10 * rate == sum(fill.commission for fill in order.fills)
    assert (D(0), D(0)) == rig.money("USDT")
