"""A recording on an exchange that breaks holds everything once it is read, and its CSV too."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from exchange_frames import agg_trade_event, agg_trade_rows, kline_event, liquidation_event, trade_event
from exchange_market import make_bars

from bt_run.core.errors import Banned, ConfigError, UnknownName, UnknownSymbol
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS
from bt_run.core.stream_policy import StreamPolicy
from feeds.capture import UNREADABLE, Capture, plan_capture
from feeds.csv_file import read_bars
from feeds.recording.capture_bars import read_capture
from feeds.recording.capture_file import CaptureReader
from feeds.wire.stream_events import Backfill, Connected, Disconnected, Frame, Gap, Started

MINUTE = Interval.parse("1m")
START = 1_767_265_200_000  # an hour before the exchange's time
KLINE, TRADE, AGG, FORCE = "btcusdt@kline_1m", "btcusdt@trade", "btcusdt@aggTrade", "btcusdt@forceOrder"
QUICK = StreamPolicy(floor_s=0.01, longest_s=0.05, stale_s=5.0, overlap_s=0.05, open_s=2.0, close_s=0.1)
BARS = make_bars(MINUTE, START, 40)


class Recording:
    """A capture that runs while the test tells its story."""

    def __init__(self, exchange, streams, folder, *kinds, **more):
        url = streams.url
        self.venue = replace(exchange.venue, stream_url=url, futures_stream_url=url)
        self.streams = streams
        self.folder = folder
        self.said = []
        quick = {"tick_s": 0.01, "grace_ms": 30, "again_s": 0.01, "finish_s": 2.0}
        self.plan = plan_capture(["btcusdt"], kinds, folder, **{**quick, **more})
        self.capture = Capture(self.plan, self.venue, policy=QUICK, notify=self.said.append)

    def run(self, story):
        """Run the capture, tell the story meanwhile, then stop; gives the closing status."""

        async def main():
            await self.listeners(0)
            running = asyncio.create_task(self.capture.run())
            try:
                await self.listeners(1)
                await story(self)
            finally:
                self.capture.stop()
            return await running

        return asyncio.run(main())

    async def until(self, condition):
        end = time.monotonic() + 20
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(self.said)
            await asyncio.sleep(0.002)

    async def listeners(self, count):
        await self.until(lambda: len(self.streams.listeners) == count)

    async def send(self, *pairs):
        """Send messages and wait until the capture has them, over however many connections they came."""
        before = self.capture.status().frames
        got = sum(min(1, self.streams.send(stream, payload)) for stream, payload in pairs)
        await self.until(lambda: self.capture.status().frames >= before + got)

    async def bars(self, *numbers, closed=True):
        for number in numbers:
            await self.send(*((KLINE, kline_event("BTCUSDT", MINUTE, BARS, number, closed=now))
                              for now in ((False, True) if closed else (False,))))  # fmt: skip

    async def cut(self):
        """Cut the connection and wait until the next one is there."""
        before = self.capture.status().connections
        self.streams.cut()
        await self.until(lambda: self.capture.status().connections > before)
        await self.listeners(1)

    async def gaps(self, *, filled=0, left=0):
        await self.until(lambda: (self.capture.status().filled, self.capture.status().gaps) == (filled, left))

    def events(self, kind):
        return [event for event in CaptureReader(self.folder) if isinstance(event, kind)]


@pytest.fixture
def record(exchange, streams, tmp_path):
    """Give a function that makes a recording of streams of BTCUSDT into one folder."""
    exchange.list_bars("BTCUSDT", MINUTE, BARS)
    exchange.list_symbol("BTCUSDT", market="futures")
    return lambda *kinds, **more: Recording(exchange, streams, tmp_path / "out", *kinds, **more)


def assert_equal_bars(expected, actual):
    for name in BAR_COLUMNS:
        assert getattr(expected, name).tolist() == getattr(actual, name).tolist()


def test_every_closed_bar_is_there_once_through_drops_and_a_shutdown(record, streams):
    """What the exchange sold, and what the capture and its CSV hold, are equal in every column."""

    async def story(recording):
        await recording.bars(0, 1, 2)
        await recording.bars(3, closed=False)
        await recording.cut()
        await recording.bars(6, 7)
        await recording.gaps(filled=1)
        with streams.duplicate():
            await recording.bars(8, 9)
        streams.announce_shutdown()
        await recording.listeners(2)
        await recording.bars(10)
        await recording.listeners(1)
        await recording.bars(11)
        with streams.accept_and_drop():
            streams.cut()
            await recording.until(lambda: len(streams.attempts) >= 5)
        await recording.listeners(1)
        with streams.late():
            streams.send(KLINE, kline_event("BTCUSDT", MINUTE, BARS, 15))
            streams.send(KLINE, kline_event("BTCUSDT", MINUTE, BARS, 16))
        await recording.gaps(filled=2)

    recording = record("kline_1m", csv=True)
    status = recording.run(story)
    captured = read_capture(recording.folder)

    assert_equal_bars(BARS[:17], captured.bars)
    assert_equal_bars(BARS[:17], read_bars(recording.folder / "BTCUSDT-1m.csv").bars)
    assert () == captured.warnings
    assert (17, 0, 2) == (status.rows, status.gaps, status.filled)


def test_missed_trades_are_filled_by_their_ids(record, exchange):
    """Bars made of the aggregate trades are those of an unbroken stream."""
    rows = agg_trade_rows(5000, 4000, START)
    exchange.list_trades("BTCUSDT", rows)

    async def story(recording):
        await recording.send(*((AGG, agg_trade_event("BTCUSDT", row)) for row in rows[:300]))
        await recording.cut()
        await recording.send(*((AGG, agg_trade_event("BTCUSDT", row)) for row in rows[3000:]))
        await recording.gaps(filled=1)

    recording = record("aggTrade", csv=True)
    recording.run(story)
    (gap,) = recording.events(Gap)
    lines = (recording.folder / "BTCUSDT-aggTrade.csv").read_text().splitlines()

    assert Gap(gap.receive_ms, AGG, rows[299]["T"], rows[3000]["T"], 2700, filled=True) == gap
    assert [1000, 1000, 700] == [len(event.messages()) for event in recording.events(Backfill)]
    assert list(range(5000, 9000)) == [int(line.partition(",")[0]) for line in lines[1:]]
    assert 5 == len(read_capture(recording.folder, interval=MINUTE).bars)


def test_what_nobody_can_fetch_is_marked(record):
    """Single trades by their number; of liquidations nobody knows how many there were."""

    async def story(recording):
        await recording.send((TRADE, trade_event("BTCUSDT", 1, 100.0, START)))
        await recording.cut()
        await recording.send((TRADE, trade_event("BTCUSDT", 4, 101.0, START + 900)))
        await recording.gaps(left=2)

    recording = record("trade", "bookTicker")
    recording.run(story)
    gaps = {gap.stream: gap for gap in recording.events(Gap)}

    assert (2, False, START, START + 900) == (
        gaps[TRADE].missed, gaps[TRADE].filled, gaps[TRADE].start_ms, gaps[TRADE].end_ms
    )  # fmt: skip
    assert (None, False) == (gaps["btcusdt@bookTicker"].missed, gaps["btcusdt@bookTicker"].filled)


def test_a_capture_tells_its_story_in_order(record):
    """What began, which connections there were, and every frame with the time at which it came."""
    before = round(time.time() * 1000)

    async def story(recording):
        await recording.bars(0)
        await recording.cut()

    recording = record("kline_1m")
    recording.run(story)
    events = list(CaptureReader(recording.folder))

    assert [Started, Connected, Frame, Frame, Disconnected, Connected] == [type(event) for event in events]
    assert before <= events[0].receive_ms <= events[-1].receive_ms <= round(time.time() * 1000)


def test_a_second_run_goes_on_with_the_csv(record):
    """The bars between the two runs are fetched, and none is there twice."""

    async def first(recording):
        await recording.bars(0, 1, 2)

    async def second(recording):
        await recording.bars(2, 10)
        await recording.gaps(filled=1)

    record("kline_1m", csv=True).run(first)
    recording = record("kline_1m", csv=True)
    status = recording.run(second)

    assert_equal_bars(BARS[:11], read_bars(recording.folder / "BTCUSDT-1m.csv").bars)
    assert_equal_bars(BARS[:11], read_capture(recording.folder).bars)
    assert (8, 1) == (status.rows, status.files)


def test_rows_after_an_unfilled_hole_wait_for_the_next_run(record, exchange):
    """While REST is away the CSV stays whole; the next run asks again."""

    async def story(recording):
        await recording.bars(0, 1)
        await recording.cut()
        await recording.bars(4)

    async def later(recording):
        await recording.bars(5)
        await recording.gaps(filled=1)

    recording = record("kline_1m", csv=True, finish_s=0.1, grace_ms=60_000)
    with exchange.server_error(times=None):
        status = recording.run(story)
    shown = len(read_bars(recording.folder / "BTCUSDT-1m.csv").bars)
    record("kline_1m", csv=True).run(later)

    assert (2, 1) == (shown, status.gaps)
    assert_equal_bars(BARS[:6], read_bars(recording.folder / "BTCUSDT-1m.csv").bars)


def test_a_bar_that_is_not_on_sale_yet_is_asked_for_again(record, exchange):
    """The exchange's database may be behind its stream."""
    exchange.now_ms = START + 3 * 60_000 + 500

    async def story(recording):
        await recording.bars(0)
        await recording.cut()
        await recording.bars(4, closed=False)
        await recording.until(lambda: exchange.queries("klines"))
        exchange.now_ms = START + 10 * 60_000
        recording.capture._rest.server_time()
        await recording.gaps(filled=1)

    recording = record("kline_1m", again_s=0.05)
    recording.run(story)

    assert [1, 2, 3] == [
        (kline.open_time - START) // 60_000 for kline in recording.events(Backfill)[-1].messages()
    ]


