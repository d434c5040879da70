"""From events to what a run gives back: fills, refused orders, and the account at every bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.results import EquityCurve, Fill, RejectedOrder
from bt_run.fast.kernel import COLUMNS
from bt_run.fast.steps import ENTER_REFUSED, LEAVE_REFUSED

if TYPE_CHECKING:
    from bt_run.core.market import Bars, FloatArray

__all__ = ["curve_of", "fills_of", "rejected_of"]

_TAGS = ("signal", "stop_loss", "trailing_stop", "take_profit")
(
    _BAR, _WAS, _SIZE_BEFORE, _CASH_BEFORE, _ENTER, _LEFT, _ENTERED, _GUARDED,
    _GUARD, _REFUSED, _FREE, _CASH, _SIZE, _ENTRY_PRICE,
) = range(len(COLUMNS))  # fmt: skip


def curve_of(events: FloatArray, close: FloatArray, cash: float) -> EquityCurve:
    """
    Give the account at every bar; the equity is added up as ``BackBroker._get_value`` does.

    Args:
        events: From `bt_run.fast.kernel.simulate`.
        close: Of every bar, shape (n,).
        cash: What the run started with.
    """
    at = events[:, _BAR].astype(np.int64)
    lasts = np.diff(at, prepend=0, append=len(close))

    def spread(first: float, column: int) -> FloatArray:
        return np.repeat(np.concatenate(([first], events[:, column])), lasts)

    position = spread(0.0, _SIZE)
    equity = position * close
    gain = spread(0.0, _ENTRY_PRICE)
    np.subtract(close, gain, out=gain)
    gain *= position
    if (events[:, _SIZE] < 0.0).any():
        gain[position < 0.0] = 0.0  # Backtrader takes the detour over the gain for longs alone
    equity -= gain
    equity += gain
    del gain
    money = spread(cash, _CASH)
    equity += money
    return EquityCurve(equity, money, position)


def fills_of(events: FloatArray, bars: Bars, commission: float) -> tuple[Fill, ...]:
    """Give every fill, oldest first: at one bar what was left, what was entered, and what its guard closed."""
    before, enter = events[:, _SIZE_BEFORE], events[:, _ENTER]
    prices = events[:, [_LEFT, _ENTERED, _GUARDED]]
    happened = prices != 0.0
    none = np.zeros(len(events))
    sizes = np.stack((-before, enter, -np.where(happened[:, 1], enter, before)), axis=1)[happened]
    held = np.stack((none, enter, none), axis=1)[happened]
    kinds = np.stack((none, none, events[:, _GUARD]), axis=1)[happened]
    prices = prices[happened]
    fees = np.abs(sizes) * commission * prices
    at = np.repeat(events[:, _BAR].astype(np.int64), happened.sum(axis=1))
    columns = (column.tolist() for column in (at, bars.open_time[at], sizes, prices, fees, held))
    tags = [_TAGS[kind] for kind in kinds.astype(np.int64).tolist()]
    return tuple(map(Fill, *columns, tags))


def rejected_of(events: FloatArray, bars: Bars) -> tuple[RejectedOrder, ...]:
    """Give every refused order, oldest first, with the broker's words."""
    bits = events[:, _REFUSED].astype(np.int64)
    happened = np.stack((bits & LEAVE_REFUSED, bits & ENTER_REFUSED), axis=1) != 0
    sizes = np.stack((-events[:, _SIZE_BEFORE], events[:, _ENTER]), axis=1)[happened]
    free = np.stack((events[:, _CASH_BEFORE], events[:, _FREE]), axis=1)[happened]
    rows = np.repeat(np.arange(len(events)), happened.sum(axis=1))
    at = events[rows, _BAR].astype(np.int64)
    columns = (column.tolist() for column in (at, bars.open_time[at], sizes, events[rows, _WAS], free))
    return tuple(
        RejectedOrder(
            bar=bar,
            time_ms=time,
            side="buy" if size > 0 else "sell",
            size=abs(size),
            price=price,
            reason=f"not enough cash: {cash:,.2f} free when the order came to its turn",
        )
        for bar, time, size, price, cash in zip(*columns, strict=True)
    )
