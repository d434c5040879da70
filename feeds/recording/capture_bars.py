"""Read a capture as bars: from its closed klines, or from its trades at any interval."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bt_run.core.errors import ConfigError, DataError, FrameError, UnknownName
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, BarFile, Bars
from feeds.order_flow import FlowBook
from feeds.quality import describe_gaps, show_time
from feeds.recording.capture_file import CaptureReader
from feeds.recording.capture_series import collect_series
from feeds.recording.trade_bars import bars_from_trades
from feeds.resample import resample
from feeds.table.content import sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from feeds.recording.capture_series import CapturedSeries
    from feeds.wire.messages import KlineFrame

__all__ = ["CapturedBars", "Source", "bars_of_klines", "choose_bars", "read_capture"]

Source = Literal["auto", "kline", "aggTrade", "trade"]
"""What bars are made of; ``auto`` takes klines of the interval, else trades, else klines of shorter ones."""


@dataclass(frozen=True, slots=True, eq=False)
class CapturedBars:
    """Bars of one symbol; `source` says what they were made of, `warnings` what is missing."""

    bars: Bars
    symbol: str
    interval: Interval
    source: str
    warnings: tuple[str, ...]


def read_capture(
    path: Path, *, symbol: str | None = None, interval: Interval | None = None, source: Source = "auto"
) -> BarFile:
    """
    Read a capture, a file or a folder of them, as closed bars.

    A kline counts when the exchange sent it closed (``"x":true``) or REST filled it in: a close that was
    missed is missing. Bars of trades are those of `trade_bars.bars_from_trades`: where trades are
    missing there are none. Both become warnings, as do the gaps that were noticed while recording.

    Args:
        path: What `feeds.recording.capture_file.is_capture` recognises.
        symbol: Needed where the capture holds several.
        interval: Needed where the capture holds klines of several intervals, or only trades.
        source: What to make the bars of.

    Raises:
        DataError: damaged, or without a closed bar.
        ConfigError: symbol or interval must be given, or are not in the capture; lists what is.
    """
    reader = CaptureReader(path)
    made = choose_bars(_collect(reader, symbol), path, symbol=symbol, interval=interval, source=source)
    return BarFile(
        path=path,
        symbol=made.symbol,
        interval=made.interval,
        bars=made.bars,
        sha256=_digest(reader.files),
        format=f"bt-run capture, {made.source}",
        warnings=(*reader.warnings, *made.warnings),
    )


def choose_bars(
    found: list[CapturedSeries],
    path: Path,
    *,
    symbol: str | None = None,
    interval: Interval | None = None,
    source: Source = "auto",
) -> CapturedBars:
    """Make bars of what was collected from `path`; the rest is as in `read_capture`."""
    chosen = _choose_series(found, path, symbol)
    bars, wanted, kind = _bars(chosen, path, interval, source)
    if not len(bars):
        raise DataError(
            f"The recording holds no closed bar of {chosen.symbol} {wanted}.",
            path=path,
            hint="Record longer, or choose a shorter interval.",
        )
    gaps = describe_gaps(bars.open_time, wanted)
    warnings = [*_describe_recorded(chosen), *([gaps] if gaps else [])]
    if chosen.market == "futures":
        bars, torn = _with_flow(bars, chosen, wanted)
        warnings += [torn] if torn else []
    return CapturedBars(bars, chosen.symbol, wanted, kind, tuple(warnings))


def bars_of_klines(klines: dict[int, KlineFrame]) -> Bars:
    """Make bars of closed klines by open time, in whatever order they came."""
    ordered = [klines[time] for time in sorted(klines)]
    columns = {name: [getattr(kline, name) for kline in ordered] for name in BAR_COLUMNS[1:]}
    return Bars.of([kline.open_time for kline in ordered], **columns)


def _collect(reader: CaptureReader, symbol: str | None) -> list[CapturedSeries]:
    try:
        found = collect_series(reader, symbol=symbol)
        if not found and symbol is not None:
            known = {series.symbol for series in collect_series(reader)}
            raise UnknownName("symbol in the capture", symbol, known)
    except FrameError as error:
        error.path, error.line = reader.place
        raise
    return found


def _choose_series(found: list[CapturedSeries], path: Path, symbol: str | None) -> CapturedSeries:
    if len(found) == 1:
        return found[0]
    if not found:
        of = "" if symbol is None else f" of {symbol}"
        raise DataError(f"The recording holds neither klines nor trades{of}.", path=path)
    listed = ", ".join(sorted({series.symbol for series in found}))
    if len({series.symbol for series in found}) == 1:
        raise ConfigError(f"{path} holds {listed} of spot and of futures. Name a file of one of them.")
    raise ConfigError(f"{path} holds several symbols ({listed}). Choose one with --symbol.")


def _bars(
    series: CapturedSeries, path: Path, wanted: Interval | None, source: Source
) -> tuple[Bars, Interval, str]:
    """Make the bars; tell their interval and what they were made of."""
    intervals = {Interval.parse(name): bars for name, bars in series.klines.items()}
    closed = {one: bars for one, bars in intervals.items() if bars}
    if wanted is None and source in ("auto", "kline") and len(intervals) == 1:
        wanted = next(iter(intervals))
    if wanted is None:
        raise ConfigError(f"{path} holds {_contents(series)}. Choose an interval, such as --interval 1m.")
    if source in ("auto", "kline") and wanted in closed:
        return bars_of_klines(closed[wanted]), wanted, f"{wanted} klines"
    for recorder, kind in ((series.agg_trades, "aggTrade"), (series.trades, "trade")):
        if recorder and source in ("auto", kind):
            return bars_from_trades(recorder.tape(), wanted), wanted, f"{kind}s"
    shorter = [one for one in closed if _divides(one, wanted)]
    if source in ("auto", "kline") and shorter:
        longest = max(shorter, key=lambda one: one.approximate_ms)
        bars = resample(bars_of_klines(closed[longest]), source=longest, target=wanted)
        return bars, wanted, f"{longest} klines"
    if source in ("auto", "kline") and wanted in intervals:
        return Bars.of([], **dict.fromkeys(BAR_COLUMNS[1:], ())), wanted, f"{wanted} klines"
    raise ConfigError(f"{path} holds {_contents(series)}, which do not make bars of {wanted}.")


def _with_flow(bars: Bars, series: CapturedSeries, interval: Interval) -> tuple[Bars, str]:
    """Join order flow to bars of futures; say where the trades do not add up to the klines."""
    book = FlowBook(series.symbol, interval)
    tape = series.agg_trades or series.trades
    if tape:
        traded = bars_from_trades(tape.tape(), interval, partial=True)
        bought = traded.taker_buy_volume
        for time, sold, false_volume in zip(
            traded.open_time.tolist(), (traded.volume - bought).tolist(), bought.tolist(), strict=True
        ):
            book.add_trades(time, true_volume=sold, false_volume=false_volume)
    for start, end in series.heard:
        book.connected(start)
        book.disconnected(end)
    for order in series.liquidations:
        book.take(order)
    torn = book.torn(bars)
    flow = book.flow_of(bars)
    said = ""
    if torn:
        count = f"{len(torn)} bar{'' if len(torn) == 1 else 's'}"
        said = f"trades of {count} do not add up to the volume; taker buy volume is used there"
    return bars.with_flow(flow), said


def _divides(shorter: Interval, target: Interval) -> bool:
    try:
        resample(Bars.of([], **dict.fromkeys(BAR_COLUMNS[1:], ())), source=shorter, target=target)
    except ConfigError:
        return False
    return True


def _contents(series: CapturedSeries) -> str:
    parts = [f"klines of {name}" for name in series.klines]
    parts += ["aggregate trades"] if series.agg_trades else []
    parts += ["trades"] if series.trades else []
    return f"of {series.symbol} {' and '.join(parts) or 'neither klines nor trades'}"


def _describe_recorded(series: CapturedSeries) -> list[str]:
    """Say where the recording itself noticed that something was missed."""
    if not series.gaps:
        return []
    places = ", ".join(f"from {show_time(gap.start_ms)} to {show_time(gap.end_ms)}" for gap in series.gaps[:3])
    more = ", ..." if len(series.gaps) > 3 else ""
    count = f"{len(series.gaps)} gap{'' if len(series.gaps) == 1 else 's'}"
    return [f"{count} noticed while recording: {places}{more}"]


def _digest(files: list[Path]) -> str:
    """Give the digest of a file, or one over the digests of several."""
    if len(files) == 1:
        return sha256_of(files[0])
    joined = "".join(sha256_of(one) for one in files)
    return hashlib.sha256(joined.encode()).hexdigest()
