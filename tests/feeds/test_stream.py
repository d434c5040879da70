"""Streams stay up on a server that breaks in every way we know."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from bt_run.core.errors import Banned, ConfigError, Rejected
from bt_run.core.stream_policy import StreamPolicy
from bt_run.core.venue import VENUES
from feeds.stream import MarketStream, stream_url
from feeds.wire.stream_events import Connected, Disconnected, Frame

KLINE, TRADE, FORCE = "btcusdt@kline_1m", "btcusdt@trade", "btcusdt@forceOrder"
QUICK = StreamPolicy(
    floor_s=0.01, longest_s=0.05, healthy_s=5.0, stale_s=5.0, overlap_s=0.05, open_s=2.0, close_s=0.1
)


def venue_of(streams):
    return replace(VENUES["data"], stream_url=streams.url, futures_stream_url=streams.url)


async def wait_for(condition, *args, **kwargs):
    await asyncio.to_thread(condition, *args, **kwargs)


async def take(stream, count):
    return [await asyncio.wait_for(anext(stream), 5) for _ in range(count)]


def run(streams, story, *names, policy=QUICK, **changes):
    """Run a story with an open stream and close it afterwards."""

    async def main():
        async with MarketStream(venue_of(streams), names or [KLINE], policy=policy, **changes) as stream:
            return await story(stream)

    return asyncio.run(main())


def numbers(events):
    return [int(event.text.rpartition(":")[2].rstrip("}")) for event in events if isinstance(event, Frame)]


def kinds(events):
    return [type(event) for event in events]


def test_the_address_carries_the_streams():
    """Spot and futures have paths of their own; names go as they are."""
    assert "wss://data-stream.binance.vision/stream?streams=btcusdt@trade/btcusdt@kline_1M" == stream_url(
        VENUES["data"], ["btcusdt@trade", "btcusdt@kline_1M"]
    )
    assert "wss://fstream.binance.com/market/stream?streams=btcusdt@forceOrder" == stream_url(
        VENUES["data"], [FORCE], market="futures"
    )


def test_an_address_needs_streams_and_a_host():
    """No stream, too many, and a venue without streams are settings to mend."""
    for venue, names in (
        (VENUES["data"], []),
        (VENUES["data"], [TRADE] * 1025),
        (replace(VENUES["data"], stream_url=""), [TRADE]),
    ):
        with pytest.raises(ConfigError):
            stream_url(venue, names)


def test_frames_come_with_their_stream_and_our_time(streams):
    """The text is what came, to the character."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        streams.send(KLINE, {"n": 1})
        return await take(stream, 2)

    connected, frame = run(streams, story, clock=lambda: 1_700_000_000.5)

    assert Connected(1_700_000_000_500, f"{streams.url}/stream") == connected
    assert Frame(1_700_000_000_500, KLINE, '{"stream":"btcusdt@kline_1m","data":{"n":1}}') == frame


def test_futures_go_to_the_path_for_market_data(streams):
    """Elsewhere a connection opens and stays silent."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        streams.send(FORCE, {"n": 1})
        return await take(stream, 2)

    run(streams, story, FORCE, market="futures")

    assert ["/market/stream?streams=btcusdt@forceOrder"] == streams.paths


def test_a_drop_is_told_and_mended_with_the_same_streams(streams):
    """After `Disconnected` comes `Connected`, and the frames go on."""

    async def story(stream):
        with streams.drop_after(2):
            await wait_for(streams.wait_for_listeners, 1)
        for number in (1, 2):
            streams.send(TRADE, {"n": number})
        await wait_for(streams.wait_for_listeners, 1, attempts=2)
        streams.send(TRADE, {"n": 3})
        return await take(stream, 6)

    events = run(streams, story, KLINE, TRADE)

    assert [Connected, Frame, Frame, Disconnected, Connected, Frame] == kinds(events)
    assert [1, 2, 3] == numbers(events)
    assert "the connection broke off" == events[3].reason
    assert streams.paths[0] == streams.paths[1]


def test_a_goodbye_is_told_with_its_code(streams):
    """Who closed, and why, stands in the event."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        streams.close_all(1008, "pong timeout")
        return await take(stream, 2)

    events = run(streams, story)

    assert "closed by the exchange (1008 pong timeout)" == events[1].reason


def test_silence_on_an_open_connection_leads_to_a_new_one(streams):
    """The line looks alive, but no frame comes."""

    async def story(stream):
        with streams.silent():
            await wait_for(streams.wait_for_listeners, 1)
        await wait_for(lambda: streams.wait(lambda: len(streams.attempts) >= 2))
        return await take(stream, 3)

    events = run(streams, story, policy=replace(QUICK, stale_s=0.05))

    assert [Connected, Disconnected, Connected] == kinds(events)
    assert "no frame for 0.05 seconds" == events[1].reason