def test_bars_that_the_exchange_never_made_stay_a_gap(record, exchange):
    """During maintenance there are none; the marker says how many."""
    holes = make_bars(MINUTE, START, 40)
    exchange.list_bars(
        "BTCUSDT", MINUTE, type(holes)(*(getattr(holes, name)[[0, 1, 5, 6]] for name in BAR_COLUMNS))
    )

    async def story(recording):
        await recording.bars(0, 6)
        await recording.gaps(left=1)

    recording = record("kline_1m")
    recording.run(story)

    assert [(3, False)] == [(gap.missed, gap.filled) for gap in recording.events(Gap)]


def test_a_frame_that_cannot_be_read_is_kept_and_spoils_nothing(record, streams):
    """It is set aside under a name that no reader takes for market data."""

    async def story(recording):
        await recording.bars(0)
        streams.send_text(KLINE, '{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1')
        await recording.until(lambda: recording.capture.status().frames == 3)

    recording = record("kline_1m")
    recording.run(story)

    assert UNREADABLE == recording.events(Frame)[-1].stream
    assert 1 == len(read_capture(recording.folder).bars)
    assert any("cannot be read" in line for line in recording.said)


def test_futures_are_recorded_with_their_liquidations(record):
    """Silence of liquidations is normal beside trades that come."""

    async def story(recording):
        await recording.send((FORCE, liquidation_event("BTCUSDT", START)))

    recording = record("aggTrade", "forceOrder", market="futures", csv=True)
    status = recording.run(story)

    assert ["BTCUSDT-forceOrder-futures.csv"] == [path.name for path in recording.capture.paths()[1:]]
    assert "futures" == recording.events(Started)[0].market
    assert 9910 == status.price


