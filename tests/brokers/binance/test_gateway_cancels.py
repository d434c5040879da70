"""Cancels whose answer is lost, slow, refused or without sense."""

from __future__ import annotations

from dataclasses import replace

import pytest
from exchange_answers import CANCEL, PAGE, ended

from brokers.order_events import Canceled, CancelRefused, TimedOut


def known(make_order):
    return replace(make_order(), exchange_id=7)


def test_a_cancel_by_number_is_asked_again_when_its_answer_is_lost(script, scripted, make_order):
    """That is harmless: an order has one number."""
    order = known(make_order)
    script.will(CANCEL, {"drop": True}, ended(order))

    (event,) = scripted.cancel(order)

    assert isinstance(event, Canceled)
    ids = [(params["orderId"], params["origClientOrderId"]) for what, params in script.asked if what == CANCEL]
    assert [("7", order.client_id)] * 2 == ids


def test_a_second_refusal_does_not_say_that_the_order_lives(script, scripted, make_order):
    """Perhaps the first cancel did it: unknown."""
    script.will(CANCEL, {"status": 504, "body": PAGE})
    script.refuse(CANCEL, 400, -2011, "Unknown order sent.")

    (event,) = scripted.cancel(known(make_order))

    assert isinstance(event, TimedOut)
    assert 2 == script.count(CANCEL)


def test_a_cancel_by_client_id_is_asked_once(script, scripted, make_order):
    """Another order may bear the id by then."""
    script.will(CANCEL, {"drop": True})

    assert isinstance(scripted.cancel(make_order())[0], TimedOut)
    assert 1 == script.count(CANCEL)


def test_a_slow_cancel_is_not_asked_again(script, scripted, make_order, monkeypatch):
    """The thread that trades has waited long enough."""
    monkeypatch.setattr("brokers.binance.rest_gateway._QUICK_S", 0.0)
    script.will(CANCEL, {"drop": True})

    assert isinstance(scripted.cancel(known(make_order))[0], TimedOut)
    assert 1 == script.count(CANCEL)


def test_an_order_that_cannot_be_cancelled_any_more_is_refused(script, scripted, make_order):
    """It is over already; whoever wants to know how asks."""
    script.refuse(CANCEL, 400, -2011, "Unknown order sent.")

    (event,) = scripted.cancel(known(make_order))

    assert CancelRefused("Unknown order sent (HTTP 400, code -2011)") == event


@pytest.mark.parametrize("body", [{}, [], {"orderReports": []}, {"origClientOrderId": "x"}, "null"], ids=str)
def test_a_cancel_s_answer_without_sense_is_unknown(script, scripted, make_order, body):
    """It may have been done."""
    script.will(CANCEL, {"body": body})

    assert isinstance(scripted.cancel(known(make_order))[0], TimedOut)


def test_a_cancel_s_answer_that_leaves_the_order_open_is_unknown(script, scripted, make_order):
    """The status is what counts."""
    order = known(make_order)
    script.will(CANCEL, ended(order, "PENDING_CANCEL"))

    assert "PENDING_CANCEL" in scripted.cancel(order)[0].reason
