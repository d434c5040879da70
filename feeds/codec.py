"""
Turn Binance's market stream messages into plain data; pure, no I/O.

Unknown fields are ignored, because Binance adds some every year. A field that is missing or malformed
raises FrameError with the beginning of the frame. What is no market data of ours becomes `Other`.
Times may be ms or µs. Sources: web-socket-streams.md (spot) and the USD-M market streams, read 2026-07-21.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from bt_run.core.errors import FrameError
from feeds.wire.fields import (
    FieldError,
    decode,
    take_amount,
    take_flag,
    take_int,
    take_ms,
    take_price,
    take_text,
)
from feeds.wire.messages import (
    AggTrade,
    Answer,
    BookTicker,
    KlineFrame,
    Liquidation,
    Message,
    MiniTicker,
    Other,
    ServerShutdown,
    Trade,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "AggTrade",
    "Answer",
    "BookTicker",
    "KlineFrame",
    "Liquidation",
    "Message",
    "MiniTicker",
    "Other",
    "ServerShutdown",
    "Trade",
    "parse_agg_trade",
    "parse_answer",
    "parse_book_ticker",
    "parse_frame",
    "parse_kline",
    "parse_liquidation",
    "parse_message",
    "parse_mini_ticker",
    "parse_shutdown",
    "parse_trade",
    "stream_of",
]

_COIN_M = 2


def parse_frame(text: str | bytes) -> tuple[Message, ...]:
    """
    Turn the text of one frame into its messages: one, or as many as a frame with an array holds.

    The wrappers ``{"stream":"btcusdt@trade","data":{...}}`` and ``{"event":{...}}`` are taken off.

    Raises:
        FrameError: no JSON, neither object nor array, or a message with a missing or malformed field.
    """
    payload = _unwrap(decode(text))
    if isinstance(payload, list):
        return tuple(parse_message(one) for one in payload)
    return (parse_message(payload),)


def stream_of(text: str | bytes) -> str:
    """Give the name of the stream in the wrapper of a combined frame; empty where there is none."""
    payload = decode(text)
    name = payload.get("stream", "") if isinstance(payload, dict) else ""
    return name if isinstance(name, str) else ""


def parse_message(payload: Any) -> Message:
    """
    Turn one decoded message, without wrapper, into plain data.

    Raises:
        FrameError: no JSON object, or a missing or malformed field.
    """
    if not isinstance(payload, dict):
        raise FrameError("This is not a message of a stream.", json.dumps(payload))
    kind = payload.get("e")
    parse = _PARSERS.get(kind) if isinstance(kind, str) else _find_nameless(payload)
    try:
        if parse is not None:
            return parse(payload)
        event_ms = take_ms(payload, "E") if "E" in payload and kind is not None else None
    except FieldError as error:
        raise FrameError(str(error), json.dumps(payload)) from None
    return Other(kind if isinstance(kind, str) else "", event_ms)


def parse_kline(payload: Mapping[str, Any]) -> KlineFrame:
    """
    Turn a kline of spot or futures, or a continuous kline (``ps`` and ``ct`` for ``s``), into data.

    ::

        {"e":"kline","E":1711980182436,"s":"ETHUSDT","k":{"t":1711980180000,"T":1711980239999,"s":"ETHUSDT",
         "i":"1m","f":-1,"L":-1,"o":"3556.16000000","c":"3556.16000000","h":"3556.16000000",
         "l":"3556.16000000","v":"0.00000000","n":0,"x":false,"q":"0.00000000","V":"0.00000000",
         "Q":"0.00000000","B":"0"}}

    Raises:
        FieldError: a field is missing or malformed, or the high is below the low.
    """
    bar = payload.get("k")
    if not isinstance(bar, dict):
        raise FieldError("The field 'k' is missing or holds no bar.")
    continuous = payload["e"] == "continuous_kline"
    high, low = take_price(bar, "h"), take_price(bar, "l")
    if high < low:
        raise FieldError("The high 'h' is below the low 'l'.")
    return KlineFrame(  # without names: an order waits for it, and they take a quarter longer
        take_text(payload, "ps" if continuous else "s"),
        take_text(bar, "i"),
        take_ms(bar, "t"),
        take_ms(bar, "T"),
        take_int(bar, "f"),
        take_int(bar, "L"),
        take_price(bar, "o"),
        high,
        low,
        take_price(bar, "c"),
        take_amount(bar, "v"),
        take_amount(bar, "q"),
        take_int(bar, "n"),
        take_amount(bar, "V"),
        take_amount(bar, "Q"),
        take_flag(bar, "x"),
        take_text(payload, "ct") if continuous else "",
        take_ms(payload, "E"),
    )


def parse_trade(payload: Mapping[str, Any]) -> Trade | Other:
    """
    Turn a trade into data.

    ::

        {"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,
         "m":true,"M":true}

    Futures add ``"X":"MARKET"``; what they send with another ``X`` (``INSURANCE_FUND``, ``ADL``, ``NA``) was
    not traded on the market, is in no kline, and becomes `Other`.

    Raises:
        FieldError: a field is missing or malformed.
    """
    if payload.get("X", "MARKET") != "MARKET":
        return Other("trade", take_ms(payload, "E"))
    return Trade(
        symbol=take_text(payload, "s"),
        trade_id=take_int(payload, "t"),
        price=take_price(payload, "p"),
        quantity=take_price(payload, "q"),
        time_ms=take_ms(payload, "T"),
        buyer_is_maker=take_flag(payload, "m"),
        event_ms=take_ms(payload, "E"),
    )


def parse_agg_trade(payload: Mapping[str, Any]) -> AggTrade:
    """
    Turn an aggregate trade of spot or futures into data.

    ::

        {"e":"aggTrade","E":123456789,"s":"BNBUSDT","a":5933014,"p":"0.001","q":"100","nq":"100","f":100,
         "l":105,"T":123456785,"m":true,"st":1}

    Spot has ``M`` (ignored) for ``nq`` and ``st``; ``st`` is 1 for USD-M and 2 for COIN-M.

    Raises:
        FieldError: a field is missing or malformed, or the last id is before the first.
    """
    first_id, last_id = take_int(payload, "f"), take_int(payload, "l")
    if last_id < first_id:
        raise FieldError("The last trade id 'l' is below the first 'f'.")
    return AggTrade(
        symbol=take_text(payload, "s"),
        agg_id=take_int(payload, "a"),
        price=take_price(payload, "p"),
        quantity=take_price(payload, "q"),
        first_id=first_id,
        last_id=last_id,
        time_ms=take_ms(payload, "T"),
        buyer_is_maker=take_flag(payload, "m"),
        normal_quantity=take_amount(payload, "nq") if "nq" in payload else None,
        coin_m=payload.get("st") == _COIN_M,
        event_ms=take_ms(payload, "E"),
    )


def parse_liquidation(payload: Mapping[str, Any]) -> Liquidation:
    """
    Turn a liquidation order, of one symbol or of ``!forceOrder@arr``, into data.

    ::

        {"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014",
         "p":"9910","ap":"9910","X":"FILLED","l":"0.014","z":"0.014","T":1568014460893},"ps":"BTCUSDT","st":1}

    ``ps`` and ``st`` stand in the stream of all symbols only.

    Raises:
        FieldError: a field is missing or malformed.
    """
    order = payload.get("o")
    if not isinstance(order, dict):
        raise FieldError("The field 'o' is missing or holds no order.")
    return Liquidation(
        symbol=take_text(order, "s"),
        side=_take_side(order),
        quantity=take_amount(order, "q"),
        price=take_amount(order, "p"),
        average_price=take_amount(order, "ap"),
        filled=take_amount(order, "z"),
        status=take_text(order, "X"),
        time_ms=take_ms(order, "T"),
        coin_m=payload.get("st") == _COIN_M,
        event_ms=take_ms(payload, "E"),
    )


def parse_book_ticker(payload: Mapping[str, Any]) -> BookTicker:
    """
    Turn a best bid and ask into data; that of spot has neither ``e`` nor ``E``.

    ::

        {"u":542937457,"s":"XEMUSDT","b":"0.04100000","B":"485240.00000000","a":"0.04110000",
         "A":"44994.00000000"}

    Raises:
        FieldError: a field is missing or malformed.
    """
    return BookTicker(
        symbol=take_text(payload, "s"),
        update_id=take_int(payload, "u"),
        bid=take_amount(payload, "b"),
        bid_quantity=take_amount(payload, "B"),
        ask=take_amount(payload, "a"),
        ask_quantity=take_amount(payload, "A"),
        event_ms=take_ms(payload, "E") if "E" in payload else None,
    )


def parse_mini_ticker(payload: Mapping[str, Any]) -> MiniTicker:
    """
    Turn the short summary of 24 hours into data.

    ::

        {"e":"24hrMiniTicker","E":1592594715455,"s":"ETHBTC","c":"0.02456700","o":"0.02459800",
         "h":"0.02470900","l":"0.02438100","v":"163116.18600000","q":"4006.04936991"}

    Raises:
        FieldError: a field is missing or malformed.
    """
    return MiniTicker(
        symbol=take_text(payload, "s"),
        open=take_amount(payload, "o"),
        high=take_amount(payload, "h"),
        low=take_amount(payload, "l"),
        close=take_amount(payload, "c"),
        volume=take_amount(payload, "v"),
        quote_volume=take_amount(payload, "q"),
        event_ms=take_ms(payload, "E"),
    )


def parse_shutdown(payload: Mapping[str, Any]) -> ServerShutdown:
    """
    Turn the server's goodbye into data: ``{"e":"serverShutdown","E":1770123456789}``.

    Raises:
        FieldError: the time is missing or malformed.
    """
    return ServerShutdown(take_ms(payload, "E"))


def parse_answer(payload: Mapping[str, Any]) -> Answer:
    """
    Turn the answer to a request about streams into data.

    ::

        {"result":null,"id":1}
        {"result":["btcusdt@kline_1m"],"id":3}
        {"code":2,"msg":"Invalid request: unknown variant ...","id":4}
        {"error":{"code":3,"msg":"Invalid JSON: ..."}}

    Raises:
        FieldError: an error without code or words, or an id that is neither number, text nor null.
    """
    request_id = payload.get("id")
    if request_id is not None and not isinstance(request_id, int | str):
        raise FieldError("The field 'id' is neither a number nor a text.")
    error = payload.get("error", payload)
    if not isinstance(error, dict):
        raise FieldError("The field 'error' holds no object.")
    if "code" in error:
        return Answer(request_id, code=take_int(error, "code"), error=str(error.get("msg", "")))
    result = payload.get("result")
    streams = tuple(str(name) for name in result) if isinstance(result, list) else ()
    return Answer(request_id, streams)


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    "kline": parse_kline,
    "continuous_kline": parse_kline,
    "trade": parse_trade,
    "aggTrade": parse_agg_trade,
    "forceOrder": parse_liquidation,
    "bookTicker": parse_book_ticker,
    "24hrMiniTicker": parse_mini_ticker,
    "serverShutdown": parse_shutdown,
}


def _find_nameless(payload: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Message] | None:
    """Tell the messages without event type apart; answers of the trading interface have a status."""
    if payload.keys() >= {"u", "s", "b", "B", "a", "A"}:
        return parse_book_ticker
    asked = "id" in payload and ("result" in payload or "error" in payload)
    refused = payload.keys() >= {"code", "msg"} or isinstance(payload.get("error"), dict)
    return parse_answer if "status" not in payload and (asked or refused) else None


def _unwrap(payload: Any) -> Any:
    if isinstance(payload, dict) and "e" not in payload:
        if "stream" in payload and "data" in payload:
            return payload["data"]
        if isinstance(payload.get("event"), dict):
            return payload["event"]
    return payload


def _take_side(order: Mapping[str, Any]) -> Literal["BUY", "SELL"]:
    side = take_text(order, "S")
    if side not in ("BUY", "SELL"):
        raise FieldError(f"The field 'S' holds {side[:40]!r}, which is neither BUY nor SELL.")
    return "BUY" if side == "BUY" else "SELL"
