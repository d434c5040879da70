"""The symbols that are traded: their rules, fees and prices."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, exact
from brokers.filter_checks import too_small_to_sell

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.gateway import FeeRates, Gateway
    from brokers.holdings import Holding

__all__ = ["Markets"]


class Markets:
    """
    Rules and fees as the exchange told them at the start, or when last asked; prices as they are now.

    Whether a symbol trades is left to the exchange: what was true at the start is not true for long.

    A price source is asked each time and may not know: None. Then the last trade of ours counts.
    """

    def __init__(self, gateway: Gateway, fee_price: Callable[[str], Decimal | None] | None = None) -> None:
        self._gateway = gateway
        self._ask_fee_price = fee_price
        self._sources: dict[str, list[Callable[[], float | None]]] = {}
        self._told: dict[str, tuple[float, Decimal]] = {}
        self._last_fill: dict[str, Decimal] = {}
        self.filters: dict[str, SymbolFilters] = {}
        self.fees: dict[str, FeeRates] = {}

    def open(self, symbol: str, source: Callable[[], float | None] | None = None) -> None:
        """Ask for a symbol's rules and fees, once; add a price source. Raises ExchangeError."""
        if symbol not in self.filters:
            self.read_rules(symbol)
            self.fees[symbol] = self._gateway.fees(symbol)
        if source is not None:
            self._sources.setdefault(symbol, []).append(source)

    def read_rules(self, symbol: str) -> bool:
        """Ask for a symbol's rules; tells whether they are others than before. Raises ExchangeError."""
        before = self.filters.get(symbol)
        self.filters[symbol] = replace(self._gateway.filters(symbol), status="")
        return self.filters[symbol] != before

    def close_sources(self) -> None:
        """Forget the price sources: those of the next run are other objects."""
        self._sources.clear()

    def saw_trade(self, symbol: str, price: Decimal) -> None:
        """Remember the price of a trade of ours."""
        self._last_fill[symbol] = price

    def price(self, symbol: str) -> Decimal | None:
        """Give the price now, quote asset; None where nobody knows any."""
        for source in self._sources.get(symbol, ()):
            told = source()
            if told is not None and math.isfinite(told) and told > 0:
                return self._exact(symbol, float(told))
        return self._last_fill.get(symbol)

    def _exact(self, symbol: str, told: float) -> Decimal:
        """Give a price as a decimal; an order asks for the same one some ten times on its way out."""
        known = self._told.get(symbol)
        if known is None or known[0] != told:
            known = self._told[symbol] = (told, exact(told))
        return known[1]

    def value_price(self, holding: Holding) -> Decimal:
        """Give a price to value a holding with: the price now, else what was paid."""
        return self.price(holding.symbol) or holding.average_price or ZERO

    def fee_price(self, asset: str, quote_asset: str) -> Decimal | None:
        """Give the price of a fee's asset, such as BNB; None where not known."""
        if self._ask_fee_price is not None:
            return self._ask_fee_price(asset)
        return self.price(asset + quote_asset)

    def shown(self, symbol: str, quantity: Decimal, price: Decimal | None) -> Decimal:
        """
        Give the position that a strategy sees: what can be sold, 0 where the exchange takes no order so small.

        Else a strategy that enters only from flat would wait for ever for a rest that nobody can sell.
        """
        if too_small_to_sell(self.filters[symbol], max(ZERO, quantity), price) is not None:
            return ZERO
        return self.visible(symbol, quantity)

    def visible(self, symbol: str, quantity: Decimal) -> Decimal:
        """Give what can be sold of a holding: rounded down to the step of market orders."""
        return self.filters[symbol].round_quantity(max(ZERO, quantity), "MARKET")
