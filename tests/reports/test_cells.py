"""Numbers are rounded for the eye and never lie about their sign."""

from __future__ import annotations

import pytest

from bt_run.reports import cells
from bt_run.reports.numbers import UNKNOWN


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, UNKNOWN),
        (0, "0s"),
        (45, "45s"),
        (61, "1m 1s"),
        (3_600, "1h"),
        (12_000, "3h 20m"),
        (86_399.6, "1d"),
        (12 * 86_400 + 4 * 3_600, "12d 4h"),
        (12 * 86_400 + 60, "12d"),
        (584 * 86_400 + 3_600, "584d"),
        (1_425 * 86_400, "1,425d"),
    ],
)
def test_a_duration_shows_its_two_largest_units(seconds, expected):
    """Nobody reads seconds behind days."""
    assert expected == cells.duration_cell(seconds)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, UNKNOWN),
        (12.345, "+12.35%"),
        (-0.001, "0.00%"),
        (0.0, "0.00%"),
        (1234.5, "+1,234%"),
        (1e9, "+1.0e+09%"),
    ],
)
def test_a_change_has_a_sign(value, expected):
    """Nothing is neither gained nor lost; huge numbers stay short."""
    assert expected == cells.percent_cell(value)


def test_a_share_has_no_sign():
    """A win rate cannot rise or fall."""
    assert "47.0%" == cells.percent_cell(46.97, signed=False, digits=1)


@pytest.mark.parametrize(
    ("value", "expected"), [(None, UNKNOWN), (12345.678, "12,345.68"), (-0.001, "0.00"), (1e14, "1.0000e+14")]
)
def test_money_has_thousands_separators(value, expected):
    """Cents are enough for the eye."""
    assert expected == cells.money_cell(value)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.5, "0.5"), (12.0, "12"), (1e-9, "1e-09"), (1234.5, "1,234.5")]
)
def test_a_size_has_no_useless_noughts(value, expected):
    """Eight decimals at most, as Binance counts quantities."""
    assert expected == cells.size_cell(value)


@pytest.mark.parametrize(
    ("value", "expected"), [(43_210.5, "43,210.50"), (1.23456789, "1.2346"), (0.000028951, "0.000028951")]
)
def test_a_price_keeps_its_digits(value, expected):
    """Coins that cost a fraction of a cent have prices too."""
    assert expected == cells.price_cell(value)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("BTCUSDT", "USDT"),
        ("ETHBTC", "BTC"),
        ("BTC-USD", "USD"),
        ("BTC/USDT:USDT", "USDT"),
        ("GOOG", ""),
        ("BTC", ""),
    ],
)
def test_the_quote_asset_is_found_where_it_is_known(symbol, expected):
    """A share has none, and a guess is worse than nothing."""
    assert expected == cells.quote_asset(symbol)
