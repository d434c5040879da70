"""Strategies decide live as they do in a backtest."""

from __future__ import annotations

import threading
import time
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from exchange_cerebro import Recorder
from exchange_live import LiveMarket
from exchange_streams import StreamServer

from bt_run.core.errors import ConfigError
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds import ArrayFeed, LiveFeed, bt_live
from feeds.live.outcomes import Rules
from strategies.base import Signals, SignalStrategy

wait = StreamServer.wait


class Crossing(SignalStrategy):
    """Hold while the close is above its average; note over how many bars signals are computed."""

    params = (("period", 5),)
    ranges = {"period": (2, 50)}

    @staticmethod
    def signals(bars: Bars, p: Any) -> Signals:
        Crossing.computed_over.append(len(bars))
        average = np.convolve(bars.close, np.ones(p.period) / p.period)[: len(bars)]
        average[: p.period] = np.nan
        return Signals(long_entry=bars.close > average, long_exit=bars.close < average)

    computed_over: list[int] = []

    def __init__(self) -> None:
        self.orders: list[Any] = []
        self.seen: list[int] = []
        self.env.recorder = self

    @property
    def rows(self) -> list[int]:
        return self.seen

    def next(self) -> None:
        super().next()
        self.seen.append(len(self.data))

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.orders.append((order.executed.dt, order.executed.size, order.executed.price))


class ByHand(bt.Strategy):
    """A hand-written strategy on Backtrader's own indicators."""

    def __init__(self) -> None:
        self.rsi = bt.ind.RSI(self.data.close, period=7, safediv=True)
        self.ema = bt.ind.EMA(self.data.close, period=9)
        self.orders: list[Any] = []
        self.rows: list[Any] = []
        self.env.recorder = self

    def next(self) -> None:
        self.rows.append((self.data.datetime[0], self.rsi[0], self.ema[0]))
        if not self.position and self.rsi[0] < 45:
            self.buy()
        elif self.position and self.rsi[0] > 55:
            self.close()

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.orders.append((order.executed.dt, order.executed.size, order.executed.price))


