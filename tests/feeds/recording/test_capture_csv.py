"""CSV files grow in order, hold each row once, and are continued by the next run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.market import BAR_COLUMNS
from feeds.csv_file import read_bars
from feeds.recording.capture_csv import CsvLog, find_columns
from feeds.wire.messages import AggTrade, KlineFrame, Liquidation, MiniTicker, Trade

KLINE, TRADE = "btcusdt@kline_1m", "btcusdt@trade"
MINUTE = 60_000
T0 = 1_767_225_600_000


def bar(number, *, closed=True):
    opened = T0 + number * MINUTE
    prices = (100.1, 101.0, 99.5, 100.0 + number, 1.5, 150.75, 12, 0.5, 50.25)
    return KlineFrame("BTCUSDT", "1m", opened, opened + MINUTE - 1, -1, -1, *prices, closed=closed)


def trade(number):
    return Trade("BTCUSDT", number, 0.00001, 1000.0, T0 + number, True)


def written(folder, stream, *messages, before=None, **given):
    log = CsvLog(folder, stream, **given)
    for message in messages:
        log.add(message)
    log.release(before)
    log.close()
    return log


def positions(log):
    return [line.partition(",")[0] for line in log.path.read_text().splitlines()[1:]]


def test_bars_have_the_columns_of_a_download_and_read_back_equal(tmp_path):
    """Only closed ones, to the last bit."""
    log = written(tmp_path, KLINE, bar(0), bar(1), bar(2, closed=False))
    bars = read_bars(log.path).bars

    assert ",".join(BAR_COLUMNS) == log.path.read_text().splitlines()[0]
    assert [T0, T0 + MINUTE] == bars.open_time.tolist()
    for name in BAR_COLUMNS[1:]:
        assert [getattr(bar(0), name), getattr(bar(1), name)] == getattr(bars, name).tolist()


def test_rows_are_written_in_order_and_once(tmp_path):
    """However they came; what is before the last row in the file comes too late."""
    log = written(tmp_path, TRADE, trade(3), trade(1), trade(3), trade(2))
    log.add(trade(2))
    log.add(trade(4))
    log.release()

    assert ["1", "2", "3", "4"] == positions(log)
    assert 4 == log.rows


def test_rows_behind_a_hole_wait(tmp_path):
    """Until it is filled."""
    log = written(tmp_path, TRADE, trade(1), trade(3), before=2)
    shown = positions(log)
    log.add(trade(2))
    log.release()

    assert ["1"] == shown
    assert ["1", "2", "3"] == positions(log)


def test_the_next_run_goes_on_where_the_last_one_ended(tmp_path):
    """One header, no row twice."""
    written(tmp_path, KLINE, bar(0), bar(1))
    log = written(tmp_path, KLINE, bar(1), bar(2))

    assert ["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"] == positions(log)
    assert T0 + 2 * MINUTE == log.last


def test_half_a_row_of_a_crash_is_taken_away(tmp_path):
    """Its bar is written again, whole."""
    path = written(tmp_path, TRADE, trade(1)).path
    with path.open("a") as file:
        file.write("2,2026-01-01T00:0")
    log = written(tmp_path, TRADE, trade(2))

    assert ["1", "2"] == positions(log)
    assert log.path.read_text().endswith("true\n")


def test_half_a_header_is_taken_away(tmp_path):
    """A disk that was full left nothing but that."""
    (tmp_path / "BTCUSDT-trade.csv").write_text("trade_id,ti")

    assert ["1"] == positions(written(tmp_path, TRADE, trade(1)))


def test_a_file_with_other_columns_is_left_alone(tmp_path):
    """It is somebody else's."""
    (tmp_path / "BTCUSDT-1m.csv").write_text("date,close\n2026-01-01,1\n")

    with pytest.raises(ConfigError, match="other columns"):
        CsvLog(tmp_path, KLINE)


def test_two_captures_cannot_write_one_file(tmp_path):
    """The second would take rows of the first for half ones; after `close` it may."""
    first, second = CsvLog(tmp_path, TRADE), CsvLog(tmp_path, TRADE)
    first.add(trade(1))
    first.release()
    second.add(trade(1))
    second.add(trade(3))
    with pytest.raises(ConfigError, match="Another capture"):
        second.release()
    first.add(trade(2))
    first.release()
    first.close()
    second.release()

    assert ["1", "2", "3"] == positions(second)


def test_without_a_row_there_is_no_file(tmp_path):
    """Not even a folder."""
    log = written(tmp_path / "new", KLINE, bar(0, closed=False))

    assert not log.path.parent.exists()
    assert log.last is None


def test_names_tell_symbol_market_and_stream(tmp_path):
    """So that `read_bars` finds symbol and interval in them."""
    futures = CsvLog(tmp_path, "btcusdt@kline_1M", market="futures").path

    assert "BTCUSDT-1mo-futures.csv" == futures.name
    assert "BTCUSDT-aggTrade.csv" == CsvLog(tmp_path, "btcusdt@aggTrade").path.name


def test_trades_and_liquidations_have_columns_of_their_own(tmp_path):
    """Times are ISO 8601 UTC; small numbers keep all their digits."""
    agg = AggTrade("BTCUSDT", 7, 1.5, 2.0, 10, 12, T0 + 1, False)
    forced = Liquidation("BTCUSDT", "SELL", 0.014, 9910.0, 9909.5, 0.014, "FILLED", T0)
    shown = [
        written(tmp_path, stream, message).path.read_text()
        for stream, message in ((TRADE, trade(1)), ("btcusdt@aggTrade", agg), ("btcusdt@forceOrder", forced))
    ]

    assert [
        "trade_id,time,price,quantity,buyer_is_maker\n1,2026-01-01T00:00:00.001Z,1e-05,1000,true\n",
        (
            "agg_id,time,price,quantity,first_id,last_id,buyer_is_maker\n"
            "7,2026-01-01T00:00:00.001Z,1.5,2,10,12,false\n"
        ),
        (
            "time,side,quantity,price,average_price,filled,status\n"
            "2026-01-01T00:00:00Z,SELL,0.014,9910,9909.5,0.014,FILLED\n"
        ),
    ] == shown


def test_liquidations_of_one_moment_are_all_kept(tmp_path):
    """They have no ids; a file of an earlier run is continued."""
    forced = Liquidation("BTCUSDT", "SELL", 0.014, 9910.0, 9909.5, 0.014, "FILLED", T0)
    written(tmp_path, "btcusdt@forceOrder", forced)
    log = written(tmp_path, "btcusdt@forceOrder", forced, replace(forced, side="BUY"))

    assert 1 + 3 == len(log.path.read_text().splitlines())


def test_other_streams_make_no_csv(tmp_path):
    """Nor do messages that do not belong."""
    assert find_columns("btcusdt@bookTicker") is None
    assert not written(tmp_path, TRADE, MiniTicker("BTCUSDT", 1, 1, 1, 1, 1, 1)).path.exists()


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "out").write_text("")

    with pytest.raises(ConfigError, match="cannot be read"):
        written(tmp_path / "out", TRADE, trade(1))
