"""OCO, OTO and OTOCO: what their orders do to each other."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bt_run.practice.orders import ListTicket
from bt_run.practice.rules import Fees

D = Decimal


def sale(rig, quantity=2):
    """Sell at 110, or at the market once it falls to 90."""
    above = rig.ticket("SELL", "LIMIT_MAKER", quantity, price=110, id="above")
    below = rig.ticket("SELL", "STOP_LOSS", quantity, stop_price=90, id="below")
    return rig.oco("SELL", above, below)


def entry(rig, *, legs, price=95, quantity=2, time_in_force="GTC"):
    """Buy at 95, then have the legs placed."""
    working = rig.ticket("BUY", "LIMIT", quantity, price=price, id="entry", time_in_force=time_in_force)
    kind = "OTO" if len(legs) == 1 else "OTOCO"
    return rig.trading.place_list(ListTicket(kind, "list", tuple(legs), working))


def exits(rig, quantity=2, above=110, below=90):
    return (
        rig.ticket("SELL", "LIMIT_MAKER", quantity, price=above, id="above"),
        rig.ticket("SELL", "STOP_LOSS", quantity, stop_price=below, id="below"),
    )


def states(rig, order_list):
    orders = rig.trading.list_orders(order_list)
    return {order.client_order_id: (order.status, order.expiry_reason) for order in orders}


def status(rig, order_list):
    found = rig.trading.order_list(list_id=order_list.list_id)
    return found.status_type, found.order_status


def test_an_oco_locks_once_and_tells_its_start(rig):
    placed = sale(rig)

    assert ("OCO", "EXEC_STARTED", "EXECUTING") == (placed.contingency, placed.status_type, placed.order_status)
    assert (D(8), D(2)) == rig.money("BTC")
    assert ["NEW below NEW", "NEW above NEW", "LIST EXEC_STARTED", "BALANCES"] == rig.told()
    below, above = rig.trading.list_orders(placed)
    assert (-1, 1_000) == (below.working_time, above.working_time)
    assert [placed] == rig.trading.open_lists()


def test_an_oco_buy_locks_the_dearer_leg(rig):
    above = rig.ticket("BUY", "STOP_LOSS_LIMIT", 2, stop_price=110, price=115)
    below = rig.ticket("BUY", "LIMIT_MAKER", 2, price=90)
    rig.oco("BUY", above, below)
    assert (D(9_770), D(230)) == rig.money("USDT")

    rig.print(90, 1)
    # The limit traded: the stop is gone, and only what the rest of the limit needs stays locked.
    assert (D(9_820), D(90)) == rig.money("USDT")


def test_the_first_fill_of_an_oco_ends_the_other_leg(rig):
    placed = sale(rig)
    rig.told()

    rig.print(110, 1)
    assert {"above": ("PARTIALLY_FILLED", None), "below": ("EXPIRED", "OCO_TRIGGER")} == states(rig, placed)
    assert ["TRADE above PARTIALLY_FILLED", "EXPIRED below EXPIRED", "BALANCES"] == rig.told()
    assert ("EXEC_STARTED", "EXECUTING") == status(rig, placed)
    assert (D(8), D(1)) == rig.money("BTC")

    rig.print(111, 1)
    assert ["TRADE above FILLED", "LIST ALL_DONE", "BALANCES"] == rig.told()
    assert ("ALL_DONE", "ALL_DONE") == status(rig, placed)
    assert [] == rig.trading.open_lists()
    assert D(0) == rig.money("BTC")[1]


def test_the_stop_of_an_oco_ends_the_other_leg_before_it_trades(rig):
    placed = sale(rig)
    rig.told()

    rig.print(80)

    told = ["NEW below NEW", "EXPIRED above EXPIRED", "TRADE below FILLED", "LIST ALL_DONE", "BALANCES"]
    assert told == rig.told()
    assert ("EXPIRED", "OCO_TRIGGER") == states(rig, placed)["above"]
    assert (D(8), D(0)) == rig.money("BTC")
    assert D(10_180) == rig.money("USDT")[0]


def test_both_legs_may_wait_for_a_trigger(rig):
    """A take-profit and a stop: no leg is on the book."""
    above = rig.ticket("SELL", "TAKE_PROFIT", 2, stop_price=110, id="above")
    below = rig.ticket("SELL", "STOP_LOSS_LIMIT", 2, stop_price=90, price=89, id="below")
    placed = rig.oco("SELL", above, below)
    rig.print(115)
    assert {"above": ("FILLED", None), "below": ("EXPIRED", "OCO_TRIGGER")} == states(rig, placed)
    assert D(110) == rig.trading.fills("BTCUSDT")[0].price


def test_an_oco_needs_the_price_between_its_legs(rig, refused):
    wrong = (-2010, "The relationship of the prices for the orders is not correct.")
    for above, below in ((100, 90), (110, 100), (99, 90), (120, 110)):
        legs = (
            rig.ticket("SELL", "LIMIT_MAKER", price=above),
            rig.ticket("SELL", "STOP_LOSS", stop_price=below),
        )
        assert wrong == refused(rig.oco, "SELL", *legs)
    assert [] == rig.told()
    assert (D(10), D(0)) == rig.money("BTC")


def test_legs_in_the_wrong_place_make_no_list(rig, refused):
    stop = rig.ticket("SELL", "STOP_LOSS", stop_price=90)
    limit = rig.ticket("SELL", "LIMIT_MAKER", price=110)
    buy = rig.ticket("BUY", "LIMIT_MAKER", price=90)
    for legs in ((stop, limit), (limit, limit), (stop, stop), (limit, buy)):
        assert (-1013, "Unsupported order combination") == refused(rig.oco, "SELL", *legs)
    for ticket in (
        ListTicket("OTO", "x", (stop,)),
        ListTicket("OTO", "x", (stop,), stop),
        ListTicket("OTO", "x", (rig.ticket("BUY", "MARKET", None, quote_quantity=10),), limit),
    ):
        assert -1013 == refused(rig.trading.place_list, ticket)[0]


@pytest.mark.parametrize("through", ["leg", "list", "all"])
def test_cancelling_any_part_cancels_the_list(rig, through):
    placed = sale(rig)
    rig.told()
    if through == "leg":
        done = rig.trading.cancel("BTCUSDT", client_order_id="below", new_client_order_id="x")
    elif through == "list":
        done = rig.trading.cancel_list("BTCUSDT", client_list_id="list", new_client_order_id="x")
    else:
        (done,) = rig.trading.cancel_all("BTCUSDT")
    assert (placed.list_id, "ALL_DONE") == (done.list_id, done.order_status)
    assert {"above": ("CANCELED", None), "below": ("CANCELED", None)} == states(rig, placed)
    assert ["CANCELED below CANCELED", "CANCELED above CANCELED", "LIST ALL_DONE", "BALANCES"] == rig.told()
    assert (D(10), D(0)) == rig.money("BTC")


def test_a_pending_order_waits_until_the_entry_is_wholly_filled(rig):
    """Half an entry places nothing; the second half places the exits, which may fire on the same way."""
    placed = entry(rig, legs=exits(rig))
    assert "OTO" == placed.contingency
    assert ["NEW entry NEW", "NEW below PENDING_NEW", "NEW above PENDING_NEW"] == rig.told()[:3]
    assert (D(9_810), D(190)) == rig.money("USDT")
    assert D(0) == rig.money("BTC")[1]

    rig.print(95, 1)
    assert ("PENDING_NEW", None) == states(rig, placed)["above"]
    rig.told()

    rig.print(93, 1)
    assert {"entry": ("FILLED", None), "above": ("NEW", None), "below": ("NEW", None)} == states(rig, placed)
    assert ["TRADE entry FILLED", "NEW below NEW", "NEW above NEW", "BALANCES"] == rig.told()
    assert (D(10), D(2)) == rig.money("BTC")

    rig.print(110)
    assert ("ALL_DONE", "ALL_DONE") == status(rig, placed)
    assert ("EXPIRED", "OCO_TRIGGER") == states(rig, placed)["below"]


def test_entry_and_stop_may_happen_in_one_move(rig):
    """The price falls through the entry at 95 and the stop at 90 to 85."""
    placed = entry(rig, legs=exits(rig))
    rig.told()
    rig.print(85)
    assert ["FILLED", "FILLED", "EXPIRED"] == [order.status for order in rig.trading.list_orders(placed)]
    assert [D(95), D(90)] == [fill.price for fill in rig.trading.fills("BTCUSDT")]
    told = [
        "TRADE entry FILLED",
        "NEW below NEW",
        "NEW above NEW",
        "NEW below NEW",
        "EXPIRED above EXPIRED",
        "TRADE below FILLED",
        "LIST ALL_DONE",
        "BALANCES",
    ]
    assert told == rig.told()


def test_an_entry_that_takes_at_once_answers_with_pending_orders(rig):
    """Binance's answer still says PENDING_NEW; a query then says NEW."""
    placed = entry(rig, legs=exits(rig), price=101)
    answer = rig.trading.placed_orders(placed.list_id)
    assert ["FILLED", "PENDING_NEW", "PENDING_NEW"] == [order.status for order in answer]
    assert ["FILLED", "NEW", "NEW"] == [order.status for order in rig.trading.list_orders(placed)]