def test_it_stops_by_itself_after_its_time(record):
    """With what it has."""
    recording = record("kline_1m", duration_s=0.05)

    async def nothing(recording):
        await recording.until(recording.capture._stop.is_set)

    assert 1 == recording.run(nothing).connections


def test_a_symbol_that_does_not_exist_is_named_before_connecting(exchange, streams, tmp_path):
    """With the nearest that do."""
    exchange.list_symbol("BTCUSDT", "ETHUSDT")
    exchange.list_symbol("BTCUSDT", market="futures")
    for market in ("spot", "futures"):
        plan = plan_capture(["BTCUSDR"], ["aggTrade"], tmp_path, market=market)
        with pytest.raises(UnknownSymbol, match="BTCUSDT"):
            Capture(plan, exchange.venue).check_symbols()

    assert [] == streams.attempts


def test_without_rest_the_stream_is_recorded_all_the_same(record, exchange):
    """Some places reach the streams only."""
    recording = record("kline_1m")
    with exchange.refuse(451, code=0, reason="restricted location"):
        recording.capture.check_symbols()

    assert "could not be checked" in recording.said[0]


def test_a_ban_stops_before_connecting(record, exchange):
    """To go on would make it longer."""
    with exchange.refuse(418, retry_after=60), pytest.raises(Banned):
        record("kline_1m").capture.check_symbols()


def test_a_folder_that_cannot_be_written_to_ends_the_capture(record):
    """With a sentence, not with a recording of nothing."""
    recording = record("kline_1m")
    recording.folder.write_text("a file")

    with pytest.raises(ConfigError, match="out"):
        asyncio.run(recording.capture.run())


def test_a_plan_needs_streams_that_exist(tmp_path):
    """The nearest name is suggested."""
    with pytest.raises(UnknownName, match="aggTrade"):
        plan_capture(["BTCUSDT"], ["aggTrades"], tmp_path)
    with pytest.raises(ConfigError, match="what to record"):
        plan_capture(["BTCUSDT"], [], tmp_path)


def test_a_stream_that_stays_silent_is_reported(record):
    """Once, by its name; liquidations are not."""

    async def story(recording):
        await recording.until(lambda: any("Nothing has come" in line for line in recording.said))

    recording = record("aggTrade", "forceOrder", market="futures", silence_s=0.01)
    recording.run(story)

    assert [AGG] == [line.split()[4] for line in recording.said if "Nothing" in line]
