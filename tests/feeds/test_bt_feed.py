"""The array feed answers as Backtrader's own feeds do, in every engine mode."""

from __future__ import annotations

import datetime
import logging
import pickle
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from bt_run.core.errors import DataError
from bt_run.core.market import BAR_COLUMNS, Bars, Interval
from feeds import ArrayFeed, CsvFeed

FOUR_HOURS = Interval.parse("4h")
MODES: list[dict[str, Any]] = [
    {},
    {"runonce": False},
    {"preload": False},
    {"exactbars": 1},
    {"exactbars": -1},
    {"lookahead": 3},
    {"oldsync": True},
]


def plain(value: float | None) -> str:
    """Write a value so that NaN equals NaN, and numpy's floats Python's."""
    return repr(None if value is None else float(value))


class Watcher(bt.Strategy):
    """Trade RSI, and write down everything that a feed shows."""

    params = (("period", 14),)

    def __init__(self) -> None:
        self.rsi = bt.ind.RSI(self.data.close, period=self.p.period)
        self.log: list[tuple[Any, ...]] = []

    def next(self) -> None:
        for data in self.datas:
            ticks = [
                getattr(data, f"tick_{name}") for name in ("open", "high", "low", "close", "volume", "last")
            ]
            known = data.datetime[0] == data.datetime[0]  # oldsync gives NaN where a shorter feed has ended
            when = data.datetime.datetime(0) if known else None
            prices = [data.open[0], data.high[0], data.low[0], data.close[0], data.volume[0]]
            self.log.append((len(self), len(data), when, *map(plain, prices), *map(plain, ticks)))
        if not self.position:
            if self.rsi[0] < 35:
                self.buy()
        elif self.rsi[0] > 65:
            self.close()


def moment(text: str) -> datetime.datetime:
    """Read a time without zone, as Backtrader's parameters want it."""
    return datetime.datetime.fromisoformat(text)


def walk(length: int, *, step_ms: int = 14_400_000, start: str = "2020-01-01", seed: int = 7) -> Bars:
    """Draw bars of a random walk."""
    random = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.02, length))), 2)
    opened = np.concatenate([[100.0], close[:-1]])
    return Bars.of(
        np.datetime64(start, "ms").astype(np.int64) + step_ms * np.arange(length),
        open=opened,
        high=np.maximum(opened, close) + 1,
        low=np.minimum(opened, close) - 1,
        close=close,
        volume=np.round(random.gamma(2, 10, length), 3),
        trades=np.arange(length, dtype=float),
    )


def frame(bars: Bars) -> pd.DataFrame:
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.to_datetime(bars.open_time, unit="ms"))


def theirs(bars: Bars, compression: int = 240, **more: Any) -> Any:
    """Make Backtrader's own feed of the same bars."""
    minutes = bt.TimeFrame.Minutes
    return bt.feeds.PandasData(dataname=frame(bars), timeframe=minutes, compression=compression, **more)


def run(*datas: Any, **options: Any) -> tuple[list[tuple[Any, ...]], float]:
    cerebro = bt.Cerebro(stdstats=False, **options)
    cerebro.broker.setcash(100_000.0)
    for data in datas:
        cerebro.adddata(data)
    cerebro.addstrategy(Watcher)
    strategy = cerebro.run()[0]
    return strategy.log, cerebro.broker.getvalue()


@pytest.mark.parametrize("options", MODES, ids=str)
def test_every_mode_gives_what_backtraders_feed_gives(options: dict[str, Any]) -> None:
    """Bars, ticks and the account are those of PandasData at every bar, in every engine mode."""
    bars = walk(400)
    ours, theirs_log = run(ArrayFeed(bars, interval=FOUR_HOURS), **options), run(theirs(bars), **options)

    assert len(ours[0]) > 300
    assert theirs_log == ours


@pytest.mark.parametrize("options", [{}, {"runonce": False}, {"oldsync": True}], ids=str)
def test_feeds_of_different_length_run_together(options: dict[str, Any]) -> None:
    """A short and a long feed of different intervals deliver as Backtrader's do."""
    long, short = walk(400), walk(40, step_ms=86_400_000, start="2020-01-10", seed=8)
    ours = run(ArrayFeed(long, interval=FOUR_HOURS), ArrayFeed(short, interval=Interval.parse("1d")), **options)
    daily = bt.feeds.PandasData(dataname=frame(short), timeframe=bt.TimeFrame.Days)

    assert run(theirs(long), daily, **options) == ours


