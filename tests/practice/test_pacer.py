"""The clock runs as it is told, and stands while somebody holds it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from exchange_market import make_bars

from bt_run.core.errors import ConfigError
from bt_run.core.market import Interval
from bt_run.practice.events import BarClosed, Event, Executed, Printed
from bt_run.practice.exchange import Exchange
from bt_run.practice.market import Market
from bt_run.practice.pacer import Hold, Pacer
from bt_run.practice.refusal import Refusal
from bt_run.practice.rules import SymbolRules

START = 1_704_067_200_000
MINUTE = 60_000


class NoTrading:
    """An account that nobody uses; `reports` are told after each bar's close."""

    def __init__(self) -> None:
        self.reports: list[Executed] = []
        self.failure: Exception | None = None
        self.tell: Callable[[Event], None] = lambda event: None

    def connect(self, markets: object, now: object, tell: Callable[[Event], None]) -> None:
        self.tell = tell

    def follow(self, event: Event) -> None:
        if self.failure is not None:
            raise self.failure
        if isinstance(event, BarClosed) and self.reports:
            self.tell(self.reports.pop(0))


class Clock:
    """Real time as the test tells it."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


def make(count: int = 20, *symbols: str, at: int = 0) -> tuple[Exchange, NoTrading]:
    trading = NoTrading()
    markets = {}
    for seed, symbol in enumerate(symbols or ("BTCUSDT",)):
        bars = make_bars(Interval.parse("1m"), START, count, seed=seed)
        markets[symbol] = Market.from_bars(bars, Interval.parse("1m"), SymbolRules(symbol=symbol), at=at)
    return Exchange(markets, trading), trading  # type: ignore[arg-type]  # the part of Trading that it needs


async def until(done: Callable[[], bool]) -> None:
    """Let the loop run until something is so; fail after many turns."""
    for _ in range(2_000):
        if done():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it did not happen")


async def turns(count: int = 30) -> None:
    """Give others the chance to do what they should not."""
    for _ in range(count):
        await asyncio.sleep(0)


def go(work: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await work

    asyncio.run(bounded())


def closes(exchange: Exchange) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []

    def note(event: Event) -> None:
        if isinstance(event, BarClosed):
            found.append((event.kline.symbol, (event.kline.open_time - START) // MINUTE))

    exchange.listen(note)
    return found


# At a speed.


def test_at_a_speed_the_clock_follows_real_time_without_drift() -> None:
    async def work() -> None:
        exchange, _ = make()
        clock, closed = Clock(), closes(exchange)
        pacer = Pacer(exchange, 60.0, clock=clock)
        pacer.start()
        await turns()
        for second in range(1, 11):
            clock.seconds = 50.0 + second + 0.25
            await until(lambda: len(closed) == second)  # noqa: B023  # it is awaited in this turn
            await until(lambda: exchange.now == START + second * MINUTE + 15_000)  # noqa: B023
        await pacer.aclose()

    go(work())


def test_the_clock_moves_between_events_and_when_asked() -> None:
    async def work() -> None:
        exchange, _ = make()
        clock = Clock()
        pacer = Pacer(exchange, 1.0, clock=clock)
        pacer.start()
        await until(lambda: exchange.markets["BTCUSDT"].last_print is not None)
        clock.seconds += 0.005
        pacer.sync()
        assert exchange.now == START + 5
        clock.seconds += 0.090
        await until(lambda: exchange.now == START + 95)
        await pacer.aclose()

    go(work())


def test_asking_for_the_time_never_passes_an_event() -> None:
    async def work() -> None:
        exchange, _ = make()
        clock = Clock()
        pacer = Pacer(exchange, 1.0, clock=clock)
        clock.seconds += 3600
        pacer.sync()
        assert exchange.now == START
        await pacer.aclose()

    go(work())


def test_time_that_was_paused_is_not_made_up_for() -> None:
    async def work() -> None:
        exchange, _ = make()
        clock, closed = Clock(), closes(exchange)
        pacer = Pacer(exchange, 60.0, clock=clock)
        pacer.start()
        await turns()
        clock.seconds += 1.5
        await until(lambda: exchange.now == START + 90_000)
        pacer.pause()
        assert pacer.paused
        clock.seconds += 5
        await turns()
        assert exchange.now == START + 90_000
        pacer.resume()
        clock.seconds += 1
        await until(lambda: exchange.now == START + 150_000)
        assert closed == [("BTCUSDT", 0), ("BTCUSDT", 1)]
        await pacer.aclose()

    go(work())


def test_the_speed_may_change_on_the_way() -> None:
    async def work() -> None:
        exchange, _ = make()
        clock = Clock()
        pacer = Pacer(exchange, 60.0, clock=clock)
        pacer.start()
        await turns()
        clock.seconds += 1
        await until(lambda: exchange.now == START + MINUTE)
        pacer.speed = 1.0
        clock.seconds += 1
        await until(lambda: exchange.now == START + MINUTE + 1_000)
        pacer.speed = "max"
        clock.seconds += 100
        await turns()
        assert exchange.now == START + MINUTE + 1_000
        assert pacer.speed == "max"
        await pacer.aclose()

    go(work())


def test_in_real_time_a_second_is_a_minute() -> None:
    """With the loop's own clock: as fast as asked, within what a busy machine allows."""

    async def work() -> None:
        exchange, _ = make()
        pacer = Pacer(exchange, 600.0)
        began = asyncio.get_running_loop().time()
        pacer.start()
        await until(lambda: exchange.now >= START + 2 * MINUTE)
        took = asyncio.get_running_loop().time() - began
        assert 0.19 < took < 5
        await pacer.aclose()

    go(work())


