"""Names of market streams: ``BTCUSDT`` and ``kline_5m`` become ``btcusdt@kline_5m``. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.core.interval import BINANCE_INTERVALS, Interval

if TYPE_CHECKING:
    from bt_run.core.venue import Market

__all__ = ["KINDS", "StreamName", "stream_name"]

_NO_SECONDS = tuple(interval for interval in BINANCE_INTERVALS if interval != "1s")

KINDS: dict[Market, tuple[str, ...]] = {
    "spot": (
        "trade", "aggTrade", *(f"kline_{interval}" for interval in BINANCE_INTERVALS),
        "bookTicker", "miniTicker",
    ),
    "futures": (
        "aggTrade", *(f"kline_{interval}" for interval in _NO_SECONDS), "forceOrder", "miniTicker",
    ),
}  # fmt: skip
"""
The kinds of streams that can be recorded. Futures have no ``1s``, and other kinds on another path.

Source: web-socket-streams.md, read 2026-07-21; USD-M market streams as of the change of 2026-04-23.
"""


@dataclass(frozen=True, slots=True)
class StreamName:
    """A stream's name taken apart; `interval` is None where the stream has none."""

    symbol: str
    kind: str
    interval: Interval | None

    @classmethod
    def parse(cls, name: str) -> StreamName:
        """Take ``btcusdt@kline_5m`` apart; a name without symbol (``!forceOrder@arr``) has an empty one."""
        symbol, _, kind = name.partition("@")
        if symbol.startswith("!"):
            return cls("", name, None)
        interval = Interval.parse(kind.removeprefix("kline_")) if kind.startswith("kline_") else None
        return cls(symbol.upper(), kind, interval)


def stream_name(symbol: str, kind: str, *, market: Market = "spot") -> str:
    """
    Give the name of a stream.

    Args:
        symbol: As Binance writes it, in any case.
        kind: One of `KINDS`, in any case but that of ``1m`` and ``1M``.
        market: ``spot`` or ``futures``.

    Raises:
        UnknownName: no such kind; suggests the nearest.
        ConfigError: a kind that only the other market has.
    """
    known = {one.casefold() if not one.startswith("kline_") else one: one for one in KINDS[market]}
    word = kind if "kline" in kind.casefold() else kind.casefold()
    if word in known:
        return f"{symbol.lower()}@{known[word]}"
    other: Market = "futures" if market == "spot" else "spot"
    if kind in KINDS[other]:
        where = "with --market futures" if other == "futures" else "without --market futures"
        raise ConfigError(f"The {market} market has no stream {kind!r}; it exists {where}.")
    raise UnknownName(f"stream of the {market} market", kind, KINDS[market])
