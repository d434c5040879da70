"""A capture is a data source: its closed klines, or its trades at any interval."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bt_run.core.clock import parse_time
from bt_run.core.errors import ConfigError, DataError, FrameError, UnknownName
from bt_run.core.market import BAR_COLUMNS, Interval
from feeds.codec import stream_of
from feeds.recording.capture_bars import read_capture
from feeds.recording.capture_writer import CaptureWriter
from feeds.wire.stream_events import Backfill, Frame, Gap, Started, StreamEvent

START = parse_time("2024-01-31T12:00")
MINUTE_MS = 60_000
Record = Callable[..., Path]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Give a function that writes events as a capture and gives its folder."""

    def write(events: Iterable[StreamEvent], **more: Any) -> Path:
        folder = tmp_path / "captures"
        writer = CaptureWriter(folder, **{"symbols": ["X"], "streams": [], **more})
        for event in events:
            writer.write(event)
        writer.close()
        return folder

    return write


def kline(
    minute: int, *, closed: bool = True, symbol: str = "BTCUSDT", interval: str = "1m", **more: Any
) -> Frame:
    opened = START + minute * MINUTE_MS
    bar = {
        "t": opened, "T": opened + MINUTE_MS - 1, "i": interval, "f": 1, "L": 2, "o": "10", "h": "12", "l": "9",
        "c": f"{10 + minute / 100}", "v": "5", "n": 2, "x": closed, "q": "50", "V": "1", "Q": "10",
    }  # fmt: skip
    payload = {"e": "kline", "E": opened + MINUTE_MS, "s": symbol, "k": bar, **more}
    return Frame(opened + MINUTE_MS, f"{symbol.lower()}@kline_{interval}", json.dumps(payload))


def trade(number: int, second: float, *, kind: str = "trade", price: float = 10.0) -> Frame:
    time_ms = START + round(second * 1000)
    ids = {"t": number} if kind == "trade" else {"a": number, "f": 2 * number, "l": 2 * number + 1}
    payload = {
        "e": kind,
        "E": time_ms,
        "s": "BTCUSDT",
        **ids,
        "p": str(price),
        "q": "1",
        "T": time_ms,
        "m": False,
    }
    return Frame(time_ms, f"btcusdt@{kind}", json.dumps(payload))


def minutes(found: Any) -> list[float]:
    times: list[int] = found.bars.open_time.tolist()
    return [(time - START) / MINUTE_MS for time in times]


def test_closed_klines_are_the_bars(record: Record) -> None:
    """Only what the exchange sent as closed counts; what is still open never does."""
    path = record([kline(0, closed=False), kline(0), kline(1, closed=False), kline(1), kline(2, closed=False)])
    found = read_capture(path)

    assert [0.0, 1.0] == minutes(found)
    assert ("BTCUSDT", "1m", ()) == (found.symbol, str(found.interval), found.warnings)
    assert [(10.0, 12.0, 9.0, 10.01, 5.0, 50.0, 2.0, 1.0, 10.0)] == [
        tuple(getattr(found.bars, name)[1] for name in BAR_COLUMNS[1:])
    ]


def test_a_missed_close_is_not_invented(record: Record) -> None:
    """The bar is missing and a warning says so, even where its last state was seen."""
    found = read_capture(record([kline(0), kline(1), kline(2, closed=False), kline(3), kline(4)]))

    assert [0.0, 1.0, 3.0, 4.0] == minutes(found)
    assert ("1 gap, 1 bar missing: after 2024-01-31 12:01 (1 bar)",) == found.warnings


def test_rest_fills_what_was_missed(record: Record) -> None:
    """Rows of REST count as closed bars, wherever in the file they stand and however often."""
    opened = START + 2 * MINUTE_MS
    row = [opened, "10", "12", "9", "10.5", "5", opened + MINUTE_MS - 1, "50", 2, "1", "10", "0"]
    fill = Backfill(START + 4 * MINUTE_MS, "btcusdt@kline_1m", json.dumps([row]))
    filled = Gap(START + 4 * MINUTE_MS, "btcusdt@kline_1m", opened, opened, 1, filled=True)
    found = read_capture(record([kline(0), kline(1), kline(3), filled, fill, fill]))

    assert [0.0, 1.0, 2.0, 3.0] == minutes(found)
    assert [10.0, 10.01, 10.5, 10.03] == found.bars.close.tolist()
    assert () == found.warnings