@pytest.mark.parametrize("speed", [0, -1.0, float("nan")])
def test_impossible_speeds_are_refused(speed: float) -> None:
    exchange, _ = make()
    with pytest.raises(ConfigError, match="must be above zero"):
        Pacer(exchange, speed)


# Stepping.


def test_steps_move_a_paused_clock() -> None:
    async def work() -> None:
        exchange, _ = make(3)
        closed = closes(exchange)
        pacer = Pacer(exchange, 1.0, step=True)
        pacer.start()
        await turns()
        assert exchange.now == START
        assert exchange.markets["BTCUSDT"].last_print is None

        assert await pacer.step_events(3) == 3
        last = exchange.markets["BTCUSDT"].last_print
        assert last is not None
        assert last.trade_id == 3
        assert await pacer.step_bars() == 1
        assert (exchange.now, closed) == (START + MINUTE, [("BTCUSDT", 0)])
        assert await pacer.step_bars(0) == 0
        assert await pacer.step_bars(99) == 2
        await pacer.ended.wait()
        assert await pacer.step_bars() == 0
        await pacer.aclose()

    go(work())


def test_bars_of_several_markets_step_together() -> None:
    async def work() -> None:
        exchange, _ = make(5, "BTCUSDT", "ETHUSDT")
        closed = closes(exchange)
        pacer = Pacer(exchange, "max", step=True)
        pacer.start()
        assert await pacer.step_bars(2) == 2
        assert sorted(closed) == [("BTCUSDT", 0), ("BTCUSDT", 1), ("ETHUSDT", 0), ("ETHUSDT", 1)]
        assert exchange.now == START + 2 * MINUTE
        await pacer.aclose()

    go(work())


# Barriers.


def test_at_max_the_clock_stands_until_somebody_holds_it() -> None:
    async def work() -> None:
        exchange, _ = make(10)
        pacer = Pacer(exchange, "max")
        pacer.start()
        await turns()
        assert exchange.markets["BTCUSDT"].last_print is None

        barrier = pacer.add_barrier("bot", "BTCUSDT", "1m")
        for number in range(10):
            hold = await barrier.held()
            assert hold == Hold(START + number * MINUTE, START + (number + 1) * MINUTE, 0)
            assert pacer.holders == ("bot",)
            await turns()
            assert exchange.now == hold.now
            assert hold == await barrier.held()
            barrier.release(hold.open_time)
        await pacer.ended.wait()
        await pacer.aclose()
        assert await barrier.held() is None

    go(work())


