"""Holes are asked for once, one after the other, and settled whatever comes."""

from __future__ import annotations

import asyncio
import time

import pytest
from exchange_market import make_bars

from bt_run.core.errors import ExchangeError
from bt_run.core.interval import Interval
from feeds.binance_rest import BinanceRest
from feeds.recording.capture_fill import HoleFiller, Quit
from feeds.wire.continuity import Hole

MINUTE_MS = 60_000
START = 1_767_265_200_000
KLINE = "btcusdt@kline_1m"


def hole(first, end, stream=KLINE):
    return Hole(stream, START + first * MINUTE_MS, START + end * MINUTE_MS, START, START, seen_ms=0)


def work_off(exchange, *holes, sleep=None, finish_s=5.0):
    """Ask for holes and give what was settled, with the lines for people."""
    settled, said = [], []

    async def main():
        filler = HoleFiller(
            BinanceRest(exchange.venue, clock=exchange.clock, sleep=sleep or exchange.sleep),
            take=lambda stream, text: None,
            settle=lambda one, rows: settled.append((one, rows)),
            notify=said.append,
            again_s=0.001,
        )
        running = asyncio.create_task(filler.run())
        filler.ask(holes)
        await filler.finish(finish_s)
        running.cancel()

    asyncio.run(main())
    return settled, said


@pytest.fixture
def market(exchange):
    """Put an hour of bars on sale."""
    exchange.list_bars("BTCUSDT", "1m", make_bars(Interval.parse("1m"), START, 60))
    return exchange


def test_holes_are_filled_in_turn(market):
    """Each is settled with the rows that came."""
    settled, _ = work_off(market, hole(1, 3), hole(5, 10))

    assert [(hole(1, 3), 2), (hole(5, 10), 5)] == settled


def test_a_hole_inside_another_is_not_asked_for_again(market):
    """A late frame may split a hole while it is being filled."""
    settled, _ = work_off(market, hole(1, 9), hole(3, 5), hole(1, 9))

    assert [hole(1, 9)] == [one for one, _ in settled]
    assert 1 == len(market.queries("klines"))


def test_what_cannot_be_filled_is_settled_with_nothing(market):
    """Without a request."""
    settled, _ = work_off(market, hole(1, 3, "btcusdt@trade"))

    assert [0] == [rows for _, rows in settled]
    assert [] == market.paths()


def test_bars_that_do_not_come_are_asked_for_three_times(market):
    """Then there are none."""
    settled, _ = work_off(market, hole(-5, -2))

    assert [0] == [rows for _, rows in settled]
    assert 3 == len(market.queries("klines"))


def test_an_exchange_that_refuses_is_told_and_the_hole_settled(market):
    """The recording goes on."""
    with market.refuse(400, code=-1100, reason="Illegal characters", times=None):
        settled, said = work_off(market, hole(1, 3))

    assert [0] == [rows for _, rows in settled]
    assert "could not be fetched" in said[0]


def test_the_end_does_not_wait_for_ever(market):
    """What is asked for too long stays unsettled, and is told."""
    quit_ = Quit()
    with market.server_error(times=None):
        begun = time.monotonic()

        async def main():
            filler = HoleFiller(
                BinanceRest(market.venue, sleep=quit_.sleep),
                take=lambda stream, text: None,
                settle=lambda one, rows: None,
                notify=said.append,
            )
            running = asyncio.create_task(filler.run())
            filler.ask([hole(1, 3)])
            await filler.finish(0.05)
            quit_.set()
            await asyncio.wait({running}, timeout=0.1)
            running.cancel()

        said: list[str] = []
        asyncio.run(main())

    assert "in time" in said[0]
    assert time.monotonic() - begun < 3


def test_a_wait_ends_when_the_capture_does():
    """Threads cannot be cancelled, but woken."""
    quit_ = Quit()
    quit_.sleep(0.0)
    quit_.set()

    with pytest.raises(ExchangeError):
        quit_.sleep(100.0)
