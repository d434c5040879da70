"""
The books of a live strategy: cash, holdings, profit and fees. Spot, long only, exact decimals.

Rules
-----
- The average price is that of Backtrader's positions, so live equals backtest: purchases average it, weighted
  by quantity, sales leave it alone, fees are not in it. `Holding.cost` is quantity times average price.
- `profit` is what sales earned above cost, before fees. Every fee is counted at once, on entry and on exit.
- A fee in quote asset reduces cash. A fee in base asset reduces the quantity held: who buys 1 at 100 with a fee
  of 0.001 holds 0.999 at 100, and the fee cost 0.1. What the holding does not cover comes from outside.
- A fee in another asset (BNB) comes from outside the strategy: `Ledger.outside` counts it down. Where a symbol
  of the strategy holds that asset it comes out of there: more than is left could not be sold. Its value in
  quote is known if a price is given; else it is kept in `unvalued`, and `realised` is None: not known, not 0.

Hence, to the last digit: cash + cost = cash at start + profit - fee_value + value of what came from outside.
The one division, the cost of a part sold, is rounded to 28 digits, and profit takes the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, minus, plus, ratio, text_of, times
from bt_run.core.errors import ConfigError, Oversold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from decimal import Decimal

    from brokers.order_events import Filled
    from brokers.orders import Side

__all__ = ["Booking", "Holding", "Ledger", "book"]


def _no_amounts() -> Mapping[str, Decimal]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Holding:
    """
    What a strategy holds of one symbol, and what it earned there.

    `quantity` >= 0 in base asset; `cost`, `profit`, `fee_value` in quote asset. `fees` are all fees by asset,
    `unvalued` those of them whose value in quote is not known.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    profit: Decimal = ZERO
    fee_value: Decimal = ZERO
    fees: Mapping[str, Decimal] = field(default_factory=_no_amounts)
    unvalued: Mapping[str, Decimal] = field(default_factory=_no_amounts)

    @property
    def average_price(self) -> Decimal | None:
        """What was paid on average for what is held, in quote, without fees; None where nothing is held."""
        return ratio(self.cost, self.quantity) if self.quantity else None

    @property
    def realised(self) -> Decimal | None:
        """Profit of all sales less all fees so far, in quote; None while the value of a fee is not known."""
        return None if self.unvalued else minus(self.profit, self.fee_value)

    def value(self, price: Decimal) -> Decimal:
        """Value what is held at `price`, in quote."""
        return times(self.quantity, price)

    def unrealised(self, price: Decimal) -> Decimal:
        """Give what a sale of all at `price` would earn, before its fee."""
        return minus(self.value(price), self.cost)


@dataclass(frozen=True, slots=True)
class Booking:
    """
    What one trade did: the holding after it, the change of cash (quote), and changes from outside by asset.

    `note` is a sentence where something is not known, else empty.
    """

    holding: Holding
    cash: Decimal
    outside: Mapping[str, Decimal] = field(default_factory=_no_amounts)
    note: str = ""


def book(holding: Holding, side: Side, fill: Filled, fee_price: Decimal | None = None) -> Booking:
    """
    Book one trade.

    `fee_price` is the price of the fee's asset in quote (BNBUSDT for a fee in BNB), None where not known; it is
    not needed for fees in base or quote asset.

    Raises Oversold where more is sold than is held; nothing is booked then.
    """
    traded = times(fill.quantity, fill.price)
    if side == "BUY":
        cash = traded.copy_negate()
        bought = plus(holding.quantity, fill.quantity)
        holding = replace(holding, quantity=bought, cost=plus(holding.cost, traded))
    elif fill.quantity > holding.quantity:
        held, sold = text_of(holding.quantity), text_of(fill.quantity)
        raise Oversold(holding.symbol, held=held, sold=sold, trade_id=fill.trade_id)
    else:
        cash = traded
        holding = _give_away(holding, fill.quantity, fill.price)
    return _charge(holding, cash, fill, fee_price) if fill.fee else Booking(holding, cash)


def _give_away(holding: Holding, quantity: Decimal, price: Decimal) -> Holding:
    """Take `quantity` out of the holding at `price`; what it brings above its cost is profit."""
    rest = minus(holding.quantity, quantity)
    cost = ratio(times(holding.cost, rest), holding.quantity) if rest else ZERO
    earned = minus(times(quantity, price), minus(holding.cost, cost))
    return replace(holding, quantity=rest, cost=cost, profit=plus(holding.profit, earned))