def test_a_held_market_quotes_the_next_open() -> None:
    async def work() -> None:
        exchange, _ = make(4)
        pacer = Pacer(exchange, "max")
        pacer.start()
        barrier = pacer.add_barrier("bot", "BTCUSDT", "1m")
        hold = await barrier.held()
        assert hold is not None
        market = exchange.market("BTCUSDT")
        price, _ = market.quote(exchange.now)
        prints = []
        exchange.listen(lambda event: prints.append(event) if isinstance(event, Printed) else None)
        barrier.release(hold.open_time)
        await until(lambda: bool(prints))
        assert prints[0].print.price == price
        assert prints[0].print.time == hold.now
        await pacer.aclose()

    go(work())


def test_a_hold_tells_the_last_execution() -> None:
    async def work() -> None:
        exchange, trading = make(4)
        order: Any = None  # the pacer reads the number alone
        trading.reports = [Executed(17, "NEW", order, START), Executed(19, "NEW", order, START)]
        pacer = Pacer(exchange, "max")
        pacer.start()
        barrier = pacer.add_barrier("bot", "BTCUSDT", "1m")
        numbers = []
        for _ in range(3):
            hold = await barrier.held()
            assert hold is not None
            numbers.append(hold.execution_id)
            barrier.release(hold.open_time)
        assert numbers == [17, 19, 19]
        await pacer.aclose()

    go(work())


def test_all_must_release_before_the_clock_goes_on() -> None:
    async def work() -> None:
        exchange, _ = make(10)
        pacer = Pacer(exchange, "max")
        pacer.start()
        fast, slow = pacer.add_barrier("a", "BTCUSDT", "1m"), pacer.add_barrier("b", "BTCUSDT", "5m")
        for number in range(4):
            fast.release(START + number * MINUTE)
        hold = await slow.held()
        assert hold == Hold(START, START + 5 * MINUTE, 0)
        assert pacer.holders == ("a", "b")
        slow.release(START)
        await turns()
        assert exchange.now == START + 5 * MINUTE
        fast.release(START + 3 * MINUTE)  # an older bar does not count
        await turns()
        assert pacer.holders == ("a",)
        fast.release(START + 4 * MINUTE)
        await until(lambda: exchange.now == START + 6 * MINUTE)
        await pacer.aclose()

    go(work())


def test_two_symbols_are_held_together() -> None:
    async def work() -> None:
        exchange, _ = make(5, "BTCUSDT", "ETHUSDT")
        pacer = Pacer(exchange, "max")
        pacer.start()
        barriers = [pacer.add_barrier("bot", symbol, "1m") for symbol in ("BTCUSDT", "ETHUSDT")]
        for number in range(5):
            holds = [await barrier.held() for barrier in barriers]
            assert holds == [Hold(START + number * MINUTE, START + (number + 1) * MINUTE, 0)] * 2
            for barrier in barriers:
                barrier.release(START + number * MINUTE)
        await pacer.ended.wait()
        await pacer.aclose()

    go(work())


def test_a_bot_that_died_finds_the_market_where_it_left_it() -> None:
    async def work() -> None:
        exchange, _ = make(10)
        pacer = Pacer(exchange, "max")
        pacer.start()
        barrier = pacer.add_barrier("bot", "BTCUSDT", "1m")
        await barrier.held()
        barrier.remove()
        barrier.remove()
        await turns()
        assert exchange.now == START + MINUTE
        assert pacer.holders == ()
        assert await barrier.held() is None

        again = pacer.add_barrier("bot", "BTCUSDT", "1m")
        hold = await again.held()
        assert hold == Hold(START + MINUTE, START + 2 * MINUTE, 0)
        again.remove()
        assert await pacer.step_bars() == 1
        assert exchange.now == START + 3 * MINUTE
        pacer.force = True
        await pacer.ended.wait()
        assert exchange.now == START + 10 * MINUTE
        await pacer.aclose()

    go(work())


