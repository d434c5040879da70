"""A market of bars moves as they say, and quotes what comes."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError, DataError
from bt_run.core.market import Bars, Interval
from bt_run.practice.events import BarClosed, Kline, Print, Printed
from bt_run.practice.market import Market
from bt_run.practice.market.units import in_decimal
from bt_run.practice.rules import SymbolRules

D = Decimal
MINUTE = 60_000


def make(bars: Bars, interval: str, **more: object) -> Market:
    return Market.from_bars(bars, Interval.parse(interval), SymbolRules(), **more)


def play(market: Market) -> list[Printed | BarClosed]:
    events = []
    while market.next_time() is not None:
        expected = market.next_time()
        events.append(market.step())
        assert market.now == expected
    return events


def prints_by_bar(events: list[Printed | BarClosed]) -> list[tuple[list[Print], Kline]]:
    found: list[tuple[list[Print], Kline]] = []
    waiting: list[Print] = []
    for event in events:
        if isinstance(event, Printed):
            waiting.append(event.print)
        else:
            found.append((waiting, event.kline))
            waiting = []
    assert not waiting
    return found


numbers = st.integers(1, 10**10)


@st.composite
def bar_lists(draw: st.DrawFn) -> Bars:
    count = draw(st.integers(1, 12))
    scale = 10.0 ** draw(st.sampled_from((2, 5, 8)))
    rows = [sorted(draw(st.lists(numbers, min_size=4, max_size=4))) for _ in range(count)]
    ends = [draw(st.permutations(row[1:3])) for row in rows]
    gaps = [draw(st.sampled_from((1, 1, 1, 3))) for _ in range(count)]
    columns = {
        "open": [pair[0] / scale for pair in ends],
        "high": [row[3] / scale for row in rows],
        "low": [row[0] / scale for row in rows],
        "close": [pair[1] / scale for pair in ends],
        "volume": [draw(st.sampled_from((0, 1, 3, 10**8, draw(numbers)))) / 1e8 for _ in rows],
    }
    if draw(st.booleans()):
        columns["trades"] = [float(draw(st.integers(1, 20))) for _ in rows]
        columns["taker_buy_volume"] = [volume / 4 for volume in columns["volume"]]
    return Bars.of(MINUTE * np.cumsum(gaps), **columns)


@settings(max_examples=60, deadline=None)
@given(bar_lists(), st.integers(1, 12), st.integers(0, 5))
def test_klines_of_the_prints_are_the_bars_given(bars: Bars, prints_per_bar: int, seed: int) -> None:
    played = prints_by_bar(play(make(bars, "1m", prints_per_bar=prints_per_bar, seed=seed)))

    assert len(played) == len(bars)
    for place, (prints, kline) in enumerate(played):
        want = {
            name: in_decimal(float(getattr(bars, name)[place]))
            for name in ("open", "high", "low", "close", "volume")
        }
        assert {name: getattr(kline, name) for name in want} == want
        assert (kline.open_time, kline.close_time) == (
            bars.open_time[place],
            bars.open_time[place] + MINUTE - 1,
        )
        assert bool(prints) == bool(want["volume"])
        if prints:
            prices = [one.price for one in prints]
            assert [prices[0], max(prices), min(prices), prices[-1]] == list(want.values())[:4]
            assert sum(one.quantity for one in prints) == want["volume"]
            assert (kline.first_id, kline.last_id) == (prints[0].trade_id, prints[-1].trade_id)


def test_ids_rise_by_one_and_times_never_fall(minutes: Bars) -> None:
    events = play(make(minutes[:200], "1m"))
    prints = [event.print for event in events if isinstance(event, Printed)]

    assert [after.trade_id - before.trade_id for before, after in pairwise(prints)] == [1] * (len(prints) - 1)
    assert all(before.time <= after.time for before, after in pairwise(prints))


def test_a_bar_closes_before_the_next_one_prints(minutes: Bars) -> None:
    events = play(make(minutes[:5], "1m"))

    for before, after in pairwise(events):
        if isinstance(before, BarClosed):
            assert isinstance(after, Printed)
            assert after.print.time == before.kline.close_time + 1
            assert not after.print.continuous
        elif isinstance(after, Printed):
            assert after.print.continuous
            assert after.print.symbol == "BTCUSDT"


def test_the_first_print_of_a_bar_is_its_open(minutes: Bars) -> None:
    for place, (prints, kline) in enumerate(prints_by_bar(play(make(minutes[:50], "1m")))):
        assert prints[0].time == kline.open_time == minutes.open_time[place]
        assert prints[0].price == kline.open == in_decimal(float(minutes.open[place]))
        assert all(kline.open_time < one.time <= kline.close_time for one in prints[1:])


def test_takers_buy_exactly_what_the_file_says(minutes: Bars) -> None:
    for place, (prints, kline) in enumerate(prints_by_bar(play(make(minutes[:50], "1m")))):
        bought = sum(one.quantity for one in prints if not one.buyer_is_maker)
        assert bought == kline.taker_buy_volume == in_decimal(float(minutes.taker_buy_volume[place]))


def test_a_closed_bar_keeps_all_numbers_of_the_file(minutes: Bars) -> None:
    for place, (_, kline) in enumerate(prints_by_bar(play(make(minutes[:50], "1m")))):
        assert kline.quote_volume == in_decimal(float(minutes.quote_volume[place]))
        assert kline.trades == minutes.trades[place]
        assert kline.taker_buy_quote_volume == in_decimal(float(minutes.taker_buy_quote_volume[place]))


def test_the_same_data_and_seed_print_the_same(minutes: Bars) -> None:
    first, again, other = (play(make(minutes[:30], "1m", seed=seed)) for seed in (7, 7, 8))
    late = play(make(minutes[:30], "1m", seed=7, at=20))

    assert first == again
    assert first != other
    assert first[-len(late) :] == late


def test_nothing_happens_in_a_gap_and_quiet_bars_close(holey: Bars) -> None:
    market = make(holey, "1h")
    played = prints_by_bar(play(market))
    quiet = [kline for prints, kline in played if not prints]

    assert len(played) == len(holey) == 45
    assert [kline.open_time for kline in quiet] == [holey.open_time[5]]
    assert (quiet[0].first_id, quiet[0].last_id, quiet[0].trades, quiet[0].volume) == (-1, -1, 0, 0)
    assert holey.open_time[10] - played[9][1].close_time == 3 * 60 * MINUTE + 1


def test_what_the_file_does_not_tell_is_made_up_soundly(holey: Bars) -> None:
    known = Bars.of(holey.open_time, open=holey.open, high=holey.high, low=holey.low, close=holey.close)
    for prints, kline in prints_by_bar(play(make(known, "1h"))):
        assert kline.volume > 0
        average = (kline.quote_volume / kline.volume).quantize(D("0.000001"))
        assert kline.low <= average <= kline.high
        assert 0 <= kline.taker_buy_volume <= kline.volume
        assert kline.trades == len(prints)
        assert sum(one.quantity for one in prints) == kline.volume


def test_the_file_s_trade_count_bounds_the_prints(minutes: Bars) -> None:
    few = Bars.of(
        minutes.open_time[:3],
        **{name: getattr(minutes, name)[:3] for name in ("open", "high", "low", "close", "volume")},
        trades=[5, 0, 1000],
    )
    counts = [len(prints) for prints, _ in prints_by_bar(play(make(few, "1m")))]

    assert counts == [5, 8, 8]


def test_bars_off_the_grid_end_where_the_next_one_opens() -> None:
    times = [0, 2 * 60 * MINUTE, 2 * 60 * MINUTE + 28 * MINUTE + 14_789]
    bars = Bars.of(times, open=[1, 2, 3], high=[2, 3, 4], low=[1, 2, 3], close=[2, 3, 4], volume=[1, 1, 1])
    klines = [kline for _, kline in prints_by_bar(play(make(bars, "2h")))]

    assert [kline.close_time + 1 for kline in klines] == [times[1], times[2], times[2] + 120 * MINUTE]


# Where it begins.


def test_it_begins_after_its_history(minutes: Bars) -> None:
    market = make(minutes, "1m", at=100)

    assert market.now == market.next_time() == minutes.open_time[100]
    assert market.last_price == in_decimal(float(minutes.close[99]))
    assert market.last_print is not None
    assert market.last_print.price == market.last_price
    assert market.last_print.trade_id == market.trades(1)[0].trade_id == 800


def test_without_history_the_first_open_is_the_last_price(minutes: Bars) -> None:
    market = make(minutes, "1m")

    assert market.last_price == in_decimal(float(minutes.open[0]))
    assert market.last_print is None
    assert market.trades() == []
    assert market.klines("1m", now=market.now)[0].volume == 0


def test_it_may_begin_at_its_end(minutes: Bars) -> None:
    market = make(minutes, "1m", at=len(minutes))

    assert market.next_time() is None
    assert market.now == minutes.open_time[-1] + MINUTE
    assert market.forming("1m", market.now) is None
    assert len(market.klines("1m", now=market.now + 10**9)) == 500
    with pytest.raises(IndexError, match="has ended"):
        market.step()


@pytest.mark.parametrize("more", [{"at": -1}, {"at": 121}, {"spread_ticks": -1}, {"prints_per_bar": 0}])
def test_impossible_settings_are_refused(days: Bars, more: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=str(next(iter(more.values())))):
        make(days, "1d", **more)


@pytest.mark.parametrize(
    ("column", "value"), [("high", 1.0), ("low", 1e9), ("low", 0.0), ("close", np.nan), ("high", np.inf)]
)
def test_impossible_bars_are_refused(days: Bars, column: str, value: float) -> None:
    columns = {name: getattr(days, name).copy() for name in ("open", "high", "low", "close", "volume")}
    columns[column][3] = value
    with pytest.raises(DataError, match="2024-01-04T00:00:00Z"):
        make(Bars.of(days.open_time, **columns), "1d")


def test_no_bars_are_refused(days: Bars) -> None:
    with pytest.raises(DataError, match="no bars"):
        make(days[:0], "1d")


# The quote and the book.


def test_held_at_a_close_the_quote_is_the_next_open(days: Bars) -> None:
    market = make(days, "1d")
    for event in iter(market.step, None):
        if not isinstance(event, BarClosed):
            continue
        place = int(np.searchsorted(days.open_time, event.kline.open_time)) + 1
        if place == len(days):
            break
        price, quantity = market.quote(event.kline.close_time + 1)
        assert price == in_decimal(float(days.open[place]))
        upcoming = market.step()
        assert isinstance(upcoming, Printed)
        assert (upcoming.print.price, upcoming.print.quantity) == (price, quantity)
    assert place == len(days)


def test_inside_a_bar_the_quote_is_the_last_print(days: Bars) -> None:
    market = make(days, "1d")
    for _ in range(3):
        printed = market.step()

    assert isinstance(printed, Printed)
    assert market.quote(market.now) == (printed.print.price, printed.print.quantity)


def test_without_a_print_to_come_the_quote_is_the_last_price(holey: Bars) -> None:
    market = make(holey, "1h")
    while market.now < holey.open_time[9] + 60 * MINUTE:
        market.step()
    last = market.last_print

    assert last is not None
    assert market.quote(market.now + 5) == (last.price, last.quantity)  # in the gap
    assert market.quote(int(holey.open_time[10]))[0] == in_decimal(float(holey.open[10]))


def test_in_a_bar_without_volume_the_quote_stands(holey: Bars) -> None:
    market = make(holey, "1h", at=5)
    last = market.last_print

    assert last is not None
    assert market.quote(market.now) == (last.price, last.quantity)
    assert market.closes_next


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_without_a_spread_takers_meet_the_quote(days: Bars, side: str) -> None:
    market = make(days, "1d", at=10)
    price, quantity = market.quote(market.now)
    levels = list(market.levels(side, market.now))

    assert levels[0] == (price, quantity)
    assert len(levels) == 20
    assert {size for _, size in levels} == {quantity}
    way = [after[0] - before[0] for before, after in pairwise(levels)]
    assert set(way) == {D("0.01") if side == "BUY" else D("-0.01")}


@pytest.mark.parametrize(("spread", "ask", "bid"), [(1, 1, 0), (2, 1, 1), (5, 3, 2)])
def test_a_spread_stands_around_the_quote(days: Bars, spread: int, ask: int, bid: int) -> None:
    market = make(days, "1d", at=10, spread_ticks=spread)
    price, _ = market.quote(market.now)
    tick = market.rules.tick_size

    assert next(market.levels("BUY", market.now))[0] == price + ask * tick
    assert next(market.levels("SELL", market.now))[0] == price - bid * tick
    bids, asks = market.book(5)
    assert (bids[0][0], asks[0][0]) == (price - bid * tick, price + ask * tick)


def test_a_book_without_spread_is_shown_with_one(days: Bars) -> None:
    market = make(days, "1d", at=10)
    price, _ = market.quote(market.now)
    bids, asks = market.book(50)

    assert (bids[0][0], asks[0][0]) == (price - D("0.01"), price + D("0.01"))
    assert (len(bids), len(asks)) == (20, 20)
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)


def test_levels_of_high_prices_are_further_apart_and_none_is_below_zero() -> None:
    def market(price: float, tick: str) -> Market:
        bars = Bars.of([0], open=[price], high=[price], low=[price], close=[price], volume=[10])
        return Market.from_bars(bars, Interval.parse("1m"), SymbolRules(tick_size=D(tick)))

    dear, cheap = market(123_456.78, "0.01"), market(0.00000003, "0.00000001")
    assert [price for price, _ in dear.levels("BUY", 0)][:2] == [D("123456.78"), D("123469.12")]
    assert [price for price, _ in cheap.levels("SELL", 0)] == [D("3E-8"), D("2E-8"), D("1E-8")]
    assert [price for price, _ in cheap.book(5)[0]] == [D("2E-8"), D("1E-8")]


def test_update_ids_rise_with_everything_that_happens(days: Bars) -> None:
    market = make(days[:5], "1d")
    seen = [market.update_id]
    while market.next_time() is not None:
        market.step()
        seen.append(market.update_id)

    assert all(before < after for before, after in pairwise(seen))
