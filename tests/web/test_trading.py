"""Orders by hand over the interface, on the practice exchange: checked, sent once, followed."""

from __future__ import annotations

import csv
import threading
import time
from contextlib import contextmanager
from decimal import Decimal

import pytest
import requests

from brokers.client_ids import ClientId
from brokers.hand_ids import is_hand_id
from bt_run.journal.journal import Journal
from bt_run.run.panic.books import symbols_in_play

BUY = {"symbol": "BTCUSDT", "side": "BUY", "kind": "market", "quote_quantity": "100"}


def until(read, *, limit_s=20.0):
    """Read until something is there."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = read()
        if found:
            return found
        threading.Event().wait(0.05)
    raise AssertionError("it did not come in time")


@contextmanager
def fault(desk, **told):
    """Let the exchange misbehave."""
    url = f"{desk.venue.rest_url}/practice/faults"
    requests.post(url, json=told, timeout=10).raise_for_status()
    try:
        yield
    finally:
        requests.delete(url, timeout=10).raise_for_status()


@pytest.fixture
def place(account, client):
    """Give a way to order: a wish and its key."""

    def send(wish, key):
        return client.post(
            "/api/v1/orders", json=wish, headers={"x-csrf-token": client.csrf, "idempotency-key": key}
        )

    return send


@pytest.fixture
def check(account, client):
    """Give a way to ask what would be sent."""
    return lambda wish: client.post(
        "/api/v1/orders/check", json=wish, headers={"x-csrf-token": client.csrf}
    ).json()


@pytest.fixture
def last(check):
    """Give the price now."""
    return Decimal(check(BUY)["price"])


def limit_at(price, **more):
    """Make a wish for a limit order at a price of two decimals."""
    return {"symbol": "BTCUSDT", "side": "BUY", "kind": "limit", "price": f"{price:.2f}", **more}


def totals(client):
    """Ask for what the account holds."""
    return {row["asset"]: Decimal(row["total"]) for row in client.get("/api/v1/balances").json()}


def own_trades(client):
    """Ask for the account's trades."""
    return client.get("/api/v1/trades?symbol=BTCUSDT").json()


def test_without_a_key_the_page_is_told_how_to_get_one(client, desk):
    """And nothing can be ordered."""
    desk.trading_off = "There is no API key."
    told = client.get("/api/v1/trading").json()
    answer = client.post(
        "/api/v1/orders", json=BUY, headers={"x-csrf-token": client.csrf, "idempotency-key": "a-key-of-mine"}
    )

    assert (False, "There is no API key.") == (told["on"], told["why"])
    assert (422, "There is no API key.") == (answer.status_code, answer.json()["detail"])


def test_a_market_order_is_filled_and_is_on_the_account(place, client):
    """Its row, its trade, the balances and the position agree to the last digit."""
    before, old = totals(client), {trade["trade_id"] for trade in own_trades(client)}
    answer = place(BUY, "order-one")
    (row,) = answer.json()["orders"]
    after, trades = totals(client), [trade for trade in own_trades(client) if trade["trade_id"] not in old]
    (position,) = client.get("/api/v1/positions").json()
    bought, fee = (sum(Decimal(trade[name]) for trade in trades) for name in ("quantity", "fee"))
    paid = sum(Decimal(trade["quantity"]) * Decimal(trade["price"]) for trade in trades)

    assert (201, "FILLED", "hand") == (answer.status_code, row["state"], row["whose"])
    assert is_hand_id(row["client_id"])
    assert bought == Decimal(row["filled"])
    assert before["USDT"] - after["USDT"] == paid
    assert after["BTC"] - before.get("BTC", 0) == bought - fee == Decimal(position["quantity"])


