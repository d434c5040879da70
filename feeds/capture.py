"""Record market streams: raw frames with receive time, on request CSV too, and what was missed over REST."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import Banned, ConfigError, ExchangeError, FrameError, UnknownSymbol
from feeds.binance_rest import BinanceRest
from feeds.recording.capture_csv import CsvLog, find_columns
from feeds.recording.capture_fill import HoleFiller, Quit
from feeds.recording.capture_status import CaptureMeter, CaptureStatus
from feeds.recording.capture_writer import CaptureWriter
from feeds.resample import bar_bounds
from feeds.stream import MarketStream
from feeds.wire.codec_rest import parse_backfill
from feeds.wire.continuity import Continuity, Hole
from feeds.wire.staleness import is_quiet
from feeds.wire.stream_events import Backfill, Connected, Disconnected, Frame, Gap
from feeds.wire.stream_names import StreamName, stream_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bt_run.core.stream_policy import StreamPolicy
    from bt_run.core.venue import Market, Venue
    from feeds.wire.stream_events import StreamEvent

__all__ = ["UNREADABLE", "Capture", "CapturePlan", "plan_capture"]

UNREADABLE = "unreadable@frame"
"""The stream under which a frame is kept that cannot be decoded: no reader takes it for market data."""


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """
    What to record and where to.

    `streams` are full names. `max_bytes` is the size from which on a new file begins; each day (UTC) begins
    one too. `duration_s` None means until stopped. The other times are for tests: `tick_s` is how often
    files are flushed, `grace_ms` how long a hole may close by itself, `again_s` the pause before REST is
    asked again, `finish_s` how long the end may take, `silence_s` when a silent stream is reported.
    """

    symbols: tuple[str, ...]
    streams: tuple[str, ...]
    folder: Path
    market: Market = "spot"
    csv: bool = False
    duration_s: float | None = None
    max_bytes: int = 256 << 20
    tick_s: float = 0.25
    grace_ms: int = 3_000
    again_s: float = 2.0
    finish_s: float = 10.0
    silence_s: float = 60.0


def plan_capture(
    symbols: Sequence[str], kinds: Sequence[str], folder: Path, *, market: Market = "spot", **more: Any
) -> CapturePlan:
    """
    Plan to record each kind of stream of each symbol; `more` are fields of `CapturePlan`.

    Raises:
        UnknownName: no such kind of stream; suggests the nearest.
        ConfigError: nothing to record, or a kind that only the other market has.
    """
    if not symbols or not kinds:
        raise ConfigError("Say what to record, such as --symbol BTCUSDT --stream kline_5m.")
    names = dict.fromkeys(stream_name(symbol, kind, market=market) for symbol in symbols for kind in kinds)
    upper = tuple(dict.fromkeys(symbol.upper() for symbol in symbols))
    return CapturePlan(upper, tuple(names), folder, market=market, **more)


class Capture:
    """
    One recording.

    Everything that comes is written, repeated frames too; readers count each bar and trade once. What the
    streams passed over is fetched and written beside it, with a `Gap` that says whether all of it came. CSV
    rows wait until nothing before them is missing any more.

    Args:
        plan: What to record.
        venue: Where.
        policy: The times of the stream.
        clock: Gives our time, seconds since 1970.
        notify: Gets lines for people: connections, gaps, trouble.
    """

    def __init__(
        self,
        plan: CapturePlan,
        venue: Venue,
        *,
        policy: StreamPolicy | None = None,
        clock: Callable[[], float] = time.time,
        notify: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.plan = plan
        self._notify = notify
        self._clock = clock
        self._quit = Quit()
        self._rest = BinanceRest(venue, market=plan.market, clock=clock, sleep=self._quit.sleep)
        self._stream = MarketStream(venue, plan.streams, market=plan.market, policy=policy, clock=clock)
        self._writer = CaptureWriter(
            plan.folder,
            symbols=plan.symbols,
            streams=plan.streams,
            market=plan.market,
            max_bytes=plan.max_bytes,
        )
        self._meter = CaptureMeter(time.monotonic())
        self._continuity = Continuity(plan.streams, grace_ms=plan.grace_ms)
        self._files: set[Path] = set()
        self._logs: dict[str, CsvLog] = {}
        self._lost_ms: int | None = None
        self._stop = asyncio.Event()

    def check_symbols(self) -> None:
        """
        Ask the exchange whether the symbols exist; where it cannot be asked, say so and go on.

        Raises:
            UnknownSymbol: one does not exist; suggests the nearest.
            Banned: nothing may be asked now.
        """
        known: dict[str, Any] = {}
        try:
            for symbol in self.plan.symbols:
                # Futures answer with all symbols at once.
                if symbol not in known:
                    info = self._rest.fetch_exchange_info(symbol)
                    known |= {entry["symbol"]: entry for entry in info.get("symbols", [])}
                if symbol not in known:
                    raise UnknownSymbol(symbol, known, market=self.plan.market)
                if known[symbol].get("status") not in (None, "TRADING"):
                    self._notify(f"{symbol} is not traded now (status {known[symbol]['status']}).")
        except Banned:
            raise
        except ExchangeError as error:
            self._notify(f"The symbols could not be checked: {error} What is missed cannot be fetched either.")

    def status(self) -> CaptureStatus:
        """Give the state at this moment."""
        rows = sum(log.rows for log in self._logs.values())
        return self._meter.status(
            time.monotonic(), files=len(self._files), rows=rows, trouble=self._stream.trouble
        )

    def paths(self) -> list[Path]:
        """Give the files written so far: captures, then CSV."""
        return [*sorted(self._files), *(log.path for log in self._logs.values() if log.rows)]

    def stop(self) -> None:
        """End the recording; `run` then returns. To be called in the event loop's thread."""
        self._stop.set()

    async def run(self) -> CaptureStatus:
        """
        Record until `stop`, or for the planned time.

        Raises:
            ConfigError: the folder cannot be written to, or its disk is full.
            Banned, Rejected: the exchange refuses the connection for good.
        """
        self._meter = CaptureMeter(time.monotonic())
        filler = HoleFiller(
            self._rest,
            take=self._take_rows,
            settle=self._settle,
            notify=self._notify,
            again_s=self.plan.again_s,
        )
        self._open_logs()
        try:
            async with self._stream:
                await self._record(filler)
        finally:
            self._quit.set()
            for log in self._logs.values():
                log.close()
            self._writer.close()
        return self.status()

    async def _record(self, filler: HoleFiller) -> None:
        if self.plan.duration_s is not None:
            asyncio.get_running_loop().call_later(self.plan.duration_s, self.stop)
        listening = asyncio.create_task(self._listen())
        tasks = [listening, asyncio.create_task(self._tend(filler)), asyncio.create_task(filler.run())]
        stopping = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await self._stream.aclose()
            await listening
            filler.ask(self._continuity.holes())
            await filler.finish(self.plan.finish_s)
            for task in tasks:
                if task.done():
                    task.result()
            self._give_up()
            self._release()
        finally:
            self._quit.set()
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.wait([*tasks, stopping])

    async def _listen(self) -> None:
        async for event in self._stream:
            self._take(event)

    async def _tend(self, filler: HoleFiller) -> None:
        """Flush what was written, have holes filled, and report streams that stay silent."""
        reported = False
        while True:
            await asyncio.sleep(self.plan.tick_s)
            self._writer.flush()
            filler.ask(self._continuity.due(self._now_ms()))
            self._release()
            if not reported and self.status().seconds >= self.plan.silence_s and not self._stream.trouble:
                reported = True
                self._report_silence()

    # Events.

    def _take(self, event: StreamEvent) -> None:
        if isinstance(event, Frame):
            self._take_frame(event)
            return
        self._write(event)
        if isinstance(event, Connected):
            self._meter.connections += 1
            self._notify(f"Connected to {event.url}.")
            self._mark_loose(event.receive_ms)
        elif isinstance(event, Disconnected):
            self._lost_ms = event.receive_ms
            self._notify(f"Disconnected: {event.reason}. Connecting again.")

    def _take_frame(self, frame: Frame) -> None:
        self._meter.note_frame(frame.stream, time.monotonic())
        try:
            messages = frame.messages()
        except FrameError as error:
            self._notify(f"A frame cannot be read and is kept as {UNREADABLE}: {error}")
            self._write(Frame(frame.receive_ms, UNREADABLE, frame.text))
            return
        self._write(frame)
        log = self._logs.get(frame.stream)
        for message in messages:
            self._meter.note_message(message, frame.receive_ms)
            self._continuity.note(frame.stream, message, now_ms=frame.receive_ms)
            if log is not None:
                log.add(message)

    def _take_rows(self, stream: str, text: str) -> None:
        self._write(Backfill(self._now_ms(), stream, text))
        log = self._logs.get(stream)
        if log is not None:
            for message in parse_backfill(stream, text):
                log.add(message)

    def _settle(self, hole: Hole, rows: int) -> None:
        """Write the marker of a hole, of which so many rows were filled."""
        lacking = max(0, hole.missed - rows)
        self._continuity.settle(hole)
        self._mark(Gap(
            self._now_ms(), hole.stream, hole.start_ms, hole.end_ms, lacking or hole.missed, filled=not lacking
        ))  # fmt: skip

    def _mark(self, gap: Gap) -> None:
        self._write(gap)
        self._meter.filled += gap.filled
        self._meter.gaps += not gap.filled
        count = "" if gap.missed is None else f" ({gap.missed})"
        done = "fetched over REST" if gap.filled else "not filled"
        self._notify(f"Gap in {gap.stream}{count}: {done}.")

    def _mark_loose(self, now_ms: int) -> None:
        """Mark what nobody can count: liquidations and tickers of the time without a connection."""
        if self._lost_ms is not None:
            for stream in self._continuity.loose:
                self._mark(Gap(now_ms, stream, min(self._lost_ms, now_ms), now_ms))
            self._lost_ms = None

    def _give_up(self) -> None:
        """Mark what is still missing at the end; its CSV rows wait for the next run, which asks again."""
        for hole in self._continuity.holes():
            self._mark(Gap(self._now_ms(), hole.stream, hole.start_ms, hole.end_ms, hole.missed))

    # Files.

    def _write(self, event: StreamEvent) -> None:
        self._writer.write(event)
        if self._writer.path is not None:
            self._files.add(self._writer.path)

    def _open_logs(self) -> None:
        if not self.plan.csv:
            return
        for stream in self.plan.streams:
            if find_columns(stream) is None:
                self._notify(f"{stream} makes no CSV; it is in the capture.")
                continue
            log = self._logs[stream] = CsvLog(self.plan.folder, stream, market=self.plan.market)
            name = StreamName.parse(stream)
            if log.last is not None and name.interval is not None:
                _, ends = bar_bounds(np.array([log.last], dtype=np.int64), name.interval)
                self._continuity.expect(stream, int(ends[0]))
            elif log.last is not None and name.kind == "aggTrade":
                self._continuity.expect(stream, log.last + 1)

    def _release(self) -> None:
        for stream, log in self._logs.items():
            log.release(self._continuity.complete_before(stream))

    def _report_silence(self) -> None:
        for stream in self.plan.streams:
            if stream not in self._meter.heard and not is_quiet(stream):
                self._notify(f"Nothing has come on {stream} for {self.plan.silence_s:.0f} seconds.")

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
