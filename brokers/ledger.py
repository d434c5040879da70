"""
From fills to trades, from flat to flat, as Backtrader counts them.

Follows backtrader 1.9.78.123: ``position.py`` for the average price, ``trade.py`` for profit, ``strategy.py``
(``_addnotification``) for the moment a trade ends and the next begins.

- A fill that adds to a holding averages its price, weighted by quantity. A fill that takes from it leaves the
  price of the rest alone and earns ``quantity * (fill price - average price)``.
- A fill that crosses zero closes one trade and opens the next; its fee is split in proportion to quantity.
- Sizes are floats: 0.1 + 0.2 - 0.3 leaves 5.6e-17. Backtrader holds that dust open and counts what follows into
  the same trade. Here a rest of at most `DUST` of the trade's largest holding is flat: the trade ends, and dust
  never opens one. This is the only difference from Backtrader; what it drops is less than the rounding of
  equity. It does not occur with ``close()``, which sells exactly what is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.results import OpenPosition, Trade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import Bars, FloatArray
    from bt_run.core.results import Fill, Side

__all__ = ["DUST", "round_trips"]

DUST = 1e-12
"""The share of a trade's largest holding that is rounding, not a position; float sums err by 1e-16 a term."""


@dataclass(slots=True)
class _Trip:
    """A trade that is being added up; `held` is signed, the quantities and values are not."""

    entry: Fill
    held: float = 0.0
    price: float = 0.0
    basis: float = 0.0
    largest: float = 0.0
    entered: float = 0.0
    entry_value: float = 0.0
    left: float = 0.0
    exit_value: float = 0.0
    pnl: float = 0.0
    fees: float = 0.0

    @property
    def side(self) -> Side:
        return "long" if self.held > 0 else "short"

    def add(self, size: float, price: float, fee: float) -> None:
        """Enter, or add to the holding."""
        before = self.held
        self.held += size
        self.price = (before * self.price + size * price) / self.held if before else price
        self.basis = (before * self.basis + size * price) / self.held  # Backtrader: profit follows this
        self.largest = max(self.largest, abs(self.held))
        self.entered += abs(size)
        self.entry_value += abs(size) * price
        self.fees += fee

    def take(self, size: float, price: float, fee: float) -> None:
        """Leave, wholly or in part; `size` is signed against the holding."""
        self.pnl += -size * (price - self.basis)
        self.held += size
        self.left += abs(size)
        self.exit_value += abs(size) * price
        self.fees += fee

    @property
    def is_flat(self) -> bool:
        return abs(self.held) <= DUST * self.largest


@dataclass(frozen=True, slots=True)
class _Closed:
    """A finished trip with the fill that finished it."""

    trip: _Trip
    side: Side
    exit: Fill


def round_trips(fills: Sequence[Fill], bars: Bars) -> tuple[tuple[Trade, ...], OpenPosition | None]:
    """
    Turn fills, oldest first, into closed trades and what is still held.

    The sum of every trade's ``pnl`` and of the open position's is the change of equity at the last close.
    ``pnl_pct`` is in percent of the cost of all entries (their quantity times price, without fees).

    ``mae_pct`` and ``mfe_pct`` look at the high and low of the bars from the entry bar up to, not including,
    the exit bar; of the exit bar they count the open and the exit price alone, because nobody knows
    whether its high and low came before the exit or after. The entry bar counts whole, because market orders
    fill at its open; an entry by a limit or stop order inside a bar may thus show what came before it.

    Args:
        fills: Executions; `bar` in 0..n-1, ascending.
        bars: The bars of the run, n >= 1 where there are fills.

    Returns:
        Trades by exit, and the open position or None. Without fills: ``((), None)``.
    """
    closed: list[_Closed] = []
    trip: _Trip | None = None
    for fill in fills:
        trip = _apply(fill, trip, closed)
    return _trades(closed, bars), _open_position(trip, bars)


