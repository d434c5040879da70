"""Repair: gaps are asked for again, damaged and lost files come anew."""

from __future__ import annotations

import numpy as np
import pytest
from exchange_market import make_bars

from bt_run.core.clock import parse_time
from bt_run.core.errors import DataError
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.download import ensure
from feeds.fetching.repair import repair
from feeds.storage.series import SeriesName
from feeds.store import Store

HOUR = Interval.parse("1h")
NAME = SeriesName("BTCUSDT", HOUR)
START = parse_time("2025-09-10")
BARS = make_bars(HOUR, START, 2000)


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in BAR_COLUMNS)


def without(places):
    return Bars(*(np.delete(getattr(BARS, name), places) for name in BAR_COLUMNS))


@pytest.fixture
def mend(exchange, tmp_path):
    """Give a store filled from an exchange whose bars have a hole, and a function that repairs it."""
    exchange.list_bars("BTCUSDT", HOUR, without(slice(300, 340)))
    store = Store(tmp_path)
    given = {"venue": exchange.venue, "clock": exchange.clock, "sleep": exchange.sleep}
    ensure(store, "BTCUSDT", HOUR, start=0, end=int(BARS.open_time[-1]), **given)
    return store, lambda: repair(store, NAME, **given)


def test_a_gap_that_the_exchange_has_filled_is_filled(exchange, mend):
    """Binance uploads missing bars later; one page brings them."""
    store, run = mend
    exchange.list_bars("BTCUSDT", HOUR, BARS)
    exchange.requests.clear()
    done = run()

    assert (1, 40, 40, ()) == (done.gaps, done.missing, done.found, done.left)
    assert same(BARS, store.read("BTCUSDT", HOUR))
    assert 1 == len(exchange.queries())


def test_a_gap_of_the_exchange_s_own_stays_and_is_known(exchange, mend):
    """It was asked, and has nothing: nothing is lost, and later downloads do not ask again."""
    store, run = mend
    done = run()

    assert (1, 0, 40) == (done.gaps, done.found, done.left[0].bars)
    assert [] == store.missing("BTCUSDT", HOUR, start=0, end=int(BARS.open_time[-1]))


def test_lost_and_damaged_months_come_anew(exchange, mend):
    """A month that somebody removed, and one that was cut short."""
    store, run = mend
    folder = store.folder("BTCUSDT", HOUR)
    (folder / "2025-10.parquet").unlink()
    (folder / "2025-11.parquet").write_bytes(b"PAR1 and nothing more")
    done = run()

    assert same(without(slice(300, 340)), store.read("BTCUSDT", HOUR))
    assert "2025-11.parquet.damaged" in done.notes[0]


def test_a_series_that_is_not_there_is_said_so(exchange, tmp_path):
    """With the command that lists what is."""
    with pytest.raises(DataError, match="data list"):
        repair(Store(tmp_path), NAME, venue=exchange.venue)