@pytest.mark.parametrize(
    "edges",
    [
        {"fromdate": moment("2020-01-20"), "todate": moment("2020-02-20")},
        {"fromdate": datetime.date(2020, 1, 20), "todate": datetime.date(2020, 2, 20)},
        {"todate": moment("2020-02-20"), "tz": "Europe/Berlin"},
        {"fromdate": moment("2020-01-20T04:00"), "tzinput": "America/New_York"},
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [{}, {"preload": False}], ids=str)
def test_dates_and_zones_are_honoured(edges: dict[str, Any], options: dict[str, Any]) -> None:
    """Fromdate, todate, tz and tzinput cut and shift as they do in Backtrader's feeds."""
    pytest.importorskip("pytz")
    bars = walk(400)
    ours = run(ArrayFeed(bars, interval=FOUR_HOURS, **edges), **options)

    assert len(ours[0]) > 50
    assert run(theirs(bars, **edges), **options) == ours


@pytest.mark.parametrize("method", ["resampledata", "replaydata"])
def test_resampling_and_replaying_deliver_bar_by_bar(method: str) -> None:
    """Cerebro's resampledata and replaydata work as on Backtrader's feeds."""
    bars = walk(400)
    logs = []
    for data in (ArrayFeed(bars, interval=FOUR_HOURS), theirs(bars)):
        cerebro = bt.Cerebro(stdstats=False)
        getattr(cerebro, method)(data, timeframe=bt.TimeFrame.Days, compression=1)
        cerebro.addstrategy(Watcher)
        logs.append(cerebro.run()[0].log)

    assert len(logs[0]) > 50
    assert logs[1] == logs[0]


def test_a_feed_and_its_resampled_self_run_together() -> None:
    """The same feed can be added and resampled."""
    bars = walk(400)
    logs = []
    for data in (ArrayFeed(bars, interval=FOUR_HOURS), theirs(bars)):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(data)
        cerebro.resampledata(data, timeframe=bt.TimeFrame.Days, compression=1)
        cerebro.addstrategy(Watcher)
        logs.append(cerebro.run()[0].log)

    assert logs[1] == logs[0]


def test_a_filter_sees_every_bar() -> None:
    """A filter may remove bars, so bars go through it one by one."""
    bars = walk(400)
    logs = []
    for data in (ArrayFeed(bars, interval=FOUR_HOURS), theirs(bars)):
        data.addfilter_simple(lambda feed: feed.datetime.datetime(0).hour == 8)
        logs.append(run(data)[0])

    assert all(row[2].hour != 8 for row in logs[0])
    assert logs[1] == logs[0]


def test_running_twice_gives_the_same() -> None:
    """A second run of the same Cerebro starts over and finds the bars unchanged."""
    bars = walk(400)
    before = bars.close.copy()
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(ArrayFeed(bars, interval=FOUR_HOURS))
    cerebro.addstrategy(Watcher)
    first, second = cerebro.run()[0].log, cerebro.run()[0].log

    assert first == second
    assert before.tolist() == bars.close.tolist()


@pytest.mark.parametrize("optdatas", [True, False])
def test_optimising_runs_in_processes(optdatas: bool) -> None:
    """The feed can be sent to other processes, filled or not."""
    cerebro = bt.Cerebro(stdstats=False, optdatas=optdatas, optreturn=False, maxcpus=2)
    cerebro.adddata(ArrayFeed(walk(300), interval=FOUR_HOURS))
    cerebro.optstrategy(Watcher, period=[10, 14])
    lengths = [len(runs[0].log) for runs in cerebro.run()]

    assert [290, 286] == lengths


def test_a_feed_survives_pickling() -> None:
    """A pickled feed gives the same run."""
    feed = ArrayFeed(walk(300), interval=FOUR_HOURS)
    copy = pickle.loads(pickle.dumps(feed))  # noqa: S301  # our own bytes

    assert run(feed) == run(copy)


@pytest.mark.parametrize(
    ("interval", "timeframe", "compression"),
    [
        ("1s", bt.TimeFrame.Seconds, 1),
        ("15m", bt.TimeFrame.Minutes, 15),
        ("4h", bt.TimeFrame.Minutes, 240),
        ("3d", bt.TimeFrame.Days, 3),
        ("1w", bt.TimeFrame.Weeks, 1),
        ("1M", bt.TimeFrame.Months, 1),
    ],
)
def test_interval_becomes_timeframe_and_compression(interval: str, timeframe: int, compression: int) -> None:
    """Backtrader's words for an interval follow from it."""
    feed = ArrayFeed(walk(3), interval=Interval.parse(interval))

    assert (timeframe, compression) == (feed._timeframe, feed._compression)


def test_more_columns_are_lines() -> None:
    """The columns that Backtrader does not know are lines too; unknown values are NaN."""
    feed = ArrayFeed(walk(50), interval=FOUR_HOURS)
    run(feed)

    assert list(range(50)) == list(feed.lines.trades.array)
    assert all(np.isnan(list(feed.lines.quote_volume.array)))


def test_loaded_bars_are_the_bars_in_the_lines() -> None:
    """After the preload `loaded` holds what the lines hold; without a preload it is None."""
    bars = walk(400)
    whole = ArrayFeed(bars, interval=FOUR_HOURS)
    cut = ArrayFeed(bars, interval=FOUR_HOURS, fromdate=moment("2020-02-01"))
    apart = ArrayFeed(bars, interval=FOUR_HOURS)
    for feed, options in ((whole, {}), (cut, {}), (apart, {"preload": False})):
        run(feed, **options)

    assert whole.loaded is not None
    assert cut.loaded is not None
    assert list(whole.lines.close.array) == whole.loaded.close.tolist()
    assert list(cut.lines.close.array) == cut.loaded.close.tolist()
    assert 400 - 31 * 6 == len(cut.loaded)
    assert apart.loaded is None


class Asker(bt.Strategy):
    """Ask of each bar what a strategy asks on a live feed."""

    def __init__(self) -> None:
        self.told: list[tuple[bool, bool]] = []

    def next(self) -> None:
        self.told.append((self.data.last_is_live, self.data.last_is_closed))


@pytest.mark.parametrize("options", MODES)
def test_a_strategy_may_ask_what_it_asks_on_a_live_feed(options: dict[str, Any]) -> None:
    """Every bar is closed, and may be traded on unless the feed was told which may."""
    told = []
    for tradable in (None, np.array([False, False, True, False])):
        feed = ArrayFeed(walk(4), interval=FOUR_HOURS)
        feed.tradable = tradable
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(feed)
        cerebro.addstrategy(Asker)
        told.append(cerebro.run(**options)[0].told)

    live = [False, False, True, False]
    assert [[(True, True)] * 4, [(each, True) for each in live]] == told


def test_read_bars_are_handed_on_without_a_copy(tmp_path: Path) -> None:
    """The lines of a file's feed are the memory that the file was read into."""
    feed = CsvFeed(write_csv(tmp_path / "BTCUSDT-4h.csv", walk(100)))
    run(feed)

    assert np.shares_memory(np.frombuffer(feed.lines.close.array), feed.file.bars.close)


def write_csv(path: Path, bars: Bars) -> Path:
    rows = zip(bars.open_time, bars.open, bars.high, bars.low, bars.close, bars.volume, strict=True)
    lines = [",".join(map(repr, map(float, row))) for row in rows]
    path.write_text("\n".join(["open_time,open,high,low,close,volume", *lines]) + "\n")
    return path


def test_csv_feed_equals_generic_csv_data(tmp_path: Path) -> None:
    """A strategy on CsvFeed trades and ends as on Backtrader's own CSV feed."""
    path = write_csv(tmp_path / "BTCUSDT-4h.csv", walk(400))
    generic = bt.feeds.GenericCSVData(
        dataname=str(path),
        dtformat=lambda text: datetime.datetime.fromtimestamp(float(text) / 1000, tz=datetime.UTC),
        timeframe=bt.TimeFrame.Minutes,
        compression=240,
        openinterest=-1,
    )

    assert run(generic) == run(CsvFeed(path))


def test_csv_feed_takes_symbol_interval_and_backtraders_parameters(tmp_path: Path) -> None:
    """Given symbol and interval win; name and dates go to Backtrader; dataname works as everywhere."""
    path = write_csv(tmp_path / "some.csv", walk(100))
    feed = CsvFeed(dataname=str(path), symbol="ETHUSDT", interval="4h", todate=moment("2020-01-10"))
    named = CsvFeed(path, name="mine")
    run(feed)

    assert ("ETHUSDT", "4h", "ETHUSDT") == (feed.file.symbol, str(feed.interval), feed._name)
    assert "mine" == named._name
    assert 55 == feed.buflen()


def test_csv_feed_finds_a_file_in_the_data_folder(tmp_path: Path) -> None:
    """A bare name is looked up as the command line does it."""
    write_csv(tmp_path / "own-4h.csv", walk(30))

    assert 30 == len(CsvFeed("own-4h.csv", data_dir=tmp_path).bars)


def test_csv_feed_tells_what_it_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Gaps are in `warnings` and in the log."""
    bars = walk(100)
    keep = np.arange(100) != 50
    path = write_csv(tmp_path / "BTCUSDT-4h.csv", Bars(*(getattr(bars, n)[keep] for n in BAR_COLUMNS)))
    with caplog.at_level(logging.WARNING):
        feed = CsvFeed(path)

    assert ("1 gap, 1 bar missing: after 2020-01-09 04:00 (1 bar)",) == feed.warnings
    assert 1 == len(caplog.records)


def test_csv_feed_without_a_file_is_refused() -> None:
    """No name, and a name that is nowhere, say so."""
    with pytest.raises(TypeError, match="needs the name of a file"):
        CsvFeed()
    with pytest.raises(DataError, match=r"no data file 'nowhere\.csv'"):
        CsvFeed("nowhere.csv")
