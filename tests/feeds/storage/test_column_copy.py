"""A copy of a series' columns is used where it is certain to be the series, and made anew where it is not."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple

import numpy as np
import pytest

from bt_run.core.clock import parse_time
from bt_run.core.errors import DataError
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.history import digest_of, read_history
from feeds.storage import column_copy
from feeds.storage.column_copy import COPY_NAME
from feeds.storage.series import SeriesName
from feeds.store import Store

HOUR = Interval(1, "h")
NAME = SeriesName("BTCUSDT", HOUR)
TIMES = parse_time("2021-08-12") + np.arange(1500, dtype=np.int64) * 3_600_000


def bars_of(times: np.ndarray, seed: int = 1) -> Bars:
    """Give bars of different values, one of them unknown."""
    drawn = np.random.default_rng(seed).uniform(1.0, 2.0, (len(BAR_COLUMNS) - 1, len(times)))
    drawn[-1, 0] = np.nan
    return Bars.of(times, **dict(zip(BAR_COLUMNS[1:], drawn, strict=True)))


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Give a store of three months, of which a copy is worth it."""
    monkeypatch.setattr(column_copy, "_LONG_BARS", 1000)
    store = Store(tmp_path)
    store.write("BTCUSDT", HOUR, bars_of(TIMES))
    return store


@pytest.fixture
def copy(store):
    """Give the path of the copy that the first run over the whole series makes."""
    read_history(store, NAME)
    return store.folder("BTCUSDT", HOUR) / COPY_NAME


@pytest.fixture
def decoded(monkeypatch):
    """Write down each time that months are decoded."""
    calls = []
    read = Store.read

    def counted(self, *args, **options):
        calls.append(args)
        return read(self, *args, **options)

    monkeypatch.setattr(Store, "read", counted)
    return calls


def test_the_second_run_reads_the_copy(store, copy, decoded):
    """It holds every value to the last bit, and everything that is said of the bars is the same."""
    first = bars_of(TIMES)
    again = read_history(store, NAME)

    assert [] == decoded
    assert (digest_of(first), ()) == (again.sha256, again.warnings)
    for name in BAR_COLUMNS:
        assert getattr(again.bars, name).flags.c_contiguous
        assert np.array_equal(getattr(first, name), getattr(again.bars, name), equal_nan=True), name


def test_a_range_is_read_from_its_months(store, copy, decoded):
    """Only a run over the whole series takes the copy."""
    found = read_history(store, NAME, start=int(TIMES[10]), end=int(TIMES[20]))

    assert 11 == len(found.bars)
    assert 1 == len(decoded)


def test_new_bars_make_a_new_copy(store, copy, decoded):
    """What was written to the store since is in the next run, and in the one after that."""
    later = TIMES[-1] + 3_600_000 * np.arange(1, 11)
    store.write("BTCUSDT", HOUR, bars_of(later, seed=2))

    for _ in range(2):
        found = read_history(store, NAME)

        assert 1510 == len(found.bars)
        assert digest_of(found.bars) == found.sha256
    assert 1 == len(decoded)


@pytest.mark.parametrize("at", [0, 40, 200, 5000, -5000, -4096 * 2 - 1])
def test_a_damaged_copy_is_not_believed(store, copy, decoded, at):
    """Wherever a byte is another, in the header or in a column; the copy is made anew."""
    content = bytearray(copy.read_bytes())
    content[at] ^= 1
    copy.write_bytes(content)
    found = [read_history(store, NAME) for _ in range(2)]

    assert (
        {digest_of(bars_of(TIMES))} == {one.sha256 for one in found} == {digest_of(one.bars) for one in found}
    )
    assert 1 == len(decoded)


@pytest.mark.parametrize("kept", [0, 10, 4096, 5000, -1])
def test_a_torn_copy_is_not_believed(store, copy, decoded, kept):
    """Wherever it ends."""
    copy.write_bytes(copy.read_bytes()[:kept])
    found = read_history(store, NAME)

    assert digest_of(bars_of(TIMES)) == found.sha256 == digest_of(found.bars)
    assert 1 == len(decoded)


@pytest.mark.parametrize(
    "header", [b"[]\n", b"{}\n", b'{"rows": "many", "months": {}}\n', b'{"rows": -1}\n', b"\xff\n"]
)
def test_a_header_of_anything_else_is_not_believed(store, copy, decoded, header):
    """Nor does it stop the run."""
    copy.write_bytes(column_copy._MAGIC + header + bytes(9000))

    assert digest_of(bars_of(TIMES)) == read_history(store, NAME).sha256
    assert 1 == len(decoded)


def test_a_damaged_month_is_still_found(store, copy):
    """A copy that was made before does not hide it."""
    month = store.folder("BTCUSDT", HOUR) / "2021-09.parquet"
    month.write_bytes(month.read_bytes()[:-200])

    with pytest.raises(DataError, match="cut short or damaged"):
        read_history(store, NAME)


def test_a_month_that_was_replaced_by_one_as_long_is_noticed(store, copy, decoded):
    """Size and time alone do not tell: another file does, too."""
    month = store.folder("BTCUSDT", HOUR) / "2021-09.parquet"
    state = month.stat()
    other = month.with_suffix(".other")
    shutil.copyfile(month, other)
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(month)
    read_history(store, NAME)

    assert 1 == len(decoded)


def test_short_series_are_not_copied(store, monkeypatch):
    """Their months are decoded in no time."""
    monkeypatch.setattr(column_copy, "_LONG_BARS", 1501)
    read_history(store, NAME)

    assert not (store.folder("BTCUSDT", HOUR) / COPY_NAME).exists()


def test_a_disk_that_is_nearly_full_is_left_alone(store, monkeypatch):
    """The run does not fail for it."""
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(column_copy.shutil, "disk_usage", lambda folder: usage(400_000))

    assert 1500 == len(read_history(store, NAME).bars)
    assert not (store.folder("BTCUSDT", HOUR) / COPY_NAME).exists()


def test_a_store_that_cannot_be_written_to_is_read(store, monkeypatch):
    """The run does not fail for it, and nothing half-written is left."""

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(column_copy, "_header", refuse)

    assert 1500 == len(read_history(store, NAME).bars)
    assert [] == [path for path in store.folder("BTCUSDT", HOUR).iterdir() if path.suffix == ".copy"]


def test_what_a_killed_writer_left_is_cleared_away(store, copy):
    """By the next one that writes to the series."""
    scrap = copy.with_name(".columns.abc.copy")
    scrap.write_bytes(b"half")
    store.write("BTCUSDT", HOUR, bars_of(TIMES[-1:] + 3_600_000))

    assert not scrap.exists()
    assert copy.exists()
