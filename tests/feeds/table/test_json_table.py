"""JSON klines of freqtrade and of Binance's REST answers are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bt_run.core.errors import DataError
from feeds import read_bars

SIX = [[1704067200000 + 60_000 * n, 10, 12, 9, 11, n] for n in range(3)]
TWELVE = [
    [row[0], "10.0", "12.0", "9.0", "11.0", "5.0", row[0] + 59_999, "50.0", 7, "2.0", "20.0", "0"]
    for row in SIX
]


def write(folder: Path, data: Any) -> Path:
    path = folder / "BTC_USDT-1m.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_freqtrade(tmp_path: Path) -> None:
    """Six numbers a bar are freqtrade's."""
    found = read_bars(write(tmp_path, SIX))

    assert ("freqtrade JSON", "BTCUSDT", "1m") == (found.format, found.symbol, str(found.interval))
    assert [0.0, 1.0, 2.0] == found.bars.volume.tolist()


def test_binance_answer(tmp_path: Path) -> None:
    """Twelve values a bar, prices as texts, are Binance's answer."""
    found = read_bars(write(tmp_path, TWELVE))

    assert "Binance klines JSON" == found.format
    assert [7.0] * 3 == found.bars.trades.tolist()
    assert [20.0] * 3 == found.bars.taker_buy_quote_volume.tolist()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("[[1, 2", "breaks off or is damaged"),
        ("[]", "no array of bars"),
        ({"code": -1121}, "no array of bars"),
        ([[1, 2, 3]], "6 values .* or 12"),
        ([*SIX, [1]], "6 values .* or 12"),
        ([SIX[0], [*SIX[1][:2], "x", 9, 11, 5]], "row 2: 'x' is not a number"),
        ([SIX[0], [*SIX[1][:2], None, 9, 11, 5]], "row 2: the price is missing"),
        ([SIX[0], [*SIX[1][:2], 8, 9, 11, 5]], "row 2: the high 8 is below the open 10"),
    ],
)
def test_bad_json_is_refused(tmp_path: Path, data: Any, words: str) -> None:
    """What is no array of bars, or holds a bad bar, is refused by row."""
    with pytest.raises(DataError, match=words):
        read_bars(write(tmp_path, data))
