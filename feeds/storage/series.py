"""Name a series of the store: symbol, interval and market, written ``BTCUSDT:1h`` or ``BTCUSDT:1h:futures``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.core.interval import Interval

if TYPE_CHECKING:
    from bt_run.core.venue import Market

__all__ = ["SeriesName", "check_symbol", "find_series"]

_MARKETS = ("spot", "futures")
_SYMBOL = re.compile(r"[^\W_][\w-]{0,63}")
_SERIES = re.compile(r"([^\s:/\\]{2,}):([^\s:/\\]+)(?::([^\s:/\\]+))?")


@dataclass(frozen=True, slots=True)
class SeriesName:
    """
    One series of bars: a symbol as the exchange writes it, an interval, and the market.

    A symbol consists of letters and digits of any alphabet, ``-`` and ``_`` (the testnet has one in Chinese).
    """

    symbol: str
    interval: Interval
    market: Market = "spot"

    @classmethod
    def parse(cls, text: str) -> SeriesName:
        """
        Read ``BTCUSDT:1h``, ``BTCUSDT:1h:spot`` or ``BTCUSDT:1h:futures``; the symbol becomes upper case.

        Raises:
            ConfigError: not of that form, or no such interval.
            UnknownName: no such market.
        """
        match = _SERIES.fullmatch(text.strip())
        if match is None:
            raise ConfigError(f"{text!r} is not a series. Write SYMBOL:INTERVAL, such as BTCUSDT:1h.")
        symbol, interval, market = match[1].upper(), Interval.parse(match[2]), match[3] or "spot"
        if market not in _MARKETS:
            raise UnknownName("market", market, _MARKETS)
        check_symbol(symbol)
        return cls(symbol, interval, cast("Market", market))

    def __str__(self) -> str:
        text = f"{self.symbol}:{self.interval}"
        return text if self.market == "spot" else f"{text}:{self.market}"


def find_series(text: str) -> SeriesName | None:
    """
    Find the series that `text` names; None where it does not have the form of one (no colon, or a path).

    Raises:
        ConfigError: it has the form, but the interval, the market or the symbol is none.
    """
    return SeriesName.parse(text) if _SERIES.fullmatch(text.strip()) else None


def check_symbol(symbol: str) -> None:
    """Check that a symbol can be the name of a folder and nothing worse. Raises ConfigError."""
    if _SYMBOL.fullmatch(symbol) is None:
        raise ConfigError(
            f"{symbol!r} is not a symbol. Write it as the exchange does, letters and digits, such as BTCUSDT."
        )
