"""
A market that goes on: the loopback exchange's REST and streams tell of the same bars at the same time.

    python tests/exchange/exchange_live.py --interval 1s --bars 5000

goes on in real time until it is killed, and prints the URLs of REST and of the streams; a benchmark uses that.
Final frames tell in ``Q`` by the monotonic clock when they were sent, in nanoseconds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from exchange_frames import kline_event
from exchange_market import close_time, make_bars

from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars

if TYPE_CHECKING:
    from exchange_server import LoopbackExchange
    from exchange_streams import StreamServer

    from bt_run.core.venue import Venue

START = 1_767_225_600_000  # 2026-01-01


class LiveMarket:
    """
    One symbol and interval, bar by bar. The time moves only when the test says so.

    `number` is the bar that is forming; all before it have closed. `absent` are bars that never were.
    """

    def __init__(
        self,
        exchange: LoopbackExchange,
        streams: StreamServer,
        *,
        symbol: str = "BTCUSDT",
        interval: str = "1m",
        count: int = 300,
        number: int = 60,
        absent: set[int] | None = None,
        start: int = START,
    ) -> None:
        self.exchange = exchange
        self.streams = streams
        self.symbol = symbol
        self.interval = Interval.parse(interval)
        self.stream = f"{symbol.lower()}@kline_{interval}"
        made = make_bars(self.interval, start, count, seed=len(symbol) + count)
        # Three bars in a row without a trade: each price stands still at the last close.
        quiet = slice(number + 5, number + 8)
        for name in ("open", "high", "low", "close"):
            getattr(made, name)[quiet] = made.close[number + 4]
        for name in ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume"):
            getattr(made, name)[quiet] = 0.0
        self.bars = made
        self.absent = absent or set()
        there = np.array([place not in self.absent for place in range(count)])
        exchange.list_bars(
            symbol, self.interval, Bars(*(getattr(made, name)[there].copy() for name in BAR_COLUMNS))
        )
        self.number = number
        exchange.now_ms = self.opened(number) + 20_000

    @property
    def venue(self) -> Venue:
        """Give a venue that points at both servers."""
        return replace(self.exchange.venue, stream_url=self.streams.url, futures_stream_url=self.streams.url)

    def opened(self, number: int) -> int:
        """Give the open time of a bar."""
        return int(self.bars.open_time[number])

    def pass_to(self, number: int, seconds: float) -> None:
        """Let time pass until so many seconds after this bar opened; never back."""
        self.exchange.now_ms = max(self.exchange.now_ms, self.opened(number) + round(1000 * seconds))

    def update(self, *, seconds: float = 30.0) -> int:
        """Send the state of the forming bar; gives how many got it."""
        self.pass_to(self.number, seconds)
        event = kline_event(self.symbol, self.interval, self.bars, self.number, closed=False)
        return self.streams.send(self.stream, {**event, "E": self.exchange.now_ms - 5})

    def close(self, *, withheld: bool = False) -> int:
        """Close the forming bar and send its final frame, unless it is withheld."""
        number, self.number = self.number, self.number + 1
        self.exchange.now_ms = max(self.exchange.now_ms, close_time(self.interval, self.opened(number)) + 30)
        return 0 if withheld or number in self.absent else self.send_final(number)

    def send_final(self, number: int) -> int:
        """Send the final frame of a bar, perhaps again."""
        return self.streams.send(
            self.stream, kline_event(self.symbol, self.interval, self.bars, number, closed=True)
        )

    def rows(self, first: int, end: int) -> list[tuple[Any, ...]]:
        """Give the bars from `first` on and before `end` that there are, in the order of `BAR_COLUMNS`."""
        return [
            tuple(getattr(self.bars, name)[number].item() for name in BAR_COLUMNS)
            for number in range(first, end)
            if number not in self.absent
        ]


def go_on(market: LiveMarket, *, frames_s: float) -> None:
    """Let the market go on in real time: states of the open bar every `frames_s`, final frames; 0: none."""
    next_frame = time.monotonic()
    while True:
        market.exchange.now_ms = round(time.time() * 1000)
        if frames_s and market.exchange.now_ms >= market.opened(market.number + 1):
            event = kline_event(market.symbol, market.interval, market.bars, market.number, closed=True)
            event["E"] = market.exchange.now_ms
            event["k"]["Q"] = str(time.monotonic_ns())
            market.streams.send(market.stream, event)
            market.number += 1
        if frames_s and time.monotonic() >= next_frame:
            next_frame += frames_s
            event = kline_event(market.symbol, market.interval, market.bars, market.number, closed=False)
            market.streams.send(market.stream, {**event, "E": market.exchange.now_ms})
        time.sleep(0.01)


def main() -> None:
    """Serve one synthetic symbol in real time until killed."""
    from exchange_server import LoopbackExchange
    from exchange_streams import StreamServer

    parser = argparse.ArgumentParser(description="Serve synthetic live bars of BTCUSDT.")
    parser.add_argument("--interval", default="1m")
    parser.add_argument("--bars", type=int, default=5000, help="closed bars at the start")
    parser.add_argument(
        "--frames-s", type=float, default=2.0, help="seconds between states of the open bar; 0: none"
    )
    given = parser.parse_args()
    interval = Interval.parse(given.interval)
    length = interval.milliseconds or 0
    first = (round(time.time() * 1000) // length - given.bars) * length
    with LoopbackExchange() as exchange, StreamServer() as streams:
        market = LiveMarket(
            exchange,
            streams,
            interval=given.interval,
            count=given.bars + 3600,
            number=given.bars,
            start=first,
        )
        print(exchange.url, streams.url, flush=True)  # noqa: T201  # the one who started it reads this
        go_on(market, frames_s=given.frames_s)


if __name__ == "__main__":
    main()
