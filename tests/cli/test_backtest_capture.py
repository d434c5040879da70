"""A capture as the data of a backtest, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

from feeds.recording.capture_writer import CaptureWriter
from feeds.wire.stream_events import Frame

START = 1_706_702_400_000


def record(folder: Path, symbols: tuple[str, ...] = ("BTCUSDT",)) -> None:
    """Write half an hour of trades, one a second, whose price goes up and down."""
    writer = CaptureWriter(folder, symbols=symbols, streams=[f"{symbol.lower()}@trade" for symbol in symbols])
    for second in range(1_800):
        for symbol in symbols:
            time_ms = START + 1000 * second
            price = f"{100 + abs(second % 300 - 150) / 10:.2f}"
            payload = {"e": "trade", "E": time_ms, "s": symbol, "t": second, "p": price, "q": "1", "T": time_ms}
            writer.write(Frame(time_ms, f"{symbol.lower()}@trade", json.dumps({**payload, "m": False})))
    writer.close()


def test_a_folder_of_captures_is_backtested_at_any_interval(bt_run, work):
    """The bars are made of the trades, at the interval asked for."""
    record(work / "captures")
    ran = bt_run(
        "backtest",
        "-s",
        "rsi:period=5",
        "-d",
        "captures",
        "-i",
        "10s",
        "--json",
        "-",
        "--from",
        "2024-01-31T12:10",
    )
    data = json.loads(ran.stdout)["data"]

    assert 0 == ran.returncode, ran.stderr
    assert ("captures", "BTCUSDT", "10s", 119) == (
        data["path"], data["symbol"], data["interval"], data["bars"]
    )  # fmt: skip


def test_one_file_of_a_capture_is_enough(bt_run, work):
    """A path ending in .jsonl.gz is a capture too."""
    record(work / "captures")
    (path,) = (work / "captures").iterdir()
    ran = bt_run("backtest", "-s", "rsi:period=5", "-d", str(path), "-i", "1m", "-q")

    assert (0, "") == (ran.returncode, ran.stderr)


def test_what_must_be_chosen_is_said(bt_run, work):
    """Neither interval nor symbol is guessed."""
    record(work / "captures", ("BTCUSDT", "ETHUSDT"))
    symbol = bt_run("backtest", "-s", "rsi", "-d", "captures")
    interval = bt_run("backtest", "-s", "rsi", "-d", "captures", "--symbol", "ETHUSDT")

    assert "captures holds several symbols (BTCUSDT, ETHUSDT). Choose one with --symbol." in symbol.stderr
    assert "Choose an interval, such as --interval 1m." in interval.stderr
    assert [2, 2] == [symbol.returncode, interval.returncode]
