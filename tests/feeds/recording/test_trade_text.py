"""The short way gives what the codec gives, or leaves it to the codec."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import FrameError
from feeds.codec import AggTrade, Trade, parse_frame, stream_of
from feeds.recording.trade_text import TradeRow, find_trade_row, row_of

TRADE = (
    '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,'
    '"m":true,"M":true}'
)
AGG_TRADE = (
    '{"e":"aggTrade","E":1672515782136,"s":"BNBUSDT","a":5933014,"p":"0.001","q":"100","nq":"90","f":100,"l":105,'
    '"T":1672515782130,"m":false,"st":1}'
)


def slowly(text: str) -> tuple[str, TradeRow] | None:
    """Give the row by way of the codec; None where it holds none or is refused."""
    try:
        (message,) = parse_frame(text)
    except FrameError:
        return None
    return (message.symbol, row_of(message)) if isinstance(message, Trade | AggTrade) else None


@pytest.mark.parametrize(("text", "kind"), [(TRADE, "trade"), (AGG_TRADE, "aggTrade")])
def test_what_binance_writes_today_takes_the_short_way(text: str, kind: str) -> None:
    """Raw and in the combined wrapper; for another kind of stream there is none."""
    wrapped = f'{{"stream":"x@{kind}","data":{text}}}'

    assert slowly(text) == find_trade_row(text, kind) == find_trade_row(wrapped, kind)
    assert find_trade_row(text, kind) is not None
    assert find_trade_row(text, "depth") is None


def test_all_recorded_trades_take_the_short_way(cryptofeed: dict[str, list[tuple[int, str]]]) -> None:
    """Spot and futures, whose fields stand in another order, to the last digit."""
    texts = [text for frames in cryptofeed.values() for _, text in frames if "@aggTrade" in stream_of(text)]

    assert 2029 == len(texts)
    assert [slowly(text) for text in texts] == [find_trade_row(text, "aggTrade") for text in texts]


CHANGES = st.sampled_from([
    ('"p":"0.001"', '"p":"0"'), ('"p":"0.001"', '"p":"x"'), ('"p":"0.001"', '"p":0.001'),
    ('"q":"100"', '"q":"-1"'), ("12345", "\u0661"),
    ('"q":"100"', '"q":"1e2"'), ('"m":true', '"m":null'), ('"T":1672515782136', '"T":1672515782136789'),
    ('"T":1672515782130', '"T":5'), ('"l":105', '"l":99'), ('"st":1', '"st":2'), ('"m":', '"X":"NA","m":'),
    ('"m":', '"new":[1],"m":'), (',"', ', "'), ('"s":', '"S":'), ("}", ""), ("}", "}}"), ('"E"', '"e"'),
    ('"nq":"90",', ""),
    ('"M":true', '"M":false'), ('"f":100', '"f":"100"'),
])  # fmt: skip


@given(st.sampled_from([(TRADE, "trade"), (AGG_TRADE, "aggTrade")]), st.lists(CHANGES, max_size=2))
def test_whatever_else_is_written_the_codec_decides(
    one: tuple[str, str], changes: list[tuple[str, str]]
) -> None:
    """The short way never gives a row that the codec would not give."""
    text, kind = one
    for old, new in changes:
        text = text.replace(old, new)
    found = find_trade_row(text, kind)

    assert found is None or found == slowly(text)


@given(
    st.integers(0, 10**12), st.decimals("0.00000001", "999999999", places=8),
    st.decimals("0.00000001", "999999999", places=8), st.booleans(),
)  # fmt: skip
def test_numbers_are_read_alike(number: int, price: object, quantity: object, sold: object) -> None:
    """Any id, price and quantity."""
    payload = {**json.loads(TRADE), "t": number, "p": f"{price:f}", "q": f"{quantity:f}", "m": sold}
    text = json.dumps(payload, separators=(",", ":"))

    assert slowly(text) == find_trade_row(text, "trade")
    assert slowly(text) is not None
