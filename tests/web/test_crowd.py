"""Twenty browsers on one desk, some of which do not read: nobody waits for anybody."""

from __future__ import annotations

import time
from contextlib import ExitStack

import requests


def step(desk, bars=1):
    requests.post(f"{desk.venue.rest_url}/practice/step", json={"bars": bars}, timeout=10).raise_for_status()


def hear(page, kind):
    """Read until a message of a kind comes."""
    for _ in range(300):
        message = page.hear()
        if message["type"] == kind:
            return message
    raise AssertionError(f"no {kind} came")


def test_twenty_pages_hear_the_same_bar_though_some_never_read(client, stream, desk):
    """Each has its own queue; those that read get the bar, those that do not hold up nothing."""
    with ExitStack() as stack:
        pages = [stack.enter_context(stream(client)) for _ in range(20)]
        for page in pages:
            page.say({"do": "look", "id": 1, "symbol": "BTCUSDT", "interval": "1d"})
        readers = pages[5:]
        last = {hear(page, "snapshot")["columns"][0][-1] for page in readers}
        step(desk, bars=2)
        closed = [hear(page, "closed")["bars"][0][0] for page in readers]

        assert 1 == len(last)
        assert {last.pop() + 86_400_000} == set(closed)
        assert 20 == client.get("/api/v1/health").json()["browsers"]


def test_a_page_that_goes_away_takes_its_stream_with_it(client, stream, desk):
    """The last one who looks closes the series."""
    from bt_run.run.desk.series import SeriesKey

    with stream(client) as page:
        page.say({"do": "look", "id": 1, "symbol": "BTCUSDT", "interval": "1d"})
        hear(page, "snapshot")
        assert desk.market.find(SeriesKey("BTCUSDT", "1d")) is not None
    until = time.monotonic() + 20
    while desk.market.find(SeriesKey("BTCUSDT", "1d")) is not None and time.monotonic() < until:
        client.get("/api/v1/ping")

    assert desk.market.find(SeriesKey("BTCUSDT", "1d")) is None
    assert 0 == client.get("/api/v1/health").json()["browsers"]
