"""The store keeps what is written, knows what is missing, and says what is broken."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError, DataError
from bt_run.core.interval import BINANCE_INTERVALS, Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.resample import bar_bounds
from feeds.store import Store

HOUR = Interval(1, "h")
H = 3_600_000
START = 1_704_067_200_000  # 2024-01-01


def bars_at(times: list[int] | np.ndarray, value: float = 1.0) -> Bars:
    """Give bars whose every column holds `value`."""
    times = np.asarray(times, dtype=np.int64)
    return Bars.of(times, **dict.fromkeys(BAR_COLUMNS[1:], np.full(len(times), value)))


def hours(first: int, last: int) -> list[int]:
    """Give the open times of the hours first..last, both inclusive, counted from 2024."""
    return [START + number * H for number in range(first, last + 1)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give an empty store."""
    return Store(tmp_path / "store")


def test_making_a_store_and_asking_it_writes_nothing(store: Store):
    """Only a write makes the folder."""
    store.read("BTCUSDT", HOUR)
    store.forget("BTCUSDT", HOUR, ranges=[(0, 1)])

    assert [(0, H)] == store.missing("BTCUSDT", HOUR, start=0, end=H)
    assert [] == store.series()
    assert [] == store.set_aside_damaged("BTCUSDT", HOUR)
    assert not store.root.exists()


def test_bars_come_back_by_range_and_column(store: Store):
    """Over the turn of a month."""
    assert 1000 == store.write("BTCUSDT", HOUR, bars_at(hours(0, 999), 7.0))
    read = store.read("BTCUSDT", HOUR, start=START + 700 * H, end=START + 800 * H, columns=["close"])

    assert hours(700, 800) == read.open_time.tolist()
    assert {7.0} == set(read.close)
    assert np.isnan(read.open).all()
    assert ["2024-01.parquet", "2024-02.parquet", "coverage.json"] == sorted(
        path.name for path in store.folder("BTCUSDT", HOUR).iterdir() if path.name != ".lock"
    )


def test_only_the_months_in_the_range_are_opened(store: Store):
    """A broken January does not hinder February."""
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 999)))
    (store.folder("BTCUSDT", HOUR) / "2024-01.parquet").write_bytes(b"PAR1")

    assert 256 == len(store.read("BTCUSDT", HOUR, start=START + 31 * 24 * H))


def test_a_column_that_does_not_exist_is_a_mistake_of_the_caller(store: Store):
    """It is not read as unknown values."""
    with pytest.raises(ValueError, match="'price'"):
        store.read("BTCUSDT", HOUR, columns=["price"])


def test_the_new_bar_wins_and_counts_once(store: Store):
    """A candle that was corrected is corrected here."""
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 9), 1.0))

    assert 5 == store.write("BTCUSDT", HOUR, bars_at(hours(5, 14), 2.0))
    assert [1.0] * 5 + [2.0] * 10 == store.read("BTCUSDT", HOUR).close.tolist()


def test_writing_the_same_again_touches_no_file(store: Store):
    """A download that has nothing new to say leaves the disk alone."""
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 9)), source="rest")
    before = {path: path.stat().st_mtime_ns for path in store.folder("BTCUSDT", HOUR).glob("[!.]*")}

    assert 0 == store.write("BTCUSDT", HOUR, bars_at(hours(0, 9)), source="rest")
    assert before == {path: path.stat().st_mtime_ns for path in store.folder("BTCUSDT", HOUR).glob("[!.]*")}


def test_series_do_not_mix(store: Store):
    """Symbol, interval and market keep them apart, a minute and a month too."""
    for number, (symbol, interval, market) in enumerate(
        [("A1", "1m", "spot"), ("A1", "1M", "spot"), ("A1", "1m", "futures"), ("这是测试币456", "1m", "spot")]
    ):
        store.write(symbol, Interval.parse(interval), bars_at([START], number + 1.0), market=market)

    assert ["A1:1m", "A1:1M", "这是测试币456:1m", "A1:1m:futures"] == [str(one.name) for one in store.series()]
    assert [3.0] == store.read("A1", Interval(1, "m"), market="futures").close.tolist()


