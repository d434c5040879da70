"""Read symbol and interval from a file's name."""

from __future__ import annotations

import re
from pathlib import PurePath

from bt_run.core.errors import ConfigError
from bt_run.core.market import Interval

__all__ = ["compact_symbol", "find_interval_in_name", "find_symbol_in_name", "stem_of"]

_SUFFIXES = (".gz", ".zip", ".csv", ".tsv", ".txt", ".json", ".feather", ".parquet", ".raw")
_QUOTES = (
    "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "TRY", "BRL",
    "BTC", "XBT", "ETH", "BNB", "DAI",
)  # fmt: skip
_NOISE = frozenset((
    "binance", "binanceus", "coinbase", "bitfinex", "bitstamp", "kraken", "bybit", "okx", "okex", "kucoin",
    "gemini", "bitmex", "lean", "gct", "mt", "mt4", "mt5", "yahoo", "um", "cm", "spot", "futures", "perp",
    "swap", "margin", "klines", "kline", "candles", "candle", "ohlc", "ohlcv", "bars", "data", "trade",
    "trades", "hist", "history", "historical", "full", "all", "test", "sample", "day", "daily", "hour",
    "hourly", "minute", "min", "week", "weekly", "month", "monthly", "d", "h", "m", "w",
))  # fmt: skip
_METATRADER = {"M": "m", "H": "h", "D": "d", "W": "w", "MN": "M"}
_WORDS = {
    "d": "1d",
    "day": "1d",
    "daily": "1d",
    "hour": "1h",
    "hourly": "1h",
    "minute": "1m",
    "w": "1w",
    "weekly": "1w",
}


def stem_of(name: str) -> str:
    """Strip folders and every suffix of a data file: ``x/BTCUSDT-1h.csv.gz`` becomes ``BTCUSDT-1h``."""
    stem = PurePath(name).name
    while stem.casefold().endswith(_SUFFIXES):
        stem = stem[: stem.rindex(".")]
    return stem


def compact_symbol(text: str) -> str:
    """Write a market as Binance does: ``BTC/USDT``, ``btc-usdt`` and ``BTC_USDT`` become ``BTCUSDT``."""
    return re.sub(r"[^A-Z0-9.]", "", text.upper())


def find_symbol_in_name(name: str) -> str | None:
    """
    Find the market in a file's name.

    First a word, or two neighbours, that end in a known quote asset (``BTCUSDT``, ``BTC_USDT``, ``btc-usd``);
    then the first word that is no exchange, interval, number or filler (``btc_1d`` is BTC, ``GOOG`` is GOOG).
    """
    words = _words(name)
    for position, word in enumerate(words):
        upper = word.upper()
        before = words[position - 1] if position else ""
        if upper in _QUOTES and _is_asset(before):
            return compact_symbol(before + upper)
        if re.fullmatch(rf"[A-Z0-9]{{2,10}}({'|'.join(_QUOTES)})", upper) and _is_asset(word):
            return upper
    return next((word.upper() for word in words if _is_asset(word)), None)


def find_interval_in_name(name: str) -> Interval | None:
    """Find the interval in a file's name: ``-1h-``, ``_1D``, MetaTrader's ``H4``, ``_d`` alone."""
    words = _words(name)
    for word in words:
        if (found := _interval(word)) is not None:
            return found
    return next((Interval.parse(_WORDS[word]) for word in reversed(words) if word in _WORDS), None)


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^A-Za-z0-9]+", stem_of(name)) if word]


def _interval(word: str) -> Interval | None:
    if match := re.fullmatch(r"(MN|[MHDW])([1-9]\d{0,2})", word):
        return Interval(int(match[2]), _METATRADER[match[1]])
    try:
        return Interval.parse(word)
    except ConfigError:
        return None


def _is_asset(word: str) -> bool:
    letters = re.fullmatch(r"[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*", word) is not None
    return letters and word.casefold() not in _NOISE and _interval(word) is None
