"""The books with which a run begins."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from brokers.amounts import ZERO, exact, text_of, times
from brokers.holdings import Ledger
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.reconciling.views import Balance

__all__ = ["new_ledger"]


def new_ledger(
    filters: Mapping[str, SymbolFilters],
    balances: Mapping[str, Balance],
    *,
    cash: Decimal | float | str | None,
    adopt_position: Mapping[str, tuple[Any, Any]],
) -> Ledger:
    """
    Open new books: `cash` of the free quote asset (None: all of it), and the holdings that are adopted.

    Raises ConfigError where the account has less, or the symbols are not of one quote asset.
    """
    quotes = sorted({rules.quote_asset for rules in filters.values()})
    if len(quotes) != 1:
        raise ConfigError(f"The symbols are paid in {', '.join(quotes)}; give symbols of one quote asset.")
    quote = quotes[0]
    free = balances[quote].free if quote in balances else ZERO
    own = free if cash is None else exact(cash)
    if own > free:
        raise ConfigError(
            f"The account has {text_of(free)} {quote} free, less than the cash of {text_of(own)} to start with."
        )
    ledger = Ledger(quote, own)
    for symbol, (quantity, price) in adopt_position.items():
        if symbol not in filters:
            raise ConfigError(f"adopt_position names {symbol}, which no data feed trades.")
        base = filters[symbol].base_asset
        adopted, there = exact(quantity), balances[base].free if base in balances else ZERO
        if not 0 < adopted <= there:
            raise ConfigError(
                f"adopt_position takes {text_of(adopted)} {base}; the account has {text_of(there)} free."
            )
        ledger = ledger.with_symbol(symbol, base, quote)
        cost = times(adopted, exact(price))
        holding = replace(ledger.holding(symbol), quantity=adopted, cost=cost)
        ledger = replace(ledger, holdings=MappingProxyType({**ledger.holdings, symbol: holding}))
    return ledger
