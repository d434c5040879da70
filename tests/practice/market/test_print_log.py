"""Trades by id and by time, averages and the day's numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bt_run.core.market import Bars, Interval
from bt_run.practice.events import Print, Printed
from bt_run.practice.market import Market
from bt_run.practice.market.units import in_decimal
from bt_run.practice.rules import SymbolRules

D = Decimal
MINUTE, DAY = 60_000, 86_400_000


@pytest.fixture
def played(minutes: Bars) -> tuple[Market, list[Print]]:
    """Give a market that began after two bars and stands in its 40th, and all that it has printed."""
    market = Market.from_bars(minutes[:60], Interval.parse("1m"), SymbolRules(), at=2)
    whole = Market.from_bars(minutes[:60], Interval.parse("1m"), SymbolRules())
    prints = []
    for one in (market, whole):
        prints = []
        while (time := one.next_time()) is not None and time <= minutes.open_time[39] + 31_000:
            event = one.step()
            prints += [event.print] if isinstance(event, Printed) else []
    return market, prints


def test_the_last_trades_are_given_oldest_first(played: tuple[Market, list[Print]]) -> None:
    market, prints = played

    assert market.trades(10) == prints[-10:]
    assert market.trades(1000) == prints
    assert market.trades(3, from_id=5) == prints[4:7]
    assert market.trades(5, from_id=10**9) == []


def test_aggregates_by_id_and_by_time(played: tuple[Market, list[Print]]) -> None:
    market, prints = played
    from_time, to_time = prints[50].time, prints[70].time

    assert market.agg_trades(limit=4) == prints[-4:]
    assert market.agg_trades(20, limit=4) == prints[19:23]
    assert market.agg_trades(0, limit=2) == prints[:2]
    assert market.agg_trades(start=from_time, end=to_time) == prints[50:71]
    assert market.agg_trades(start=from_time, end=to_time, limit=5) == prints[50:55]
    assert market.agg_trades(start=from_time + 1, limit=1) == prints[51:52]
    assert market.agg_trades(end=to_time, limit=3) == prints[68:71]
    assert market.agg_trades(start=prints[-1].time + 1) == []
    assert market.agg_trades(end=prints[0].time - 1) == []


def test_the_average_is_weighted_by_volume(played: tuple[Market, list[Print]]) -> None:
    market, prints = played
    now = market.now + 100
    inside = [one for one in prints if now - 5 * MINUTE < one.time <= now]
    want = sum(one.price * one.quantity for one in inside) / sum(one.quantity for one in inside)

    assert 30 < len(inside) < 60
    assert market.average_price(5, now) == want.quantize(D("1e-8"))
    assert market.average_price(0, now) == market.last_price
    assert market.average_price(5, now + 10**8) == market.last_price


def test_the_day_has_the_numbers_of_its_bars(minutes: Bars) -> None:
    market = Market.from_bars(minutes, Interval.parse("1m"), SymbolRules(), at=2000)
    for _ in range(5):
        market.step()
    first = 2000 - 1440 + 1  # the bar that had opened before the 24 hours is not in them
    day = market.day(market.now)
    forming = market.forming("1m", market.now)

    assert forming is not None
    assert day.open_time == market.now - DAY
    assert day.open == in_decimal(float(minutes.open[first]))
    assert day.previous_close == in_decimal(float(minutes.close[first - 1]))
    assert day.high == max(in_decimal(float(minutes.high[first:2000].max())), forming.high)
    assert day.low == min(in_decimal(float(minutes.low[first:2000].min())), forming.low)
    assert day.last == market.last_price
    assert day.volume == in_decimal(float(minutes.volume[first:2000].sum())) + forming.volume
    assert day.trades == minutes.trades[first:2000].sum() + 5
    assert day.low <= day.average <= day.high
    assert day.change == day.last - day.open


def test_at_a_day_s_end_the_day_is_its_bar(days: Bars) -> None:
    market = Market.from_bars(days, Interval.parse("1d"), SymbolRules(), at=50)
    day = market.day(market.now)

    assert (day.open, day.high, day.low, day.last) == tuple(
        in_decimal(float(getattr(days, name)[49])) for name in ("open", "high", "low", "close")
    )
    assert day.volume == in_decimal(float(days.volume[49]))


def test_a_day_without_trades_stands_still(days: Bars) -> None:
    market = Market.from_bars(days, Interval.parse("1d"), SymbolRules())
    day = market.day(market.now)

    assert day.open == day.high == day.low == day.last == day.average == in_decimal(float(days.open[0]))
    assert (day.volume, day.trades, day.first_id, day.last_id, day.last_quantity) == (0, 0, -1, -1, 0)
