"""Option types: words from the command line or a settings file to checked values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bt_run.core.clock import parse_time
from bt_run.core.errors import BtRunError
from bt_run.core.interval import Interval
from bt_run.core.money import Stake, parse_fraction, parse_percent

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "COMMISSION",
    "END",
    "INTERVAL",
    "SLIPPAGE",
    "STAKE",
    "START",
    "SYMBOL",
    "Parsed",
    "percent",
    "plain_symbol",
]


class Parsed(click.ParamType):  # type: ignore[type-arg]  # not generic in the oldest click we allow
    """An option type made of a function from text to value; its error becomes click's."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse text, and numbers as a settings file gives them; pass parsed values through."""
        if not isinstance(value, str | int | float):
            return value
        try:
            return self._parse(str(value))
        except BtRunError as error:
            self.fail(str(error), param, ctx)


def percent(what: str) -> Parsed:
    """Make a type for a percentage between 0 and 100."""
    return Parsed("percent", lambda text: parse_percent(text, what=what))


def plain_symbol(text: str) -> str:
    """Write a symbol as the exchange does: ``btc/usdt`` and ``BTC-USDT`` are BTCUSDT."""
    return text.strip().upper().replace("/", "").replace("-", "")


SYMBOL = Parsed("symbol", plain_symbol)
STAKE = Parsed("stake", Stake.parse)
INTERVAL = Parsed("interval", Interval.parse)
START = Parsed("time", parse_time)
END = Parsed("time", lambda text: parse_time(text, end=True))
COMMISSION = Parsed("fraction", lambda text: parse_fraction(text, what="Commission"))
SLIPPAGE = Parsed("fraction", lambda text: parse_fraction(text, what="Slippage"))