def test_a_barrier_holds_at_a_speed_too() -> None:
    async def work() -> None:
        exchange, _ = make(10)
        clock = Clock()
        pacer = Pacer(exchange, 60.0, clock=clock)
        pacer.start()
        barrier = pacer.add_barrier("bot", "BTCUSDT", "1m")
        await turns()
        clock.seconds += 2.5
        hold = await barrier.held()
        assert hold is not None
        clock.seconds += 30
        await turns()
        pacer.sync()
        assert exchange.now == hold.now == START + MINUTE
        barrier.release(hold.open_time)
        clock.seconds += 0.5
        await until(lambda: exchange.now == START + MINUTE + 30_000)
        await pacer.aclose()

    go(work())


def test_bars_released_ahead_are_not_held() -> None:
    async def work() -> None:
        exchange, _ = make(10)
        pacer = Pacer(exchange, "max")
        barrier = pacer.add_barrier("bot", "BTCUSDT", "1m")
        barrier.release(START + 6 * MINUTE)
        pacer.start()
        hold = await barrier.held()
        assert hold is not None
        assert hold.open_time == START + 7 * MINUTE
        await pacer.aclose()

    go(work())


@pytest.mark.parametrize(("symbol", "interval", "code"), [("ETHUSDT", "1m", -1121), ("BTCUSDT", "7m", -1120)])
def test_barriers_of_what_does_not_exist_are_refused(symbol: str, interval: str, code: int) -> None:
    exchange, _ = make()
    with pytest.raises(Refusal) as caught:
        Pacer(exchange).add_barrier("bot", symbol, interval)
    assert caught.value.code == code


def test_a_barrier_finer_than_the_data_is_refused() -> None:
    exchange, _ = make()
    with pytest.raises(ConfigError, match="Choose 1m or longer"):
        Pacer(exchange).add_barrier("bot", "BTCUSDT", "1s")


# Living with others.


def test_it_lets_others_work_every_millisecond() -> None:
    """By a clock that goes on 0.1 ms with every look, others get a turn after 15 events at most."""

    async def work() -> None:
        exchange, _ = make(200)
        clock = Clock()

        def ticking() -> float:
            clock.seconds += 0.0001
            return clock.seconds

        happened = 0

        def count(event: Event) -> None:
            nonlocal happened
            happened += 1

        exchange.listen(count)
        pacer = Pacer(exchange, "max", clock=ticking)
        pacer.force = True
        pacer.start()
        most, before = 0, 0
        while not pacer.ended.is_set():
            await asyncio.sleep(0)
            most, before = max(most, happened - before), happened
        assert happened == 200 * 9
        assert 0 < most <= 15
        await pacer.aclose()

    go(work())


def test_a_failure_is_seen_by_everybody(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        exchange, trading = make()
        pacer = Pacer(exchange, "max")
        pacer.start()
        barrier = pacer.add_barrier("bot", "BTCUSDT", "1m")
        trading.failure = ZeroDivisionError("a bug")
        with pytest.raises(ZeroDivisionError):
            await barrier.held()
        with pytest.raises(ZeroDivisionError):
            await pacer.step_bars()
        await turns()
        assert isinstance(pacer.failure, ZeroDivisionError)
        await pacer.aclose()

    with caplog.at_level(logging.CRITICAL):
        go(work())
    assert "its clock failed" in caplog.text
    assert "a bug" in caplog.text


def test_who_waits_for_steps_is_let_go_at_the_end() -> None:
    async def work() -> None:
        exchange, _ = make()
        pacer = Pacer(exchange, "max")
        pacer.start()
        barrier = pacer.add_barrier("bot", "BTCUSDT", "1m")
        await barrier.held()
        waiting = asyncio.create_task(pacer.step_bars(5))
        await turns()
        assert not waiting.done()
        await pacer.aclose()
        assert await waiting == 0

    go(work())