def backtest(market, strategy, first, end):
    """Run a strategy over the exchange's bars from `first` on and before `end`."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(ArrayFeed(market.bars[first:end], interval=market.interval))
    cerebro.addstrategy(strategy)
    return cerebro.run()[0]


def wait_live(running):
    """Wait until the strategy has seen the whole history and knows that it is live."""
    wait(lambda: running.feeds[0]._laststatus == bt.feed.DataBase.LIVE and running.error is None)
    wait(lambda: not running.feeds[0].haslivedata())


def play(market, running, count):
    """Close so many bars; wait until the strategy has seen each."""
    for number in range(count):
        market.close()
        wait(lambda number=number: running.feeds[0]._row == 21 + number)


@pytest.mark.parametrize("strategy", [Crossing, ByHand])
def test_the_same_orders_live_as_in_a_backtest(market, run_live, strategy):
    """At the same bars, for the same price; also indicators have the same values to the last bit."""
    running = run_live(market, strategy=strategy)
    wait_live(running)
    play(market, running, 60)
    running.finish()
    tested = backtest(market, strategy, 40, 120)

    assert len(tested.orders) > 5
    assert tested.orders == running.recorder.orders
    assert tested.rows == running.recorder.rows


def test_buffers_that_keep_the_last_bars_only_stay_whole_while_nothing_comes(market, run_live):
    """Each look for a bar moves the lines forward and back; exactbars must not lose the oldest value by it."""
    running = run_live(market, strategy=ByHand, qcheck=0.002, run={"exactbars": 1})
    wait_live(running)
    for number in range(40):
        until = time.monotonic() + 0.01
        wait(lambda until=until: time.monotonic() > until)
        market.close()
        wait(lambda number=number: running.feeds[0]._row == 21 + number)
    running.finish()

    assert backtest(market, ByHand, 40, 100).rows == running.recorder.rows


def test_signals_are_computed_once_for_the_history_and_once_a_bar(market, run_live):
    """The history is offered in one piece, without a look ahead: signals of a prefix are a prefix."""
    Crossing.computed_over.clear()
    running = run_live(market, strategy=Crossing)
    wait_live(running)
    for number in range(3):
        market.close()
        wait(lambda number=number: running.count == 21 + number)

    assert [20, 21, 22, 23] == Crossing.computed_over


def test_loaded_holds_what_the_lines_hold(market, run_live):
    """Views of arrays that grow, of exactly the bars that were delivered."""
    seen = []

    class Look(Recorder):
        def next(self):
            super().next()
            if self.data.last_is_live:
                bars = self.data.loaded
                seen.append((len(bars), len(self.data), bars.close[-1] == self.data.close[0]))

    running = run_live(market, strategy=Look)
    wait_live(running)
    for number in range(3):
        market.close()
        wait(lambda number=number: running.count == 21 + number)
    running.finish()
    bars = running.feeds[0].loaded

    assert [(21, 21, True), (22, 22, True), (23, 23, True)] == seen
    assert running.recorder.rows == list(
        zip(*(getattr(bars, name).tolist() for name in BAR_COLUMNS), strict=True)
    )


def test_which_bars_were_live_is_kept_for_the_last_ones(market, run_live, monkeypatch):
    """Or else it would grow as long as the run lasts; a bar before them counts as one of the past."""
    monkeypatch.setattr(bt_live, "_LIVE_KEPT", 2)
    seen = []

    class Look(Recorder):
        def next(self):
            super().next()
            if self.data.last_is_live:
                seen.append([self.data.bar_is_live(-ago) for ago in range(4)])

    running = run_live(market, strategy=Look)
    wait_live(running)
    for number in range(3):
        market.close()
        wait(lambda number=number: running.count == 21 + number)
    running.finish()

    assert [[True, False, False, False], [True, True, False, False], [True, True, False, False]] == seen


def test_where_the_lines_differ_nothing_is_loaded(market, make_hub):
    """A strategy then copies the lines, as it does of any feed."""
    hub, day = make_hub(market), bt.num2date(730_000.0)
    cut = LiveFeed("BTCUSDT", hub=hub, fromdate=day)
    filtered = LiveFeed("BTCUSDT", hub=hub)
    filtered.addfilter(lambda data: False)

    assert [None, None] == [cut.loaded, filtered.loaded]
    assert 0 == len(LiveFeed("BTCUSDT", hub=hub).loaded)


# The bar that is still open.


class Watcher(Recorder):
    """Write down every call of next, with the length, the close, and an indicator that looks back."""

    def __init__(self) -> None:
        super().__init__()
        self.ema = bt.ind.EMA(self.data.close, period=3)
        self.calls: list[tuple[Any, ...]] = []

    def next(self) -> None:
        super().next()
        data = self.data
        self.calls.append(
            (
                len(self),
                len(data),
                data.close[0],
                self.ema[0],
                data.last_is_closed,
                data.last_is_live,
                data.tick_close,
            )
        )


def test_with_intrabar_each_update_is_a_call_of_next_for_the_same_bar(market, run_live):
    """The length stays until the bar has closed; the close is the update's."""
    running = run_live(market, strategy=Watcher, intrabar=True)
    feed = running.feeds[0]
    wait_live(running)
    for seconds in (10, 20):
        before = running.count
        market.update(seconds=seconds)
        wait(lambda before=before: running.count == before + 1)
    market.close()
    wait(lambda: feed.last_is_closed and feed._row == 21)
    market.update(seconds=10)
    wait(lambda: not feed.last_is_closed)
    running.finish()
    calls = running.recorder.calls[-4:]
    close = market.bars.close[60]

    assert [21, 21, 21, 22] == [one[0] for one in calls] == [one[1] for one in calls]
    assert [close, close, close, market.bars.close[61]] == [one[2] for one in calls]
    assert [one[2] for one in calls] == [one[6] for one in calls]
    assert [False, False, True, False] == [one[4] for one in calls]
    assert [True] * 4 == [one[5] for one in calls]


