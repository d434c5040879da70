"""Recordings of wscat are read in every shape in which people have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bt_run.core.errors import FrameError
from feeds.recording.wscat import parse_wscat
from feeds.wire.stream_events import Frame

TRADE = '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":1,"p":"0.001","q":"100","T":1672515782130,"m":true}'
BOOK = '{"u":542937457,"s":"XEMUSDT","b":"0.0410","B":"485240.0","a":"0.0411","A":"44994.0"}'
EXPECTED = Frame(1672515782136, "bnbbtc@trade", TRADE)


@pytest.mark.parametrize(
    "line",
    [
        TRADE,
        f"< {TRADE}",
        f"<{TRADE}",
        f"  < {TRADE}  ",
        f"\x1b[34m< {TRADE}\x1b[39m",
        f"\x1b[2K\x1b[0G< {TRADE}\r",
    ],
    ids=["bare", "arrow", "arrow without space", "spaces", "colours", "terminal codes"],
)
def test_a_frame_in_every_dress(line: str) -> None:
    """With and without the arrow, the colours and the codes of a terminal it is the same frame."""
    assert (EXPECTED,) == parse_wscat([line]).frames


def test_chatter_and_typing_are_left_out() -> None:
    """Only frames of market data are kept, in order."""
    recording = parse_wscat([
        "Connected (press CTRL+C to quit)",
        '> {"method":"SUBSCRIBE","params":["bnbbtc@trade"],"id":1}',
        '< {"result":null,"id":1}',
        "",
        f"< {TRADE}",
        "< Received ping",
        '< {"code":2,"msg":"Invalid request"}',
        "error: Unexpected server response: 404",
        'Disconnected (code: 1006, reason: "")',
        ">",
    ])  # fmt: skip

    assert (EXPECTED,) == recording.frames
    assert not recording.torn


@pytest.mark.parametrize(
    ("text", "stream"),
    [
        (f'{{"stream":"x@trade","data":{TRADE}}}', "x@trade"),
        (BOOK, "xemusdt@bookTicker"),
        (TRADE.replace('"trade"', '"aggTrade"').replace('"t":1', '"a":1,"f":1,"l":1'), "bnbbtc@aggTrade"),
        ('{"e":"serverShutdown","E":5}', "!serverShutdown"),
        ('{"e":"depthUpdate","E":5}', ""),
    ],
)
def test_frames_get_the_name_of_their_stream(text: str, stream: str) -> None:
    """That of the wrapper, or what sends such messages."""
    assert [stream] == [frame.stream for frame in parse_wscat([text]).frames]


def test_klines_get_the_name_of_their_stream() -> None:
    """A continuous kline has a stream of its own."""
    bar = {
        "t": 1, "T": 2, "i": "1m", "f": 1, "L": 2, "o": "1", "c": "1", "h": "1", "l": "1", "v": "1", "n": 1,
        "x": False, "q": "1", "V": "1", "Q": "1",
    }  # fmt: skip
    texts = [
        json.dumps({"e": "kline", "E": 5, "s": "BTCUSDT", "k": bar}),
        json.dumps({"e": "continuous_kline", "E": 5, "ps": "BTCUSDT", "ct": "PERPETUAL", "k": bar}),
    ]

    assert ["btcusdt@kline_1m", "btcusdt_perpetual@continuousKline_1m"] == [
        frame.stream for frame in parse_wscat(texts).frames
    ]


def test_frames_without_a_time_take_that_of_a_neighbour() -> None:
    """The one before them, or the first that tells."""
    recording = parse_wscat([BOOK, TRADE, BOOK])

    assert [1672515782136] * 3 == [frame.receive_ms for frame in recording.frames]


def test_a_torn_end_is_left_out_and_told() -> None:
    """Ctrl-C cuts the last line short; chatter may follow it."""
    recording = parse_wscat([TRADE, TRADE[:40], "Disconnected (code: 1000)"])

    assert ((EXPECTED,), True) == (recording.frames, recording.torn)


@pytest.mark.parametrize("junk", ["$ wscat -c wss://x", TRADE[:40], TRADE.replace('"p":"0.001"', '"p":"x"')])
def test_other_lines_are_refused(junk: str) -> None:
    """The error holds the number of the line."""
    with pytest.raises(FrameError) as caught:
        parse_wscat([TRADE, junk, TRADE])

    assert 2 == caught.value.line


def test_a_real_recording(shared: Path) -> None:
    """33 frames across the close of a bar."""
    path = shared / "realdata" / "frames" / "spot" / "htm-btcusdt-kline_5m-20200524.jsonl"
    bare = parse_wscat(path.read_text().splitlines())
    arrows = parse_wscat(f"< {line}" for line in path.read_text().splitlines())

    assert bare == arrows
    assert ({"btcusdt@kline_5m"}, 33) == ({frame.stream for frame in bare.frames}, len(bare.frames))
    assert path.read_text().splitlines() == [frame.text for frame in bare.frames]
