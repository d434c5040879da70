"""The interface and the stream, on a practice exchange."""

from __future__ import annotations

import math

import numpy as np
import pytest
import talib


def until(stream, kind):
    """Read messages until one of a kind comes."""
    for _ in range(200):
        message = stream.hear()
        if message["type"] == kind:
            return message
        assert "error" != message["type"], message
    raise AssertionError(f"no {kind} came")


def look(stream, number=1, symbol="BTCUSDT", interval="1d"):
    stream.say({"do": "look", "id": number, "symbol": symbol, "interval": interval})
    return until(stream, "snapshot")


def test_it_tells_name_version_and_health(client):
    """What a monitor asks for."""
    assert {"ping": "pong"} == client.get("/api/v1/ping").json()
    assert "bt-run" == client.get("/api/v1/version").json()["name"]
    assert "practice" == client.get("/api/v1/health").json()["venue"]


def test_symbols_are_found_by_a_part_of_their_name(client):
    """Fifty at most."""
    assert {"symbols": ["BTCUSDT"], "total": 1} == client.get("/api/v1/symbols?search=tcus").json()
    assert {"symbols": [], "total": 0} == client.get("/api/v1/symbols?search=zzz").json()


def test_bars_are_the_closed_ones_of_the_venue(client):
    """The newest; those before a time."""
    newest = client.get("/api/v1/bars?symbol=btcusdt&interval=1d&limit=10").json()
    older = client.get(
        f"/api/v1/bars?symbol=BTCUSDT&interval=1d&limit=5&end={newest['open_time'][0] - 1}"
    ).json()

    assert 10 == len(newest["close"])
    assert 5 == len(older["close"])
    assert older["open_time"][-1] < newest["open_time"][0]
    assert (np.diff(older["open_time"] + newest["open_time"]) == 86_400_000).all()


@pytest.mark.parametrize(
    "query", ["symbol=NOSUCH&interval=1d", "symbol=BTCUSDT&interval=7m", "symbol=../x&interval=1d"]
)
def test_a_wrong_wish_gets_a_reason(client, query):
    """Never a 500."""
    answer = client.get(f"/api/v1/bars?{query}")

    assert answer.status_code in (422, 502)
    assert answer.json()["detail"]


def test_a_look_gives_history_and_indicators_are_those_of_talib(client, stream):
    """Over the very bars of the snapshot, the open one too; NaN is null."""
    with stream(client) as page:
        snapshot = look(page)
        page.say({"do": "indicator", "id": 1, "key": "a", "name": "rsi", "parameters": {"timeperiod": 10}})
        found = until(page, "indicator")
    closed = snapshot["columns"][4]
    bars = [*closed, snapshot["forming"][4]] if snapshot["forming"] else closed
    expected = talib.RSI(np.array(bars[: len(found["times"])]), 10)

    assert 300 == len(closed)
    assert [None if math.isnan(value) else value for value in expected] == found["curves"]["real"]


def test_what_comes_names_its_look(client, stream):
    """So a page that switched never mixes two."""
    with stream(client) as page:
        assert 1 == look(page, 1)["id"]
        page.say({"do": "leave", "id": 1})
        second = look(page, 2, interval="3d")

    assert (2, "3d") == (second["id"], second["interval"])


def test_older_bars_come_in_front_of_those_that_are_there(client, stream, desk):
    """Without a gap or a double."""
    from bt_run.run.desk.series import SeriesKey

    with stream(client) as page:
        first = look(page, interval="1d")["columns"][0]
        page.say({"do": "older", "id": 1})
        times = until(page, "snapshot")["columns"][0]
        assert desk.market.find(SeriesKey("BTCUSDT", "1d")) is not None

    assert first == times[-len(first) :]
    assert (np.diff(times) > 0).all()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"do": "look", "id": 1, "symbol": "NOSUCHPAIR", "interval": "1d"}, "NOSUCHPAIR"),
        ({"do": "look", "id": 1, "symbol": "BTCUSDT", "interval": "7m"}, "7m"),
        ({"do": "look", "id": 1, "symbol": "<script>", "interval": "1d"}, "not a symbol"),
        ({"do": "older", "id": 9}, "no chart 9"),
        ({"do": "look", "symbol": "BTCUSDT"}, "number of its chart"),
    ],
)
def test_a_wish_that_cannot_be_had_is_told(client, stream, message, words):
    """The stream goes on."""
    with stream(client) as page:
        page.say(message)
        for _ in range(20):
            answer = page.hear()
            if answer["type"] == "error":
                break

        assert words in answer["problem"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"name": "RSII"}, "RSI"),
        ({"name": "RSI", "parameters": {"period": 3}}, "timeperiod"),
        ({"name": "RSI", "parameters": {"timeperiod": 1}}, "between 2 and"),
        ({"name": "RSI", "parameters": {"timeperiod": 2.5}}, "whole"),
        ({"name": "RSI", "column": "median"}, "median"),
        ({"name": "RSI", "parameters": {"timeperiod": "x"}}, "numbers"),
    ],
)
def test_a_wrong_indicator_gets_a_reason(client, stream, wish, words):
    """With what would be right."""
    with stream(client) as page:
        look(page)
        page.say({"do": "indicator", "id": 1, "key": "a", **wish})
        for _ in range(20):
            answer = page.hear()
            if answer["type"] == "error":
                break

        assert words in answer["problem"]


def test_a_backtest_runs_over_the_bars_of_the_chart(client, stream):
    """The numbers are those of `bt-run backtest` on the same bars."""
    with stream(client) as page:
        closed = look(page)["columns"]
        answer = client.post(
            "/api/v1/backtest",
            json={"symbol": "BTCUSDT", "interval": "1d", "strategy": "rsi", "parameters": {"period": 10}},
            headers={"x-csrf-token": client.csrf},
        )
    found = answer.json()

    assert 200 == answer.status_code
    assert closed[0] == found["times"]
    assert found["equity"][-1] == found["metrics"]["equity_final"]
    assert 10 == found["strategy"]["params"]["period"]


def test_a_backtest_needs_a_chart_and_a_known_strategy(client, stream):
    """A file of the machine is never run from a page."""
    headers = {"x-csrf-token": client.csrf}
    wish = {"symbol": "BTCUSDT", "interval": "1d", "strategy": "rsi"}

    assert 422 == client.post("/api/v1/backtest", json=wish, headers=headers).status_code
    assert (
        422
        == client.post("/api/v1/backtest", json={**wish, "strategy": "./x.py:X"}, headers=headers).status_code
    )


def test_indicators_are_listed_with_ranges_that_talib_takes(client):
    """Every function of the bars alone, with its own defaults in range."""
    found = client.get("/api/v1/indicators").json()["indicators"]

    assert len(found) > 150
    for info in found:
        for parameter in info["parameters"]:
            assert parameter["low"] <= parameter["default"] <= parameter["high"], info["name"]
