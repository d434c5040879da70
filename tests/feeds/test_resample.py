"""Joined bars are those that Binance itself serves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError
from bt_run.core.market import BAR_COLUMNS, Bars, Interval
from feeds import read_bars
from feeds.resample import resample

COUNTS = ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")


def day(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


def make(start: str, interval: str, length: int) -> Bars:
    step = Interval.parse(interval).milliseconds or 0
    base = np.arange(1.0, length + 1)
    columns = {"open": base, "high": base + 2, "low": base - 0.5, "close": base + 1, "volume": base}
    return Bars.of(day(start) + step * np.arange(length), **columns)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
@pytest.mark.parametrize(
    ("source", "target", "columns"),
    [
        ("1d", "3d", 10),
        ("1d", "1w", 10),
        ("4h", "12h", 10),
        ("4h", "1d", 10),
        ("12h", "3d", 10),
        ("4h", "1w", 10),
    ],
)
def test_spot_klines_equal_binances_own(
    shared: Path, symbol: str, source: str, target: str, columns: int
) -> None:
    """Every closed bar equals the one that Binance serves: labels, prices and all five sums."""
    folder = shared / "realdata" / "klines" / "python-binance"
    short, long = (read_bars(folder / f"{symbol}-2017-2020-{text}.csv.gz").bars for text in (source, target))
    made = resample(short, source=Interval.parse(source), target=Interval.parse(target))
    closed = len(long) - 1  # the last bar was still open when the file was fetched

    assert closed <= len(made) <= closed + 1
    for name in BAR_COLUMNS[:5]:
        assert getattr(long, name)[:closed].tolist() == getattr(made, name)[:closed].tolist(), name
    for name in COUNTS:
        np.testing.assert_allclose(getattr(made, name)[:closed], getattr(long, name)[:closed], rtol=1e-12)
    assert 10 == columns


@pytest.mark.parametrize(
    ("source", "target", "short", "long"),
    [
        ("freqtrade/BTC_USDT-1h.json.gz", "freqtrade/BTC_USDT-4h.json.gz", "1h", "4h"),
        ("freqtrade/BTC_USDT-1h.json.gz", "freqtrade/BTC_USDT-1d.json.gz", "1h", "1d"),
        ("header-csv/BTCUSDT_1m-2024-12.csv.gz", "binance-bulk/BTCUSDT-1h-2024-12.csv.gz", "1m", "1h"),
    ],
)
def test_other_sources_equal_each_other(shared: Path, source: str, target: str, short: str, long: str) -> None:
    """Bars with gaps, and bars of another project, join to the known ones."""
    folder = shared / "realdata" / "klines"
    made = resample(read_bars(folder / source).bars, source=Interval.parse(short), target=Interval.parse(long))
    known = read_bars(folder / target).bars
    _, left, right = np.intersect1d(made.open_time, known.open_time, return_indices=True)

    assert len(left) >= len(made) - 1
    for name in ("open", "high", "low", "close"):
        assert getattr(known, name)[right].tolist() == getattr(made, name)[left].tolist(), name


def test_a_month_is_a_calendar_month() -> None:
    """Months and quarters start on the first; the last one is left out until it is full."""
    bars = make("2024-01-01", "1d", 31 + 29 + 31)
    months = resample(bars, source=Interval.parse("1d"), target=Interval.parse("1M"))
    quarters = resample(bars, source=Interval.parse("1d"), target=Interval.parse("3M"))
    cut = resample(bars[:-1], source=Interval.parse("1d"), target=Interval.parse("1M"))

    assert [day("2024-01-01"), day("2024-02-01"), day("2024-03-01")] == months.open_time.tolist()
    assert [1.0, 32.0, 61.0] == months.open.tolist()
    assert [day("2024-01-01")] == quarters.open_time.tolist()
    assert 2 == len(cut)


def test_months_join_to_quarters() -> None:
    """Months are joined by the calendar, the last quarter only when its last month is there."""
    times = [day(f"2024-0{month}-01") for month in range(1, 7)]
    bars = Bars.of(times, open=np.ones(6), high=np.ones(6), low=np.ones(6), close=np.ones(6))
    three = {"source": Interval(1, "M"), "target": Interval(3, "M")}

    assert [day("2024-01-01"), day("2024-04-01")] == resample(bars, **three).open_time.tolist()
    assert [day("2024-01-01")] == resample(bars[:5], **three).open_time.tolist()


def test_unfilled_ends() -> None:
    """A first bar may begin before the data; a last bar that is not full is left out."""
    made = resample(make("2024-01-03", "1d", 10), source=Interval.parse("1d"), target=Interval.parse("1w"))

    assert [day("2024-01-01")] == made.open_time.tolist()
    assert (1.0, 6.0, 15.0) == (made.open[0], made.close[0], made.volume[0])


def test_unknown_volumes_stay_unknown() -> None:
    """A sum with NaN in it is NaN."""
    made = resample(make("2024-01-01", "1h", 8), source=Interval.parse("1h"), target=Interval.parse("4h"))

    assert [10.0, 26.0] == made.volume.tolist()
    assert np.isnan(made.trades).all()


def test_equal_intervals_and_no_bars_give_back_the_same() -> None:
    """Nothing to do is nothing done; 24h is 1d."""
    bars = make("2024-01-01", "1d", 3)

    assert resample(bars, source=Interval.parse("1d"), target=Interval.parse("24h")) is bars
    assert 0 == len(resample(bars[:0], source=Interval.parse("1d"), target=Interval.parse("1w")))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("1h", "30m"),
        ("1d", "1h"),
        ("2h", "3h"),
        ("3d", "1w"),
        ("1w", "1M"),
        ("3d", "6d"),
        ("1M", "1w"),
        ("2M", "3M"),
        ("3M", "1M"),
    ],
)
def test_bars_are_never_cut(source: str, target: str) -> None:
    """Downward, and where a source bar would lie across a border, is refused."""
    with pytest.raises(ConfigError, match=f"Bars of {source} cannot be joined into bars of {target}"):
        resample(make("2024-01-01", "1d", 3), source=Interval.parse(source), target=Interval.parse(target))


@given(st.integers(1, 400), st.sampled_from(["2h", "4h", "12h", "1d", "3d", "1w", "1M"]), st.integers(0, 5000))
def test_what_holds_for_every_joining(length: int, target: str, hours: int) -> None:
    """Nothing is lost before the last bar, labels ascend, and highs and lows are the extremes."""
    bars = make("2023-01-01", "1h", length + hours)[hours:]
    made = resample(bars, source=Interval.parse("1h"), target=Interval.parse(target))
    covered = (
        bars
        if not len(made)
        else bars[: int(made.volume.sum() and np.searchsorted(bars.close, made.close[-1]) + 1)]
    )

    assert (np.diff(made.open_time) > 0).all()
    if len(made):
        assert covered.volume.sum() == pytest.approx(made.volume.sum())
        assert (made.high.max(), made.low.min()) == (covered.high.max(), covered.low.min())
        assert (made.open[0], made.open_time[0] <= bars.open_time[0]) == (bars.open[0], True)
