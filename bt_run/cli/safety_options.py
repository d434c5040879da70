"""The options that limit a live run, said once."""

from __future__ import annotations

import inspect
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.options import stacked
from bt_run.cli.types import Parsed
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.run.safety_limits import LossLimit, SafetyLimits

__all__ = ["SAFETY_KEYS", "hand_options", "limits_of", "safety_options"]

_OFF = "off"


def _or_off(name: str, parse: Callable[[str], Any]) -> Parsed:
    """Make a type that also takes ``off``."""
    return Parsed(name, lambda text: None if text.strip().lower() == _OFF else parse(text))


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.strip())
    except ArithmeticError:
        amount = Decimal(0)
    if not (amount.is_finite() and amount > 0):
        raise ConfigError(f"{text!r} is no amount above 0. Write 1000 (quote asset), or off.")
    return amount


def _percent(text: str) -> Decimal:
    amount = _amount(text.strip().removesuffix("%"))
    if amount >= 100:
        raise ConfigError(f"{text!r} is not a percentage between 0 and 100. Write 5 or 5%, or off.")
    return amount


def _count(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise ConfigError(f"{text!r} is no number of orders. Write a whole number above 0, or off.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        milliseconds = Interval.parse(text).milliseconds
    except ConfigError:
        milliseconds = None
    if milliseconds is None:
        raise ConfigError(f"{text!r} is not a duration. Write a number and s, m, h or d, such as 30m, or off.")
    return milliseconds / 1000


def _loss(text: str) -> LossLimit:
    from bt_run.run.safety_limits import LossLimit

    return LossLimit.parse(text)


safety_options = stacked(
    click.option("--max-order", type=_or_off("amount", _amount), help="Largest entry, in quote asset."),
    click.option(
        "--max-position",
        type=_or_off("amount", _amount),
        help="Most that may be held and on order in all symbols together, in quote asset.",
    ),
    click.option(
        "--max-orders-per-minute",
        type=_or_off("number", _count),
        default="20",
        show_default=True,
        help="Most entries in any 60 seconds, or off.",
    ),
    click.option(
        "--max-daily-loss",
        type=_or_off("loss", _loss),
        help="Stop entries for the day (UTC) at this loss: 250 (quote asset) or 5%.",
    ),
    click.option(
        "--max-drawdown",
        type=_or_off("percent", _percent),
        help="Stop entries until bt-run resume this many percent below the peak of equity.",
    ),
    click.option(
        "--cooldown",
        type=_or_off("duration", _seconds),
        help="No entry in a symbol for so long after a stop-loss, such as 30m.",
    ),
    click.option(
        "--stale-after",
        type=_or_off("duration", _seconds),
        default="60s",
        show_default=True,
        help="No entry when nothing was heard of the symbol for so long, or off.",
    ),
    click.option(
        "--max-price-deviation",
        type=_or_off("percent", _percent),
        default="5%",
        show_default=True,
        help="No entry priced so many percent above the market, or off.",
    ),
)
"""A decorator; a breached limit stops entries, never exits."""


hand_options = stacked(
    click.option(
        "--real-money", is_flag=True, help="Take orders for a venue of real money, after a typed confirmation."
    ),
    click.option(
        "--max-order",
        type=_or_off("amount", _amount),
        default="10000",
        show_default=True,
        help="Largest order by hand or by a signal, in quote asset, or off.",
    ),
    click.option(
        "--max-price-deviation",
        type=_or_off("percent", _percent),
        default="5%",
        show_default=True,
        help="No order by hand priced so many percent worse than the last trade, or off.",
    ),
    click.option(
        "--max-orders-per-minute",
        type=_or_off("number", _count),
        default="20",
        show_default=True,
        help="Most orders by hand and by signals in any 60 seconds, or off.",
    ),
)
"""A decorator; what no order of the web desk may be."""


def limits_of(
    *,
    max_order: Decimal | None,
    max_position: Decimal | None,
    max_orders_per_minute: int | None,
    max_daily_loss: LossLimit | None,
    max_drawdown: Decimal | None,
    cooldown: float | None,
    stale_after: float | None,
    max_price_deviation: Decimal | None,
) -> SafetyLimits:
    """Make limits of the options. Raises ConfigError."""
    from bt_run.run.safety_limits import SafetyLimits

    return SafetyLimits(
        max_order=max_order,
        max_position=max_position,
        max_orders_per_minute=max_orders_per_minute,
        max_daily_loss=max_daily_loss,
        max_drawdown_pct=max_drawdown,
        cooldown_s=cooldown,
        stale_after_s=stale_after,
        max_price_deviation_pct=max_price_deviation,
    )


SAFETY_KEYS = tuple(inspect.signature(limits_of).parameters)
"""Names of the options, to pick them out of a command's keyword arguments."""
