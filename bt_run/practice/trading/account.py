"""
What the account owns: free and locked amounts, what stands behind open orders, and fees.

A hold stands behind an order, or behind both legs of an OCO, and is all that is ever locked. It shrinks with
every fill and goes when its order ends, so `locked` of an asset is the sum of its holds at all times.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError
from bt_run.practice.orders import Balance
from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.practice.orders import Side
    from bt_run.practice.rules import SymbolRules

__all__ = ["SMALLEST", "Account", "Hold", "holds_fee", "insufficient"]

SMALLEST = Decimal("0.00000001")
"""The smallest amount of any asset; commission is rounded to it, half up."""

_ZERO = Decimal(0)


def insufficient() -> Refusal:
    """Make Binance's refusal for want of money."""
    return Refusal(-2010, "Account has insufficient balance for requested action.")


def holds_fee(rules: SymbolRules) -> bool:
    """Tell whether a buyer pays the commission on top, in quote asset."""
    return rules.fees.pay_in in ("quote", rules.quote)


@dataclass(frozen=True, slots=True)
class Hold:
    """What is locked: `unit` of `asset` for each unit of an order's open `quantity`."""

    asset: str
    unit: Decimal
    quantity: Decimal

    @property
    def amount(self) -> Decimal:
        """Give all that it locks."""
        return self.unit * self.quantity


class Account:
    """
    The balances of one account. Amounts are never negative.

    Args:
        balances: What it starts with, by asset; each >= 0. Raises ConfigError.
    """

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        for asset, amount in balances.items():
            if not amount >= 0:
                raise ConfigError(f"The practice balance of {asset} is {amount}. Give 0 or more.")
        self.start = dict(balances)
        self.free = dict(balances)
        self.locked: dict[str, Decimal] = {}
        self.holds: dict[int, Hold] = {}
        self.changed: set[str] = set()

    def know(self, *assets: str) -> None:
        """Show these assets among the balances, with 0 where nothing is held."""
        for asset in assets:
            self.free.setdefault(asset, _ZERO)

    def balance(self, asset: str) -> Balance:
        """Give what is held of one asset."""
        return Balance(self.free.get(asset, _ZERO), self.locked.get(asset, _ZERO))

    def require(self, asset: str, amount: Decimal) -> None:
        """Raise Refusal -2010 unless so much is free."""
        if self.free.get(asset, _ZERO) < amount:
            raise insufficient()

    def add(self, asset: str, amount: Decimal) -> None:
        """Add to what is free; `amount` may be negative, but no more than is free."""
        left = self.free.get(asset, _ZERO) + amount
        if left < 0:
            raise insufficient()
        self.free[asset] = left
        self.changed.add(asset)

    def hold(self, key: int, hold: Hold) -> None:
        """Lock for an order; raises Refusal -2010."""
        self.require(hold.asset, hold.amount)
        self.holds[key] = hold
        self._lock(hold.asset, hold.amount)

    def shrink(self, key: int, quantity: Decimal) -> None:
        """Free what stood behind a part of an order's quantity, and the hold itself with the last part."""
        hold = self.holds[key]
        left = Hold(hold.asset, hold.unit, hold.quantity - quantity)
        self._lock(hold.asset, -hold.unit * quantity)
        if left.quantity > 0:
            self.holds[key] = left
        else:
            del self.holds[key]

    def release(self, key: int) -> None:
        """Free what stands behind an order, if anything does."""
        hold = self.holds.get(key)
        if hold is not None:
            self.shrink(key, hold.quantity)

    def pass_on(self, key: int, heir: int, unit: Decimal) -> None:
        """Give a hold to another key with what that one needs for each unit, at most what it has."""
        hold = self.holds.get(key)
        if hold is not None:
            self.release(key)
            self.hold(heir, Hold(hold.asset, min(unit, hold.unit), hold.quantity))

    def trade(
        self, rules: SymbolRules, side: Side, price: Decimal, quantity: Decimal, *, is_maker: bool
    ) -> tuple[Decimal, str]:
        """
        Exchange the two assets of a fill out of what is free, then pay for it.

        Returns:
            The commission (>= 0) and its asset.
        """
        value = price * quantity
        if side == "BUY":
            self.add(rules.quote, -value)
            self.add(rules.base, quantity)
        else:
            self.add(rules.base, -quantity)
            self.add(rules.quote, value)
        amount, asset = self._commission(rules, side, value, quantity, is_maker=is_maker)
        if amount:
            self.add(asset, -amount)
        return amount, asset

    def wipe(self) -> None:
        """Have what the account started with, and nothing locked."""
        assets = tuple(self.free)
        self.free = dict(self.start)
        self.know(*assets)
        self.locked = {}
        self.holds = {}

    def _lock(self, asset: str, amount: Decimal) -> None:
        self.free[asset] -= amount
        self.locked[asset] = self.locked.get(asset, _ZERO) + amount
        self.changed.add(asset)

    def _commission(
        self, rules: SymbolRules, side: Side, value: Decimal, quantity: Decimal, *, is_maker: bool
    ) -> tuple[Decimal, str]:
        fees = rules.fees
        rate = fees.maker if is_maker else fees.taker
        received = (rules.base, quantity) if side == "BUY" else (rules.quote, value)
        if holds_fee(rules):
            # The fees of many small fills may round to more than the hold set aside: never below nothing.
            most = self.free[rules.quote].quantize(SMALLEST, ROUND_DOWN)
            return min(_rounded(value * rate), most), rules.quote
        if fees.pay_in != "received":
            amount = _rounded(value * rate / fees.bnb_price)
            if self.free.get(fees.pay_in, _ZERO) >= amount:
                return amount, fees.pay_in
        return min(_rounded(received[1] * rate), received[1]), received[0]


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(SMALLEST, ROUND_HALF_UP)