def test_a_pending_market_order_sells_at_once(rig):
    placed = entry(rig, legs=[rig.ticket("SELL", "MARKET", 2, id="exit")])
    rig.print(94)
    assert {"entry": ("FILLED", None), "exit": ("FILLED", None)} == states(rig, placed)
    assert [D(95), D(95)] == [fill.price for fill in rig.trading.fills("BTCUSDT")]
    assert ("ALL_DONE", "ALL_DONE") == status(rig, placed)


def test_an_entry_that_expires_takes_the_pending_orders_with_it(rig):
    placed = entry(rig, legs=exits(rig), time_in_force="FOK")
    assert ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED") == states(rig, placed)["entry"]
    assert ("EXPIRED", "OTO_PHASE_ONE_EXPIRED") == states(rig, placed)["above"]
    assert ("EXPIRED", "OTO_PHASE_ONE_EXPIRED") == states(rig, placed)["below"]
    assert "EXEC_STARTED" == placed.status_type
    assert ("ALL_DONE", "ALL_DONE") == status(rig, placed)
    assert (D(10_000), D(0)) == rig.money("USDT")


def test_pending_orders_that_cannot_be_paid_expire_as_rejected(make_rig):
    """The commission leaves less than the exits want to sell."""
    rig = make_rig({"USDT": D(1_000)}, fees=Fees())
    placed = entry(rig, legs=exits(rig))
    rig.print(90)
    assert {
        "entry": ("FILLED", None),
        "above": ("EXPIRED", "REJECTED"),
        "below": ("EXPIRED", "REJECTED"),
    } == states(rig, placed)
    assert ("ALL_DONE", "ALL_DONE") == status(rig, placed)


