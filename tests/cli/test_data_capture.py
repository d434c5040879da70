"""``bt-run data capture`` as typed, stopped in every way, and killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from exchange_frames import kline_event, trade_event
from exchange_market import make_bars

from bt_run.cli.data_capture import _parse_duration
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from feeds.csv_file import read_bars
from feeds.recording.capture_bars import read_capture
from feeds.recording.capture_file import CaptureReader
from feeds.wire.stream_events import Frame

MINUTE = Interval.parse("1m")
START = 1_767_265_200_000
BARS = make_bars(MINUTE, START, 20)
KLINE, TRADE = "btcusdt@kline_1m", "btcusdt@trade"


@pytest.fixture
def environ(clean_env, exchange, streams):
    """Give an environment in which everything of Binance is on this machine."""
    exchange.list_bars("BTCUSDT", MINUTE, BARS)
    return clean_env | exchange.environ | {"BT_RUN_STREAM_URL": streams.url}


@pytest.fixture
def start(work, environ, streams):
    """Give a function that starts a capture and waits until it listens."""
    running = []

    def begin(*words):
        process = subprocess.Popen(
            [sys.executable, "-m", "bt_run", "data", "capture", "--symbol", "BTCUSDT", *words],
            cwd=work,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        streams.wait_for_listeners(1, limit_s=20)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def play(streams, first, last):
    for number in range(first, last):
        streams.send(KLINE, kline_event("BTCUSDT", MINUTE, BARS, number))


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_cleanly(start, streams, work, sent, code):
    """Both close the files and say what there is; only Ctrl-C is an interruption."""
    process = start("--stream", "kline_1m", "--csv")
    play(streams, 0, 5)
    streams.wait((work / "captures" / "BTCUSDT-1m.csv").exists)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)

    assert code == process.returncode
    assert "5 frames in" in out
    assert "5 CSV rows; no gaps; 2 files" in out
    assert "Connected to" in err
    assert () == read_capture(work / "captures").warnings
    assert 5 == len(read_bars(work / "captures" / "BTCUSDT-1m.csv").bars)


def test_kill_9_loses_at_most_the_last_second(start, streams, work):
    """What was sent a second before is on the disk, and can be read."""
    process = start("--stream", "trade")
    sent = []
    until = time.monotonic() + 1.6
    while time.monotonic() < until:
        sent.append(time.monotonic())
        streams.send(TRADE, trade_event("BTCUSDT", len(sent), 100.0, START + len(sent)))
        streams.wait(lambda: time.monotonic() >= sent[-1] + 0.005)
    killed = time.monotonic()
    process.kill()
    process.communicate(timeout=60)
    kept = [
        one
        for event in CaptureReader(work / "captures")
        if isinstance(event, Frame)
        for one in event.messages()
    ]
    safe = sum(moment < killed - 1.0 for moment in sent)

    assert safe > 50
    assert len(kept) >= safe
    assert list(range(1, len(kept) + 1)) == [trade.trade_id for trade in kept]


@pytest.mark.slow
def test_a_killed_capture_goes_on_with_its_csv(start, streams, work):
    """The bars between are fetched over REST; none is doubled, none is missing."""
    path = work / "captures" / "BTCUSDT-1m.csv"
    first = start("--stream", "kline_1m", "--csv")
    play(streams, 0, 4)
    streams.wait(lambda: path.exists() and path.read_text().count("\n") == 5)
    first.kill()
    first.communicate(timeout=60)
    streams.wait_for_listeners(0)
    start("--stream", "kline_1m", "--csv")
    play(streams, 9, 11)
    streams.wait(lambda: path.read_text().count("\n") == 12, limit_s=10)

    assert BARS[:11].open_time.tolist() == read_bars(path).bars.open_time.tolist()
    assert BARS[:11].open_time.tolist() == read_capture(work / "captures").bars.open_time.tolist()


def test_it_ends_after_its_duration(bt_run, environ, work):
    """With exit code 0 and the closing line; --quiet leaves only that."""
    ran = bt_run(
        "data", "capture", "-s", "btc/usdt", "--stream", "kline_1m", "--duration", "1s", "--quiet", env=environ
    )

    assert (0, "") == (ran.returncode, ran.stderr)
    assert "0 frames in 1." in ran.stdout
    assert 1 == len(list((work / "captures").iterdir()))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-s", "BTCUSDT", "--stream", "kline_5min"], "Did you mean 'kline_5m'?"),
        (["-s", "BTCUSDT", "--stream", "forceOrder"], "with --market futures"),
        (["-s", "BTCUSDR", "--stream", "trade"], "The nearest names: BTCUSDT."),
        (["-s", "BTCUSDT", "--stream", "trade", "--duration", "1M"], "Write a number and s, m, h or d"),
        (["-s", "BTCUSDT", "--stream", "trade", "--venue", "main"], "Did you mean 'mainnet'?"),
    ],
)
def test_what_does_not_exist_is_said_before_connecting(bt_run, environ, streams, words, said):
    """Exit code 2, with the nearest name."""
    ran = bt_run("data", "capture", *words, env=environ)

    assert 2 == ran.returncode
    assert said in ran.stderr
    assert [] == streams.attempts


def test_durations_have_a_number_and_a_unit():
    """A month has no length."""
    assert [90, 600, 28_800, 86_400] == [_parse_duration(text) for text in ("90s", "10m", "8h", "1d")]
    with pytest.raises(ConfigError):
        _parse_duration("1M")