def test_an_answered_hole_is_not_asked_for_again(store: Store):
    """Maintenance has no bars; without `covers` the hole stays missing."""
    with_hole = hours(0, 9) + hours(20, 29)
    store.write("ASKED", HOUR, bars_at(with_hole), covers=(START, START + 29 * H))
    store.write("FOUND", HOUR, bars_at(with_hole))
    wanted = {"start": START, "end": START + 30 * H - 1}

    assert [] == store.missing("ASKED", HOUR, **wanted)
    assert [(START + 9 * H + 1, START + 20 * H - 1)] == store.missing("FOUND", HOUR, **wanted)


def test_a_listing_without_bars_is_remembered(store: Store):
    """No bars, but an answer."""
    assert 0 == store.write("NEWUSDT", HOUR, bars_at([]), covers=(START, START + 9 * H))
    assert [] == store.missing("NEWUSDT", HOUR, start=START, end=START + 9 * H)
    assert 0 == store.write("NEWUSDT", HOUR, bars_at([]))


def test_what_is_forgotten_is_missing_but_still_there(store: Store):
    """Repair asks again and loses nothing if the answer does not come."""
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 9)))
    store.forget("BTCUSDT", HOUR, ranges=[(START + 3 * H, START + 4 * H)])

    assert [(START + 3 * H, START + 4 * H)] == store.missing("BTCUSDT", HOUR, start=START, end=START + 9 * H)
    assert 10 == len(store.read("BTCUSDT", HOUR))


@pytest.mark.parametrize("times", [[START, START], [START + H, START]])
def test_bars_out_of_order_are_refused_before_anything_is_written(store: Store, times: list[int]):
    """Whoever downloads puts pages in order first."""
    with pytest.raises(DataError, match="not in order"):
        store.write("BTCUSDT", HOUR, bars_at(times))

    assert not store.root.exists()


def test_a_broken_month_is_named_and_can_be_set_aside(store: Store):
    """Reading and writing say the way out; afterwards the month is missing and the broken file kept."""
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 999)), source="bulk")
    path = store.folder("BTCUSDT", HOUR) / "2024-02.parquet"
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(DataError, match=r"2024-02\.parquet.*bt-run data repair"):
        store.read("BTCUSDT", HOUR)
    with pytest.raises(DataError, match=r"2024-02\.parquet.*bt-run data repair"):
        store.write("BTCUSDT", HOUR, bars_at(hours(990, 1010)))
    assert (744, ("2024-02",)) == (store.series()[0].bars, store.series()[0].damaged)

    aside = store.set_aside_damaged("BTCUSDT", HOUR)
    february = START + 744 * H

    assert [(path.with_name("2024-02.parquet.damaged"), (february, february + 29 * 24 * H - 1))] == aside
    assert 744 == len(store.read("BTCUSDT", HOUR))
    assert [(february, START + 999 * H)] == store.missing("BTCUSDT", HOUR, start=START, end=START + 999 * H)
    assert 256 == store.write("BTCUSDT", HOUR, bars_at(hours(744, 999)))
    assert [] == store.set_aside_damaged("BTCUSDT", HOUR)


def test_a_month_that_somebody_removed_is_missing(store: Store):
    """Deleting a file is a way to ask for it again."""
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 999)))
    (store.folder("BTCUSDT", HOUR) / "2024-01.parquet").unlink()

    path = store.folder("BTCUSDT", HOUR) / "2024-01.parquet"
    january = (START, START + 744 * H - 1)

    assert [january] == store.missing("BTCUSDT", HOUR, start=START, end=START + 999 * H)
    assert [(path, january)] == store.set_aside_damaged("BTCUSDT", HOUR)
    assert [] == store.set_aside_damaged("BTCUSDT", HOUR)
    assert [january] == store.missing("BTCUSDT", HOUR, start=START, end=START + 999 * H)


def test_a_damaged_coverage_costs_a_download_and_no_bars(store: Store):
    """Bars are read without it."""
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 9)))
    (store.folder("BTCUSDT", HOUR) / "coverage.json").write_bytes(b"\xff\xfe{")

    assert 10 == len(store.read("BTCUSDT", HOUR))
    assert [(START, START + 9 * H)] == store.missing("BTCUSDT", HOUR, start=START, end=START + 9 * H)


