"""Stop-loss and take-profit as orders of the exchange: levels, legs, and whether the symbol can do them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.amounts import exact, minus, plus, ratio, times
from brokers.filter_checks import check
from brokers.live.drafts import Draft
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from brokers.filters import SymbolFilters
    from bt_run.core.settings import Protection

__all__ = ["GAP_PCT", "Levels", "check_protection", "is_too_far", "legs_of", "levels_of", "tells_passed"]

GAP_PCT = Decimal(1)
"""How far below its trigger a stop's limit lies where the symbol takes no stop at market, percent."""

_HUNDRED = Decimal(100)
_AT_ONCE = ("immediately", "relationship")  # what Binance says of a level that the price has passed


@dataclass(frozen=True, slots=True)
class Levels:
    """Where a holding is closed: `stop` and `target` in quote asset, `trailing` in basis points; None: not."""

    stop: Decimal | None
    target: Decimal | None
    trailing: int | None


def levels_of(protection: Protection, average_price: Decimal, filters: SymbolFilters) -> Levels:
    """Reckon the levels from the average price, rounded to the tick (up: a stop a tick earlier)."""

    def level(percent: float | None, sign: int) -> Decimal | None:
        if percent is None:
            return None
        share = plus(_HUNDRED, times(exact(percent), Decimal(sign)))
        return filters.round_price(ratio(times(average_price, share), _HUNDRED), "SELL")

    return Levels(
        level(protection.stop_loss_pct, -1),
        level(protection.take_profit_pct, 1),
        _points(protection.trailing_stop_pct),
    )


def legs_of(levels: Levels, quantity: Decimal, filters: SymbolFilters) -> tuple[Draft | None, Draft | None]:
    """Give (stop, target) for a long holding of `quantity`; None for what is not wished."""
    stop = target = None
    if levels.trailing is not None:
        stop = Draft("SELL", "STOP_LOSS", quantity, trailing_delta=levels.trailing)
    elif levels.stop is not None and "STOP_LOSS" in filters.order_types:
        stop = Draft("SELL", "STOP_LOSS", quantity, stop_price=levels.stop)
    elif levels.stop is not None:
        below = ratio(times(levels.stop, minus(_HUNDRED, GAP_PCT)), _HUNDRED)
        limit = filters.round_price(below, "SELL")
        stop = Draft(
            "SELL", "STOP_LOSS_LIMIT", quantity, price=limit, stop_price=levels.stop, time_in_force="GTC"
        )
    if levels.target is not None:
        target = Draft("SELL", "LIMIT", quantity, price=levels.target, time_in_force="GTC")
    return stop, target


def is_too_far(target: Decimal | None, price: Decimal | None, filters: SymbolFilters) -> bool:
    """
    Tell whether a target lies so far above the market that the exchange refuses it.

    By the last price, where the exchange takes its average: an estimate. Without a price it is not too far.
    """
    if target is None or price is None:
        return False
    return any(target > times(price, rule.sell_up) for rule in filters.percent_price)


def tells_passed(reason: str) -> bool:
    """Tell whether the exchange refused an order because the price is beyond its level already."""
    return any(word in reason.lower() for word in _AT_ONCE)


def check_protection(protection: Protection, filters: SymbolFilters) -> str:
    """
    Check at the start that the symbol can hold the protection; gives a sentence where it does so otherwise.

    Raises ConfigError: better no run than a holding that cannot be protected.
    """
    symbol, has_stop = filters.symbol, "STOP_LOSS" in filters.order_types
    stop = protection.stop_loss_pct is not None or protection.trailing_stop_pct is not None
    if stop and protection.take_profit_pct is not None and not filters.is_oco_allowed:
        raise ConfigError(
            f"{symbol} takes no OCO lists, so a stop and a take-profit cannot hold one position. "
            f"Give one of them."
        )
    if protection.trailing_stop_pct is not None:
        points = _points(protection.trailing_stop_pct)
        if not has_stop:
            raise ConfigError(f"{symbol} takes no stop at market, so no trailing stop. Use a stop-loss.")
        sample = Draft("SELL", "STOP_LOSS", trailing_delta=points, quantity=filters.step_of("STOP_LOSS"))
        found = [
            broken
            for broken in check(filters, sample.order("sample", symbol))
            if broken.filter in ("TRAILING_DELTA", "allowTrailingStop")
        ]
        if found:
            raise ConfigError(f"The trailing stop cannot be placed for {symbol}. {found[0]}")
        return ""
    if protection.stop_loss_pct is None or has_stop:
        return ""
    if "STOP_LOSS_LIMIT" not in filters.order_types:
        raise ConfigError(f"{symbol} takes no stop orders at all. Trade it without a stop-loss.")
    return (
        f"{symbol} takes no stop at market. The stop-loss is a stop-limit whose limit lies {GAP_PCT} % "
        f"below its trigger: in a faster fall it rests unfilled."
    )


def _points(percent: float | None) -> int | None:
    if percent is None:
        return None
    points = times(exact(percent), _HUNDRED)
    if points != points.to_integral_value():
        raise ConfigError(
            f"A trailing stop of {percent:g} % cannot be placed: Binance takes whole basis points, "
            f"steps of 0.01 %."
        )
    return int(points)
