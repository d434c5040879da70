"""Names of series."""

from __future__ import annotations

import pytest

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.core.interval import Interval
from feeds.storage.series import SeriesName, find_series


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BTCUSDT:1h", SeriesName("BTCUSDT", Interval(1, "h"))),
        ("btcusdt:1m", SeriesName("BTCUSDT", Interval(1, "m"))),
        ("BTCUSDT:1M", SeriesName("BTCUSDT", Interval(1, "M"))),
        ("BTCUSDT:1mo", SeriesName("BTCUSDT", Interval(1, "M"))),
        ("BTCUSDT_240329:1h:futures", SeriesName("BTCUSDT_240329", Interval(1, "h"), "futures")),
        ("这是测试币456:1d:spot", SeriesName("这是测试币456", Interval(1, "d"))),
        ("1000SATSUSDT:15m", SeriesName("1000SATSUSDT", Interval(15, "m"))),
    ],
)
def test_a_series_is_read_and_written_back(text: str, expected: SeriesName):
    """What str() gives names the same series again."""
    found = find_series(text)

    assert expected == found
    assert expected == SeriesName.parse(str(expected))


@pytest.mark.parametrize(
    "text", ["btc_1d.csv", "./x:1h", "/data/BTC:1h", "BTCUSDT", "a:b:c:d", "C:\\x.csv", ""]
)
def test_names_of_files_are_no_series(text: str):
    """A path, or a name without a colon, is for the data folders."""
    assert find_series(text) is None


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("BTCUSDT:5x", ConfigError, "'5x' is not an interval"),
        ("BTCUSDT:1h:future", UnknownName, "Did you mean 'futures'"),
        ("..:1h", ConfigError, "not a symbol"),
        (".hidden:1h", ConfigError, "not a symbol"),
        ("BTC$USDT:1h", ConfigError, "not a symbol"),
    ],
)
def test_what_looks_like_a_series_and_is_none_is_an_error(text: str, error: type[Exception], words: str):
    """The user meant the store, so the message is about the series, not about a file."""
    with pytest.raises(error, match=words.replace("?", r"\?")):
        find_series(text)


def test_a_series_without_a_colon_is_an_error_where_one_is_wanted():
    """The message shows the form."""
    with pytest.raises(ConfigError, match="SYMBOL:INTERVAL"):
        SeriesName.parse("BTCUSDT")
