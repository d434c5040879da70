"""Turn Binance's REST market data into plain data; pure, no I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import FrameError
from bt_run.core.market import BAR_COLUMNS, Bars
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
from feeds.wire.messages import AggTrade, KlineFrame, MiniTicker

if TYPE_CHECKING:
    from bt_run.core.market import IntArray
    from feeds.wire.messages import Message

__all__ = [
    "KlinePage",
    "parse_agg_trades",
    "parse_backfill",
    "parse_exchange_info",
    "parse_klines",
    "parse_ticker",
]

_COLUMNS = {
    "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "quote_volume": 7, "trades": 8,
    "taker_buy_volume": 9, "taker_buy_quote_volume": 10,
}  # fmt: skip
_WIDTH = 11
_MICROSECONDS_FROM = 10**14


@dataclass(frozen=True, slots=True, eq=False)
class KlinePage:
    """
    One page of klines in the order in which it came, which may be wrong and hold a time twice.

    `close_time`, shape (n,), is the last ms of each bar: a bar is closed when the server's time is past it.
    """

    bars: Bars
    close_time: IntArray


def parse_klines(rows: Any) -> KlinePage:
    """
    Turn decoded rows of ``GET /api/v3/klines`` or ``/fapi/v1/klines`` into bars; an empty list into none.

    ::

        [[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,
          "2434.19055334",308,"1756.87402397","28.46694368","0"]]

    The columns: open time, open, high, low, close, volume, close time, quote volume, trades, taker buy
    volume, taker buy quote volume, one to ignore. Times in µs become ms.

    Raises:
        FrameError: no list of such rows, a cell that is no number, a price that is not above zero, a volume
            below zero, a high that is not the highest or a low that is not the lowest.
    """
    if not isinstance(rows, list):
        raise FrameError("This is not a list of klines.", json.dumps(rows))
    for row in rows:
        if not isinstance(row, list) or len(row) < _WIDTH:
            raise FrameError("This is not a kline of twelve columns.", json.dumps(row))
    try:
        values = {
            name: np.array([float(row[place]) for row in rows], dtype=np.float64)
            for name, place in _COLUMNS.items()
        }
        opened, closed = (np.array([int(row[place]) for row in rows], dtype=np.int64) for place in (0, 6))
    except (TypeError, ValueError, OverflowError) as error:
        raise FrameError("A cell of a kline is not a number.", json.dumps(_find_bad(rows))) from error
    _check(values, rows)
    return KlinePage(Bars.of(_milliseconds(opened), **values), _milliseconds(closed))


def parse_agg_trades(rows: Any, symbol: str) -> list[AggTrade]:
    """
    Turn decoded objects of ``GET /api/v3/aggTrades`` or ``/fapi/v1/aggTrades`` into data, in their order.

    ::

        [{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,"m":true,"M":true}]

    Args:
        rows: The decoded answer.
        symbol: The market that was asked for, which the answer does not name.

    Raises:
        FrameError: no list of such objects, or a missing or malformed field.
    """
    if not isinstance(rows, list):
        raise FrameError("This is not a list of aggregate trades.", json.dumps(rows))
    trades = []
    for row in rows:
        try:
            trades.append(_agg_trade(row, symbol))
        except FieldError as error:
            raise FrameError(str(error), json.dumps(row)) from None
    return trades


def parse_exchange_info(answer: Any) -> dict[str, Any]:
    """
    See that this is the decoded object of ``GET /api/v3/exchangeInfo`` or ``/fapi/v1/exchangeInfo``; gives it.

    ::

        {"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000}],
         "exchangeFilters":[],"symbols":[{"symbol":"BNBBTC","status":"TRADING"}]}

    Raises:
        FrameError: no such object, or a symbol without a name.
    """
    told = answer if isinstance(answer, dict) else {}
    lists = [told.get(name, []) for name in ("rateLimits", "exchangeFilters")] + [told.get("symbols")]
    if not all(isinstance(each, list) and all(isinstance(item, dict) for item in each) for each in lists):
        raise FrameError("These are not the rules of an exchange.", json.dumps(answer))
    if not all(isinstance(item.get("symbol"), str) for item in told["symbols"]):
        raise FrameError("In these rules of an exchange a symbol has no name.", json.dumps(answer))
    return told


def parse_ticker(answer: Any) -> MiniTicker:
    """
    Turn the decoded object of ``GET /api/v3/ticker/24hr`` or ``/fapi/v1/ticker/24hr`` into data.

    ::

        {"symbol":"BNBBTC","openPrice":"99.00000000","highPrice":"100.00000000","lowPrice":"0.10000000",
         "lastPrice":"4.00000200","volume":"8913.30000000","quoteVolume":"15.30000000","closeTime":1499869899040}

    Raises:
        FrameError: no such object, or a missing or malformed field.
    """
    if not isinstance(answer, dict):
        raise FrameError("This is not the summary of 24 hours.", json.dumps(answer))
    try:
        return MiniTicker(
            symbol=take_text(answer, "symbol"),
            open=take_amount(answer, "openPrice"),
            high=take_amount(answer, "highPrice"),
            low=take_amount(answer, "lowPrice"),
            close=take_amount(answer, "lastPrice"),
            volume=take_amount(answer, "volume"),
            quote_volume=take_amount(answer, "quoteVolume"),
            event_ms=take_ms(answer, "closeTime"),
        )
    except FieldError as error:
        raise FrameError(str(error), json.dumps(answer)) from None


def parse_backfill(stream: str, text: str) -> tuple[Message, ...]:
    """
    Turn a REST answer into what a stream would have sent: closed klines or aggregate trades.

    Args:
        stream: The stream that missed them, ``btcusdt@kline_1m`` or ``btcusdt@aggTrade``; it names the
            symbol and the interval, which the answer does not.
        text: The body of the answer.

    Raises:
        FrameError: another stream, or an answer that is not its klines or trades.
    """
    symbol, _, kind = stream.partition("@")
    if kind == "aggTrade":
        return tuple(parse_agg_trades(decode(text), symbol.upper()))
    if kind.startswith("kline_"):
        return tuple(_kline_frames(decode(text), symbol.upper(), kind.removeprefix("kline_")))
    raise FrameError(f"REST has no rows for the stream {stream!r}.", text)


def _kline_frames(rows: Any, symbol: str, interval: str) -> list[KlineFrame]:
    page = parse_klines(rows)
    columns = {name: getattr(page.bars, name).tolist() for name in BAR_COLUMNS}
    return [
        KlineFrame(
            symbol=symbol,
            interval=interval,
            close_time=int(close_time),
            first_id=-1,
            last_id=-1,
            trades=int(columns["trades"][place]),
            closed=True,
            **{name: values[place] for name, values in columns.items() if name != "trades"},
        )
        for place, close_time in enumerate(page.close_time)
    ]


def _agg_trade(row: Any, symbol: str) -> AggTrade:
    if not isinstance(row, dict):
        raise FieldError("This is not an aggregate trade.")
    return AggTrade(
        symbol=symbol,
        agg_id=take_int(row, "a"),
        price=take_price(row, "p"),
        quantity=take_price(row, "q"),
        first_id=take_int(row, "f"),
        last_id=take_int(row, "l"),
        time_ms=take_ms(row, "T"),
        buyer_is_maker=take_flag(row, "m"),
        normal_quantity=take_amount(row, "nq") if "nq" in row else None,
    )


def _milliseconds(times: IntArray) -> IntArray:
    return np.where(times < _MICROSECONDS_FROM, times, times // 1000)


def _check(values: dict[str, Any], rows: list[Any]) -> None:
    prices = [values[name] for name in ("open", "high", "low", "close")]
    wrong = np.zeros(len(rows), dtype=np.bool_)
    for column in values.values():
        wrong |= ~((column >= 0) & (column < np.inf))
    for price in prices:
        wrong |= price <= 0
    wrong |= (np.maximum(prices[0], prices[3]) > prices[1]) | (np.minimum(prices[0], prices[3]) < prices[2])
    if wrong.any():
        raise FrameError(
            "A kline holds prices or volumes that no market has.", json.dumps(rows[int(np.argmax(wrong))])
        )


def _find_bad(rows: list[Any]) -> Any:
    for row in rows:
        try:
            for place in (0, 6):
                int(row[place])
            for place in _COLUMNS.values():
                float(row[place])
        except (TypeError, ValueError, OverflowError):
            return row
    return rows
