"""The commands for market data that need no network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bt_run.core.clock import parse_time
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.csv_file import read_bars
from feeds.store import Store

HOUR = Interval(1, "h")
H = 3_600_000
START = parse_time("2024-01-01")


def waves(times: np.ndarray) -> Bars:
    """Give bars that swing enough for RSI to trade; every volume is 3."""
    close = 100 + 10 * np.sin(np.arange(len(times)) / 9)
    prices = {"open": close, "high": close + 1, "low": close - 1, "close": close}
    return Bars.of(times, **dict.fromkeys(BAR_COLUMNS[5:], np.full(len(times), 3.0)), **prices)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Give an environment with a store that holds two series, one of them with a hole."""
    store = Store(tmp_path / "store")
    hours = np.arange(1000, dtype=np.int64) * H + START
    store.write("BTCUSDT", HOUR, waves(hours))
    store.write("ETHUSDT", HOUR, waves(np.delete(hours, slice(500, 503))), market="futures")
    return {"BT_RUN_STORE": str(store.root)}


def test_list_fits_a_terminal(bt_run: Any, env: dict[str, str]):
    """Range, bars, gaps and size of each series, within 80 columns, long names too."""
    store = Store(Path(env["BT_RUN_STORE"]))
    store.write("1000SATSUSDT", HOUR, waves(START + np.arange(9, dtype=np.int64) * H), market="futures")
    lines = bt_run("data", "list", env=env).stdout.splitlines()

    assert max(map(len, lines[:-1])) <= 80
    assert "BTCUSDT:1h 2024-01-01 2024-02-11 15:00 1,000 0" == " ".join(lines[1].split()[:-2])
    assert lines[2].startswith("1000SATSUSDT:1h:futures  2024-01-01  2024-01-01 08:00")
    assert "ETHUSDT:1h:futures" in lines[3]
    assert lines[4].startswith("3 series, ")


def test_list_names_what_is_damaged(bt_run: Any, env: dict[str, str]):
    """And the command that mends it."""
    path = Store(Path(env["BT_RUN_STORE"])).folder("BTCUSDT", HOUR) / "2024-02.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    ran = bt_run("data", "list", env=env)

    assert 0 == ran.returncode
    assert "BTCUSDT:1h: 2024-02 cannot be read; bt-run data repair" in ran.stdout


def test_list_as_json_is_for_programs(bt_run: Any, env: dict[str, str]):
    """Times are ISO 8601, sizes bytes."""
    found = json.loads(bt_run("data", "list", "--json", env=env).stdout)

    assert ["BTCUSDT:1h", "ETHUSDT:1h:futures"] == [row["series"] for row in found]
    assert (997, 1, 3, "2024-01-01T00:00:00Z") == (
        found[1]["bars"],
        found[1]["gaps"],
        found[1]["missing_bars"],
        found[1]["first"],
    )


def test_an_empty_store_says_how_to_fill_it(bt_run: Any, tmp_path: Path):
    """List and verify end well."""
    listed = bt_run("data", "list", "--store", str(tmp_path / "none"))
    verified = bt_run("data", "verify", "--store", str(tmp_path / "none"))

    assert "bt-run data download" in listed.stdout
    assert (0, 0) == (listed.returncode, verified.returncode)


def test_the_exit_code_of_verify_tells(bt_run: Any, env: dict[str, str]):
    """0 for what is clean, 3 where a gap is not explained; a series, a file or the whole store."""
    assert 0 == bt_run("data", "verify", "BTCUSDT:1h", "btc_1d.csv", env=env).returncode

    ran = bt_run("data", "verify", env=env)

    assert 3 == ran.returncode
    assert "BTCUSDT:1h: clean" in ran.stdout
    assert "ETHUSDT:1h:futures: NOT CLEAN" in ran.stdout
    assert "2024-01-21 20:00 to 2024-01-21 22:00 (3 bars): not explained" in ran.stdout


def test_verify_as_json(bt_run: Any, env: dict[str, str]):
    """Every gap and problem, whatever their number."""
    ran = bt_run("data", "verify", "ETHUSDT:1h:futures", "--json", env=env)
    report = json.loads(ran.stdout)[0]

    assert 3 == ran.returncode
    assert (False, 997, 3) == (report["clean"], report["bars"], report["gaps"][0]["bars"])


def test_verify_explains_real_gaps_by_their_maintenance(bt_run: Any, shared: Path):
    """With --all-gaps each is shown with its window."""
    path = str(shared / "realdata" / "klines" / "freqtrade" / "BTC_USDT-1h.json.gz")
    ran = bt_run("data", "verify", path, "--all-gaps")

    assert 0 == ran.returncode
    assert "27 (127 bars missing), 27 explained" in ran.stdout
    assert "maintenance 2018-02-08 00:28 to 2018-02-09 10:00" in ran.stdout


