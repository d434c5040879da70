"""One connection: names of frames; the rest is told by test_stream.py."""

from __future__ import annotations

import pytest

from feeds.wire.stream_link import SHUTDOWN_STREAM, name_of


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
