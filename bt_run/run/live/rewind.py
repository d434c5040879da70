"""The account as it stood at the close of a bar that came late: trades after it are taken back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brokers.amounts import minus, plus, times

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from brokers.holdings import Ledger
    from brokers.orders import Order

__all__ = ["books_at"]


def books_at(ledger: Ledger, symbol: str, orders: Iterable[Order], time_ms: int) -> tuple[Decimal, Decimal]:
    """
    Give cash and the holding of a symbol before the trades from `time_ms` on.

    Args:
        ledger: The books now.
        symbol: Whose holding.
        orders: All that may have traded since, each once.
        time_ms: The exchange's time.
    """
    holding = ledger.holding(symbol)
    cash, quantity = ledger.cash, holding.quantity
    for order in orders:
        own = ledger.holdings.get(order.symbol)
        if own is None:
            continue
        for fill in order.fills:
            if fill.time_ms < time_ms or (order.symbol, fill.trade_id) not in ledger.booked:
                continue
            value = times(fill.quantity, fill.price)
            cash = plus(cash, value) if order.side == "BUY" else minus(cash, value)
            if fill.fee_asset == own.quote_asset:
                cash = plus(cash, fill.fee)
            if order.symbol == symbol:
                change = fill.quantity if order.side == "BUY" else fill.quantity.copy_negate()
                if fill.fee_asset == own.base_asset:
                    change = minus(change, fill.fee)
                quantity = minus(quantity, change)
    return cash, quantity