def _apply(fill: Fill, trip: _Trip | None, closed: list[_Closed]) -> _Trip | None:
    """Add one fill to the open trip, finish it where the fill does, and give the trip that is open after it."""
    if not fill.size:
        return trip
    if trip is None:
        trip = _Trip(fill)
        trip.add(fill.size, fill.price, fill.fee)
        return trip
    if (trip.held > 0) == (fill.size > 0):
        trip.add(fill.size, fill.price, fill.fee)
        return trip
    rest = trip.held + fill.size
    side = trip.side
    if abs(rest) <= DUST * trip.largest or (rest > 0) == (trip.held > 0):
        trip.take(fill.size, fill.price, fill.fee)
        if not trip.is_flat:
            return trip
        closed.append(_Closed(trip, side, fill))
        return None
    share = abs(trip.held / fill.size)
    trip.take(-trip.held, fill.price, fill.fee * share)
    closed.append(_Closed(trip, side, fill))
    reverse = _Trip(fill)
    reverse.add(rest, fill.price, fill.fee * (1.0 - share))
    return reverse


def _trades(closed: list[_Closed], bars: Bars) -> tuple[Trade, ...]:
    if not closed:
        return ()
    low, high = _extremes(closed, bars)
    return tuple(_trade(item, low[row], high[row]) for row, item in enumerate(closed))


def _trade(item: _Closed, low: float, high: float) -> Trade:
    trip = item.trip
    entry_price = _average(trip.entry_value, trip.entered, trip.entry)
    fall = min(0.0, (low / entry_price - 1.0) * 100.0)
    rise = max(0.0, (high / entry_price - 1.0) * 100.0)
    mae, mfe = (fall, rise) if item.side == "long" else (-rise, -fall)
    pnl = trip.pnl - trip.fees
    return Trade(
        entry_ms=trip.entry.time_ms,
        exit_ms=item.exit.time_ms,
        entry_bar=trip.entry.bar,
        exit_bar=item.exit.bar,
        side=item.side,
        size=trip.largest,
        entry_price=entry_price,
        exit_price=_average(trip.exit_value, trip.left, item.exit),
        pnl=pnl,
        pnl_pct=pnl / trip.entry_value * 100.0,
        fees=trip.fees,
        entry_tag=trip.entry.tag,
        exit_reason=item.exit.tag,
        mae_pct=mae + 0.0,
        mfe_pct=mfe + 0.0,
    )


def _average(value: float, quantity: float, fill: Fill) -> float:
    """Average a price; where one fill did it all, the price as it was paid, not rounded by a division."""
    return fill.price if value == quantity * fill.price else value / quantity


def _extremes(closed: list[_Closed], bars: Bars) -> tuple[list[float], list[float]]:
    """Find the lowest and highest price of every trade; one pass over the bars for all of them."""
    entry = np.array([item.trip.entry.bar for item in closed])
    leave = np.array([item.exit.bar for item in closed])
    exit_price = np.array([item.exit.price for item in closed])
    whole = leave > entry
    # A trade of a single bar knows only its fills: the open came before or with the entry.
    first = np.where(whole, bars.open[leave], [item.trip.entry.price for item in closed])
    low = np.minimum(first, exit_price)
    high = np.maximum(first, exit_price)
    if whole.any():
        low[whole] = np.minimum(low[whole], _between(np.minimum, bars.low, entry[whole], leave[whole]))
        high[whole] = np.maximum(high[whole], _between(np.maximum, bars.high, entry[whole], leave[whole]))
    found_low: list[float] = low.tolist()
    found_high: list[float] = high.tolist()
    return found_low, found_high


def _between(choose: np.ufunc, values: FloatArray, start: np.ndarray, stop: np.ndarray) -> FloatArray:
    """Reduce ``values[start:stop]`` for every pair; pairs are ascending and do not overlap."""
    edges = np.column_stack((start, stop)).ravel()
    reduced: FloatArray = choose.reduceat(values, edges)[::2]
    return reduced


def _open_position(trip: _Trip | None, bars: Bars) -> OpenPosition | None:
    if trip is None:
        return None
    last = float(bars.close[-1])
    pnl = trip.pnl + trip.held * (last - trip.price) - trip.fees
    return OpenPosition(
        entry_ms=trip.entry.time_ms,
        entry_bar=trip.entry.bar,
        side=trip.side,
        size=abs(trip.held),
        entry_price=trip.price,
        last_price=last,
        pnl=pnl,
        pnl_pct=pnl / trip.entry_value * 100.0,
        fees=trip.fees,
        entry_tag=trip.entry.tag,
    )
