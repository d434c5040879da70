"""Klines follow Binance's rules, at every interval."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_run.core.interval import BINANCE_INTERVALS
from bt_run.core.market import BAR_COLUMNS, Bars, Interval
from bt_run.practice.events import BarClosed, Kline, Print, Printed
from bt_run.practice.market import Market
from bt_run.practice.market.grid import bounds
from bt_run.practice.market.units import in_decimal
from bt_run.practice.refusal import Refusal
from bt_run.practice.rules import SymbolRules
from feeds import read_bars
from feeds.resample import resample

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SUMS = ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")


def make(bars: Bars, interval: str, **more: object) -> Market:
    return Market.from_bars(bars, Interval.parse(interval), SymbolRules(), **more)


def run(market: Market, until: int) -> list[Print]:
    prints = []
    while (time := market.next_time()) is not None and time <= until:
        event = market.step()
        if isinstance(event, Printed):
            prints.append(event.print)
    return prints


def column(klines: list[Kline], name: str) -> list[float]:
    return [float(getattr(kline, name)) for kline in klines]


def opens(klines: list[Kline]) -> list[int]:
    return [kline.open_time for kline in klines]


# Which rows.


def test_a_page_of_the_own_interval(minutes: Bars, start: int) -> None:
    market = make(minutes, "1m", at=1000)
    now, at = market.now, minutes.open_time

    assert opens(market.klines("1m", now=now)) == at[501:1001].tolist()
    assert opens(market.klines("1m", start=start, now=now, limit=3)) == at[:3].tolist()
    assert opens(market.klines("1m", end=int(at[99]), now=now, limit=3)) == at[97:100].tolist()
    assert opens(market.klines("1m", start=int(at[5]), end=int(at[9]), now=now)) == at[5:10].tolist()
    assert opens(market.klines("1m", start=int(at[5]) + 1, end=int(at[9]) - 1, now=now)) == at[6:9].tolist()
    assert opens(market.klines("1m", start=int(at[7]), end=int(at[7]), now=now)) == [at[7]]
    assert opens(market.klines("1m", start=int(at[998]), now=now)) == at[998:1001].tolist()
    assert market.klines("1m", start=int(at[9]), end=int(at[5]), now=now) == []
    assert market.klines("1m", start=now + 1, now=now) == []
    assert market.klines("1m", end=start - 1, now=now) == []
    assert market.klines("1m", limit=0, now=now) == []


@pytest.mark.parametrize("interval", ["3m", "15m", "1h", "1s"])
def test_a_page_of_another_interval(minutes: Bars, start: int, interval: str) -> None:
    market = make(minutes, "1m", at=1000)
    now, step = market.now, Interval.parse(interval).milliseconds or 0
    newest = now - now % step

    assert opens(market.klines(interval, now=now, limit=7)) == [newest - step * n for n in range(6, -1, -1)]
    assert opens(market.klines(interval, start=start, now=now, limit=3)) == [start + step * n for n in range(3)]
    assert opens(market.klines(interval, start=start + 1, now=now, limit=1)) == [start + step]
    assert opens(market.klines(interval, end=start + 2 * step, now=now)) == [start + step * n for n in range(3)]
    assert opens(market.klines(interval, start=start + step, end=start + step, now=now)) == [start + step]


def test_the_last_row_is_forming_and_nothing_is_after_now(minutes: Bars) -> None:
    market = make(minutes, "1m", at=1000)
    run(market, market.now + 90_000)
    now = market.now + 200

    for interval in BINANCE_INTERVALS:
        rows = market.klines(interval, now=now, limit=1000)
        assert rows[-1].open_time <= now <= rows[-1].close_time, interval
        assert all(row.close_time < now for row in rows[:-1]), interval
        assert rows[-1] == market.forming(interval, now), interval


def test_each_interval_covers_the_same_trades(minutes: Bars, start: int) -> None:
    market = make(minutes, "1m", at=1440)
    run(market, market.now + 5 * HOUR + 17_000)
    now = market.now
    whole = market.klines("1M", start=start, now=now)[0]

    for interval in ("1m", "5m", "1h", "1d"):
        rows = [
            row
            for first in range(start, now, 500 * MINUTE)
            for row in market.klines(interval, start=first, end=first + 500 * MINUTE - 1, now=now)
        ]
        assert sum(row.volume for row in rows) == whole.volume
        assert sum(row.trades for row in rows) == whole.trades
        assert max(row.high for row in rows) == whole.high
        assert (rows[0].first_id, rows[-1].last_id) == (whole.first_id, whole.last_id)


# What is in them.


@pytest.mark.parametrize("target", ["3d", "1w", "1M"])
def test_longer_klines_are_the_resampled_bars(days: Bars, target: str) -> None:
    market = make(days, "1d", at=len(days))
    want = resample(days, source=Interval.parse("1d"), target=Interval.parse(target))
    got = market.klines(target, start=0, limit=1000, now=market.now)[: len(want)]

    assert opens(got) == want.open_time.tolist()
    for name in ("open", "high", "low", "close"):
        assert column(got, name) == getattr(want, name).tolist()
    for name in SUMS:
        np.testing.assert_allclose(column(got, name), getattr(want, name), rtol=1e-12)


@pytest.mark.parametrize(("source", "target"), [("4h", "1d"), ("4h", "12h"), ("1d", "1w"), ("1d", "3d")])
def test_they_equal_binance_s_own(shared: Path, source: str, target: str) -> None:
    """Every closed kline joined from real bars is the one that Binance serves, to the eighth decimal."""
    folder = shared / "realdata" / "klines" / "python-binance"
    short, long = (read_bars(folder / f"ETHUSDT-2017-2020-{text}.csv.gz").bars for text in (source, target))
    market = make(short, source, at=len(short))
    got = [
        row
        for first in range(0, len(long) - 1, 1000)
        for row in market.klines(target, start=int(long.open_time[first]), limit=1000, now=market.now)
    ][: len(long) - 1]

    assert opens(got) == long.open_time[:-1].tolist()
    for name in BAR_COLUMNS[1:]:
        want = getattr(long, name)[:-1]
        if name in SUMS:
            np.testing.assert_allclose(column(got, name), want, rtol=0, atol=2e-8 if name == "volume" else 1e-5)
        else:
            assert column(got, name) == want.tolist()


@pytest.mark.parametrize("fine", ["1s", "1m", "5m", "30m"])
def test_shorter_klines_are_made_of_prints(holey: Bars, fine: str) -> None:
    market = make(holey, "1h")
    prints = run(market, int(holey.open_time[20]) + 17 * MINUTE)
    now, step = market.now, Interval.parse(fine).milliseconds or 0
    count = 3 * HOUR // step
    first = int(holey.open_time[0])
    rows = [
        row
        for page in range(first, first + 3 * HOUR, 1000 * step)
        for row in market.klines(fine, start=page, end=first + 3 * HOUR - 1, limit=1000, now=now)
    ]
    by_open = {row.open_time: row for row in rows}

    assert opens(rows) == [first + step * n for n in range(count)]
    for one in prints:
        if one.time < first + 3 * HOUR:
            row = by_open[one.time - one.time % step]
            assert row.low <= one.price <= row.high
            assert row.first_id <= one.trade_id <= row.last_id
    quiet = [(before, row) for before, row in pairwise(rows) if row.first_id == -1]
    for before, row in quiet:
        assert row.open == row.high == row.low == row.close == before.close
        assert row.volume == row.trades == 0
    assert sum(row.volume for row in rows) == sum(in_decimal(float(volume)) for volume in holey.volume[:3])


@pytest.mark.parametrize("interval", ["1m", "15m", "1h"])
def test_there_are_no_klines_in_a_gap(holey: Bars, interval: str) -> None:
    market = make(holey, "1h", at=20)
    gap, after = int(holey.open_time[9]) + HOUR, int(holey.open_time[10])
    found = market.klines(interval, start=gap - HOUR, limit=1000, now=market.now)

    assert [row for row in found if gap <= row.open_time < after] == []
    assert [row for row in market.klines(interval, end=after - 1, now=market.now) if row.open_time >= gap] == []
    assert market.klines(interval, start=gap, end=after - 1, now=market.now) == []
    assert market.klines(interval, end=after - 1, limit=1, now=market.now)[0].close_time == gap - 1


@given(
    st.sampled_from(("30m", "2h", "6h", "1d", "1w")), st.integers(-12 * 4, 14 * 4), st.integers(0, 60 * HOUR)
)
@settings(max_examples=40, deadline=None)
def test_time_zones_move_the_bars(interval: str, quarters: int, ahead: int) -> None:
    offset = quarters * HOUR // 4
    price = np.arange(100.0, 196.0)
    bars = Bars.of(
        HOUR * np.arange(96), open=price, high=price + 1, low=price, close=price + 1, volume=price * 0 + 2
    )
    market = make(bars, "1h", at=30)
    run(market, market.now + ahead)
    now = market.now
    rows = market.klines(interval, start=-DAY * 14, limit=1000, now=now, offset_ms=offset)

    assert all(bounds(Interval.parse(interval), row.open_time, offset)[0] == row.open_time for row in rows)
    assert rows == market.klines(interval, limit=1000, now=now, offset_ms=offset)
    assert sum(row.volume for row in rows) == sum(row.volume for row in market.klines("1h", start=0, now=now))
    assert max(row.high for row in rows) == max(row.high for row in market.klines("1h", start=0, now=now))


# The bar in progress, and closed ones.


@pytest.mark.parametrize("interval", BINANCE_INTERVALS)
def test_the_forming_bar_is_what_has_been_printed(minutes: Bars, interval: str) -> None:
    plain = Bars.of(
        minutes.open_time[:400],
        **{name: getattr(minutes, name)[:400] for name in ("open", "high", "low", "close", "volume")},
    )
    market = make(plain, "1m")
    prints = run(market, market.now + 3 * HOUR + 31 * MINUTE + 22_000)
    now = market.now
    first, end = bounds(Interval.parse(interval), now)
    inside = [one for one in prints if first <= one.time < end]
    forming = market.forming(interval, now)

    assert inside
    assert forming is not None
    assert (forming.open_time, forming.close_time) == (first, end - 1)
    assert forming.open == inside[0].price
    assert forming.high == max(one.price for one in inside)
    assert forming.low == min(one.price for one in inside)
    assert forming.close == inside[-1].price == market.last_price
    assert forming.volume == sum(one.quantity for one in inside)
    assert (forming.first_id, forming.last_id) == (inside[0].trade_id, inside[-1].trade_id)


def test_before_its_first_print_a_bar_stands_at_the_last_price(minutes: Bars) -> None:
    market = make(minutes, "1m", at=60)
    for interval in ("1s", "1m", "1h"):
        forming = market.forming(interval, market.now)
        assert forming is not None
        assert forming.open == forming.high == forming.low == forming.close == market.last_price
        assert (forming.volume, forming.trades, forming.first_id, forming.last_id) == (0, 0, -1, -1)
        assert forming.open_time == market.now


def test_in_a_gap_only_longer_bars_are_in_progress(holey: Bars) -> None:
    market = make(holey, "1h")
    run(market, int(holey.open_time[9]) + HOUR)
    now = market.now + MINUTE

    assert market.forming("1h", now) is None
    assert market.forming("5m", now) is None
    day = market.forming("1d", now)
    assert day is not None
    assert day.volume == sum(in_decimal(float(volume)) for volume in holey.volume[:10])


def test_a_closed_kline_is_found_by_its_open_time(minutes: Bars, start: int) -> None:
    market = make(minutes, "1m", at=125)
    run(market, market.now + 30_000)

    for interval in ("1s", "1m", "5m", "1h"):
        rows = market.klines(interval, now=market.now, limit=20)
        for row in rows[:-1]:
            assert market.closed_kline(interval, row.open_time) == row
        assert market.closed_kline(interval, rows[-1].open_time) is None
        assert market.closed_kline(interval, rows[0].open_time + 1) is None
        assert market.closed_kline(interval, start - HOUR) is None


def test_longer_bars_close_with_the_bar_that_completes_them(minutes: Bars) -> None:
    market = make(minutes[:200], "1m")
    closed: dict[str, list[Kline]] = {"1m": [], "5m": [], "1h": [], "1s": []}
    while market.next_time() is not None:
        event = market.step()
        if isinstance(event, BarClosed):
            for interval, found in closed.items():
                kline = market.closed_with(event.kline, interval)
                if kline is not None:
                    found.append(kline)
                    assert kline.close_time == event.kline.close_time

    assert [len(found) for found in closed.values()] == [200, 40, 3, 200]
    for interval in ("1m", "5m", "1h"):
        assert closed[interval] == market.klines(interval, limit=1000, now=market.now)[: len(closed[interval])]


def test_a_longer_bar_closes_before_a_gap_that_is_its_rest(holey: Bars) -> None:
    """Hours 10 to 12 are missing: the bar of 8 to 12 closes with hour 9, and only once."""
    market = make(holey, "1h")
    closed = []
    while market.next_time() is not None:
        event = market.step()
        if isinstance(event, BarClosed):
            kline = market.closed_with(event.kline, "4h")
            closed += [] if kline is None else [(kline.open_time, event.kline.open_time)]

    first = int(holey.open_time[0])
    assert [(one - first) // HOUR for one, _ in closed] == list(range(0, 48, 4))
    assert [(own - first) // HOUR for _, own in closed][:4] == [3, 7, 9, 15]


def test_at_the_end_of_the_data_an_unfinished_bar_stays_open(minutes: Bars) -> None:
    market = make(minutes[:63], "1m")
    last = None
    while market.next_time() is not None:
        last = market.step()

    assert isinstance(last, BarClosed)
    assert market.closed_with(last.kline, "1h") is None
    assert market.closed_kline("1h", int(minutes.open_time[60])) is None


def test_an_unknown_interval_is_refused(days: Bars) -> None:
    market = make(days, "1d")
    with pytest.raises(Refusal) as caught:
        market.klines("7m", now=market.now)
    assert caught.value.code == -1120
