"""``bt-run data download`` and ``repair`` as typed, also killed, doubled, interrupted and out of disk."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from exchange_market import make_bars

from bt_run.core.clock import parse_time
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.csv_file import read_bars
from feeds.store import Store

HOUR, MINUTE, DAY = (Interval.parse(text) for text in ("1h", "1m", "1d"))
NOW = parse_time("2026-01-01T12:00")


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in BAR_COLUMNS)


@pytest.fixture
def hours(exchange):
    """Put 3000 closed hours on sale, and one that is open."""
    made = make_bars(HOUR, NOW - 3000 * 3_600_000, 3001)
    exchange.list_bars("BTCUSDT", HOUR, made)
    return made[:-1]


@pytest.fixture
def minutes(exchange):
    """Put 60,000 closed minutes on sale."""
    made = make_bars(MINUTE, NOW - 60_000 * 60_000, 60_000)
    exchange.list_bars("BTCUSDT", MINUTE, made)
    return made


@pytest.fixture
def data(bt_run, exchange):
    """Give a function that runs bt-run data in this process, against the loopback exchange."""
    return lambda *words: bt_run("data", *words, env=exchange.environ | {"BT_RUN_STORE": "store"})


@pytest.fixture
def start_process(work, clean_env, exchange):
    """Give a function that starts bt-run data in a process of its own and does not wait for it."""
    env = clean_env | exchange.environ | {"BT_RUN_STORE": "store"}
    running = []

    def start(*words, limit_bytes=None):
        def limit():
            if limit_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "bt_run", "data", *words],
                cwd=work,
                env=env | {"PYTHONDONTWRITEBYTECODE": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=limit,  # noqa: PLW1509  # the child does nothing else before it becomes bt-run
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def wait_until(condition, seconds=20.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def test_the_store_is_filled_and_the_closing_line_tells(data, work, hours):
    """Bars, range, source, gaps, seconds; a second run finds nothing new."""
    first = data("download", "--symbol", "BTCUSDT", "--interval", "1h", "--start", "2017-08-17")
    second = data("download", "--symbol", "BTCUSDT", "--interval", "1h", "--start", "2017-08-17")

    assert 0 == first.returncode, first.stderr
    assert "BTCUSDT:1h: 3,000 bars, 2025-08-29 12:00 to 2026-01-01 11:00 UTC; 3,000 new" in first.stdout
    assert "from archive and REST; 0 gaps" in first.stdout
    assert "begins at 2025-08-29T12:00:00Z" in first.stderr
    assert "; 0 new; 0 gaps" in second.stdout
    assert same(hours, Store(work / "store").read("BTCUSDT", HOUR))


@pytest.mark.parametrize("name", ["btc_1h.csv", "btc_1h.csv.gz", "btc_1h.parquet"])
def test_a_file_is_written_by_its_ending_and_extended_later(data, exchange, work, hours, name):
    """The second run adds both ends; the store is not touched, nothing hidden stays."""
    middle = ("--start", "2025-11-01", "--end", "2025-11-30")
    data("download", "-s", "BTCUSDT", "-i", "1h", *middle, "--out", name)
    before = read_bars(work / name).bars
    exchange.requests.clear()
    longer = data("download", "-s", "BTCUSDT", "-i", "1h", "--start", "2025-10-01", "--out", name)
    asked = sum(int(query["limit"]) for query in exchange.queries())
    again = data("download", "-s", "BTCUSDT", "-i", "1h", "--start", "2025-10-01", "--out", name)

    assert 720 == len(before)
    assert 0 == longer.returncode, longer.stderr
    assert same(hours.between(parse_time("2025-10-01"), None), read_bars(work / name).bars)
    assert asked < 10_000
    assert f"{name} needs nothing new" in again.stdout
    assert [name] == [entry.name for entry in work.iterdir()]


def test_a_file_that_is_something_else_is_left_alone(data, work, hours):
    """Text, bars of another interval, bars of another market: refused without --force."""
    download = ("download", "-s", "BTCUSDT", "-i", "1h", "--start", "2025-11-01", "--out", "out.csv")
    (work / "out.csv").write_text("dear diary\n")
    text = data(*download)
    kept = (work / "out.csv").read_text()
    forced = data(*download, "--force")
    daily = data("download", "-s", "BTCUSDT", "-i", "1d", "--start", "2025-11-01", "--out", "out.csv")

    assert 2 == text.returncode
    assert "--force" in text.stderr
    assert "dear diary\n" == kept
    assert 0 == forced.returncode
    assert 2 == daily.returncode
    assert same(hours.between(parse_time("2025-11-01"), None), read_bars(work / "out.csv").bars)


def test_a_file_of_another_market_is_left_alone(data, exchange, work, hours):
    """The prices are compared before anything is written."""
    exchange.list_bars("ETHUSDT", HOUR, make_bars(HOUR, NOW - 3000 * 3_600_000, 3000, seed=99))
    data(
        "download",
        "-s",
        "BTCUSDT",
        "-i",
        "1h",
        "--start",
        "2025-11-01",
        "--end",
        "2025-11-30",
        "--out",
        "x.csv",
    )
    before = (work / "x.csv").read_bytes()
    other = data("download", "-s", "ETHUSDT", "-i", "1h", "--start", "2025-10-01", "--out", "x.csv")

    assert 2 == other.returncode
    assert "other prices than ETHUSDT:1h" in other.stderr
    assert before == (work / "x.csv").read_bytes()


def test_several_series_go_into_a_folder(data, exchange, work, hours):
    """Named as the archive does; one file is too little for two."""
    exchange.list_bars("ETHUSDT", HOUR, make_bars(HOUR, NOW - 100 * 3_600_000, 100))
    both = ("download", "-s", "btc/usdt", "-s", "ETHUSDT", "-i", "1h", "--start", "2025-12-30")
    refused = data(*both, "--out", "one.csv")
    done = data(*both, "--out", "folder")

    assert 2 == refused.returncode
    assert 0 == done.returncode, done.stderr
    assert ["BTCUSDT-1h.csv", "ETHUSDT-1h.csv"] == sorted(entry.name for entry in (work / "folder").iterdir())


def test_futures_have_a_market_of_their_own(data, exchange, work):
    """--market futures asks /fapi and stores apart."""
    made = make_bars(HOUR, NOW - 500 * 3_600_000, 500)
    exchange.list_bars("BTCUSDT", HOUR, made, market="futures")
    done = data("download", "-s", "BTCUSDT", "-i", "1h", "--market", "futures")

    assert 0 == done.returncode, done.stderr
    assert [] == exchange.paths("/api/")
    assert same(made, Store(work / "store").read("BTCUSDT", HOUR, market="futures"))


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("-s BTCUSD -i 1h", 2, "BTCUSDT"),
        ("-s BTCUSDT -i 10m", 2, "1s 1m 3m"),
        ("-s BTCUSDT -i 1h --start 2026-02-01 --end 2026-01-01", 2, "after the end"),
        ("-s BTCUSDT -i 1h --venue dta", 2, "Did you mean 'data'"),
        ("-s BTCUSDT -i 1h --venue testnet", 2, "--out"),
        ("-s NEWUSDT -i 1h --out new.csv", 3, "no bars"),
        ("-s BTCUSDT -i 1h --out btc.doc", 2, ".parquet"),
    ],
)
@pytest.mark.usefixtures("hours")
def test_mistakes_are_answered_with_what_to_do(data, exchange, command, code, said):
    """Exit code and a sentence; nothing is downloaded in vain."""
    exchange.list_symbol("NEWUSDT")
    done = data("download", *command.split())

    assert code == done.returncode
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_quiet_prints_nothing(data, hours):
    """Neither the closing line nor a bar."""
    done = data("download", "-s", "BTCUSDT", "-i", "1h", "--start", "2025-11-01", "--quiet")

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_repair_asks_again_for_gaps(data, exchange, work, hours):
    """What the exchange has by now is filled in; what it has not is its own gap, and verify is content."""
    holed = Bars(*(np.delete(getattr(hours, n), [*range(100, 110), *range(500, 503)]) for n in BAR_COLUMNS))
    exchange.list_bars("BTCUSDT", HOUR, holed)
    data("download", "-s", "BTCUSDT", "-i", "1h")
    exchange.list_bars(
        "BTCUSDT", HOUR, Bars(*(np.delete(getattr(hours, n), slice(500, 503)) for n in BAR_COLUMNS))
    )
    before = data("verify")
    repaired = data("repair", "BTCUSDT:1h")
    after = data("verify")

    assert 3 == before.returncode
    assert "2 gaps (13 bars) asked again, 10 bars found; 1 gaps (3 bars)" in repaired.stdout
    assert 0 == after.returncode, after.stdout
    assert 2997 == len(Store(work / "store").read("BTCUSDT", HOUR))


def test_repair_fetches_damaged_months_anew(data, work, hours):
    """The damaged file is set aside, the month comes again."""
    data("download", "-s", "BTCUSDT", "-i", "1h")
    month = work / "store/spot/BTCUSDT/1h/2025-11.parquet"
    month.write_bytes(month.read_bytes()[:2000])
    repaired = data("repair")

    assert 0 == repaired.returncode, repaired.stderr
    assert "2025-11.parquet.damaged" in repaired.stderr
    assert same(hours, Store(work / "store").read("BTCUSDT", HOUR))


@pytest.mark.slow
def test_a_killed_download_leaves_a_store_that_the_next_one_completes(start_process, exchange, work, minutes):
    """After kill -9 in the middle what was written is whole, and only the rest is asked for."""
    words = ("download", "-s", "BTCUSDT", "-i", "1m", "--source", "rest")
    store = Store(work / "store")
    with exchange.hold(path="klines", after=40):
        process = start_process(*words)
        wait_until(lambda: len(store.read("BTCUSDT", MINUTE, columns=())) > 0)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    kept = store.read("BTCUSDT", MINUTE)
    exchange.requests.clear()
    second = start_process(*words)
    said, complained = second.communicate(timeout=60)

    assert 0 == second.returncode, complained
    assert 0 < len(kept) < 60_000
    # Ten pages more where the kill fell between the bars of a part and the note that they are there.
    assert len(exchange.queries()) <= 61 - len(kept) // 1000 + 6 + 10
    assert f"{60_000 - len(kept):,} new" in said
    assert same(minutes, store.read("BTCUSDT", MINUTE))


def test_ctrl_c_stops_soon_and_keeps_what_came(start_process, exchange, work, minutes):
    """Exit code 130, one line on how to go on, within seconds though answers are outstanding."""
    store = Store(work / "store")
    with exchange.hold(path="klines", after=45) as waiting:
        process = start_process("download", "-s", "BTCUSDT", "-i", "1m", "--source", "rest")
        assert waiting.wait(30)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, complained = process.communicate(timeout=30)
        took = time.monotonic() - begun

    assert 130 == process.returncode
    assert "the same command goes on" in complained
    assert "Traceback" not in complained
    assert took < 10
    assert len(store.read("BTCUSDT", MINUTE)) > 0


@pytest.mark.slow
def test_two_downloads_of_the_same_symbol_at_once(start_process, work, minutes):
    """Both end well, and every bar is there once."""
    words = ("download", "-s", "BTCUSDT", "-i", "1m")
    both = [start_process(*words), start_process(*words)]
    said = [process.communicate(timeout=90) for process in both]

    assert [0, 0] == [process.returncode for process in both], said
    assert same(minutes, Store(work / "store").read("BTCUSDT", MINUTE))


def test_a_full_disk_is_said_so_and_loses_nothing(start_process, work, minutes):
    """A file-size limit stands for the disk; with room again the same command completes the store."""
    words = ("download", "-s", "BTCUSDT", "-i", "1m", "--source", "rest")
    full = start_process(*words, limit_bytes=300_000)
    _, complained = full.communicate(timeout=60)
    store = Store(work / "store")
    kept = store.read("BTCUSDT", MINUTE)
    second = start_process(*words)
    second.communicate(timeout=60)

    assert 2 == full.returncode
    assert "no space" in complained
    assert "Traceback" not in complained
    assert len(kept) < 60_000
    assert 0 == second.returncode
    assert same(minutes, store.read("BTCUSDT", MINUTE))