def test_gaps_noticed_while_recording_are_told(record: Record) -> None:
    """Those of the symbol's streams and of the whole connection, unless REST filled them."""
    gaps = [
        Gap(START, "btcusdt@kline_1m", START, START + 5000),
        Gap(START, "", START, START + 6000),
        Gap(START, "ethusdt@kline_1m", START, START + 7000),
        Gap(START, "btcusdt@kline_1m", START, START + 8000, 3, filled=True),
    ]
    found = read_capture(record([*gaps, kline(0), kline(1)]))

    expected = (
        "2 gaps noticed while recording: from 2024-01-31 12:00 to 2024-01-31 12:00:05, "
        "from 2024-01-31 12:00 to 2024-01-31 12:00:06"
    )

    assert (expected,) == found.warnings


@pytest.mark.parametrize(("kind", "count"), [("trade", 10.0), ("aggTrade", 20.0)])
def test_trades_make_bars_of_any_interval(record: Record, kind: str, count: float) -> None:
    """A capture without klines becomes bars of the interval asked for."""
    path = record(trade(number, 3 * number, kind=kind, price=10 + number) for number in range(100))
    found = read_capture(path, interval=Interval.parse("30s"))

    assert [0.5 * place for place in range(1, 9)] == minutes(found)
    assert [count] * 8 == found.bars.trades.tolist()
    assert (20.0, f"bt-run capture, {kind}s") == (found.bars.open[0], found.format)


def test_aggregates_come_before_trades_and_klines_before_both(record: Record) -> None:
    """Where several could make the bars the best one does, unless another is asked for."""
    events = [trade(number, 20 * number, kind=kind) for number in range(13) for kind in ("trade", "aggTrade")]
    path = record([*events, *(kline(minute) for minute in range(4))])
    minute = Interval.parse("1m")

    assert "bt-run capture, 1m klines" == read_capture(path).format
    assert ["1m klines", "aggTrades", "trades"] == [
        read_capture(path, interval=minute, source=source).format.partition(", ")[2]
        for source in ("auto", "aggTrade", "trade")
    ]
    assert "bt-run capture, aggTrades" == read_capture(path, interval=Interval.parse("2m")).format


def test_klines_that_never_closed_leave_the_bars_to_the_trades(record: Record) -> None:
    """A recording that is too short for a close of the exchange is not too short for its trades."""
    path = record([kline(0, closed=False), *(trade(number, 20 * number) for number in range(13))])

    assert [1.0, 2.0, 3.0] == minutes(read_capture(path))


def test_longer_bars_are_joined_from_klines(record: Record) -> None:
    """Without trades, the longest klines that fit are joined."""
    path = record(kline(minute) for minute in range(10))
    found = read_capture(path, interval=Interval.parse("5m"))

    assert [0.0, 5.0] == minutes(found)
    assert [25.0, 25.0] == found.bars.volume.tolist()


def test_continuous_klines_are_a_market_of_their_own(record: Record) -> None:
    """They carry the pair and the contract, as their stream's name does."""
    told = {"e": "continuous_kline", "ps": "BTCUSDT", "ct": "PERPETUAL"}
    frames = [Frame(kline(n).receive_ms, "", json.dumps({**json.loads(kline(n).text), **told})) for n in (0, 1)]

    assert "BTCUSDT_PERPETUAL" == read_capture(record(frames, market="futures")).symbol


