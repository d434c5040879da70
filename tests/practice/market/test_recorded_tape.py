"""Recorded trades are replayed as they were."""

from __future__ import annotations

import numpy as np
import pytest

from bt_run.core.errors import DataError
from bt_run.core.market import Interval
from bt_run.practice.events import BarClosed, Printed
from bt_run.practice.market import Market
from bt_run.practice.market.units import in_decimal
from bt_run.practice.rules import SymbolRules
from feeds.recording.trade_bars import TradeTape, bars_from_trades

MINUTE = 60_000
START = 1_704_067_200_000


def tape(count: int = 300, *, hole: bool = False, seed: int = 5) -> TradeTape:
    draw = np.random.default_rng(seed)
    ids = np.arange(1_000, 1_000 + count)
    times = START + 1_234 + np.cumsum(draw.integers(0, 4_000, count))
    if hole:
        ids[count // 2 :] += 500
        times[count // 2 :] += 30 * MINUTE
    times[7] = times[6] - 3  # as recorded now and then
    return TradeTape(
        ids,
        times,
        np.round(100 + np.cumsum(draw.normal(0, 0.05, count)), 2),
        np.round(draw.uniform(0.001, 2, count), 5),
        np.ones(count, dtype=np.int64),
        draw.random(count) < 0.5,
    )


def make(trades: TradeTape, **more: int) -> Market:
    return Market.from_trades(trades, Interval.parse("1m"), SymbolRules(), **more)


@pytest.mark.parametrize("hole", [False, True])
def test_each_trade_is_printed_once_in_order(hole: bool) -> None:
    trades = tape(hole=hole)
    market = make(trades)
    prints, bars = [], []
    while market.next_time() is not None:
        event = market.step()
        if isinstance(event, Printed):
            prints.append(event.print)
        else:
            assert isinstance(event, BarClosed)
            bars.append(event.kline)

    assert [one.trade_id for one in prints] == list(range(1_000, 1_300))
    assert [float(one.price) for one in prints] == trades.price.tolist()
    assert [float(one.quantity) for one in prints] == trades.quantity.tolist()
    assert [one.buyer_is_maker for one in prints] == trades.buyer_is_maker.tolist()
    assert [one.time for one in prints] == np.maximum.accumulate(trades.time_ms).tolist()
    assert not any(one.continuous for one in prints)
    assert sum(bar.volume for bar in bars) == sum(one.quantity for one in prints)
    assert (bars[0].first_id, bars[-1].last_id) == (1_000, 1_299)


def test_its_bars_are_those_of_the_trades() -> None:
    trades = tape()
    market = make(trades)
    while market.next_time() is not None:
        market.step()
    want = bars_from_trades(trades, Interval.parse("1m"))
    got = market.klines("1m", start=int(want.open_time[0]), limit=len(want), now=market.now)

    for name in ("open_time", "open", "high", "low", "close", "volume", "trades", "taker_buy_volume"):
        assert [float(getattr(kline, name)) for kline in got] == getattr(want, name).tolist()


def test_the_forming_bar_and_the_quote_follow_the_trades() -> None:
    trades = tape()
    market = make(trades)
    first = market.forming("1m", market.now)
    assert first is not None
    assert first.volume == 0
    for place in range(60):
        event = market.step()
        while isinstance(event, BarClosed):
            event = market.step()
        assert event.print.trade_id == 1_000 + place
        assert market.quote(market.now) == (event.print.price, event.print.quantity)
        forming = market.forming("1s", market.now)
        assert forming is not None
        assert forming.close == in_decimal(float(trades.price[place]))


def test_history_before_the_clock() -> None:
    market = make(tape(), at=3)

    assert market.last_print is not None
    assert market.trades(5)[-1] == market.last_print
    assert market.last_print.time < market.now == START + 3 * MINUTE


def test_no_trades_are_refused() -> None:
    with pytest.raises(DataError, match="no bars"):
        make(TradeTape.of([]))