def _charge(holding: Holding, cash: Decimal, fill: Filled, fee_price: Decimal | None) -> Booking:
    """Take the fee from where it is paid."""
    fee, asset = fill.fee, fill.fee_asset
    holding = replace(holding, fees=_added(holding.fees, asset, fee))
    if asset == holding.quote_asset:
        return Booking(_valued(holding, fee), minus(cash, fee))
    if asset == holding.base_asset:
        covered = min(fee, holding.quantity)
        if covered:
            holding = _give_away(holding, covered, fill.price)
        holding = _valued(holding, times(fee, fill.price))
        uncovered = minus(covered, fee)
        return Booking(holding, cash, {asset: uncovered} if uncovered else _no_amounts())
    outside = {asset: fee.copy_negate()}
    if fee_price is not None:
        return Booking(_valued(holding, times(fee, fee_price)), cash, outside)
    note = (
        f"{holding.symbol}: trade {fill.trade_id} cost a fee of {text_of(fee)} {asset}, whose value in "
        f"{holding.quote_asset} is not known; the realised profit is not known either."
    )
    return Booking(replace(holding, unvalued=_added(holding.unvalued, asset, fee)), cash, outside, note)


def _pay(holding: Holding, owed: Decimal, price: Decimal | None) -> tuple[Holding, Decimal]:
    """Pay another symbol's fee (`owed` < 0) as far as it goes, valued at `price`; gives what is left to pay."""
    paid = min(holding.quantity, owed.copy_negate())
    worth = price if price is not None else ratio(holding.cost, holding.quantity)
    return (_give_away(holding, paid, worth) if paid else holding), plus(owed, paid)


def _valued(holding: Holding, value: Decimal) -> Holding:
    return replace(holding, fee_value=plus(holding.fee_value, value))


def _added(amounts: Mapping[str, Decimal], asset: str, amount: Decimal) -> Mapping[str, Decimal]:
    return MappingProxyType({**amounts, asset: plus(amounts.get(asset, ZERO), amount)})


@dataclass(frozen=True, slots=True)
class Ledger:
    """
    All books of a strategy: one quote asset, any number of symbols.

    `cash` is the strategy's own, in `quote_asset`, not what else lies on the account. `outside` are changes of
    other assets that the strategy caused (fees in BNB: below 0). `booked` are the trades counted so far, as
    (symbol, trade id); a trade is counted once, however often it is told.
    """

    quote_asset: str
    cash: Decimal
    holdings: Mapping[str, Holding] = field(default_factory=lambda: MappingProxyType({}))
    outside: Mapping[str, Decimal] = field(default_factory=_no_amounts)
    booked: frozenset[tuple[str, int]] = frozenset()
    notes: tuple[str, ...] = ()

    def with_symbol(self, symbol: str, base_asset: str, quote_asset: str) -> Ledger:
        """Open an empty holding; one that is there stays. Raises ConfigError for another quote asset."""
        if quote_asset != self.quote_asset:
            raise ConfigError(
                f"{symbol} is paid in {quote_asset}, the books are kept in {self.quote_asset}. "
                f"Trade symbols of one quote asset in one run."
            )
        if symbol in self.holdings:
            return self
        fresh = Holding(symbol, base_asset, quote_asset)
        return replace(self, holdings=MappingProxyType({**self.holdings, symbol: fresh}))

    def book(self, symbol: str, side: Side, fill: Filled, fee_price: Decimal | None = None) -> Ledger:
        """
        Book a trade at once; one that is booked already changes nothing.

        Raises Oversold (see `book`), and ConfigError for a symbol without a holding.
        """
        if (symbol, fill.trade_id) in self.booked:
            return self
        done = book(self.holding(symbol), side, fill, fee_price)
        after = replace(
            self,
            cash=plus(self.cash, done.cash),
            holdings=MappingProxyType({**self.holdings, symbol: done.holding}),
            booked=self.booked | {(symbol, fill.trade_id)},
            notes=(*self.notes, done.note) if done.note else self.notes,
        )
        for asset, change in done.outside.items():
            after = after.charge(asset, change, fee_price)
        return after

    def charge(self, asset: str, owed: Decimal, price: Decimal | None = None) -> Ledger:
        """Take a fee (`owed` < 0) at `price` out of what is held of its asset; the rest comes from outside."""
        holdings, left = dict(self.holdings), owed
        for held in self.holdings.values():
            if held.base_asset == asset and held.quantity:
                holdings[held.symbol], left = _pay(held, left, price)
        outside = _added(self.outside, asset, left) if left else self.outside
        return replace(self, holdings=MappingProxyType(holdings), outside=outside)

    def without(self, trades: AbstractSet[tuple[str, int]]) -> Ledger:
        """Forget that these trades were counted: for those that nobody can tell any more."""
        return replace(self, booked=self.booked - trades)

    def holding(self, symbol: str) -> Holding:
        """Give the holding of a symbol. Raises ConfigError where `with_symbol` never opened one."""
        try:
            return self.holdings[symbol]
        except KeyError:
            raise ConfigError(f"The books know no symbol {symbol!r}. Open its holding first.") from None

    def value(self, prices: Mapping[str, Decimal]) -> Decimal | None:
        """Give cash and holdings in quote at these prices by symbol; None where a price is missing."""
        total = self.cash
        for symbol, holding in self.holdings.items():
            if not holding.quantity:
                continue
            if symbol not in prices:
                return None
            total = plus(total, holding.value(prices[symbol]))
        return total
