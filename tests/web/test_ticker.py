"""Trades and prices on the stream: the newest, bounded, of what the page asked for."""

from __future__ import annotations

import time

import pytest
import requests

from bt_run.run.desk.tape import MOST_TRADES, TapeKey


def step(desk, bars=1):
    requests.post(f"{desk.venue.rest_url}/practice/step", json={"bars": bars}, timeout=20).raise_for_status()


def hear(page, kind):
    """Read until a message of a kind comes."""
    for _ in range(300):
        message = page.hear()
        if message["type"] == kind:
            return message
    raise AssertionError(f"no {kind} came")


def wait_until_nobody_looks(desk, key):
    end = time.monotonic() + 20
    while desk.market.tape.read(key).edition and time.monotonic() < end:
        time.sleep(0.05)
    assert 0 == desk.market.tape.read(key).edition


def test_a_page_hears_prices_and_the_newest_trades(client, stream, desk):
    """The price at once, trades as they come: never more than are kept, the newest first, each once."""
    with stream(client) as page:
        page.say({"do": "watch", "trades": "BTCUSDT", "quotes": ["BTCUSDT"]})
        quote = hear(page, "quote")
        told = requests.get(f"{desk.venue.rest_url}/api/v3/ticker/24hr?symbol=BTCUSDT", timeout=20).json()
        step(desk)
        trades = hear(page, "trades")["trades"]
        while len(trades) < 2:
            step(desk)
            trades = hear(page, "trades")["trades"]

        assert float(told["lastPrice"]) == quote["last"]
        assert quote["change_pct"] == pytest.approx(float(told["priceChangePercent"]), abs=0.01)
        numbers = [trade[0] for trade in trades]
        assert numbers == sorted(set(numbers), reverse=True)
        assert len(trades) <= MOST_TRADES
    wait_until_nobody_looks(desk, TapeKey("trades", "BTCUSDT"))


def test_what_the_page_wants_no_longer_is_left(client, stream, desk):
    """It says it as a whole."""
    with stream(client) as page:
        page.say({"do": "watch", "quotes": ["BTCUSDT"]})
        hear(page, "quote")
        page.say({"do": "watch"})
        wait_until_nobody_looks(desk, TapeKey("quote", "BTCUSDT"))


def test_a_symbol_that_does_not_exist_is_told_with_its_price(client, stream):
    """The others are told all the same."""
    with stream(client) as page:
        page.say({"do": "watch", "quotes": ["BTCUSDX", "BTCUSDT"]})
        told = {}
        while len(told) < 2:
            message = hear(page, "quote")
            told[message["symbol"]] = message

    assert "BTCUSDX" in told["BTCUSDX"]["trouble"]
    assert told["BTCUSDX"]["last"] is None
    assert told["BTCUSDT"]["last"] > 0


@pytest.mark.parametrize(
    "wish", [{"quotes": ["A" * 31]}, {"quotes": ["AB"] * 31}, {"quotes": 3}, {"trades": "a b"}, {"trades": 1.5}]
)
def test_a_strange_wish_is_refused(client, stream, wish):
    """In words; the stream goes on."""
    with stream(client) as page:
        page.say({"do": "watch", **wish})
        assert hear(page, "error")["problem"]
        page.say({"do": "watch", "quotes": ["BTCUSDT"]})
        assert hear(page, "quote")
