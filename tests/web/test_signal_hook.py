"""Signals from elsewhere: a secret in the body, one order for an id, and nothing else is let through."""

from __future__ import annotations

import json

import pytest

from bt_run.web.access import Attempts

SECRET = "sixteen letters or more"  # noqa: S105  # of a server that lives as long as a test
BUY = {"secret": SECRET, "id": "alert-1", "symbol": "BINANCE:BTCUSDT", "action": "buy", "quote": 100}


@pytest.fixture
def send(account, desk, stranger):
    """Give a way to send a signal, as somebody without a session."""
    desk.signal_secret = SECRET
    headers = {"content-type": "application/json"}
    return lambda **change: stranger.post(
        "/api/v1/signal", content=json.dumps({**BUY, **change}), headers=headers
    )


def test_a_signal_is_an_order_and_the_same_id_is_the_same_order(send, desk):
    """As TradingView writes it: an exchange before the symbol, an action, a number."""
    first, second = send(), send()
    (row,) = first.json()["orders"]

    assert [201, 200] == [first.status_code, second.status_code]
    assert ("FILLED", "signal", "BTCUSDT") == (row["state"], row["whose"], row["symbol"])
    assert [row["client_id"]] == [item["client_id"] for item in second.json()["orders"]]
    assert 1 == len(desk.trading.orders())


def test_a_percentage_is_one_of_what_is_free(send, client):
    """Of the quote asset to buy; of the base asset to sell."""
    send()
    answer = send(id="alert-2", action="sell", quote=None, percent=100)
    (row,) = answer.json()["orders"]
    left = {item["asset"]: item["total"] for item in client.get("/api/v1/balances").json()}

    assert ("SELL", "FILLED") == (row["side"], row["state"])
    assert float(left.get("BTC", 0)) < 0.00001


def test_a_wrong_secret_does_nothing(send, desk):
    """Nor does none; what is right is not told."""
    answers = [send(secret=secret) for secret in ("wrong", "", None, 7, f"{SECRET}x", "\ud800")]

    assert {403} == {answer.status_code for answer in answers}
    assert not any(SECRET in answer.text for answer in answers)
    assert [] == [row for row in desk.trading.orders() if row.whose == "signal"]


def test_without_a_secret_signals_are_off(account, stranger):
    """The answer says how to switch them on."""
    answer = stranger.post("/api/v1/signal", json=BUY)

    assert 404 == answer.status_code
    assert "BT_RUN_SIGNAL_SECRET" in answer.json()["detail"]


REFUSED = (
    ({"quote": None}, "one way"),
    ({"quote": -1}, "quote"),
    ({"quote": True}, "quote"),
    ({"quote": "1e2"}, "quote"),
    ({"symbol": "no coin"}, "symbol"),
    ({"stop": 5}, "stop"),
    ({"quote": 0.1}, "NOTIONAL"),
    ({"quote": 1e9}, "--max-order"),
    ({"type": "limit"}, "price"),
)


def test_a_signal_that_makes_no_order_is_refused_with_the_reason(send):
    """Without repeating what it held, for that has the secret."""
    for change, reason in REFUSED:
        answer = send(**change)

        assert 422 == answer.status_code, change
        assert reason in answer.json()["detail"]
        assert SECRET not in answer.text


def test_what_is_no_signal_is_refused(send, stranger):
    """As one with a wrong secret."""
    for body in (b"", b"[]", b"{", b"[" * 5000, b'"buy"', b"\xff"):
        assert 403 == stranger.post("/api/v1/signal", content=body).status_code, body


def test_many_tries_are_slowed_down(send, desk):
    """Right or wrong."""
    desk.access.signals = Attempts(3, 60.0)
    statuses = [send(secret="wrong").status_code for _ in range(5)]  # noqa: S106

    assert [403, 403, 403, 429, 429] == statuses