def test_a_newer_store_is_refused_by_name(store: Store):
    """The message names the file and what to do."""
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 9)))
    path = store.folder("BTCUSDT", HOUR) / "coverage.json"
    path.write_text(json.dumps({"version": 99, "covered": [], "bars": {}}))

    with pytest.raises(DataError, match=r"coverage\.json: A newer bt-run"):
        store.write("BTCUSDT", HOUR, bars_at(hours(10, 11)))


def test_what_a_killed_writer_left_is_ignored_and_cleared(store: Store):
    """Temporary files are neither bars nor kept."""
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 9)))
    folder = store.folder("BTCUSDT", HOUR)
    scraps = [folder / ".2024-01.k1ll3d.parquet", folder / ".coverage.k1ll3d.json"]
    for scrap in scraps:
        scrap.write_bytes(b"half")

    assert 10 == len(store.read("BTCUSDT", HOUR))
    store.write("BTCUSDT", HOUR, bars_at(hours(10, 10)))
    assert not any(scrap.exists() for scrap in scraps)


def test_a_series_that_another_process_holds_too_long_is_an_error(tmp_path: Path):
    """The wait ends with a sentence."""
    store = Store(tmp_path, lock_timeout_s=0.02)
    store.write("BTCUSDT", HOUR, bars_at(hours(0, 9)))
    with FileLock(store.folder("BTCUSDT", HOUR) / ".lock"), pytest.raises(ConfigError, match="Another process"):
        store.write("BTCUSDT", HOUR, bars_at(hours(10, 11)))

    assert 2 == store.write("BTCUSDT", HOUR, bars_at(hours(10, 11)))


def test_a_store_that_cannot_be_made_is_an_error(tmp_path: Path):
    """A file stands where the folder should be."""
    (tmp_path / "store").touch()

    with pytest.raises(ConfigError, match="Choose a folder with --store"):
        Store(tmp_path / "store").write("BTCUSDT", HOUR, bars_at(hours(0, 9)))


RANGES = st.tuples(st.integers(0, 40), st.integers(0, 15)).map(lambda pair: (pair[0], min(sum(pair), 49)))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "cover", "forget"]), RANGES, st.sets(st.integers(0, 49)), st.integers(1, 9)
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from(BINANCE_INTERVALS), RANGES)
def test_the_store_is_a_dict_and_a_set(
    steps: list[tuple[str, tuple[int, int], set[int], int]], text: str, asked: tuple[int, int]
):
    """Whatever is written, covered and forgotten, reading and missing() say what a dict and a set say."""
    interval = Interval.parse(text)
    grid = [int(bar_bounds(np.array([START], dtype=np.int64), interval)[1][0])]
    while len(grid) < 51:
        grid.append(int(bar_bounds(np.array(grid[-1:], dtype=np.int64), interval)[1][0]))
    bars: dict[int, float] = {}
    covered: set[int] = set()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for step, (first, last), places, value in steps:
            if step == "forget":
                store.forget("X", interval, ranges=[(grid[first], grid[last])])
                covered -= set(range(first, last + 1))
                continue
            inside = sorted(place for place in places if first <= place <= last)
            covers = (grid[first], grid[last + 1] - 1) if step == "cover" else None
            new = store.write("X", interval, bars_at([grid[place] for place in inside], value), covers=covers)
            covered |= set(range(first, last + 1)) if step == "cover" else set(inside)

            assert len(set(inside) - bars.keys()) == new
            bars |= dict.fromkeys(inside, float(value))
        read = store.read("X", interval, start=grid[asked[0]], end=grid[asked[1]])
        missing = store.missing("X", interval, start=grid[asked[0]], end=grid[asked[1]])
    wanted = range(asked[0], asked[1] + 1)

    assert {grid[place]: bars[place] for place in wanted if place in bars} == dict(
        zip(read.open_time.tolist(), read.close.tolist(), strict=True)
    )
    assert [grid[place] for place in wanted if place not in covered] == [
        grid[place] for place in wanted if any(first <= grid[place] <= last for first, last in missing)
    ]