def test_pending_orders_that_the_price_has_passed_expire_as_rejected(rig):
    placed = entry(rig, legs=exits(rig, below=94))
    rig.print(93, continuous=False)
    assert ("EXPIRED", "REJECTED") == states(rig, placed)["below"]
    assert (D(12), D(0)) == rig.money("BTC")


def test_cancelling_a_pending_leg_cancels_the_entry_too(rig):
    placed = entry(rig, legs=exits(rig))
    rig.print(95, 1)
    rig.trading.cancel("BTCUSDT", client_order_id="above")
    assert {"CANCELED"} == {state for state, _ in states(rig, placed).values()}
    assert (D(9_905), D(0)) == rig.money("USDT")
    assert D(1) == rig.trading.order("BTCUSDT", client_order_id="entry").executed


def test_lists_obey_the_limits_and_the_ids(make_rig, refused):
    rig = make_rig()
    sale(rig)
    assert (-2010, "Duplicate order sent.") == refused(entry, rig, legs=exits(rig)[:1])
    rig = make_rig(max_orders=3)
    sale(rig)
    fresh = (rig.ticket("SELL", "LIMIT_MAKER", price=110), rig.ticket("SELL", "STOP_LOSS", stop_price=90))
    assert (-1013, "Filter failure: MAX_NUM_ORDERS") == refused(rig.oco, "SELL", *fresh, name="other")
    assert (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS") == refused(
        make_rig(max_algo_orders=1).oco,
        "SELL",
        rig.ticket("SELL", "TAKE_PROFIT", stop_price=110),
        rig.ticket("SELL", "STOP_LOSS", stop_price=90),
    )

    rig = make_rig(max_order_lists=1)
    sale(rig)
    assert (-1013, "Filter failure: MAX_NUM_ORDER_LISTS") == refused(rig.oco, "SELL", *fresh, name="other")


def test_an_open_list_id_is_not_given_twice(rig, refused):
    sale(rig)
    fresh = (rig.ticket("SELL", "LIMIT_MAKER", price=110), rig.ticket("SELL", "STOP_LOSS", stop_price=90))
    assert (-2010, "Duplicate order sent.") == refused(rig.oco, "SELL", *fresh)
    rig.trading.cancel_list("BTCUSDT", client_list_id="list")
    again = rig.oco("SELL", *fresh)
    assert again.list_id == rig.trading.order_list(client_list_id="list").list_id


def test_lists_are_found(rig, refused):
    first, second = sale(rig), None
    rig.trading.cancel_list("BTCUSDT", list_id=first.list_id)
    rig.now += 500
    second = rig.oco("SELL", *exits(rig), name="second")
    ids = lambda found: [item.list_id for item in found]  # noqa: E731
    assert [1, 2] == ids(rig.trading.all_lists())
    assert [2] == ids(rig.trading.all_lists(from_id=2))
    assert [1] == ids(rig.trading.all_lists(start=0, limit=1))
    assert [2] == ids(rig.trading.all_lists(limit=1))
    assert [2] == ids(rig.trading.all_lists(start=rig.now))
    assert second == rig.trading.order_list(client_list_id="second")
    assert (-2013, "Order list does not exist.") == refused(rig.trading.order_list, list_id=9)
    assert -1102 == refused(rig.trading.order_list)[0]
    assert (-2011, "Unknown order list sent.") == refused(rig.trading.cancel_list, "BTCUSDT", list_id=1)


def test_a_triggered_leg_needs_no_more_than_the_pair_held(make_rig):
    """Trailing 10 % from 100 it may cost 110, which is all there is; it fires there."""
    rig = make_rig({"USDT": D(110)})
    above = rig.ticket("BUY", "STOP_LOSS", 1, trailing_delta=1000, id="above")
    below = rig.ticket("BUY", "LIMIT_MAKER", 1, price=90, id="below")
    placed = rig.oco("BUY", above, below)
    assert (D(0), D(110)) == rig.money("USDT")
    rig.print(111)
    assert {"above": ("FILLED", None), "below": ("EXPIRED", "OCO_TRIGGER")} == states(rig, placed)
    assert (D(0), D(0)) == rig.money("USDT")