def test_a_symbol_must_be_chosen_among_several(record: Record) -> None:
    """The error lists what is inside; upper and lower case and separators do not matter."""
    path = record([kline(0), kline(1), kline(0, symbol="ETHUSDT"), kline(1, symbol="ETHUSDT")])

    assert ["ETHUSDT", "ETHUSDT"] == [
        read_capture(path, symbol=name).symbol for name in ("ethusdt", "ETH/USDT")
    ]
    with pytest.raises(ConfigError, match=r"several symbols \(BTCUSDT, ETHUSDT\). Choose one with --symbol"):
        read_capture(path)
    with pytest.raises(UnknownName, match="Did you mean 'ETHUSDT'"):
        read_capture(path, symbol="ETHUSD")


def test_spot_and_futures_are_never_mixed(record: Record) -> None:
    """The same symbol of two markets in one folder is refused."""
    path = record([kline(0), Started(START, "futures", ()), kline(1)])
    with pytest.raises(ConfigError, match=r"BTCUSDT of spot and of futures\. Name a file of one of them"):
        read_capture(path)


@pytest.mark.parametrize(
    ("events", "interval", "problem"),
    [
        (
            [trade(1, 0), trade(2, 9)],
            None,
            "holds of BTCUSDT trades. Choose an interval, such as --interval 1m",
        ),
        ([kline(0), kline(0, interval="5m")], None, "klines of 1m and klines of 5m. Choose an interval"),
        ([kline(0, interval="5m")], "1m", "klines of 5m, which do not make bars of 1m"),
    ],
)
def test_an_interval_must_be_chosen(
    record: Record, events: list[StreamEvent], interval: str | None, problem: str
) -> None:
    """The error lists what is inside."""
    with pytest.raises(ConfigError, match=problem):
        read_capture(record(events), interval=interval and Interval.parse(interval))  # type: ignore[arg-type]


def test_a_capture_without_a_closed_bar_is_refused(record: Record) -> None:
    """Nothing is made of a kline that is still open."""
    with pytest.raises(DataError, match=r"holds no closed bar of BTCUSDT 1m\. Record longer"):
        read_capture(record([kline(0, closed=False)]))


def test_depth_alone_is_refused(record: Record) -> None:
    """What is no bar and no trade makes none."""
    with pytest.raises(DataError, match="holds neither klines nor trades"):
        read_capture(record([Frame(START, "btcusdt@depth", '{"e":"depthUpdate","E":1}')]))


def test_a_malformed_frame_is_named_by_file_and_line(record: Record) -> None:
    """Nothing that should have been a bar is passed over in silence."""
    broken = Frame(START, "btcusdt@kline_1m", '{"e":"kline","E":1,"s":"BTCUSDT"}')
    with pytest.raises(FrameError, match=r"jsonl.gz, line 3: The field 'k' is missing"):
        read_capture(record([kline(0), broken]))


def test_recorded_sessions_give_the_exchanges_bars(
    cryptofeed: dict[str, list[tuple[int, str]]], record: Record
) -> None:
    """A session of 91 seconds holds one closed minute of each symbol, equal to the kline that was sent."""
    frames = next(frames for name, frames in cryptofeed.items() if "20210404" in name)
    path = record(Frame(time, stream_of(text), text) for time, text in frames)
    found = [read_capture(path, symbol=symbol) for symbol in ("BTCUSDT", "ETHUSDT", "DOTUSDT")]
    seconds = read_capture(path, symbol="BTCUSDT", interval=Interval.parse("1s"))

    assert [1617566580000] * 3 == [int(one.bars.open_time[0]) for one in found]
    assert [(57999.99, 1020.0), (2065.0, 398.0), (43.5228, 107.0)] == [
        (one.bars.close[0], one.bars.trades[0]) for one in found
    ]
    assert (np.diff(seconds.bars.open_time) == 1000).all()
    assert 85 <= len(seconds.bars) <= 91


def test_the_same_content_has_the_same_digest(record: Record, tmp_path: Path) -> None:
    """The digest is that of the file, or of all files of the folder."""
    folder = record([kline(0), kline(1)])
    (path,) = folder.iterdir()
    one = read_capture(path).sha256
    (folder / "later.jsonl").write_bytes(b'{"t":9999999999999,"event":"connected","url":""}\n')

    assert one != read_capture(folder).sha256
    assert (64, 64) == (len(one), len(read_capture(folder).sha256))
