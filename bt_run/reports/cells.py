"""
Numbers as a terminal's table shows them: rounded for the eye, None as a dash.

The minus is the keyboard's, not the typesetter's, so that a table can be searched and pasted into a sheet.
"""

from __future__ import annotations

import math
import re

from bt_run.reports.numbers import UNKNOWN

__all__ = [
    "chance_cell",
    "duration_cell",
    "money_cell",
    "percent_cell",
    "price_cell",
    "quote_asset",
    "ratio_cell",
    "size_cell",
]

_QUOTES = (
    "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDP", "USD", "EUR", "GBP", "TRY", "BRL", "JPY", "AUD", "ARS",
    "DAI", "BTC", "ETH", "BNB",
)  # fmt: skip
_HUGE = 1e13


def quote_asset(symbol: str) -> str:
    """Find the asset in which a symbol is priced: USDT of BTCUSDT, USD of BTC-USD; empty where unknown."""
    parted = re.fullmatch(r"[A-Z0-9]+[-_/]([A-Z]{2,6})(:[A-Z]+)?", symbol)
    if parted:
        return parted[1]
    return next((quote for quote in _QUOTES if symbol.endswith(quote) and symbol != quote), "")


def money_cell(value: float | None, *, digits: int = 2) -> str:
    """Write money: ``12,345.67``."""
    if value is None:
        return UNKNOWN
    return f"{value:.4e}" if abs(value) >= _HUGE else _zero(f"{value:,.{digits}f}")


def percent_cell(value: float | None, *, signed: bool = True, digits: int = 2) -> str:
    """Write percent: ``+23.46%``, ``+12,345%``; a change has a sign, a share (`signed` off) has none."""
    if value is None:
        return UNKNOWN
    if abs(value) >= 1e7:
        return f"{value:+.1e}%" if signed else f"{value:.1e}%"
    shown = 0 if abs(value) >= 1000 else digits
    text = _zero(f"{value:+,.{shown}f}" if signed else f"{value:,.{shown}f}")
    return f"{text}%"


def chance_cell(share: float | None) -> str:
    """Write a probability in [0, 1]: ``78.4%``; what is not certain never reads ``100%`` or ``0%``."""
    if share is None:
        return UNKNOWN
    if share in (0.0, 1.0):
        return f"{share * 100.0:.0f}%"
    return "<0.1%" if share < 0.001 else ">99.9%" if share > 0.999 else f"{share * 100.0:.1f}%"


def ratio_cell(value: float | None, *, digits: int = 2) -> str:
    """Write a bare number: ``1.13``, ``1.2e+05`` where it is huge."""
    if value is None:
        return UNKNOWN
    return f"{value:.1e}" if abs(value) >= 1e5 else _zero(f"{value:,.{digits}f}")


def size_cell(value: float) -> str:
    """Write a quantity with up to eight decimals, as Binance counts them, and no useless noughts."""
    text = f"{value:,.8f}".rstrip("0").rstrip(".")
    return text if re.search(r"[1-9]", text) else f"{value:.3g}"


def price_cell(value: float) -> str:
    """Write a price with two decimals from 100 on, else with five significant digits: ``0.000028951``."""
    size = abs(value)
    digits = 2 if size >= 100 else min(12, 4 - math.floor(math.log10(size))) if size else 2
    return f"{value:,.{digits}f}"


def duration_cell(seconds: float | None) -> str:
    """Write a span by its two largest units: ``12d 4h``, ``3h 20m``, ``45s``; from 100 days on days alone."""
    if seconds is None:
        return UNKNOWN
    whole = round(seconds)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    if days >= 100:
        return f"{round(whole / 86_400):,}d"
    units = [(days, "d"), (hours, "h"), (minutes, "m"), (left, "s")]
    first = next((place for place, (count, _) in enumerate(units) if count), 3)
    return " ".join(f"{count}{unit}" for count, unit in units[first : first + 2] if count) or "0s"


def _zero(text: str) -> str:
    """Take the sign off what rounds to nothing."""
    return text if re.search(r"[1-9]", text) else text.lstrip("+-")
