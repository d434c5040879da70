"""The account at every bar follows from the bars at which something happened."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.results import EquityCurve
from bt_run.fast import books
from bt_run.fast.kernel import COLUMNS
from bt_run.fast.steps import Account, equity_at
from bt_run.reports.metrics import exposure_pct

CASH = 1000.0


@st.composite
def accounts(draw):
    """Give closes and, ascending, the bars after which the account was another."""
    closes = draw(st.lists(st.floats(0.01, 1000.0), min_size=1, max_size=40))
    bars = draw(st.lists(st.integers(0, len(closes) - 1), unique=True, max_size=len(closes)).map(sorted))
    number = st.floats(-100.0, 100.0)
    held = [
        Account(draw(number), draw(st.just(0.0) | number), draw(st.floats(0.01, 1000.0)), 0.0, 0.0)
        for _ in bars
    ]
    return np.array(closes), dict(zip(bars, held, strict=True))


def events_of(changes: dict[int, Account]) -> np.ndarray:
    """Write the rows that the kernel would, as far as a curve is made of them."""
    events = np.zeros((len(changes), len(COLUMNS)))
    for row, (bar, account) in zip(events, changes.items(), strict=True):
        for name, value in (("bar", bar), ("cash", account.cash), ("size", account.size)):
            row[COLUMNS.index(name)] = value
        row[COLUMNS.index("entry_price")] = account.price
    return events


@pytest.mark.parametrize("at_once", [1, 3, 1 << 14])
@given(drawn=accounts())
def test_the_curve_is_the_account_at_every_close(at_once, drawn):
    """To the last bit of what the steps add up, however many bars are reckoned at once."""
    closes, changes = drawn
    before = books._BARS_AT_ONCE
    books._BARS_AT_ONCE = at_once
    try:
        curve = books.curve_of(events_of(changes), closes, CASH)
    finally:
        books._BARS_AT_ONCE = before
    account = Account(CASH, 0.0, 0.0, 0.0, 0.0)
    expected = []
    for bar, close in enumerate(closes.tolist()):
        account = changes.get(bar, account)
        expected.append((equity_at(account, close), account.cash, account.size))

    assert expected == list(
        zip(curve.equity.tolist(), curve.cash.tolist(), curve.position.tolist(), strict=True)
    )


@given(drawn=accounts())
def test_the_share_of_bars_with_a_holding_needs_no_bar_by_bar(drawn):
    """Each size with the bars that it lasts gives the float that all bars give."""
    closes, changes = drawn
    curve = books.curve_of(events_of(changes), closes, CASH)

    assert exposure_pct(curve.position) == exposure_pct(*curve.holdings())


def test_a_curve_of_no_bars():
    """Nothing gives nothing."""
    curve = books.curve_of(np.empty((0, len(COLUMNS))), np.empty(0), CASH)

    assert [0, 0, 0] == [len(curve.equity), len(curve.cash), len(curve.position)]


def test_a_curve_is_pickled_as_any_other():
    """Another process, which may have another version, gets plain arrays."""
    curve = books.curve_of(events_of({1: Account(5.0, 2.0, 3.0, 0.0, 0.0)}), np.array([1.0, 2.0, 4.0]), CASH)
    copy = pickle.loads(pickle.dumps(curve))  # noqa: S301  # our own

    assert EquityCurve is type(copy)
    assert [[1000.0, 9.0, 13.0], [1000.0, 5.0, 5.0], [0.0, 2.0, 2.0]] == [
        copy.equity.tolist(), copy.cash.tolist(), copy.position.tolist(),
    ]  # fmt: skip
