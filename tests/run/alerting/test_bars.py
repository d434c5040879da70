"""The bars that alerts have seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.run.alerting.bars import KEPT, BarBook

MINUTE, FIVE = Interval.parse("1m"), Interval.parse("5m")


def fill(book: BarBook, count: int, *, first: int = 0, interval: Interval = MINUTE) -> None:
    """Add bars whose close is their number."""
    for number in range(first, first + count):
        price = float(number + 1)
        book.add("BTCUSDT", interval, number * interval.milliseconds, (price, price, price, price, 2.0))


def test_bars_come_back_as_they_came():
    """What is missing at a row's end is unknown."""
    book = BarBook()
    fill(book, 3)
    bars = book.bars("BTCUSDT")

    assert [0, 60_000, 120_000] == list(bars.open_time)
    assert [1.0, 2.0, 3.0] == list(bars.close)
    assert math.isnan(bars.trades[0])


def test_a_bar_is_taken_once():
    """Neither twice nor late."""
    book = BarBook()

    assert [True, False, True, False] == [
        book.add("BTCUSDT", MINUTE, time, (1.0,) * 9) for time in (60_000, 60_000, 120_000, 0)
    ]


def test_the_last_bars_are_kept():
    """However many come."""
    book = BarBook()
    fill(book, 2 * KEPT + 10)
    bars = book.bars("BTCUSDT")

    assert KEPT == len(bars)
    assert 2 * KEPT + 10 == bars.close[-1]
    assert np.all(np.diff(bars.open_time) == 60_000)


def test_longer_bars_are_joined_when_they_have_closed():
    """One that the data cuts at its beginning is left out."""
    book = BarBook()
    fill(book, 12, first=3)
    joined = book.bars("BTCUSDT", FIVE)

    assert [300_000, 600_000] == list(joined.open_time)
    assert [10.0, 15.0] == list(joined.close)
    assert [10.0, 10.0] == list(joined.volume)


def test_bars_that_come_themselves_are_preferred_to_joined_ones():
    """Where a watch has both."""
    book = BarBook()
    fill(book, 12)
    fill(book, 7, interval=FIVE)

    assert 7 == len(book.bars("BTCUSDT", FIVE))
    assert "1m" == str(book.interval_of("BTCUSDT"))


def test_shorter_bars_cannot_be_made():
    """The error says so; of a symbol without bars there are none."""
    book = BarBook()
    fill(book, 2, interval=FIVE)

    assert book.bars("ETHUSDT") is None
    with pytest.raises(ConfigError, match="cannot be joined"):
        book.bars("BTCUSDT", MINUTE)
