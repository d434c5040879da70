"""From events to what a run gives back: fills, refused orders, and the account at every bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.results import EquityCurve, Fill, RejectedOrder
from bt_run.fast.kernel import COLUMNS
from bt_run.fast.steps import ENTER_REFUSED, LEAVE_REFUSED

if TYPE_CHECKING:
    from bt_run.core.market import Bars, FloatArray, IntArray

__all__ = ["curve_of", "fills_of", "rejected_of"]

_BARS_AT_ONCE = 1 << 14  # what is between stays in the processor's cache
_TAGS = ("signal", "stop_loss", "trailing_stop", "take_profit")
(
    _BAR, _WAS, _SIZE_BEFORE, _CASH_BEFORE, _ENTER, _LEFT, _ENTERED, _GUARDED,
    _GUARD, _REFUSED, _FREE, _CASH, _SIZE, _ENTRY_PRICE,
) = range(len(COLUMNS))  # fmt: skip


class _SteppedCurve(EquityCurve):
    """
    A curve whose cash and position are written out, bar by bar, only while somebody looks at them.

    They change with fills alone, and most runs ask for nothing but the equity: two arrays less beside the bars.
    """

    __slots__ = ("_changes", "_money", "_sizes")
    _changes: IntArray
    _money: FloatArray
    _sizes: FloatArray

    def __init__(self, equity: FloatArray, changes: IntArray, money: FloatArray, sizes: FloatArray) -> None:
        """Take what there is from each bar of `changes` on, and before the first of them; see `_spread`."""
        for name, value in (("equity", equity), ("_changes", changes), ("_money", money), ("_sizes", sizes)):
            object.__setattr__(self, name, value)

    @property
    def cash(self) -> FloatArray:
        return _spread(self._money, self._changes, 0, len(self.equity))

    @property
    def position(self) -> FloatArray:
        return _spread(self._sizes, self._changes, 0, len(self.equity))

    def holdings(self) -> tuple[FloatArray, IntArray | None]:
        """Give each size once."""
        return self._sizes, np.diff(self._changes, prepend=0, append=len(self.equity))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it says, not how it is kept."""
        return EquityCurve, (self.equity, self.cash, self.position)


def curve_of(events: FloatArray, close: FloatArray, cash: float) -> EquityCurve:
    """
    Give the account at every bar; the equity is added up as ``BackBroker._get_value`` does.

    Args:
        events: From `bt_run.fast.kernel.simulate`.
        close: Of every bar, shape (n,).
        cash: What the run started with.
    """
    changes = events[:, _BAR].astype(np.int64)
    money = np.concatenate(([cash], events[:, _CASH]))
    sizes = np.concatenate(([0.0], events[:, _SIZE]))
    entries = np.concatenate(([0.0], events[:, _ENTRY_PRICE]))
    equity = np.empty(len(close))
    for first in range(0, len(close), _BARS_AT_ONCE):
        end = min(first + _BARS_AT_ONCE, len(close))
        position = _spread(sizes, changes, first, end)
        value = position * close[first:end]
        gain = (close[first:end] - _spread(entries, changes, first, end)) * position
        gain[position < 0.0] = 0.0  # Backtrader takes the detour over the gain for longs alone
        value -= gain
        value += gain
        np.add(value, _spread(money, changes, first, end), out=equity[first:end])
    return _SteppedCurve(equity, changes, money, sizes)


def _spread(values: FloatArray, changes: IntArray, first: int, end: int) -> FloatArray:
    """
    Give a value at each of the bars first..end-1.

    Args:
        values: The first holds before the bar ``changes[0]``, each other from its change on; shape (k + 1,).
        changes: Bars, ascending, shape (k,).
        first: >= 0.
        end: > `first`, or both 0.
    """
    start, stop = np.searchsorted(changes, (first, end - 1), side="right")
    lasts = np.diff(changes[start:stop], prepend=first, append=end)
    return np.repeat(values[start : stop + 1], lasts)


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
