"""
Run one strategy's decisions over bars and keep a few sums: what a sweep wants of each of its thousands of runs.

The loop is that of `bt_run.fast.kernel`, with the same steps and so with the same floats. It writes no curve:
the deepest fall is found on the way, and only the equity at the ends of the days is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bt_run.fast.compiled import compiled
from bt_run.fast.decisions import decisions_of, next_decision
from bt_run.fast.falls import Blocks, Falls, blocks_of, deepest_fall, walk
from bt_run.fast.kernel import Prices, bar_at
from bt_run.fast.steps import Order, decide, equity_at, flat, is_idle, work_bar

if TYPE_CHECKING:
    import numpy.typing as npt

    from bt_run.core.market import Bars, FloatArray
    from bt_run.fast.decisions import Decisions
    from bt_run.fast.steps import Terms, Worked

    Places = npt.NDArray[np.int64]

__all__ = ["TRADE_COLUMNS", "RunSums", "SweepBars"]

TRADE_COLUMNS = ("entry_bar", "exit_bar", "pnl", "pnl_pct", "entry_fee", "exit_fee")
"""What a row of `RunSums.trades` holds; pnl is after fees, as `brokers.ledger` counts it."""
_WIDTH = 6


@dataclass(frozen=True, slots=True, eq=False)
class RunSums:
    """
    What is kept of a run.

    `closes`: equity at the ends of the days, shape (days,). `trades`: closed ones, shape (k, 6), columns as in
    TRADE_COLUMNS. `final` and `highest`: equity at the last close, and the most of any close, at least the
    cash. `fall`: the deepest fall below the highest equity so far, as a share of it. `held`: bars at whose
    close a position was held. `open_fee`: paid for the entry of what is held at the end.
    """

    closes: FloatArray
    trades: FloatArray
    final: float
    highest: float
    fall: float
    held: int
    open_fee: float


class SweepBars:
    """
    The bars of a sweep, ready for its runs.

    Args:
        bars: At least one.
        ends: Positions of the last bar of each day, ascending, the last of them n - 1.
        is_compiled: Whether to run machine code, which pays where there is much to do.
    """

    def __init__(self, bars: Bars, ends: Places, *, is_compiled: bool) -> None:
        columns = (bars.open, bars.high, bars.low, bars.close)
        blocks = blocks_of(bars.close)
        self._is_compiled = is_compiled
        self._prices = Prices(*columns) if is_compiled else Prices(*(column.tolist() for column in columns))
        self._blocks = blocks if is_compiled else Blocks(*(np.asarray(column).tolist() for column in blocks))
        self._ends = ends

    def sum_up(self, codes: npt.NDArray[np.uint8], *, cash: float, terms: Terms) -> RunSums:
        """Run the decisions of `strategies.base.decision_codes`, shape (n,), with `cash` > 0 to start with."""
        closes = np.empty(len(self._ends))
        decisions = decisions_of(codes, is_compiled=self._is_compiled)
        work = compiled(_sum_up) if self._is_compiled else _sum_up
        found = work(self._prices, self._blocks, decisions, float(cash), terms, self._ends, closes)
        trades, rows, falls, final, held, open_fee = found
        return RunSums(closes, trades[:rows], final, falls[0], deepest_fall(Falls(*falls)), held, open_fee)


class _Entry(NamedTuple):
    """How what is held was entered; the fee is 0 where nothing is."""

    bar: int
    size: float
    price: float
    fee: float


def _sum_up(  # noqa: PLR0917  # numba's functions are called by position
    prices: Prices,
    blocks: Blocks,
    decisions: Decisions,
    cash: float,
    terms: Terms,
    ends: Places,
    closes: FloatArray,
) -> tuple[FloatArray, int, Falls, float, int, float]:
    """Run one strategy; fills `closes`; gives the rest of RunSums."""
    close, codes = prices.close, decisions.codes
    trades = np.empty((64, _WIDTH))
    account = flat(cash)
    order = Order(False, 0.0)
    entry = _Entry(0, 0.0, 0.0, 0.0)
    falls = Falls(cash, cash, 0.0)
    rows = held = day = bar = 0
    while bar < len(codes):
        if not is_idle(order, account, terms):
            account, worked = work_bar(account, order, close[bar - 1], bar_at(prices, bar), terms)
            if rows + 2 > len(trades):
                trades = _longer(trades)
            rows, entry = _book(trades, rows, bar, order, worked, entry, terms)
        order = decide(codes[bar], account, close[bar], terms)
        first = bar
        bar += 1
        if is_idle(order, account, terms):
            bar = next_decision(decisions, bar, account.size)
        if account.size != 0.0:
            held += bar - first
            falls = walk(account, close, blocks, first, bar, falls)
        else:
            falls = walk(account, close, blocks, first, first + 1, falls)  # the others are the same
        while day < len(ends) and ends[day] < bar:
            closes[day] = equity_at(account, close[ends[day]])
            day += 1
    return trades, rows, falls, equity_at(account, close[len(codes) - 1]), held, entry.fee


def _longer(trades: FloatArray) -> FloatArray:
    longer = np.empty((2 * len(trades), _WIDTH))
    for row in range(len(trades)):  # loops, because numba takes seconds to compile an assignment of slices
        for column in range(_WIDTH):
            longer[row, column] = trades[row, column]
    return longer


def _book(  # noqa: PLR0917
    trades: FloatArray, rows: int, bar: int, order: Order, worked: Worked, entry: _Entry, terms: Terms
) -> tuple[int, _Entry]:
    """Write down the trades that ended at a bar; gives the number of rows, and how what is held was entered."""
    if worked.left != 0.0:
        _close_trade(trades, rows, entry, bar, worked.left, terms)
        rows += 1
        entry = _Entry(0, 0.0, 0.0, 0.0)
    if worked.entered != 0.0:
        fee = abs(order.enter) * terms.commission * worked.entered
        entry = _Entry(bar, order.enter, worked.entered, fee)
    if worked.guarded != 0.0:
        _close_trade(trades, rows, entry, bar, worked.guarded, terms)
        rows += 1
        entry = _Entry(0, 0.0, 0.0, 0.0)
    return rows, entry


def _close_trade(  # noqa: PLR0917
    trades: FloatArray, row: int, entry: _Entry, bar: int, price: float, terms: Terms
) -> None:
    """Write down a trade with the float steps of `brokers.ledger`."""
    size = entry.size
    basis = size * entry.price / size
    fee = abs(size) * terms.commission * price
    pnl = size * (price - basis) - (entry.fee + fee)
    trades[row, 0] = entry.bar
    trades[row, 1] = bar
    trades[row, 2] = pnl
    trades[row, 3] = pnl / (abs(size) * entry.price) * 100.0
    trades[row, 4] = entry.fee
    trades[row, 5] = fee