def test_the_same_key_is_the_same_order(place, desk, client):
    """A double click, at the same moment: one order, and both are told of it."""
    answers = []
    clicks = [threading.Thread(target=lambda: answers.append(place(BUY, "double-click"))) for _ in range(2)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join(60)

    assert [200, 201] == sorted(answer.status_code for answer in answers)
    assert answers[0].json()["orders"] == answers[1].json()["orders"]
    assert 1 == len(desk.trading.orders())


def test_a_key_is_needed_and_belongs_to_one_wish(place, client):
    """Another wish with it is refused; so is none at all."""
    place(BUY, "mine-alone")
    other = place({**BUY, "quote_quantity": "101"}, "mine-alone")
    without = client.post("/api/v1/orders", json=BUY, headers={"x-csrf-token": client.csrf})

    assert 422 == other.status_code
    assert "used for another order" in other.json()["detail"]
    assert 422 == without.status_code


def test_what_is_asked_for_is_rounded_down_and_shown(check, last):
    """Quantity to the lot, a price to buy at to the tick below; worth and fee follow from them."""
    told = check(limit_at(last * Decimal("0.9"), quantity="0.0123456789") | {"price": f"{last * 9 / 10:.5f}1"})
    (order,) = told["orders"]

    assert told["ok"], told["problems"]
    assert "0.01234" == order["quantity"]
    assert 0 <= Decimal(f"{last * 9 / 10:.5f}1") - Decimal(order["price"]) < Decimal("0.01")
    assert Decimal(told["worth"]) == Decimal(order["quantity"]) * Decimal(order["price"])
    assert Decimal(told["fee"]) == Decimal(told["worth"]) * Decimal("0.001")


AGAINST_THE_RULES = (
    ({"quote_quantity": "0.5"}, "NOTIONAL"),
    ({"quote_quantity": None, "quantity": "0.000001"}, "round down to nothing"),
    ({"quote_quantity": "10001"}, "--max-order"),
    ({"side": "SELL", "quote_quantity": None, "quantity": "2.5"}, "are free"),
    ({"symbol": "NOSUCHCOIN"}, "NOSUCHCOIN"),
)


def test_the_rules_are_asked_before_anything_is_sent(place, desk):
    """The reason says which; the exchange never hears of it."""
    for change, reason in AGAINST_THE_RULES:
        wish = {name: value for name, value in (BUY | change).items() if value is not None}
        answer = place(wish, "against-the-rules")

        assert 422 == answer.status_code, change
        assert reason in answer.json()["detail"]
    assert [] == [row for row in desk.trading.orders() if row.whose == "hand"]


NO_SENSE = (
    ({"kind": "limit", "side": "BUY"}, {"price": "1.07"}, "--max-price-deviation"),
    ({"kind": "limit", "side": "BUY", "post_only": True}, {"price": "1.01"}, "would trade at once"),
    ({"kind": "stop_loss", "side": "SELL"}, {"stop_price": "1.1"}, "set it off at once"),
    ({"kind": "oco", "side": "SELL"}, {"price": "0.9", "stop_price": "0.8"}, "both sides"),
    ({"kind": "limit", "side": "BUY"}, {"price": "9"}, "PERCENT_PRICE"),
)


def test_a_price_that_makes_no_sense_is_refused(check, last):
    """Before it is sent, each with its reason."""
    for kind, factors, reason in NO_SENSE:
        prices = {name: f"{last * Decimal(factor):.2f}" for name, factor in factors.items()}
        told = check({"symbol": "BTCUSDT", "quantity": "0.01", **kind, **prices})

        assert not told["ok"], kind
        assert any(reason in problem for problem in told["problems"]), told["problems"]


def test_an_open_order_can_be_cancelled_and_frees_what_it_held(place, client, last):
    """Twice is once."""
    (row,) = place(limit_at(last / 2, quantity="0.01"), "to-be-cancelled").json()["orders"]
    locked = {row["asset"]: row["locked"] for row in client.get("/api/v1/balances").json()}
    path, headers = f"/api/v1/orders/{row['client_id']}", {"x-csrf-token": client.csrf}
    (done,) = client.delete(path, headers=headers).json()
    (again,) = client.delete(path, headers=headers).json()
    free = {row["asset"]: row["locked"] for row in client.get("/api/v1/balances").json()}

    assert "OPEN" == row["state"]
    assert "CANCELED" == done["state"] == again["state"]
    assert Decimal(locked["USDT"]) == Decimal("0.01") * Decimal(row["price"])
    assert "0" == free["USDT"]


def test_an_oco_is_two_orders_that_go_together(place, client, last):
    """One cancel ends both; cancelling all of a symbol leaves nothing open."""
    place(BUY, "something-to-sell")
    sale = {"symbol": "BTCUSDT", "side": "SELL", "kind": "oco", "quantity": "0.005"}
    prices = {"price": f"{last * 2:.2f}", "stop_price": f"{last / 2:.2f}"}
    rows = place(sale | prices, "one-cancels-other").json()["orders"]
    headers = {"x-csrf-token": client.csrf}
    ended = client.delete(f"/api/v1/orders/{rows[1]['client_id']}", headers=headers).json()
    place(sale | prices | {"stop_limit_price": f"{last * 49 / 100:.2f}"}, "another-pair")
    swept = client.delete("/api/v1/orders?symbol=BTCUSDT", headers=headers).json()

    assert ["LIMIT_MAKER", "STOP_LOSS"] == [row["type"] for row in rows]
    assert 1 == len({row["list_id"] for row in rows})
    assert {"CANCELED"} == {row["state"] for row in ended}
    assert ["LIMIT_MAKER", "STOP_LOSS_LIMIT"] == [row["type"] for row in swept]
    assert {"CANCELED"} == {row["state"] for row in swept}
    assert [] == [row for row in client.get("/api/v1/orders").json() if row["is_open"]]


def test_an_order_without_an_answer_is_asked_for_and_never_sent_again(place, desk, client):
    """It is UNKNOWN until the exchange has told; the same key sends nothing either."""
    with fault(desk, kind="lost_answer", method="order.place", count=1):
        first = place(BUY, "no-answer-came")
    second = place(BUY, "no-answer-came")
    (row,) = first.json()["orders"]

    def found():
        return [item for item in client.get("/api/v1/orders").json() if item["state"] == "FILLED"]

    assert ("UNKNOWN", 201, 200) == (row["state"], first.status_code, second.status_code)
    (known,) = until(found)
    assert row["client_id"] == known["client_id"]
    same = [item for item in desk.trading.orders(symbol="BTCUSDT") if item.client_id == row["client_id"]]
    assert 1 == len(same)


def test_the_intent_is_in_the_journal_before_the_request_leaves(place, desk, account, monkeypatch):
    """Seen from the place where it would leave."""
    written = []
    monkeypatch.setattr(
        type(account._gateway),
        "place",
        lambda gateway, order: (written.extend(account._table.unsettled(account._world)), ())[1],
    )
    place(BUY, "written-down-first")

    assert ["NEW"] == [record.order.state for record in written]
    assert "100" == written[0].wish["quote_quantity"]


def test_orders_are_listed_by_symbol_side_state_and_time_and_as_csv(place, client, last):
    """With a symbol those of the exchange are among them."""
    (bought,) = place(BUY, "row-number-one").json()["orders"]
    (resting,) = place(limit_at(last / 2, quantity="0.01"), "row-number-two").json()["orders"]

    def ids(query):
        return [row["client_id"] for row in client.get(f"/api/v1/orders?{query}").json()]

    rows = list(csv.DictReader(client.get("/api/v1/orders.csv?state=OPEN").text.splitlines()))
    assert [resting["client_id"]] == ids("state=OPEN") == [row["client_id"] for row in rows]
    assert bought["client_id"] in ids("symbol=btcusdt&side=BUY&state=FILLED")
    assert [] == ids("side=SELL")
    assert [] == ids(f"to={bought['time_ms']}")
    assert {bought["client_id"], resting["client_id"]} <= set(ids(f"from={bought['time_ms']}"))


def test_the_stream_tells_of_an_order_and_of_the_money(place, client, stream):
    """Without being asked, to every page that is open."""
    with stream(client) as page:
        (row,) = place(BUY, "told-on-the-stream").json()["orders"]

        def told():
            message = page.hear()
            return message["type"] == "account" and [
                item for item in message["orders"] if item["client_id"] == row["client_id"]
            ]

        (seen,) = until(told)
    assert "FILLED" == seen["state"]


def test_too_many_orders_in_a_minute_are_refused(place, account):
    """A loop that got loose ends here."""
    account._placing._sent_ms.extend([time.time_ns() // 1_000_000] * 20)

    assert "--max-orders-per-minute" in place(BUY, "one-too-many").json()["detail"]


def test_the_key_is_nowhere_to_be_seen(place, practice_market, client, tmp_path):
    """Not in an answer, not in the journal, not in what Python writes of the desk."""
    place(BUY, "look-for-the-key")
    texts = [client.get(f"/api/v1/{path}").text for path in ("trading", "orders", "balances", "openapi.json")]
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("orders.sqlite*"))

    for secret in (practice_market.api_key, practice_market.secret):
        assert not any(secret in text for text in texts)
        assert secret.encode() not in raw


def test_it_is_written_beside_a_bot_that_has_the_journal(place, tmp_path):
    """The bot's lock is no hindrance; its tables and its books know nothing of it."""
    with Journal(tmp_path / "orders.sqlite") as journal:
        (row,) = place(BUY, "not-the-bots-own").json()["orders"]

        assert "FILLED" == row["state"]
        assert [] == journal.orders()
        assert [] == journal.fills()
        assert [] == symbols_in_play(journal, venue="practice")
    assert ClientId.parse(row["client_id"]) is None
