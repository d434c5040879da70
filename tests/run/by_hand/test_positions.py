"""What orders by hand come to: quantity, and the average cost of what is left."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from brokers.order_events import Accepted, Filled, Submitted
from brokers.orders import Order, apply
from bt_run.run.by_hand.positions import position_of

D = Decimal


def traded(number, side, quantity, price, *, fee="0", fee_asset="USDT"):
    """Make an order that was filled at once; `number` orders them in time."""
    order = Order(f"bth-{number}", "BTCUSDT", side, "MARKET", quantity=D(quantity))
    fill = Filled(number, D(quantity), D(price), D(fee), fee_asset, number, is_maker=False)
    for event in (Submitted(), Accepted(number, number), fill):
        order = apply(order, event)
    return order


def held(*orders):
    return position_of("BTCUSDT", "BTC", "USDT", orders)


def test_purchases_are_averaged_and_sales_leave_the_average():
    """Two at 100 and one at 130 cost 110 each; so does the one that is left."""
    bought = traded(1, "BUY", "2", "100"), traded(2, "BUY", "1", "130")

    assert (D(3), D(110)) == (held(*bought).quantity, held(*bought).average)
    left = held(*bought, traded(3, "SELL", "2", "500"))
    assert (D(1), D(110)) == (left.quantity, left.average)
    assert D(40) == left.profit(D(150))
    assert D(150) == left.worth(D(150))


def test_a_fee_in_the_base_asset_makes_what_is_left_dearer():
    """One was paid for, 0.9 came."""
    position = held(traded(1, "BUY", "1", "90", fee="0.1", fee_asset="BTC"))

    assert (D("0.9"), D(100)) == (position.quantity, position.average)


def test_what_was_there_before_can_be_sold():
    """Then there is no cost; what is bought after counts from nothing."""
    sold = traded(1, "SELL", "1", "100")
    assert (D(-1), None) == (held(sold).quantity, held(sold).average)
    assert held(sold).profit(D(5)) is None
    bought_back = held(sold, traded(2, "BUY", "3", "50"))
    assert (D(2), D(50)) == (bought_back.quantity, bought_back.average)


@given(
    st.lists(
        st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 10**12), st.integers(1, 10**9)), max_size=60
    )
)
def test_any_history_can_be_added_up(trades):
    """The quantity exactly; the average lies within the prices paid."""
    orders = [
        traded(number, side, D(quantity).scaleb(-8), D(price).scaleb(-2))
        for number, (side, quantity, price) in enumerate(trades, 1)
    ]
    position = held(*orders)
    paid = [order.fills[0].price for order in orders if order.side == "BUY"]

    signed = [order.executed if order.side == "BUY" else -order.executed for order in orders]
    assert sum(signed, D(0)) == position.quantity
    if position.average is not None:
        slack = D("1.000000000001")
        assert min(paid) / slack <= position.average <= max(paid) * slack
