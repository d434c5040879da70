"""Names of streams, as clients write them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from bt_run.core.interval import BINANCE_INTERVALS

__all__ = ["Family", "Kind", "StreamName", "parse_stream"]

Family = Literal["spot", "futures"]
Kind = Literal[
    "kline", "continuousKline", "trade", "aggTrade", "bookTicker", "miniTicker", "ticker", "avgPrice", "depth",
    "depthUpdate", "forceOrder",
]  # fmt: skip

_SPOT = re.compile(
    r"(?P<symbol>[^@!/]+)@(?:"
    r"kline_(?P<interval>\d+\w)(?:@(?P<zone>[+-]\d{1,2}:\d{2}))?"
    r"|(?P<depth>depth)(?P<levels>5|10|20)?(?P<fast>@100ms)?"
    r"|(?P<kind>trade|aggTrade|bookTicker|miniTicker|ticker|avgPrice))"
)
_FUTURES = re.compile(
    r"(?P<symbol>[^@!/]+?)(?:@kline_(?P<interval>\d+\w)"
    r"|_perpetual@continuousKline_(?P<continuous>\d+\w)"
    r"|@(?P<kind>aggTrade|forceOrder))"
)
_ALL_MARKETS: dict[tuple[Family, str], tuple[Kind, int]] = {
    ("spot", "!miniTicker@arr"): ("miniTicker", 1000),
    ("spot", "!miniTicker@arr@1000ms"): ("miniTicker", 1000),
    ("spot", "!miniTicker@arr@3000ms"): ("miniTicker", 3000),
    ("futures", "!forceOrder@arr"): ("forceOrder", 1000),
}
"""The names with a beat are not documented; python-binance asks for them."""

_ZONE_LIMITS = (-12 * 60, 14 * 60)


@dataclass(frozen=True, slots=True)
class StreamName:
    """
    A stream that exists. `symbol` is upper case, "" for all markets at once.

    `interval` is given for klines, with `zone_ms` that its bars' midnight is ahead of UTC; `levels` for
    depth, 0 for its changes (depthUpdate); `every_ms` is the exchange time from update to update where the
    stream has a beat.
    """

    family: Family
    text: str
    kind: Kind
    symbol: str
    interval: str = ""
    zone_ms: int = 0
    levels: int = 0
    every_ms: int = 1000


def parse_stream(family: Family, text: str) -> StreamName | None:
    """
    Read a name such as ``btcusdt@kline_1m``; None for one that does not exist, which Binance keeps silent.

    Names are case-sensitive and symbols lower case (web-socket-streams.md, read 2026-07-21).
    """
    everyone = _ALL_MARKETS.get((family, text))
    if everyone is not None:
        kind, every = everyone
        return StreamName(family, text, kind, "", every_ms=every)
    match = (_SPOT if family == "spot" else _FUTURES).fullmatch(text)
    if match is None or match["symbol"] != match["symbol"].lower():
        return None
    symbol = match["symbol"].upper()
    if match["kind"]:
        return StreamName(family, text, cast("Kind", match["kind"]), symbol)
    return _parse_spot(text, symbol, match) if family == "spot" else _parse_futures(text, symbol, match)


def _parse_spot(text: str, symbol: str, match: re.Match[str]) -> StreamName | None:
    if match["depth"]:
        every = 100 if match["fast"] else 1000
        kind: Kind = "depth" if match["levels"] else "depthUpdate"
        return StreamName("spot", text, kind, symbol, levels=int(match["levels"] or 0), every_ms=every)
    if match["interval"] not in BINANCE_INTERVALS:
        return None
    zone = _zone_ms(match["zone"])
    if zone is None:
        return None
    every = 1000 if match["interval"] == "1s" else 2000
    return StreamName("spot", text, "kline", symbol, match["interval"], zone_ms=zone, every_ms=every)


def _parse_futures(text: str, symbol: str, match: re.Match[str]) -> StreamName | None:
    interval = match["interval"] or match["continuous"]
    if interval not in BINANCE_INTERVALS or (match["interval"] == "1s"):
        return None
    kind: Kind = "kline" if match["interval"] else "continuousKline"
    return StreamName("futures", text, kind, symbol, interval, every_ms=250)


def _zone_ms(zone: str | None) -> int | None:
    if zone is None:
        return 0
    hours, minutes = zone[1:].split(":")
    count = (int(hours) * 60 + int(minutes)) * (-1 if zone[0] == "-" else 1)
    if int(minutes) > 59 or not _ZONE_LIMITS[0] <= count <= _ZONE_LIMITS[1]:
        return None
    return count * 60_000
