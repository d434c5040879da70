"""The engine of a long run is made ready while its data are read, and only then."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from bt_run.cli import ahead
from bt_run.cli.ahead import engine_ahead


@pytest.fixture
def prepared(monkeypatch):
    """Give the list of threads on which the engine was made ready."""
    threads = []
    monkeypatch.setattr(ahead, "_prepare", lambda: threads.append(threading.current_thread().name))
    return threads


@pytest.fixture
def long_file(tmp_path):
    """Give a file as long as 100,000 bars, which takes no room."""
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.truncate(ahead._LONG_BYTES)
    return str(path)


@pytest.mark.parametrize("engine", ["auto", "fast"])
def test_a_long_file_finds_the_engine_ready(prepared, long_file, engine):
    """On a thread of its own, which has ended when the data are there."""
    with engine_ahead(engine, long_file, is_ours=True):
        pass

    assert ["engine-ahead"] == prepared
    assert "engine-ahead" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize(("months", "expected"), [(1, []), (2, ["engine-ahead"])])
def test_a_series_of_the_store_is_as_long_as_all_its_months(prepared, tmp_path, months, expected):
    """Where the store is told to lie."""
    folder = tmp_path / "spot" / "BTCUSDT" / "1m"
    folder.mkdir(parents=True)
    for month in range(months):
        with (folder / f"2024-0{month + 1}.parquet").open("wb") as file:
            file.truncate(ahead._LONG_STORED // 2)

    with engine_ahead("auto", "BTCUSDT:1m", is_ours=True, store=tmp_path):
        pass

    assert expected == prepared


@pytest.mark.parametrize("data", ["BTCUSDT:1m", "BTCUSDT:7x", "BTCUSDT:1m:swap", "no_such_file.csv"])
def test_data_that_are_not_there_are_not_long(prepared, tmp_path, data):
    """Reading them says what is wrong."""
    with engine_ahead("auto", data, is_ours=True, store=tmp_path):
        pass

    assert [] == prepared


@pytest.mark.parametrize(("engine", "is_ours"), [("backtrader", True), ("accelerated", True), ("auto", False)])
def test_what_another_engine_may_run_waits_for_nothing(prepared, long_file, engine, is_ours):
    """Numba would be loaded in vain."""
    with engine_ahead(engine, long_file, is_ours=is_ours):
        pass

    assert not prepared


def test_a_short_file_waits_for_nothing(prepared, root):
    """Plain Python is quicker than numba's start."""
    with engine_ahead("auto", str(root / "data/btc_1d.csv"), is_ours=True):
        pass

    assert not prepared


def test_a_failure_to_read_is_told_as_ever(prepared, long_file):
    """And no thread is left behind."""
    with pytest.raises(OSError, match="unreadable"), engine_ahead("auto", long_file, is_ours=True):
        raise OSError("unreadable")

    assert prepared


def test_the_engine_is_ready_afterwards(long_file):
    """Numba is there, and the kernel's machine code."""
    code = f"""
import sys
from bt_run.cli.ahead import engine_ahead

with engine_ahead("auto", {long_file!r}, is_ours=True):
    pass
from bt_run.fast.compiled import compiled
from bt_run.fast.kernel import simulate

print("numba" in sys.modules, len(compiled(simulate).signatures))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)

    assert "True 1\n" == done.stdout