def test_liquidations_alone_may_be_silent(streams):
    """A second attempt would be one too many."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        await asyncio.sleep(0.1)
        streams.send(FORCE, {"n": 1})
        return await take(stream, 2)

    events = run(streams, story, FORCE, policy=replace(QUICK, stale_s=0.01))

    assert [Connected, Frame] == kinds(events)
    assert 1 == len(streams.attempts)


def test_a_server_that_accepts_and_drops_makes_no_hot_loop(streams):
    """The pauses grow to the longest; without them there would be hundreds of attempts."""
    policy = replace(QUICK, floor_s=0.02, longest_s=0.2)

    async def story(stream):
        with streams.accept_and_drop():
            await wait_for(lambda: streams.wait(lambda: len(streams.attempts) >= 5))
        await wait_for(streams.wait_for_listeners, 1)
        streams.send(KLINE, {"n": 1})
        return await take(stream, 2 * len(streams.attempts))

    events = run(streams, story, policy=policy, draw=lambda: 0.0)
    pauses = [after - before for before, after in zip(streams.attempts, streams.attempts[1:], strict=False)]

    assert [1] == numbers(events)
    for pause, least in zip(pauses, (0.02, 0.04, 0.08, 0.16), strict=False):
        assert least <= pause + 0.005


def test_a_server_that_announces_its_shutdown_is_left_before_it_goes(streams):
    """The next connection is open before the old one ends: nobody is told of a loss, because there is none."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        streams.send(TRADE, {"n": 1})
        streams.announce_shutdown()
        await wait_for(streams.wait_for_listeners, 2)
        streams.send(TRADE, {"n": 2})
        await wait_for(streams.wait_for_listeners, 1)
        streams.send(TRADE, {"n": 3})
        return await take(stream, 6)

    events = run(streams, story, TRADE)

    assert 2 == kinds(events).count(Connected)
    assert [TRADE, "!serverShutdown", TRADE, TRADE] == [one.stream for one in events if isinstance(one, Frame)]


def test_before_the_day_ends_the_next_connection_is_open(streams):
    """At the age of 24 hours, scaled, the server cuts; the stream has moved before, again and again."""

    async def story(stream):
        with streams.live_for(1.0):
            await wait_for(streams.wait_for_listeners, 1)
            seen = []
            for number in range(40):
                streams.send(TRADE, {"n": number})
                await wait_for(lambda: streams.wait(lambda: len(streams.listeners) >= 1))
                await asyncio.sleep(0.01)
            while stream.waiting:
                seen += await take(stream, 1)
            return seen

    events = run(streams, story, TRADE, policy=replace(QUICK, max_age_s=0.1, healthy_s=0.05))

    assert list(range(40)) == numbers(events)
    assert Disconnected not in kinds(events)
    assert kinds(events).count(Connected) >= 3


def test_a_connection_that_dies_while_its_successor_is_dialled_is_told(streams):
    """Then something may be missed, and the listener must know."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        with streams.refuse(503):
            streams.announce_shutdown()
            await wait_for(lambda: streams.wait(lambda: len(streams.attempts) >= 2))
            streams.cut()
            events = await take(stream, 3)
        return events + await take(stream, 1)

    assert [Connected, Frame, Disconnected, Connected] == kinds(run(streams, story))


def test_a_limit_at_the_door_is_waited_out(streams):
    """HTTP 429 with Retry-After: not one attempt before it is over."""

    async def story(stream):
        with streams.refuse(429, retry_after=0.05):
            await wait_for(lambda: streams.wait(lambda: len(streams.attempts) >= 2))
            trouble = stream.trouble
        return trouble, await take(stream, 1)

    trouble, events = run(streams, story)

    assert "HTTP 429" in trouble
    assert [Connected] == kinds(events)


@pytest.mark.parametrize(("status", "error"), [(418, Banned), (403, Rejected), (404, Rejected)])
def test_what_cannot_pass_is_raised(streams, status, error):
    """The exchange was asked exactly once."""

    async def story(stream):
        await take(stream, 1)

    with streams.refuse(status, retry_after=120), pytest.raises(error):
        run(streams, story)

    assert 1 == len(streams.attempts)


def test_a_refusal_later_on_is_waited_out(streams):
    """Who was let in before will be again; firewalls and maintenance pass."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        with streams.refuse(403, body="<html><title>Request blocked</title></html>"):
            streams.cut()
            await wait_for(lambda: streams.wait(lambda: len(streams.attempts) >= 3))
            trouble = stream.trouble
        return trouble, await take(stream, 3)

    trouble, events = run(streams, story)

    assert "HTTP 403" in trouble
    assert [Connected, Disconnected, Connected] == kinds(events)


def test_a_ban_while_changing_leaves_the_old_connection_its_time(streams):
    """What it still brings is given before the ban is raised."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        with streams.refuse(418):
            streams.announce_shutdown()
            await wait_for(lambda: streams.wait(lambda: len(streams.attempts) >= 2))
            streams.send(TRADE, {"n": 7})
            events = await take(stream, 3)
            streams.cut()
            with pytest.raises(Banned):
                await take(stream, 1)
        return events

    assert [7] == numbers(run(streams, story, TRADE)[2:])


def test_a_server_that_is_not_there_is_asked_again(streams):
    """The listener just waits; `trouble` says why."""
    streams.stop()

    async def story(stream):
        until = time.monotonic() + 20
        while not stream.trouble and time.monotonic() < until:
            await asyncio.sleep(0.01)
        return stream.trouble

    assert "refused the connection" in run(streams, story)


def test_repeated_and_late_frames_are_given_as_they_come(streams):
    """Ids tell the listener; the stream does not judge."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        with streams.duplicate():
            streams.send(TRADE, {"n": 1})
        with streams.late():
            streams.send(TRADE, {"n": 2})
            streams.send(TRADE, {"n": 3})
        return await take(stream, 5)

    assert [1, 1, 3, 2] == numbers(run(streams, story, TRADE))


def test_what_is_no_json_is_passed_on_without_a_name(streams):
    """A capture keeps it; a feed refuses it."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        streams.send_text(TRADE, "<html>")
        return await take(stream, 2)

    assert ("", "<html>") == (run(streams, story, TRADE)[1].stream, "<html>")


def test_after_closing_comes_the_end(streams):
    """What had come is still given."""

    async def story(stream):
        await wait_for(streams.wait_for_listeners, 1)
        streams.send(KLINE, {"n": 1})
        await wait_for(lambda: streams.wait(lambda: stream.waiting == 2))
        await stream.aclose()
        return [event async for event in stream] + [event async for event in stream]

    assert [Connected, Frame] == kinds(run(streams, story))
    streams.wait_for_listeners(0)
