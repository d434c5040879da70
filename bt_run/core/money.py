"""The one border between decimal text and float64, and the roundings that every engine shares."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bt_run.core.errors import ConfigError

__all__ = ["DEFAULT_LOT_STEP", "Stake", "parse_fraction", "parse_percent", "round_down"]

DEFAULT_LOT_STEP = 1e-8
"""The finest quantity step that Binance knows; used where a symbol's LOT_SIZE is not known."""


_LARGEST_BARE = Decimal("0.02")


def round_down(size: float, step: float) -> float:
    """
    Round a quantity >= 0 down to a multiple of `step` (> 0, base asset).

    Works on floats so that a compiled engine can take the very same steps: steps below one are
    counted by their inverse, because ``n / 1e8`` is the float nearest to the decimal and ``n * 1e-8``
    is not. A product a hair below a whole number would lose a step, so the next multiple is tried.
    """
    if step < 1.0:
        per_unit = float(round(1.0 / step))
        steps = math.floor(size * per_unit)
        above = (steps + 1) / per_unit
        return above if above <= size else steps / per_unit
    return math.floor(size / step) * step


def parse_fraction(text: str, *, what: str) -> float:
    """
    Read ``0.001`` or ``0.1%`` as the fraction 0.001, in [0, 1).

    A bare number above 0.02 is refused, because it is far more often a percentage without its sign than a
    cost of a tenth of every trade. Raises ConfigError.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)(?:[eE](-?\d+))?\s*(%?)\s*", text)
    if match is None:
        raise ConfigError(f"{what} {text!r} is not a number. Write 0.001 or 0.1%.")
    number = Decimal(match[1]).scaleb(int(match[2] or 0)) / (100 if match[3] else 1)
    if not match[3] and number > _LARGEST_BARE:
        percent = f"{(100 * number).normalize():f}"
        raise ConfigError(
            f"{what} {text!r} would be {percent} percent of every trade. "
            f"Write {text.strip()}% for {text.strip()} percent, or {percent}% if it is meant."
        )
    if number >= 1:
        raise ConfigError(f"{what} {text!r} is a whole or more. Write a fraction such as 0.001, or 0.1%.")
    return float(number)


def parse_percent(text: str, *, what: str) -> float:
    """Read ``5`` or ``5%`` as 5 percent, in (0, 100). Raises ConfigError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*%?\s*", text)
    if match is None or not 0 < float(match[1]) < 100:
        raise ConfigError(f"{what} {text!r} is not a percentage between 0 and 100. Write 5 or 5%.")
    return float(match[1])


@dataclass(frozen=True, slots=True)
class Stake:
    """
    How much one entry buys or sells short.

    Kinds: ``base`` an amount of the base asset; ``quote`` an amount of the quote asset, divided by the
    close of the signal bar; ``percent`` of equity at the close of the signal bar, in (0, 100].
    """

    amount: float
    kind: Literal["base", "quote", "percent"]
    asset: str = ""

    @classmethod
    def parse(cls, text: str) -> Stake:
        """Read ``0.01`` (base), ``100USDT`` (quote) or ``95%`` (of equity). Raises ConfigError."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(%|[A-Za-z]{2,10})?\s*", text)
        if match is None or float(match[1]) <= 0:
            raise ConfigError(
                f"Stake {text!r} is not understood. "
                f"Write 0.01 (base asset), 100USDT (quote asset) or 95% (of equity)."
            )
        amount, unit = float(match[1]), match[2] or ""
        if unit == "%":
            if amount > 100:
                raise ConfigError(
                    f"Stake {text!r} is more than the whole equity; bt-run does not borrow. Write at most 100%."
                )
            return cls(amount, "percent")
        return cls(amount, "quote" if unit else "base", unit.upper())

    def check_symbol(self, symbol: str) -> None:
        """Check that an amount in an asset is in the one that `symbol` is quoted in. Raises ConfigError."""
        upper = symbol.upper()
        if not self.asset or upper.endswith(self.asset):
            return
        if upper.startswith(self.asset):
            raise ConfigError(
                f"Stake {self} names the base asset of {symbol}. Write {self.amount:g} for that much of it."
            )
        raise ConfigError(
            f"Stake {self} is not in the asset that {symbol} is quoted in. Write, for example, 95%."
        )

    def size(self, *, equity: float, close: float, lot_step: float) -> float:
        """Give the quantity of base asset to order, rounded down to the lot step; 0 where it is too little."""
        if self.kind == "base":
            wanted = self.amount
        elif self.kind == "quote":
            wanted = self.amount / close
        else:
            wanted = equity * self.amount / 100.0 / close
        return round_down(max(wanted, 0.0), lot_step)

    def __str__(self) -> str:
        suffix = "%" if self.kind == "percent" else self.asset
        return f"{self.amount:.15g}{suffix}"
