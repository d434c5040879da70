"""Kline streams: one last frame for each bar, in order, whatever the speed; updates on their beat."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS
from bt_run.practice.pacer import Pacer

MINUTE = 60_000
START = 1_767_268_800_000


def closed(frames):
    """Give the bars that were closed, without the wrapping."""
    return [bar for frame in frames if (bar := frame.get("data", frame)["k"])["x"]]


def told(rig, interval, first, end, offset_ms=0):
    """Give the finished bars that GET klines would show."""
    rows = rig.exchange.market("BTCUSDT").klines(
        interval, start=first, end=end, limit=1000, now=rig.exchange.now, offset_ms=offset_ms
    )
    return [row for row in rows if row.close_time < rig.exchange.now]


def same(bars, klines):
    """Check that frames tell these klines, in this order."""
    assert [(bar["t"], bar["T"]) for bar in bars] == [(row.open_time, row.close_time) for row in klines]
    for bar, row in zip(bars, klines, strict=True):
        assert (bar["o"], bar["h"], bar["l"], bar["c"], bar["v"], bar["n"], bar["f"], bar["L"]) == (
            *(f"{value:.8f}" for value in (row.open, row.high, row.low, row.close, row.volume)),
            row.trades, row.first_id, row.last_id,
        )  # fmt: skip


@pytest.mark.parametrize("interval", ["1m", "3m", "5m", "15m", "1h"])
def test_each_bar_is_closed_once_in_order_with_the_values_of_rest(play, interval):
    async def scenario(rig):
        client = await rig.open(f"/ws/btcusdt@kline_{interval}", max_size=None)
        begin = rig.exchange.now
        rig.advance(120 * MINUTE)
        bars = closed(await rig.read_all(client))
        expected = told(rig, interval, begin, rig.exchange.now)
        assert len(expected) == 120 * MINUTE // Interval.parse(interval).milliseconds
        same(bars, expected)

    play(scenario)


def test_the_last_frame_comes_right_at_the_end_of_the_bar(play):
    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@kline_1m/btcusdt@trade")
        rig.advance(2 * MINUTE)
        frames = await rig.read_all(client)
        places = [place for place, frame in enumerate(frames) if "k" in frame and frame["k"]["x"]]
        for place in places:
            bar = frames[place]
            assert bar["E"] == bar["k"]["T"] + 1
            trades = [frame for frame in frames[:place] if frame["e"] == "trade"]
            assert trades[-1]["t"] == bar["k"]["L"]
        assert len(places) == 2

    play(scenario)


def test_seconds_inside_minute_bars_close_one_by_one(play):
    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@kline_1s")
        begin = rig.exchange.now
        rig.advance(3 * MINUTE)
        bars = closed(await rig.read_all(client))
        assert len(bars) == 180
        same(bars, told(rig, "1s", begin, rig.exchange.now))
        quiet = [bar for bar in bars if bar["f"] == -1]
        assert quiet
        assert all(bar["L"] == -1 and bar["v"] == "0.00000000" and bar["o"] == bar["c"] for bar in quiet)

    play(scenario)


def test_days_of_a_time_zone(play, make_days):
    async def scenario(rig):
        client = await rig.open(
            "/ws/btcusdt@kline_1d@+08:00/btcusdt@kline_1d/btcusdt@kline_1w/btcusdt@kline_1M"
        )
        stream = await rig.open("/stream?streams=btcusdt@kline_1d@%2B08:00")
        begin = rig.exchange.now
        rig.advance(20 * 86_400_000)
        frames = await rig.read_all(client)
        shifted = closed(await rig.read_all(stream))
        same(shifted, told(rig, "1d", shifted[0]["t"], rig.exchange.now, 28_800_000))
        assert all((bar["t"] + 28_800_000) % 86_400_000 == 0 for bar in shifted)
        assert len(shifted) == 20
        months = [bar for bar in closed(frames) if bar["i"] == "1M"]
        weeks = [bar for bar in closed(frames) if bar["i"] == "1w"]
        assert len(months) == 1
        assert 2 <= len(weeks) <= 3
        assert begin < months[0]["T"] < rig.exchange.now

    # 2026-01-01T12:00Z and 20 days of it before the replay begins.
    play(scenario, bars=make_days(45 * 24), interval="1h", at=20 * 24)


def test_a_gap_is_silent_and_the_bar_before_it_is_not_lost(play, minute_bars):
    keep = np.ones(len(minute_bars), dtype=bool)
    keep[70:170] = False  # maintenance from 13:10 to 14:50
    bars = type(minute_bars)(*(getattr(minute_bars, name)[keep] for name in BAR_COLUMNS))

    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@kline_1m/btcusdt@kline_1h/btcusdt@kline_1s/btcusdt@miniTicker")
        rig.sockets._klines._pause_s = rig.sockets._others._pause_s = 0.0
        rig.advance(10 * MINUTE + 1)
        rig.sockets.tick()
        before = [frame for frame in await rig.read_all(client) if "k" in frame]
        assert [bar["T"] + 1 for bar in closed(before) if bar["i"] == "1m"][-1] == START + 70 * MINUTE
        for _ in range(10):
            rig.advance(9 * MINUTE)
            rig.sockets.tick()
        assert await rig.read_all(client) == []
        rig.advance(20 * MINUTE)
        after = closed(frame for frame in await rig.read_all(client) if "k" in frame)
        hours = [bar for bar in closed(before) + after if bar["i"] == "1h"]
        assert [bar["t"] for bar in hours] == [START + 60 * MINUTE, START + 120 * MINUTE]
        minutes = [bar["t"] for bar in closed(before) + after if bar["i"] == "1m"]
        assert minutes == [int(time) for time in bars.open_time[60:]]

    play(scenario, bars=bars)


def test_updates_come_on_their_beat_changed_or_not(play):
    async def scenario(rig):
        rig.sockets._klines._pause_s = 0.0
        client = await rig.open("/ws/btcusdt@kline_1m")
        await rig.settled(lambda: rig.sockets.hub.streams("spot", "kline", "BTCUSDT"))
        for _ in range(100):
            rig.advance(500)
            rig.sockets.tick()
        frames = [frame for frame in await rig.read_all(client) if not frame["k"]["x"]]
        times = [frame["E"] for frame in frames]
        assert len(times) in (25, 26)
        assert {later - earlier for earlier, later in pairwise(times[1:])} == {2000}
        volumes = [float(frame["k"]["v"]) for frame in frames]
        assert volumes == sorted(volumes)
        assert len(set(volumes)) < len(volumes)

    play(scenario)


def test_a_fast_clock_sends_few_updates_but_every_close(play):
    async def scenario(rig):
        now = 0.0
        rig.sockets._klines._clock = lambda: now
        client = await rig.open("/ws/btcusdt@kline_1m")
        await rig.settled(lambda: rig.sockets.hub.streams("spot", "kline", "BTCUSDT"))
        for _ in range(200):
            now += 0.01
            rig.advance(30_000)
            rig.sockets.tick()
        frames = await rig.read_all(client)
        assert len(closed(frames)) == 100
        updates = [frame for frame in frames if not frame["k"]["x"]]
        assert 7 <= len(updates) <= 9  # four a second of two real seconds

    play(scenario)


def test_a_quiet_bar_is_told_as_binance_does(play, minute_bars):
    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@kline_1m")
        await rig.settled(lambda: rig.sockets.hub.streams("spot", "kline", "BTCUSDT"))
        rig.advance(1)
        rig.sockets._klines._pause_s = 0.0
        rig.advance(3000)
        rig.sockets.tick()
        rig.advance(MINUTE - 3001)
        told = await rig.read_all(client)
        close = next(place for place, frame in enumerate(told) if frame["k"]["x"])
        frames = told[: close + 1]  # the next bar may have been told of already
        for frame in (frames[-2], frames[-1]):
            bar = frame["k"]
            assert (bar["f"], bar["L"], bar["n"], bar["v"], bar["q"]) == (-1, -1, 0, "0.00000000", "0.00000000")
            assert bar["o"] == bar["c"] == bar["h"] == bar["l"]
        assert [frame["k"]["x"] for frame in frames[-2:]] == [False, True]

    play(scenario, bars=quiet(minute_bars, 60))


def quiet(bars, place):
    """Take all trades out of a bar."""
    columns = {name: getattr(bars, name).copy() for name in BAR_COLUMNS[1:]}
    for name, values in columns.items():
        values[place] = bars.close[place - 1] if name in ("open", "high", "low", "close") else 0.0
    return type(bars).of(bars.open_time, **columns)


def test_at_full_speed_a_bot_sees_each_close_while_the_clock_is_held_there(play):
    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@kline_1m/btcusdt@kline_15m")
        pacer = Pacer(rig.exchange, "max")
        pacer.start()
        barrier = pacer.add_barrier("bot", "BTCUSDT", "1m")
        seen = []
        try:
            for _ in range(100):
                hold = await asyncio.wait_for(barrier.held(), 5)
                assert hold is not None
                while not seen or seen[-1]["t"] != hold.open_time:
                    frame = await rig.read(client)
                    if frame["k"]["x"] and frame["k"]["i"] == "1m":
                        seen.append(frame["k"])
                assert rig.exchange.now == seen[-1]["T"] + 1
                barrier.release(hold.open_time)
        finally:
            await pacer.aclose()
        opens = [bar["t"] for bar in seen]
        assert opens == list(range(opens[0], opens[0] + 100 * MINUTE, MINUTE))

    play(scenario)


def test_without_a_barrier_full_speed_loses_no_close(play):
    async def scenario(rig):
        clients = [await rig.open("/ws/btcusdt@kline_1m") for _ in range(3)]
        await rig.settled(lambda: len(rig.sockets.connections) == 3)
        pacer = Pacer(rig.exchange, "max")
        pacer.force = True
        pacer.start()
        await asyncio.wait_for(pacer.ended.wait(), 5)
        await pacer.aclose()
        for client in clients:
            assert [bar["t"] for bar in closed(await rig.read_all(client))] == [
                START + place * MINUTE for place in range(60, 180)
            ]

    play(scenario)
