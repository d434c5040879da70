"""How much an amount buys, after fees and under the exchange's rules, and what is the least that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, exact, plus, ratio, text_of, times
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from brokers.filters import SymbolFilters

__all__ = ["Sizing", "break_even", "check_invest", "least_amount", "size_for"]

_ONE = Decimal(1)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Sizing:
    """
    What an amount buys: `quantity` in base asset, `cost` and `fee` in quote asset, cost + fee <= the amount.

    `quantity` is 0 where the amount has become too small at this price.
    """

    quantity: Decimal
    cost: Decimal
    fee: Decimal


def size_for(amount: Decimal, *, price: float, filters: SymbolFilters, fee: Decimal) -> Sizing:
    """
    Size a market order of `amount` > 0 in quote asset at `price` > 0, fee included, rounded down to the lot.

    Args:
        amount: What may be spent, the fee with it.
        price: Quote asset for one of base asset.
        filters: The symbol's.
        fee: Of the traded value, 0.001 for 0.1 %.
    """
    at = exact(price)
    quantity = filters.round_quantity(ratio(amount, times(at, plus(_ONE, fee))), "MARKET")
    if quantity < _least_quantity(filters, at):
        quantity = ZERO
    highest = [rule.maximum for rule in (filters.lot, filters.market_lot) if rule and rule.maximum]
    quantity = min([quantity, *highest])
    cost = times(at, quantity)
    return Sizing(quantity, cost, times(cost, fee))


def least_amount(*, price: float, filters: SymbolFilters, fee: Decimal) -> Decimal:
    """Give the smallest amount in quote asset that buys anything at this price, its fee included."""
    at = exact(price)
    exactly = times(times(_least_quantity(filters, at), at), plus(_ONE, fee))
    unit = _CENT if exactly >= 1 else Decimal(1).scaleb(exactly.adjusted() - 3)
    return exactly.quantize(unit, rounding=ROUND_CEILING) if exactly else unit


def check_invest(amount: Decimal, *, price: float, filters: SymbolFilters, fee: Decimal) -> None:
    """
    Check that the amount buys something now.

    Raises:
        ConfigError: it is below the exchange's minimum; says which.
    """
    least = least_amount(price=price, filters=filters, fee=fee)
    if amount < least:
        quote = filters.quote_asset
        raise ConfigError(
            f"{text_of(amount)} {quote} is below the minimum of {filters.symbol}: at {price:,.8g} the exchange "
            f"takes no order below {text_of(least)} {quote}, fee included. Invest at least that."
        )


def break_even(price: float, *, is_long: bool, fee: Decimal) -> float:
    """Give the price at which a round trip from `price` ends without gain or loss, fees on both sides paid."""
    rate = float(fee)
    return price * (1 + rate) / (1 - rate) if is_long else price * (1 - rate) / (1 + rate)


def _least_quantity(filters: SymbolFilters, price: Decimal) -> Decimal:
    """Give the smallest quantity that passes lot and notional, a multiple of the step."""
    needed = [rule.minimum for rule in (filters.lot, filters.market_lot) if rule is not None]
    needed += [ratio(rule.minimum, price) for rule in filters.notional if rule.minimum_to_market]
    step = filters.step_of("MARKET")
    least = max([step, *needed])
    steps = ratio(least, step).to_integral_value(rounding=ROUND_CEILING)
    return times(steps, step)
