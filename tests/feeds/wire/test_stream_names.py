"""Names of streams, and what is wrong with those that do not exist."""

from __future__ import annotations

import pytest

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.core.interval import Interval
from feeds.wire.stream_names import KINDS, StreamName, stream_name


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_every_kind_makes_a_name_that_can_be_taken_apart(market):
    """Symbols are lower case in names, upper case everywhere else."""
    for kind in KINDS[market]:
        name = stream_name("BTCUSDT", kind, market=market)

        assert f"btcusdt@{kind}" == name
        assert ("BTCUSDT", kind) == (StreamName.parse(name).symbol, StreamName.parse(name).kind)


def test_case_matters_for_intervals_only():
    """``1m`` is a minute and ``1M`` a month."""
    assert "btcusdt@aggTrade" == stream_name("btcusdt", "AGGTRADE")
    assert Interval(1, "M") == StreamName.parse(stream_name("BTCUSDT", "kline_1M")).interval
    assert Interval(1, "m") == StreamName.parse(stream_name("BTCUSDT", "kline_1m")).interval


def test_a_mistyped_stream_names_the_nearest():
    """So that nobody records silence."""
    with pytest.raises(UnknownName, match="Did you mean 'kline_5m'"):
        stream_name("BTCUSDT", "kline_5min")


@pytest.mark.parametrize(
    ("market", "kind", "where"),
    [("spot", "forceOrder", "with --market futures"), ("futures", "kline_1s", "without --market futures")],
)
def test_a_stream_of_the_other_market_says_so(market, kind, where):
    """Liquidations are futures only; bars of a second are spot only."""
    with pytest.raises(ConfigError, match=where):
        stream_name("BTCUSDT", kind, market=market)


def test_a_stream_of_all_symbols_has_none():
    """``!forceOrder@arr``."""
    assert StreamName("", "!forceOrder@arr", None) == StreamName.parse("!forceOrder@arr")
