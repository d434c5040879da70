"""Tell from a column's name what it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bt_run.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PRICES", "NamedColumns", "find_columns", "normal_name", "price_names"]

PRICES = ("open", "high", "low", "close")

_NAMES: Mapping[str, tuple[str, ...]] = {
    "open": ("open", "openprice", "priceopen"),
    "high": ("high", "highprice", "pricehigh"),
    "low": ("low", "lowprice", "pricelow"),
    "close": ("close", "closeprice", "priceclose"),
    "volume": (
        "volume",
        "basevolume",
        "volumebase",
        "volumefrom",
        "baseassetvolume",
        "vol",
        "tickvol",
        "tickvolume",
    ),
    "quote_volume": ("quotevolume", "volumequote", "volumeto", "quoteassetvolume", "quotevol"),
    "trades": ("trades", "count", "tradecount", "tradescount", "numberoftrades", "numtrades", "ntrades"),
    "taker_buy_volume": ("takerbuyvolume", "takerbuybasevolume", "takerbuybaseassetvolume", "takerbuybase"),
    "taker_buy_quote_volume": ("takerbuyquotevolume", "takerbuyquoteassetvolume", "takerbuyquote"),
}
"""Bar column to the names it goes by, normalised, the best first."""

_OPEN_TIMES = (
    "opentime",
    "opendatetime",
    "unix",
    "unixtimestamp",
    "epoch",
    "timestamp",
    "datetime",
    "date",
    "time",
)
_CLOSE_TIMES = ("closetime", "closedatetime", "closetimestamp", "closedate")
_SYMBOLS = ("symbol", "ticker", "pair", "market")
_INDEX_NAMES = ("", "index", "unnamed0", "indexlevel0")


@dataclass(frozen=True, slots=True)
class NamedColumns:
    """
    Where a table holds what, as positions in its header.

    `bars` maps bar columns to positions: the four prices always, volumes where there are any. `time` is one
    position, or two where date and time stand apart. `symbol` is None where no column names the market.
    """

    bars: Mapping[str, int]
    time: tuple[int, ...]
    times_are: Literal["open", "close"]
    symbol: int | None


def normal_name(name: str) -> str:
    """Reduce a column's name to lower-case letters and digits: ``Open Time (UTC)`` becomes ``opentime``."""
    plain = re.sub(r"[^a-z0-9]", "", name.casefold())
    return re.sub(r"^(gmt|utc)(?=.)|(?<=.)(gmt|utc|ms)$", "", plain)


def price_names(names: Sequence[str]) -> set[str]:
    """Give those of open, high, low and close that the names cover."""
    plain = {normal_name(name) for name in names}
    return {price for price in PRICES if plain & set(_NAMES[price])}


def find_columns(names: Sequence[str], first_row: Sequence[str]) -> NamedColumns:
    """
    Find the columns of a table by its header; `first_row` (texts, may be empty) settles what names leave open.

    Where a volume column names the base asset (CryptoDataDownload's ``Volume BTC`` of ``BTC/USDT``) that one
    is the volume, and a plain ``volume`` beside it counts quote asset. Adjusted closes are not used.

    Raises:
        DataError: a price or the time is missing, or a name stands twice.
    """
    plain = [normal_name(name) for name in names]
    bars = {column: place for column in _NAMES if (place := _place(plain, column)) is not None}
    missing = [price for price in PRICES if price not in bars]
    if missing:
        raise DataError(
            f"There is no column {' and no column '.join(map(repr, missing))}.",
            hint=f"The header names: {', '.join(name or '(nothing)' for name in names)}.",
        )
    symbol = next((plain.index(name) for name in _SYMBOLS if name in plain), None)
    if symbol is not None and symbol < len(first_row):
        bars.update(_volumes_by_asset(plain, normal_name(first_row[symbol])))
    time, times_are = _time_columns(plain, first_row)
    for place in {*bars.values(), *time}:
        if plain[place] and plain.count(plain[place]) > 1:
            raise DataError(
                f"The header names {names[place]!r} twice.",
                hint="Rename one of the two, so that it is clear which counts.",
            )
    return NamedColumns(bars, time, times_are, symbol)


def _place(plain: Sequence[str], column: str) -> int | None:
    return next((plain.index(name) for name in _NAMES[column] if name in plain), None)


def _volumes_by_asset(plain: Sequence[str], symbol: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, name in enumerate(plain):
        asset = name.removeprefix("volume")
        if asset in ("", name):
            continue
        if symbol.startswith(asset):
            found.setdefault("volume", place)
        elif symbol.endswith(asset):
            found.setdefault("quote_volume", place)
    if "volume" in found and "quote_volume" not in found and "volume" in plain:
        found["quote_volume"] = plain.index("volume")
    return found


def _time_columns(
    plain: Sequence[str], first_row: Sequence[str]
) -> tuple[tuple[int, ...], Literal["open", "close"]]:
    if "date" in plain and "time" in plain and not set(plain) & set(_OPEN_TIMES[: _OPEN_TIMES.index("date")]):
        date, time = plain.index("date"), plain.index("time")
        if time < len(first_row) and re.fullmatch(r"\s*\d{1,2}:\d{2}(:\d{2})?\s*", first_row[time]):
            return (date, time), "open"
    for names, meaning in ((_OPEN_TIMES, "open"), (_CLOSE_TIMES, "close")):
        for name in names:
            if name in plain:
                return (plain.index(name),), "close" if meaning == "close" else "open"
    unnamed = next((place for place, name in enumerate(plain) if name in _INDEX_NAMES), None)
    if unnamed is not None:
        return (unnamed,), "open"
    raise DataError("There is no column with the time.", hint="Name it open_time, date or timestamp.")
