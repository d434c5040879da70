"""A slow browser never holds up the desk: what waits is bounded and the latest wins."""

from __future__ import annotations

import asyncio

from bt_run.web.outgoing import MOST_EVENTS, Outgoing


def taken(outgoing):
    return asyncio.run(asyncio.wait_for(outgoing.take(), 1.0))


def test_of_a_slot_only_the_latest_is_sent_and_events_keep_their_order():
    """Events first: a bar that closed comes before the state of the next."""
    outgoing = Outgoing()
    outgoing.put({"price": 1}, slot="price")
    outgoing.put({"bar": 1})
    outgoing.put({"price": 2}, slot="price")
    outgoing.put({"bar": 2})

    assert [{"bar": 1}, {"bar": 2}, {"price": 2}] == taken(outgoing)


def test_too_many_events_become_one_that_says_so():
    """The page then reads everything anew."""
    outgoing = Outgoing()
    for number in range(MOST_EVENTS + 1):
        outgoing.put({"bar": number})
    (message,) = taken(outgoing)

    assert "missed" == message["type"]
    assert MOST_EVENTS == outgoing.dropped
