"""
Run decision codes over bars and write down what happened.

`simulate` visits only the bars at which something can happen: it jumps from a close with nothing ordered and
nothing guarded to the next decision that matters. What it gives is a list of events; fills and the account at
every bar follow from them (`bt_run.fast.books`).

A driver that wants other results, such as a sweep that keeps a few sums and no arrays, is the same loop::

    account, order, bar = flat(cash), Order(False, 0.0), 0
    while bar < len(decisions.codes):
        if not is_idle(order, account, terms):
            account, worked = work_bar(account, order, close[bar - 1], bar_at(prices, bar), terms)
            ...                                     # count what `worked` tells
        order = decide(decisions.codes[bar], account, close[bar], terms)
        bar += 1
        if is_idle(order, account, terms):
            bar = next_decision(decisions, bar, account.size)

Between two visits the account does not change, so `equity_at(account, close[k])` is the equity of every bar in
between. Written as a plain function at the top of a module of this room, ``compiled(driver)`` compiles it with
the steps it calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bt_run.fast.decisions import Decisions, next_decision
from bt_run.fast.steps import Bar, Order, Terms, decide, flat, is_idle, work_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import FloatArray

    Floats = FloatArray | Sequence[float]

__all__ = ["COLUMNS", "Prices", "bar_at", "simulate"]

COLUMNS = (
    "bar",
    "was",
    "size_before",
    "cash_before",
    "enter",
    "left",
    "entered",
    "guarded",
    "guard",
    "refused",
    "free",
    "cash",
    "size",
    "entry_price",
)
"""
What a row of events holds: the bar; the last close; what was held and the cash there was at it; the signed
size of the entry ordered at it; the fields of `bt_run.fast.steps.Worked`; cash, holding and entry price at
this close.
"""
_WIDTH = 14


class Prices(NamedTuple):
    """Prices of all bars, n of each: float64 arrays for compiled code, lists for plain Python."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


def bar_at(prices: Prices, bar: int) -> Bar:
    """Give the prices of one bar."""
    return Bar(prices.open[bar], prices.high[bar], prices.low[bar], prices.close[bar])


def simulate(prices: Prices, decisions: Decisions, cash: float, terms: Terms) -> FloatArray:
    """
    Run one strategy's decisions over bars.

    Args:
        prices: Of n bars, each > 0.
        decisions: Of the same bars.
        cash: To start with, > 0.
        terms: Costs, stake and protection.

    Returns:
        One row for every bar at which an order was filled or refused, shape (k, 14), columns as in COLUMNS.
    """
    close, codes = prices.close, decisions.codes
    events = np.empty((64, _WIDTH))
    rows = 0
    account = flat(cash)
    order = Order(False, 0.0)
    bar = 0
    while bar < len(codes):
        if not is_idle(order, account, terms):
            was, before = close[bar - 1], account
            account, worked = work_bar(before, order, was, bar_at(prices, bar), terms)
            left, entered, guarded, guard, refused, free = worked
            if refused or left != 0.0 or entered != 0.0 or guarded != 0.0:
                if rows == len(events):
                    events = _longer(events)
                happened = (
                    float(bar), was, before.size, before.cash, order.enter, left, entered, guarded,
                    float(guard), float(refused), free, account.cash, account.size, account.price,
                )  # fmt: skip
                for column in range(_WIDTH):
                    events[rows, column] = happened[column]
                rows += 1
        order = decide(codes[bar], account, close[bar], terms)
        bar += 1
        if is_idle(order, account, terms):
            bar = next_decision(decisions, bar, account.size)
    return events[:rows]


def _longer(events: FloatArray) -> FloatArray:
    longer = np.empty((2 * len(events), _WIDTH))
    for row in range(len(events)):
        for column in range(_WIDTH):  # a slice would do, and take the compiler as long as all the rest
            longer[row, column] = events[row, column]
    return longer
