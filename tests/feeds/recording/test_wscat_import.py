"""A recording of wscat becomes a capture or a file of bars."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bt_run.core.errors import ConfigError, DataError
from bt_run.core.interval import Interval
from feeds import read_bars
from feeds.recording.capture_bars import read_capture
from feeds.recording.wscat_import import import_wscat


def trade(second: int, symbol: str = "BTCUSDT") -> str:
    time_ms = 1_706_702_400_000 + 1000 * second
    return (
        f'< {{"e":"trade","E":{time_ms},"s":"{symbol}","t":{second},"p":"{100 + second}","q":"1","T":{time_ms},'
        '"m":true}\n'
    )


TRADES = "Connected (press CTRL+C to quit)\n" + "".join(trade(second) for second in range(301))


def write(folder: Path, data: str | bytes = TRADES, name: str = "dataset.txt") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl"])
def test_a_recording_becomes_a_capture(tmp_path: Path, name: str) -> None:
    """It is read as any capture is."""
    done = import_wscat(write(tmp_path), tmp_path / name, market="futures")
    found = read_capture(tmp_path / name, interval=Interval.parse("1m"))

    assert (301, ("btcusdt@trade",), None) == (done.frames, done.streams, done.bars)
    assert [60.0] * 4 == found.bars.trades.tolist()
    assert (done.last_ms - done.first_ms, False) == (300_000, done.torn)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_a_recording_becomes_bars(tmp_path: Path, name: str) -> None:
    """The file is one of ours."""
    done = import_wscat(write(tmp_path), tmp_path / name, interval=Interval.parse("1m"))

    assert [219.0, 279.0, 339.0, 399.0] == read_bars(tmp_path / name).bars.close.tolist()
    assert (4, "BTCUSDT", "1m") == (done.bars, done.symbol, str(done.interval))


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(TRADES.encode()),
        TRADES.encode("utf-16"),
        b"\xef\xbb\xbf" + TRADES.encode(),
        TRADES + trade(301)[:50],
    ],
    ids=["gzip", "utf-16", "utf-8 with mark", "torn"],
)
def test_recordings_in_other_encodings(tmp_path: Path, data: str | bytes) -> None:
    """Packed, or as PowerShell's tee writes them."""
    done = import_wscat(write(tmp_path, data), tmp_path / "a.csv", interval=Interval.parse("1m"))

    assert (301, 4, isinstance(data, str)) == (done.frames, done.bars, done.torn)


def test_a_real_recording_gives_its_closed_bar(shared: Path, tmp_path: Path) -> None:
    """Of 33 frames one closed a bar."""
    path = shared / "realdata" / "frames" / "spot" / "htm-btcusdt-kline_5m-20200524.jsonl"
    done = import_wscat(path, tmp_path / "BTCUSDT-5m.csv")
    bars = read_bars(tmp_path / "BTCUSDT-5m.csv").bars

    assert (33, 1, "5m") == (done.frames, done.bars, str(done.interval))
    assert [1590345900000] == bars.open_time.tolist()
    assert [8968.6] == bars.open.tolist()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", "holds no frame of market data"),
        ("Connected (press CTRL+C to quit)\n", "holds no frame of market data"),
        (f"{trade(1)}open,high\n{trade(2)}", r"dataset.txt, line 2: This is not a line of a wscat recording"),
        (gzip.compress(TRADES.encode())[:-20], "The gzip data is cut short or damaged"),
        (trade(1) + trade(2), "holds no closed bar of BTCUSDT 1m"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, data: str | bytes, problem: str) -> None:
    """And nothing is written."""
    with pytest.raises(DataError, match=problem):
        import_wscat(write(tmp_path, data), tmp_path / "a.csv", interval=Interval.parse("1m"))

    assert ["dataset.txt"] == [path.name for path in tmp_path.iterdir()]


def test_choices_that_are_open_are_asked_for(tmp_path: Path) -> None:
    """Interval, symbol, ending and the target are never guessed."""
    path = write(tmp_path, TRADES + trade(400, "ETHUSDT"))
    with pytest.raises(ConfigError, match=r"several symbols \(BTCUSDT, ETHUSDT\)"):
        import_wscat(path, tmp_path / "a.csv")
    with pytest.raises(ConfigError, match="Choose an interval"):
        import_wscat(path, tmp_path / "a.csv", symbol="BTCUSDT")
    with pytest.raises(ConfigError, match=r"End it in one of \.jsonl\.gz, \.jsonl, \.csv"):
        import_wscat(path, tmp_path / "a.xlsx")
    with pytest.raises(ConfigError, match="is the recording itself"):
        import_wscat(path, path)
    with pytest.raises(DataError, match="There is no such file"):
        import_wscat(tmp_path / "missing.txt", tmp_path / "a.csv")
