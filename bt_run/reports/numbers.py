"""Numbers as people read them in pictures and tables; unknown ones become a dash."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UNKNOWN", "amount_text", "percent_text", "plain_text", "tick_texts"]

UNKNOWN = "\N{EN DASH}"
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"))


def amount_text(value: float | None) -> str:
    """Write money or a price: ``12,345``, ``123.45``, ``0.001234``, ``12.35M``; a dash where unknown."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    size = abs(value)
    for unit, letter in _UNITS:
        if size >= unit * 10:
            return _minus(f"{value / unit:,.2f}{letter}")
    if size >= 1000:
        return _minus(f"{value:,.0f}")
    if size >= 1 or size == 0:
        return _minus(f"{value:.2f}")
    if size < 1e-6:
        return _minus(f"{value:.2e}")
    return _minus(f"{value:.{3 - math.floor(math.log10(size))}f}")


def percent_text(value: float | None, *, signed: bool = False) -> str:
    """Write percent: ``12.3%``, signed ``+12.3%``, ``+12,345%``; a dash where unknown."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if abs(value) >= 1e7:
        return _minus(f"{value:+.2e}%" if signed else f"{value:.2e}%")
    digits = 0 if abs(value) >= 10_000 else 1
    rounded = round(value, digits) + 0.0  # no -0.0%
    return _minus(f"{rounded:+,.{digits}f}%" if signed and rounded else f"{rounded:,.{digits}f}%")


def plain_text(value: float | None, *, digits: int = 2) -> str:
    """Write a bare number with `digits` decimals (whole numbers with none); a dash where unknown."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if isinstance(value, int):
        return _minus(f"{value:,}")
    return _minus(f"{round(value, digits) + 0.0:,.{digits}f}")


def tick_texts(values: Sequence[float], *, even: bool) -> list[str]:
    """
    Write the labels of one axis.

    `even` labels share unit and decimals, as a linear axis wants; otherwise each is as short as it can
    be, as a logarithmic axis wants.
    """
    if not even:
        return [_short(value) for value in values]
    top = max((abs(value) for value in values), default=0.0)
    unit, letter = next(((unit, letter) for unit, letter in _UNITS if top >= unit), (1.0, ""))
    ordered = sorted(set(values))
    step = min((b - a for a, b in pairwise(ordered)), default=top or 1.0) / unit
    digits = max(0, math.ceil(-math.log10(step) - 1e-6)) if step > 0 else 0
    if not math.isclose(step * 10**digits, round(step * 10**digits), rel_tol=1e-6):
        digits += 1  # steps of 0.25
    if digits > 7:
        places = max(0, math.floor(math.log10(top)) - math.floor(math.log10(step) + 1e-6))
        return [_minus(f"{value:.{places}e}") for value in values]
    return [_minus(f"{value / unit + 0.0:,.{digits}f}{letter if value else ''}") for value in values]


def _short(value: float) -> str:
    size = abs(value)
    for unit, letter in _UNITS:
        if size >= unit:
            return _minus(f"{value / unit:g}{letter}")
    if size >= 1 or size == 0:
        return _minus(f"{value:,.10g}")
    digits = -math.floor(math.log10(size) + 1e-9)
    return _minus(f"{value:.3g}" if digits > 8 else f"{value:.{digits}f}")


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
