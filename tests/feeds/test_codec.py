"""Every frame of the exchange becomes plain data, or an error that shows the frame."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import DataError, FrameError
from feeds.codec import (
    AggTrade,
    Answer,
    BookTicker,
    KlineFrame,
    Liquidation,
    MiniTicker,
    Other,
    ServerShutdown,
    Trade,
    parse_frame,
    stream_of,
)

KLINE = (
    '{"e":"kline","E":1672515840007,"s":"BTCUSDT","k":{"t":1672515780000,"T":1672515839999,"s":"BTCUSDT",'
    '"i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015","v":"1000","n":101,"x":true,'
    '"q":"1.0000","V":"500","Q":"0.500","B":"0"}}'
)
CONTINUOUS = (
    '{"e":"continuous_kline","E":1607443058651,"ps":"BTCUSDT","ct":"PERPETUAL","k":{"t":1607443020000,'
    '"T":1607443079999,"i":"1m","f":116467658886,"L":116468012423,"o":"18787.00","c":"18804.04",'
    '"h":"18804.04","l":"18786.54","v":"197.664","n":543,"x":false,"q":"3715253.19494","V":"184.769",'
    '"Q":"3472925.84746","B":"0"}}'
)
TRADE = (
    '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,'
    '"m":true,"M":true}'
)
AGG_TRADE = (
    '{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,'
    '"T":1672515782136,"m":true,"M":true}'
)
FUTURES_AGG_TRADE = (
    '{"e":"aggTrade","E":123456789,"s":"BNBUSDT","a":5933014,"p":"0.001","q":"100","nq":"90","f":100,'
    '"l":105,"T":123456785,"m":true,"st":1}'
)
LIQUIDATION = (
    '{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014",'
    '"p":"9910","ap":"9911","X":"FILLED","l":"0.014","z":"0.013","T":1568014460890},"ps":"BTCUSDT","st":2}'
)
BOOK_TICKER = '{"u":542937457,"s":"XEMUSDT","b":"0.0410","B":"485240.0","a":"0.0411","A":"44994.0"}'
MINI_TICKER = (
    '{"e":"24hrMiniTicker","E":1592594715455,"s":"ETHBTC","c":"0.02456700","o":"0.02459800",'
    '"h":"0.02470900","l":"0.02438100","v":"163116.18600000","q":"4006.04936991"}'
)
ALL = (KLINE, CONTINUOUS, TRADE, AGG_TRADE, FUTURES_AGG_TRADE, LIQUIDATION, BOOK_TICKER, MINI_TICKER)
DATA = [
    KlineFrame(
        "BTCUSDT", "1m", 1672515780000, 1672515839999, 100, 200, 0.001, 0.0025, 0.0015, 0.002, 1000.0, 1.0, 101,
        500.0, 0.5, closed=True,
    ),
    KlineFrame(
        "BTCUSDT", "1m", 1607443020000, 1607443079999, 116467658886, 116468012423, 18787.0, 18804.04, 18786.54,
        18804.04, 197.664, 3715253.19494, 543, 184.769, 3472925.84746, closed=False, contract="PERPETUAL",
    ),
    Trade("BNBBTC", 12345, 0.001, 100.0, 1672515782136, buyer_is_maker=True),
    AggTrade("BNBBTC", 12345, 0.001, 100.0, 100, 105, 1672515782136, buyer_is_maker=True),
    AggTrade("BNBUSDT", 5933014, 0.001, 100.0, 100, 105, 123456785, buyer_is_maker=True, normal_quantity=90.0),
    Liquidation("BTCUSDT", "SELL", 0.014, 9910.0, 9911.0, 0.013, "FILLED", 1568014460890, coin_m=True),
    BookTicker("XEMUSDT", 542937457, 0.041, 485240.0, 0.0411, 44994.0),
    MiniTicker("ETHBTC", 0.024598, 0.024709, 0.024381, 0.024567, 163116.186, 4006.04936991),
]  # fmt: skip
IGNORED = {("e",), ("M",), ("nq",), ("st",), ("k", "s"), ("k", "B"), ("o", "o"), ("o", "f"), ("o", "l")}


@pytest.mark.parametrize(("text", "expected"), list(zip(ALL, DATA, strict=True)))
def test_documented_payloads(text: str, expected: object) -> None:
    """Each payload of the documentation becomes the data that it means, raw and in the combined wrapper."""
    wrapped = f'{{"stream":"a@b","data":{text}}}'

    assert (expected,) == parse_frame(text) == parse_frame(text.encode()) == parse_frame(wrapped)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"result":null,"id":1}', Answer(1)),
        ('{"result":["btcusdt@kline_1m"],"id":"a3"}', Answer("a3", ("btcusdt@kline_1m",))),
        ('{"code":2,"msg":"Invalid request"}', Answer(None, code=2, error="Invalid request")),
        ('{"code":0,"msg":"Unknown property","id":5}', Answer(5, code=0, error="Unknown property")),
        ('{"error":{"code":3,"msg":"Invalid JSON"},"id":7}', Answer(7, code=3, error="Invalid JSON")),
        ('{"e":"serverShutdown","E":1770123456789}', ServerShutdown(1770123456789)),
        ('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}',
         ServerShutdown(1770123456789)),
        ('{"event":{"e":"serverShutdown","E":1770123456789}}', ServerShutdown(1770123456789)),
        ('{"e":"somethingNew","E":1770123456789,"z":[1]}', Other("somethingNew")),
        ('{"id":"x","status":200,"result":{"subscriptionId":0}}', Other("")),
        (TRADE.replace('"m":true', '"m":true,"X":"MARKET"'), DATA[2]),
        (TRADE.replace('"p":"0.001"', '"p":"0"').replace('"m":true', '"m":true,"X":"NA"'), Other("trade")),
    ],
)  # fmt: skip
def test_answers_goodbyes_and_other_messages(text: str, expected: object) -> None:
    """What is no price is told apart, and a message of a kind not known is no error."""
    assert (expected,) == parse_frame(text)


@pytest.mark.parametrize("around", [" {}", "{} ", "\n{}\r\n", "\t {}"])
def test_space_around_a_frame_is_no_matter(around: str) -> None:
    """JSON allows it, though Binance sends none."""
    assert (DATA[2],) == parse_frame(around.format(TRADE))


@pytest.mark.parametrize("text", [f"{TRADE}x", f"{TRADE}{TRADE}", f"\ufeff{TRADE}", TRADE[:-1], "{", ""])
def test_more_or_less_than_a_frame_is_none(text: str) -> None:
    """What follows a frame is refused with it."""
    with pytest.raises(FrameError, match="not JSON"):
        parse_frame(text)


def test_an_array_gives_one_message_for_each_element() -> None:
    """The stream of all symbols sends them in one frame."""
    assert (DATA[7], DATA[7]) == parse_frame(
        f'{{"stream":"!miniTicker@arr","data":[{MINI_TICKER},{MINI_TICKER}]}}'
    )


def test_microseconds_become_milliseconds() -> None:
    """The same trade, asked for in µs, is the same data."""
    micro = TRADE.replace("1672515782136", "1672515782136789")

    assert (DATA[2],) == parse_frame(micro)
    assert [1672515782136] == [found.event_ms for found in parse_frame(micro) if isinstance(found, Trade)]


def test_the_stream_of_a_combined_frame() -> None:
    """The wrapper names the stream; a raw frame does not."""
    assert "btcusdt@trade" == stream_of(f'{{"stream":"btcusdt@trade","data":{TRADE}}}')
    assert "" == stream_of(TRADE)


def test_every_recorded_frame_decodes(
    cryptofeed: dict[str, list[tuple[int, str]]], single_messages: list[str]
) -> None:
    """Six years of frames, spot and futures, market and user data, none of them refused."""
    texts = [text for frames in cryptofeed.values() for _, text in frames] + single_messages
    found = [message for text in texts for message in parse_frame(text)]
    kinds = Counter(type(message).__name__ for message in found)
    others = {message.kind for message in found if isinstance(message, Other)}

    assert {"KlineFrame": 248, "AggTrade": 2035, "Trade": 3, "Liquidation": 5} == {
        kind: kinds[kind] for kind in ("KlineFrame", "AggTrade", "Trade", "Liquidation")
    }
    assert {"BookTicker", "MiniTicker", "Answer", "ServerShutdown", "Other"} < set(kinds)
    assert {"executionReport", "ORDER_TRADE_UPDATE", "outboundAccountPosition", "depthUpdate"} < others
    assert not others & {"kline", "trade", "aggTrade", "forceOrder", "bookTicker", "24hrMiniTicker"}


def test_recorded_bars_and_aggregates_are_sane(cryptofeed: dict[str, list[tuple[int, str]]]) -> None:
    """Prices lie in the bar, its parts do not exceed it, and the ids count its trades."""
    found = [message for frames in cryptofeed.values() for _, text in frames for message in parse_frame(text)]
    bars = [message for message in found if isinstance(message, KlineFrame)]

    assert bars
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert 0 <= bar.taker_buy_volume <= bar.volume
        assert 0 <= bar.taker_buy_quote_volume <= bar.quote_volume
        assert bar.close_time - bar.open_time == 59_999
        assert bar.trades == (0 if bar.first_id == -1 else bar.last_id - bar.first_id + 1)


def required_places(text: str) -> list[tuple[str, ...]]:
    """List the places of the fields that a message cannot do without, those of the inner object too."""
    payload = json.loads(text)
    places: list[tuple[str, ...]] = [(key,) for key in payload]
    places += [(key, name) for key, inner in payload.items() if isinstance(inner, dict) for name in inner]
    return [
        place for place in places if place not in IGNORED and not (place == ("ps",) and "ct" not in payload)
    ]


BROKEN = st.sampled_from([(text, place) for text in ALL[:-2] for place in required_places(text)])


@given(BROKEN, st.sampled_from(["removed", None, "", [], [{}]]))
def test_a_missing_or_empty_field_is_refused(broken: tuple[str, tuple[str, ...]], junk: object) -> None:
    """Each field that is used is needed; the error names it and shows the frame."""
    text, place = broken
    payload = json.loads(text)
    inner = payload if len(place) == 1 else payload[place[0]]
    inner[place[-1]] = junk
    if junk == "removed":
        del inner[place[-1]]
    frame = json.dumps(payload)
    with pytest.raises(FrameError, match=repr(place[-1])) as caught:
        parse_frame(frame)

    assert frame[:120] == caught.value.frame


@given(st.sampled_from([*"ohlcvqVQ"]), st.sampled_from(["abc", "-1", "NaN", "1e999", -5, float("nan")]))
def test_a_number_that_no_market_has_is_refused(key: str, junk: object) -> None:
    """Below zero, endless and not a number are as bad as missing."""
    payload = json.loads(KLINE)
    payload["k"][key] = junk
    with pytest.raises(FrameError, match=repr(key)):
        parse_frame(json.dumps(payload))


@pytest.mark.parametrize("text", ALL)
def test_fields_that_are_not_known_are_ignored(text: str) -> None:
    """Binance adds fields every year; none of them stops a bot."""
    added = text[:-1] + ',"new":{"a":[1,2]},"Zz":null}'

    assert parse_frame(text) == parse_frame(added)


@given(st.sampled_from(ALL), st.integers(min_value=0))
def test_a_frame_cut_short_is_refused(text: str, cut: int) -> None:
    """A truncated frame is never taken for a message; the error shows its beginning, 120 characters of it."""
    part = text[: cut % len(text)]
    with pytest.raises(FrameError) as caught:
        parse_frame(part)

    assert caught.value.frame == part[:120]
    assert isinstance(caught.value, DataError)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<html><body>502</body></html>", "This is not JSON, or only a part of it. The frame begins: <html>"),
        ("42", "This is not a message of a stream."),
        (KLINE.replace('"x":true', '"x":"true"'), 'The field \'x\' holds "true", which is not true or false.'),
        (KLINE.replace('"h":"0.0025"', '"h":"0.0005"'), "The high 'h' is below the low 'l'."),
        (KLINE.replace(',"k"', ',"K"'), "The field 'k' is missing"),
        (TRADE.replace('"p":"0.001"', '"p":"0"'), "which is not a number above zero."),
        (TRADE.replace('"t":12345', '"t":"12345"'), "which is not a whole number"),
        (TRADE.replace('"T":1672515782136', '"T":-1'), "The field 'T' holds -1, which is not a time"),
        (AGG_TRADE.replace('"l":105', '"l":99'), "The last trade id 'l' is below the first 'f'."),
        (LIQUIDATION.replace('"SELL"', '"sell"'), "which is neither BUY nor SELL"),
        (LIQUIDATION.replace('"o":{', '"p":{'), "The field 'o' is missing"),
        ('{"error":{"msg":"?"},"id":1,"code":4}', None),
        ('{"error":"?","id":1}', "The field 'error' holds no object."),
        ('{"result":null,"id":[]}', "The field 'id' is neither a number nor a text."),
    ],
)  # fmt: skip
def test_errors_name_the_field(text: str, problem: str | None) -> None:
    """The message says which field is wrong and what it holds."""
    if problem is None:
        assert (Answer(1),) == parse_frame(text)
        return
    with pytest.raises(FrameError) as caught:
        parse_frame(text)

    assert problem in str(caught.value)
