"""
Read the text of a trade without decoding all of it: the short way for recordings of millions.

Only what Binance writes today, letter by letter, is read here; anything else is left to `feeds.codec`,
which is the truth. test_trade_text.py holds both to the same results.
"""

from __future__ import annotations

import re

from feeds.wire.messages import AggTrade, Trade

__all__ = ["TradeRow", "find_trade_row", "row_of"]

TradeRow = tuple[int, int, float, float, int, bool]
"""Id, time in ms, price, quantity, number of trades, whether the buyer is maker."""

_HEAD = r'(\{"stream":"[^"\\]*","data":)?\{"e":'
_PRICE = r'"p":"(\d+\.?\d*)","q":"(\d+\.?\d*)"'
_TAIL = r'"T":(\d{13}),"m":(true|false)(?:,"M":(?:true|false))?(?:,"st":1)?\}(?(1)\})'
_AGG_TRADE = re.compile(
    _HEAD
    + r'"aggTrade","E":\d{13},(?:"s":"(\w+)","a":(\d+)|"a":(\d+),"s":"(\w+)"),'
    + _PRICE
    + r'(?:,"nq":"\d+\.?\d*")?,"f":(\d+),"l":(\d+),'
    + _TAIL,
    re.ASCII,
)
_TRADE = re.compile(_HEAD + r'"trade","E":\d{13},"s":"(\w+)","t":(\d+),' + _PRICE + "," + _TAIL, re.ASCII)


def row_of(trade: Trade | AggTrade) -> TradeRow:
    """Give what bars are made of."""
    if isinstance(trade, Trade):
        return (trade.trade_id, trade.time_ms, trade.price, trade.quantity, 1, trade.buyer_is_maker)
    count = trade.last_id - trade.first_id + 1
    return (trade.agg_id, trade.time_ms, trade.price, trade.quantity, count, trade.buyer_is_maker)


def find_trade_row(text: str, kind: str) -> tuple[str, TradeRow] | None:
    """
    Find symbol and row in the text of a frame, with or without the combined wrapper.

    Args:
        text: The frame.
        kind: ``trade`` or ``aggTrade``; others give None.

    Returns:
        None where the text is not exactly as expected, or holds a value that the codec would refuse.
    """
    if kind == "aggTrade":
        match = _AGG_TRADE.fullmatch(text)
        if match is None:
            return None
        _, symbol, number, later_number, later_symbol, price, quantity, first, last, time_ms, maker = (
            match.groups()
        )
        # Spot names the symbol before the id, futures after it.
        symbol, number = symbol or later_symbol, number or later_number
        count = int(last) - int(first) + 1
    elif kind == "trade":
        match = _TRADE.fullmatch(text)
        if match is None:
            return None
        _, symbol, number, price, quantity, time_ms, maker = match.groups()
        count = 1
    else:
        return None
    row = (int(number), int(time_ms), float(price), float(quantity), count, maker == "true")
    return (symbol, row) if row[2] > 0 and row[3] > 0 and count > 0 else None
