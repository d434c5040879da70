"""What is recorded is read back as it was, line by line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import FrameError
from feeds.recording.capture_line import parse_line, write_line
from feeds.wire.messages import AggTrade, KlineFrame
from feeds.wire.stream_events import Backfill, Connected, Disconnected, Frame, Gap, Started, StreamEvent

TIME = st.integers(0, 2**53)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FRAME_TEXT = st.one_of(
    TEXT,
    JSON.map(json.dumps),
    JSON.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1)),
    st.just('{"a":1},"d":{'),
)
EVENT = st.one_of(
    st.builds(Frame, TIME, TEXT, FRAME_TEXT),
    st.builds(Backfill, TIME, TEXT, FRAME_TEXT),
    st.builds(Started, TIME, st.sampled_from(["spot", "futures"]), st.lists(TEXT).map(tuple)),
    st.builds(Connected, TIME, TEXT),
    st.builds(Disconnected, TIME, TEXT),
    st.builds(Gap, TIME, TEXT, TIME, TIME, st.none() | st.integers(0), st.booleans()),
)


@given(EVENT)
def test_every_event_comes_back_equal(event: StreamEvent) -> None:
    """Any text survives, also what is no JSON, and takes one line."""
    line = write_line(event)

    assert event == parse_line(line)
    assert "\n" not in line
    assert isinstance(json.loads(line), dict)


def test_a_frame_stands_in_the_line_as_it_came() -> None:
    """A person can read it, and so can any tool that reads JSON lines."""
    text = '{"e":"serverShutdown", "E":1770123456789}'

    assert f'{{"t":5,"s":"x@y","d":{text}}}' == write_line(Frame(5, "x@y", text))


@pytest.mark.parametrize(
    "line",
    [
        "", "hello", "42", "null", "{}", '{"e":"trade"}', '{"t":"5","event":"connected","url":""}',
        '{"t":5,"event":"unheard-of"}', '{"t":5,"event":"connected"}', '{"t":5,"s":"x"}', '{"t":5,"raw":"x"}',
        '{"t":1.5,"s":"x","raw":"y"}',
    ],
)  # fmt: skip
def test_other_lines_are_refused(line: str) -> None:
    """The error shows what stands there."""
    with pytest.raises(FrameError, match="not a line of a capture") as caught:
        parse_line(line)

    assert line == caught.value.frame


def test_a_later_version_is_refused_and_a_later_field_is_not() -> None:
    """A format that this version cannot know is named; an added field changes nothing."""
    line = write_line(Connected(5, "wss://x"))

    assert Connected(5, "wss://x") == parse_line(line[:-1] + ',"more":1}')
    with pytest.raises(FrameError, match="has version 2; this bt-run reads 1"):
        parse_line('{"t":5,"event":"started","market":"spot","streams":[],"version":2}')


def test_what_rest_filled_in_decodes_like_the_stream() -> None:
    """Klines come closed, trades with the symbol of their stream."""
    klines = Backfill(5, "btcusdt@kline_1m", '[[60000,"1","3","1","2","5",119999,"10",4,"1","2","0"]]')
    trades = Backfill(5, "btcusdt@aggTrade", '[{"a":1,"p":"2","q":"3","f":4,"l":5,"T":60000,"m":true}]')

    assert (
        KlineFrame(
            "BTCUSDT", "1m", 60000, 119999, -1, -1, 1.0, 3.0, 1.0, 2.0, 5.0, 10.0, 4, 1.0, 2.0, closed=True
        ),
    ) == klines.messages()
    assert (AggTrade("BTCUSDT", 1, 2.0, 3.0, 4, 5, 60000, buyer_is_maker=True),) == trades.messages()
    with pytest.raises(FrameError, match="no rows for the stream 'btcusdt@depth'"):
        Backfill(5, "btcusdt@depth", "[]").messages()