def test_closed_bars_are_the_same_with_intrabar(market, run_live):
    """Values and indicators, whatever was seen of a bar before it closed, and whatever the wire did."""
    running = run_live(market, strategy=Watcher, intrabar=True)
    feed = running.feeds[0]
    wait_live(running)
    for number in range(60, 80):
        for seconds in (10, 20, 30):
            market.update(seconds=seconds)
        if number in (65, 66):
            market.streams.cut()
        market.close(withheld=number in (65, 70))
        market.pass_to(number + 1, 3)
        wait(lambda number=number: feed._row == number - 39)
        wait(lambda: feed.status().connected)
    wait(lambda: feed.last_is_closed and running.recorder.calls[-1][4])
    running.finish()
    closed = [one for one in running.recorder.calls if one[4]]
    tested = backtest(market, PlainWatcher, 40, 80)

    assert [one[:2] for one in closed] == [(length, length) for length in range(3, 41)]
    assert [(one[2], one[3]) for one in closed] == tested.calls
    assert market.rows(40, 80) == list(
        zip(*(getattr(feed.loaded, name).tolist() for name in BAR_COLUMNS), strict=True)
    )


class PlainWatcher(bt.Strategy):
    def __init__(self) -> None:
        self.ema = bt.ind.EMA(self.data.close, period=3)
        self.calls: list[tuple[float, float]] = []

    def next(self) -> None:
        self.calls.append((self.data.close[0], self.ema[0]))


def test_a_forming_bar_that_never_closed_is_replaced(exchange, streams, run_live):
    """The exchange stopped in its midst and has no such bar; no phantom stays in the lines."""
    market = LiveMarket(exchange, streams, absent={60})
    running = run_live(market, intrabar=True, rules=Rules(again_ms=50, hole_asks=2))
    feed = running.feeds[0]
    wait_live(running)
    market.update()
    wait(lambda: not feed.last_is_closed)
    market.close()
    market.close()
    market.pass_to(62, 3)
    wait(lambda: exchange.advance(0.05) or feed._row == 21)
    running.finish()

    assert market.rows(40, 62) == list(
        zip(*(getattr(feed.loaded, name).tolist() for name in BAR_COLUMNS), strict=True)
    )
    assert 21 == len(feed)


def test_signals_are_decided_anew_at_each_update(market, run_live):
    """Those of the history once, then at each state of the open bar, and once more when it has closed."""
    Crossing.computed_over.clear()
    running = run_live(market, strategy=Crossing, intrabar=True)
    wait_live(running)
    for step in (market.update, market.update, market.close, market.close, market.update):
        before = running.count
        step()
        wait(lambda before=before: running.count == before + 1)

    assert [20, 21, 21, 21, 22, 23] == Crossing.computed_over


def test_updates_that_pile_up_are_passed_over(market, run_live):
    """A slow strategy sees the newest state, and no bar less."""
    release = threading.Event()

    class Slow(Watcher):
        def next(self):
            super().next()
            if not self.data.last_is_closed:
                release.wait(5)

    running = run_live(market, strategy=Slow, intrabar=True)
    feed = running.feeds[0]
    wait_live(running)
    market.update(seconds=5)
    wait(lambda: not feed.last_is_closed)
    for seconds in range(10, 50):
        market.update(seconds=seconds)
    wait(lambda: len(feed._channel.queue) == 40)
    release.set()
    wait(lambda: not feed._channel.queue)
    market.close()
    wait(lambda: feed.last_is_closed and feed._row == 21)
    running.finish()

    assert [21, 21, 21] == [one[0] for one in running.recorder.calls[-3:]]


def test_intrabar_does_not_go_with_what_changes_bars(market, make_hub):
    """Resampling would count each update as a bar."""
    feed = LiveFeed("BTCUSDT", hub=make_hub(market), intrabar=True)
    cerebro = bt.Cerebro()
    cerebro.resampledata(feed, timeframe=bt.TimeFrame.Minutes, compression=5)

    with pytest.raises(ConfigError, match="intrabar"):
        cerebro.run()
