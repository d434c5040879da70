"""One connection: names of frames, and their order; the rest is told by test_stream.py."""

from __future__ import annotations

import asyncio

import pytest
from websockets.frames import Frame, Opcode

from bt_run.core.stream_policy import StreamPolicy
from feeds.wire.stream_link import SHUTDOWN_STREAM, name_of, open_link

POLICY = StreamPolicy(open_s=2.0, close_s=0.1)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"stream":"btcusdt@trade","data":{"e":"trade"}}', "btcusdt@trade"),
        ('{"stream":"\\u8fd9usdt@trade","data":{"e":"trade"}}', "\u8fd9usdt@trade"),
        ('{"data":{"e":"trade"}, "stream": "btcusdt@trade"}', "btcusdt@trade"),
        ('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}', SHUTDOWN_STREAM),
        ('{"e":"serverShutdown","E":1770123456789}', SHUTDOWN_STREAM),
        ('{"result":null,"id":1}', ""),
        ('{"stream":"btcusdt@tr', ""),
        ("<html>", ""),
        ("", ""),
    ],
)
def test_a_frame_names_its_stream(text, name):
    """Whatever the order of the fields; a shutdown is told with and without wrapper."""
    assert name == name_of(text)


def text(words):
    return Frame(Opcode.TEXT, words.encode())


def run(streams, story, take=None):
    """Run a story with an open connection, whose reader has begun, and what it has handed on."""

    async def main():
        got = []
        link = await open_link(streams.url, POLICY, take or (lambda _, one: got.append(one)))
        await asyncio.sleep(0)
        try:
            await story(link, got)
        finally:
            await link.close(deaf=True)

    asyncio.run(main())


def receive(link, *frames):
    """Let these frames come in at once, as one read of the network."""
    link._socket.data_received(b"".join(frame.serialize(mask=False) for frame in frames))


async def turn(link):
    """Let the reader take what is queued."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_text_is_handed_on_before_the_loop_turns(streams):
    """Nothing waits for the task that reads."""

    async def story(link, got):
        receive(link, text("one"), text("two"))
        assert ["one", "two"] == got
        assert 2 == link.frames
        receive(link, Frame(Opcode.PING, b"?"), text("\u8fd9"))
        assert ["one", "two", "\u8fd9"] == got

    run(streams, story)


def test_texts_stay_behind_what_goes_the_longer_way(streams):
    """Parts of a text, and bytes, wait for the reader; what comes after them is not told before them."""
    parts = Frame(Opcode.TEXT, b"tw", fin=False), Frame(Opcode.CONT, b"o", fin=True)

    async def story(link, got):
        receive(link, text("one"), *parts, text("three"), Frame(Opcode.BINARY, b"four"), text("five"))
        assert ["one"] == got
        await turn(link)
        assert ["one", "two", "three", "four", "five"] == got
        receive(link, text("six"), parts[0])
        await turn(link)
        receive(link, Frame(Opcode.PING, b"?"), parts[1])
        await turn(link)
        receive(link, text("seven"))
        assert ["six", "two", "seven"] == got[5:]
        assert 8 == link.frames

    run(streams, story)


def test_what_comes_before_anybody_reads_comes_first(streams):
    """The exchange may send at once; the reader begins in the loop's next turn."""

    async def main():
        got = []
        link = await open_link(streams.url, POLICY, lambda _, one: got.append(one))
        receive(link, text("one"))
        assert [] == got
        await turn(link)
        receive(link, text("two"))
        assert ["one", "two"] == got
        await link.close(deaf=True)

    asyncio.run(main())


def test_what_is_no_text_ends_the_connection(streams):
    """What came before counts, what comes after does not; the code is the one for invalid data."""

    async def story(link, got):
        receive(link, text("one"), Frame(Opcode.TEXT, b"\xff"), text("three"))
        await asyncio.wait_for(asyncio.wait({link.reader}), 2)
        assert ["one"] == got
        assert "1007" in link.reason

    run(streams, story)


def test_an_error_of_who_takes_ends_the_reader(streams):
    """It is raised there, to the very object, and nothing is handed on after it."""
    error, got = ValueError("no"), []

    def take(_, one):
        got.append(one)
        raise error

    async def story(link, _):
        receive(link, text("one"), text("two"))
        await asyncio.wait({link.reader})
        assert error is link.reader.exception()
        receive(link, text("three"))
        await turn(link)
        assert (["one"], 1) == (got, link.frames)
        assert link._socket.close_code is None

    run(streams, story, take)


def test_a_deaf_goodbye_hears_nothing_more(streams):
    """Not even what comes in the same turn."""

    async def story(link, got):
        closing = asyncio.create_task(link.close(deaf=True))
        await asyncio.sleep(0)
        receive(link, text("late"))
        await closing
        assert [] == got

    run(streams, story)


def test_a_goodbye_of_the_exchange_comes_after_its_frames(streams):
    """Both in one read: the frames count, then the reader ends with the code."""

    async def story(link, got):
        receive(link, text("one"), text("two"), Frame(Opcode.CLOSE, b"\x03\xe9"))
        assert ["one", "two"] == got
        streams.cut()
        await asyncio.wait_for(asyncio.wait({link.reader}), 2)
        assert "1001" in link.reason

    run(streams, story)
