"""Names of files tell market and interval."""

from __future__ import annotations

import pytest

from feeds.table.naming import compact_symbol, find_interval_in_name, find_symbol_in_name, stem_of


@pytest.mark.parametrize(
    ("name", "symbol", "interval"),
    [
        ("BTCUSDT-1h-2024-11.csv.gz", "BTCUSDT", "1h"),
        ("BTC_USDT-1d.json.gz", "BTCUSDT", "1d"),
        ("Binance_BTCUSDT_d.csv", "BTCUSDT", "1d"),
        ("btc_1d.csv", "BTC", "1d"),
        ("btcusd_1d_2021.csv", "BTCUSD", "1d"),
        ("BINANCE_BTCUSDT, 1D.csv", "BTCUSDT", "1d"),
        ("um-futures-ALGOUSDT-1m-2025-02.csv.gz", "ALGOUSDT", "1m"),
        ("BNBUSDT_H4-2018-2026.csv.gz", "BNBUSDT", "4h"),
        ("BTCUSD_M15.csv", "BTCUSD", "15m"),
        ("ETHUSDT-1M.parquet", "ETHUSDT", "1M"),
        ("BTCUSDT-1mo-2024-01.zip", "BTCUSDT", "1M"),
        ("bitfinex-1d-btc-usd.csv.gz", "BTCUSD", "1d"),
        ("ADABTC-1m-2021-11-27.csv", "ADABTC", "1m"),
        ("BTC-USD-2019-2024.csv.gz", "BTCUSD", None),
        ("XBTUSD_1440.csv", "XBTUSD", None),
        ("GOOG.csv", "GOOG", None),
        ("BTC.csv", "BTC", None),
        ("2006-day-001.txt", None, "1d"),
    ],
)
def test_symbol_and_interval(name: str, symbol: str | None, interval: str | None) -> None:
    """Exchanges, years and fillers are neither; M is a month and m a minute."""
    found = find_interval_in_name(name)

    assert symbol == find_symbol_in_name(name)
    assert interval == (None if found is None else str(found))


def test_stem_and_symbol_spelling() -> None:
    """Only the suffixes of data files are stripped; separators go out of a symbol."""
    assert "BTC.test-1h" == stem_of("folder/BTC.test-1h.csv.gz")
    assert ["BTCUSDT"] * 3 == [compact_symbol(text) for text in ("BTC/USDT", "btc-usdt", "BTC_USDT")]
