"""Sort what a capture holds by market: closed klines, trades and liquidations, ready to become bars."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from feeds.recording.trade_bars import TradeTape
from feeds.recording.trade_text import find_trade_row, row_of
from feeds.table.naming import compact_symbol
from feeds.wire.messages import AggTrade, KlineFrame, Liquidation, Trade
from feeds.wire.stream_events import Backfill, Connected, Disconnected, Frame, Gap, Started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bt_run.core.venue import Market
    from feeds.recording.trade_text import TradeRow
    from feeds.wire.messages import Message
    from feeds.wire.stream_events import StreamEvent

__all__ = ["CapturedSeries", "TapeRecorder", "collect_series"]

_CHUNK = 50_000
_EVENT_MS = re.compile(r'"E":\s*(\d+)')
_CLOCKS_AGREE_MS = 10_000
_BARS_AND_TRADES = ("kline_", "continuousKline_", "trade", "aggTrade", "forceOrder", "arr")


class TapeRecorder:
    """Collect trades; arrays of them take a quarter of the memory that single trades do."""

    def __init__(self) -> None:
        self._waiting: list[TradeRow] = []
        self._tapes: list[TradeTape] = []

    def add(self, row: TradeRow) -> None:
        """Add one, in any order."""
        self._waiting.append(row)
        if len(self._waiting) >= _CHUNK:
            self._pack()

    def tape(self) -> TradeTape:
        """Give all of them."""
        self._pack()
        return TradeTape.joined(self._tapes)

    def __bool__(self) -> bool:
        return bool(self._waiting or self._tapes)

    def _pack(self) -> None:
        if self._waiting:
            self._tapes.append(TradeTape.of_rows(self._waiting))
            self._waiting = []


@dataclass(slots=True)
class CapturedSeries:
    """
    What a capture holds of one symbol; filled while it is read.

    `klines` are the closed bars by interval and open time; an interval of which none closed has no bars.
    `gaps` are those of its streams, or of the whole connection, that REST did not fill. `liquidations` came on
    ``forceOrder``, which was recorded in the spans `heard`, (first, last) in ms; there is none
    where the stream was not recorded, which is not the same as a market without liquidations.
    """

    symbol: str
    market: Market
    klines: dict[str, dict[int, KlineFrame]] = field(default_factory=dict)
    trades: TapeRecorder = field(default_factory=TapeRecorder)
    agg_trades: TapeRecorder = field(default_factory=TapeRecorder)
    liquidations: list[Liquidation] = field(default_factory=list)
    heard: list[tuple[int, int]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


def collect_series(events: Iterable[StreamEvent], *, symbol: str | None = None) -> list[CapturedSeries]:
    """
    Sort the events of a capture by market and symbol.

    A continuous kline counts as the symbol ``BTCUSDT_PERPETUAL``. Only klines that closed are kept.

    Args:
        events: All of the capture.
        symbol: Keep this one only (upper or lower case, with or without separators); None for all.

    Raises:
        FrameError: a frame with a missing or malformed field.
    """
    found: dict[tuple[str, Market], CapturedSeries] = {}
    wanted = None if symbol is None else compact_symbol(symbol)
    gaps: list[tuple[Market, Gap]] = []
    listening = _Listening()
    market: Market = "spot"

    def of(name: str) -> CapturedSeries | None:
        if wanted is not None and compact_symbol(name) != wanted:
            return None
        return found.setdefault((name, market), CapturedSeries(name, market))

    for event in events:
        listening.note(event)
        if isinstance(event, Started):
            market = event.market
        elif isinstance(event, Gap):
            gaps += [] if event.filled else [(market, event)]
        elif isinstance(event, Frame | Backfill):
            _take_event(event, of)
    for where, gap in gaps:
        for series in found.values():
            if series.market == where and gap.stream.partition("@")[0].upper() in ("", series.symbol):
                series.gaps.append(gap)
    for series in found.values():
        if series.market == "futures":
            series.heard = listening.spans_of(series.symbol)
    # The stream of all liquidations tells of symbols of which nothing else was recorded.
    return [series for series in found.values() if series.klines or series.trades or series.agg_trades]


class _Listening:
    """
    When liquidations of which symbol were listened to, by the exchange's time.

    Connections are written down by our clock. It counts where it agrees with the messages; where it does not,
    as in a recording of a replay, listening begins with the first message and ends with the last.
    """

    def __init__(self) -> None:
        self._streams: set[str] = set()
        self._connected: dict[str, int] = {}
        self._open: dict[str, int] = {}
        self._spans: list[tuple[str, int, int]] = []
        self._last_ms = 0
        self._is_live = False

    def note(self, event: StreamEvent) -> None:
        """Take any event of the capture."""
        if isinstance(event, Started):
            self._close(event.receive_ms)
            self._streams = {name for name in event.streams if "forceorder" in name.casefold()}
        elif isinstance(event, Connected):
            self._connected = dict.fromkeys(self._streams, event.receive_ms)
        elif isinstance(event, Disconnected):
            self._close(event.receive_ms)
        elif isinstance(event, Frame) and (
            self._connected or self._open or "forceorder" in event.stream.casefold()
        ):
            self._hear(event)

    def spans_of(self, symbol: str) -> list[tuple[int, int]]:
        """Give the spans of a symbol, oldest first; the last one ends with the capture."""
        self._close(self._last_ms)
        mine = (f"{symbol.lower()}@forceorder", "!forceorder@arr")
        return sorted((start, end) for stream, start, end in self._spans if stream.casefold() in mine)

    def _hear(self, frame: Frame) -> None:
        found = _EVENT_MS.search(frame.text)
        if found is None:
            return
        event_ms = int(found[1])
        self._is_live = abs(frame.receive_ms - event_ms) < _CLOCKS_AGREE_MS
        self._last_ms = frame.receive_ms if self._is_live else event_ms
        for stream, connected_ms in self._connected.items():
            self._open.setdefault(stream, min(connected_ms, event_ms) if self._is_live else event_ms)
        self._connected = {}
        if "forceorder" in frame.stream.casefold():  # a capture may not say what it listens to
            self._open.setdefault(frame.stream, event_ms)

    def _close(self, time_ms: int) -> None:
        end = time_ms if self._is_live else self._last_ms
        self._spans += [(stream, start, end) for stream, start in self._open.items()]
        self._open.clear()
        self._connected = {}


def _take_event(event: Frame | Backfill, of: Callable[[str], CapturedSeries | None]) -> None:
    kind = event.stream.partition("@")[2]
    # Depth and tickers are passed over: decoding them would cost most of the time.
    if kind and not kind.startswith(_BARS_AND_TRADES):
        return
    found = find_trade_row(event.text, kind)
    if found is None:
        for message in event.messages():
            _take(message, of)
        return
    series = of(found[0])
    if series is not None:
        (series.trades if kind == "trade" else series.agg_trades).add(found[1])


def _take(message: Message, of: Callable[[str], CapturedSeries | None]) -> None:
    if isinstance(message, KlineFrame):
        name = f"{message.symbol}_{message.contract}" if message.contract else message.symbol
        series = of(name)
        if series is not None:
            bars = series.klines.setdefault(message.interval, {})
            if message.closed:
                bars[message.open_time] = message
    elif isinstance(message, Trade | AggTrade):
        series = of(message.symbol)
        if series is not None:
            (series.trades if isinstance(message, Trade) else series.agg_trades).add(row_of(message))
    elif isinstance(message, Liquidation) and not message.coin_m:
        series = of(message.symbol)
        if series is not None:
            series.liquidations.append(message)
