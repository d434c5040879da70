"""
Run one strategy's decisions over bars and keep a few sums: what a sweep wants of each of its thousands of runs.

The loop is that of `bt_run.fast.kernel`, with the same steps and so with the same floats. It writes no curve:
the deepest fall is found on the way, and only the equity at the ends of the days is kept.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bt_run.core.run_sums import RunSums, Tally
from bt_run.fast.compiled import compiled, compiled_apart
from bt_run.fast.decisions import Decisions, decisions_of, next_decision, weigh, weigh_levels
from bt_run.fast.falls import Blocks, Falls, blocks_of, deepest_fall, walk
from bt_run.fast.kernel import Prices, bar_at
from bt_run.fast.steps import Order, decide, equity_at, flat, is_idle, work_bar
from bt_run.fast.tallies import tally_returns, tally_trades
from strategies.base import Signals, decision_codes

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from bt_run.core.market import Bars, FloatArray
    from bt_run.fast.steps import Terms, Worked
    from strategies.levels import Levels

    Flags = npt.NDArray[np.bool_]
    Places = npt.NDArray[np.int64]

__all__ = ["SweepBars"]

_WIDTH = 6  # of a row of `RunSums.trades`
_SUMS = 14  # of a run, as `_sum_up_each` lays them down


class SweepBars:
    """
    The bars of a sweep, ready for its runs.

    Args:
        bars: At least one.
        ends: Positions of the last bar of each day, ascending, the last of them n - 1.
        is_compiled: Whether to run machine code, which pays where there is much to do. It lets other threads
            run meanwhile, and makes a tally of each run.
    """

    def __init__(self, bars: Bars, ends: Places, *, is_compiled: bool) -> None:
        columns = (bars.open, bars.high, bars.low, bars.close)
        blocks = blocks_of(bars.close)
        self.is_compiled = is_compiled
        self._prices = Prices(*columns) if is_compiled else Prices(*(column.tolist() for column in columns))
        self._blocks = blocks if is_compiled else Blocks(*(np.asarray(column).tolist() for column in blocks))
        self._ends = ends
        self._close = bars.close

    def sum_up(self, flags: Flags, *, cash: float, terms: Terms) -> list[RunSums]:
        """
        Run one strategy after another.

        Args:
            flags: The signals of each, shape (runs, 2, n) or, where shorts are allowed, (runs, 4, n): long
                entry, long exit, short entry, short exit.
            cash: To start with, > 0.
            terms: Costs, stake and protection.
        """
        if not self.is_compiled:
            return [self._sum_up_plain(each, cash, terms) for each in flags]
        nothing = np.empty(0)
        return self._sum_up_compiled(flags, _Cuts(self._close, nothing, nothing), cash, terms)

    def sum_up_levels(
        self, levels: Iterable[Levels], *, allow_short: bool, cash: float, terms: Terms
    ) -> list[RunSums]:
        """
        Run one strategy of levels after another, in machine code; see `sum_up`.

        Args:
            levels: Contiguous curves of n bars; those of one curve should follow each other.
            allow_short: Whether shorts are allowed.
            cash: To start with, > 0.
            terms: Costs, stake and protection.
        """
        flags = np.empty((0, 4 if allow_short else 2, len(self._close)), dtype=np.bool_)
        found: list[RunSums] = []
        for _, same in groupby(levels, key=lambda each: id(each.curve)):
            some = [*same]
            lows = np.array([each.low for each in some], dtype=np.float64)
            highs = np.array([each.high for each in some], dtype=np.float64)
            found += self._sum_up_compiled(flags, _Cuts(some[0].curve, lows, highs), cash, terms)
        return found

    def _sum_up_plain(self, flags: Flags, cash: float, terms: Terms) -> RunSums:
        codes = decision_codes(Signals(*flags), allow_short=len(flags) == 4)
        closes, trades = np.empty(len(self._ends)), np.empty((64, _WIDTH))
        decisions = decisions_of(codes, is_compiled=False)
        found = _sum_up(self._prices, self._blocks, decisions, cash, terms, self._ends, closes, trades, 0)
        trades, rows, falls, final, held, open_fee = found
        return RunSums(closes, trades[:rows], final, falls.highest, deepest_fall(falls), held, open_fee)

    def _sum_up_compiled(self, flags: Flags, cuts: _Cuts, cash: float, terms: Terms) -> list[RunSums]:
        runs, days = max(len(flags), len(cuts.lows)), len(self._ends)
        closes, returns, sums = np.empty((runs, days)), np.empty((runs, days)), np.empty((runs, _SUMS))
        room = decisions_of(np.empty(flags.shape[2], dtype=np.uint8), is_compiled=True)
        told = self._prices, self._blocks, flags.view(np.uint8), cuts, room, cash, terms, self._ends
        all_trades = compiled(_sum_up_each)(*told, closes, returns, sums)
        found, first = [], 0
        for run, row in enumerate(sums.tolist()):
            until, count = int(row[0]), int(row[6])
            final, highest, fall, held, open_fee = row[1:6]
            total, squares, growth, largest, won, gained, lost = row[7:]
            tally = Tally(returns[run, :count], total, squares, growth, largest, int(won), gained, lost)
            trades = all_trades[first:until]
            found.append(RunSums(closes[run], trades, final, highest, fall, int(held), open_fee, tally))
            first = until
        return found


class _Cuts(NamedTuple):
    """One curve, read-only, and the two levels of each run; no levels where the runs have flags."""

    curve: FloatArray
    lows: FloatArray
    highs: FloatArray


class _Entry(NamedTuple):
    """How what is held was entered; the fee is 0 where nothing is."""

    bar: int
    size: float
    price: float
    fee: float


def _sum_up_each(  # noqa: PLR0917  # numba's functions are called by position
    prices: Prices,
    blocks: Blocks,
    flags: npt.NDArray[np.uint8],
    cuts: _Cuts,
    room: Decisions,
    cash: float,
    terms: Terms,
    ends: Places,
    closes: FloatArray,
    returns: FloatArray,
    sums: FloatArray,
) -> FloatArray:
    """
    Run one strategy after another; gives the trades of all.

    Fills `closes`, `returns` and `sums`, a row a run: the row of the trades after the run's last, then the
    fields of RunSums and of Tally in their order. `room` is for the decisions of one run.
    """
    trades = np.empty((64, _WIDTH))
    rows = 0
    for run in range(len(sums)):
        if len(cuts.lows) > 0:
            weigh_levels(cuts.curve, cuts.lows[run], cuts.highs[run], flags.shape[1], room.codes)
        else:
            weigh(flags[run], room.codes)
        first = rows
        trades, rows, falls, final, held, open_fee = _sum_up(
            prices, blocks, room, cash, terms, ends, closes[run], trades, rows
        )
        count, total, squares, growth, largest = tally_returns(cash, closes[run], returns[run])
        won, gained, lost = tally_trades(trades, first, rows)
        found = (
            float(rows), final, falls.highest, deepest_fall(falls), float(held), open_fee,
            float(count), total, squares, growth, largest, float(won), gained, lost,
        )  # fmt: skip
        for column in range(_SUMS):
            sums[run, column] = found[column]
    return trades


@compiled_apart
def _sum_up(  # noqa: PLR0917  # numba's functions are called by position
    prices: Prices,
    blocks: Blocks,
    decisions: Decisions,
    cash: float,
    terms: Terms,
    ends: Places,
    closes: FloatArray,
    trades: FloatArray,
    rows: int,
) -> tuple[FloatArray, int, Falls, float, int, float]:
    """Run one strategy; fills `closes`, adds to the `rows` of `trades`; gives these and the rest of RunSums."""
    close, codes = prices.close, decisions.codes
    account = flat(cash)
    order = Order(False, 0.0)
    entry = _Entry(0, 0.0, 0.0, 0.0)
    falls = Falls(cash, cash, 0.0)
    held = day = bar = 0
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