def test_verify_of_what_is_not_there(bt_run: Any, env: dict[str, str]):
    """A series and a file; exit code 3 and where to look."""
    series = bt_run("data", "verify", "XRPUSDT:1h", env=env)
    file = bt_run("data", "verify", "xrp.csv", env=env)

    assert (3, 3) == (series.returncode, file.returncode)
    assert "bt-run data list" in series.stderr
    assert "There is no data file 'xrp.csv'" in file.stderr


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_convert_keeps_every_value(bt_run: Any, work: Path, env: dict[str, str], ending: str):
    """From the store to a file, and from that file to another."""
    first = bt_run("data", "convert", "BTCUSDT:1h", f"btcusdt_1h{ending}", "--from", "2024-01-10", env=env)
    second = bt_run("data", "convert", f"btcusdt_1h{ending}", "again.csv", env=env)
    there = Store(Path(env["BT_RUN_STORE"])).read("BTCUSDT", HOUR, start=parse_time("2024-01-10"))
    back = read_bars(work / "again.csv").bars

    assert (0, 0) == (first.returncode, second.returncode)
    assert "784 bars of BTCUSDT 1h, 2024-01-10 00:00 to 2024-02-11 15:00" in first.stdout
    assert all((getattr(there, name) == getattr(back, name)).all() for name in BAR_COLUMNS)


def test_convert_refuses_what_cannot_end_well(bt_run: Any, work: Path):
    """An ending of no format, a folder that is not there, the file itself."""
    (work / "x.csv").write_text("open_time,open,high,low,close\n2024-01-01,1,1,1,1\n2024-01-02,1,1,1,1\n")

    assert ".parquet" in bt_run("data", "convert", "x.csv", "x.xlsx").stderr
    assert "does not exist" in bt_run("data", "convert", "x.csv", "no/x.csv").stderr
    assert "are one file" in bt_run("data", "convert", "x.csv", "./x.csv").stderr


def test_resample_writes_longer_bars(bt_run: Any, work: Path, env: dict[str, str]):
    """The unfinished last one is left out."""
    ran = bt_run("data", "resample", "BTCUSDT:1h", "btcusdt_1d.csv", "--interval", "1d", env=env)
    found = read_bars(work / "btcusdt_1d.csv")

    assert 0 == ran.returncode
    assert ("1d", 41, 72.0) == (str(found.interval), len(found.bars), found.bars.volume[0])
    assert "Missing option '--interval'" in bt_run("data", "resample", "BTCUSDT:1h", "x.csv", env=env).stderr


def test_backtest_and_compare_read_the_store(bt_run: Any, work: Path, env: dict[str, str]):
    """The same numbers as from a file with the same bars."""
    bt_run("data", "convert", "BTCUSDT:1h", "btcusdt_1h.csv", env=env)
    stored = json.loads(bt_run("backtest", "-s", "rsi", "-d", "btcusdt:1h", "--json", "-", env=env).stdout)
    filed = json.loads(bt_run("backtest", "-s", "rsi", "-d", "btcusdt_1h.csv", "--json", "-").stdout)
    compared = bt_run("compare", "-s", "rsi", "-s", "sar", "-d", "BTCUSDT:1h", "-i", "4h", env=env)

    assert len(stored["trades"]) > 3
    assert (filed["trades"], filed["metrics"]) == (stored["trades"], stored["metrics"])
    assert 0 == compared.returncode
    assert "BTCUSDT 4h" in compared.stdout


def test_a_series_that_the_store_lacks_names_the_download(bt_run: Any, env: dict[str, str]):
    """Exit code 3 and a command to copy."""
    ran = bt_run("backtest", "-s", "rsi", "-d", "BTCUSDT:4h", env=env)

    assert 3 == ran.returncode
    assert "bt-run data download --symbol BTCUSDT --interval 4h" in ran.stderr


def test_download_fetches_first(bt_run: Any, exchange: Any, tmp_path: Path):
    """With --download an empty store is no obstacle; the second run needs no exchange."""
    exchange.list_bars("BTCUSDT", HOUR, waves(START + np.arange(1000, dtype=np.int64) * H))
    words = ["backtest", "-s", "rsi", "-d", "BTCUSDT:1h", "--download", "--store", str(tmp_path / "new")]
    span = ["--from", "2024-01-02", "--to", "2024-01-31"]
    first = bt_run(*words, *span, env=exchange.environ)
    asked = len(exchange.paths())
    second = bt_run(*words, *span, env=exchange.environ)

    assert (0, 0) == (first.returncode, second.returncode)
    assert "720 bars" in first.stdout
    assert first.stdout == second.stdout
    assert 0 < asked == len(exchange.paths())
