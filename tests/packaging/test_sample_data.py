"""The shipped sample: made again it is the same, its columns agree, and it behaves like a market."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from bt_run.core.market import BAR_COLUMNS, Bars

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def table(root: Path) -> pd.DataFrame:
    """Read the sample with pandas alone, so that no reader of ours can flatter it."""
    return pd.read_csv(root / "data" / "btc_1d.csv", parse_dates=["open_time"])


@pytest.fixture(scope="module")
def returns(table: pd.DataFrame) -> np.ndarray:
    """Give the daily log returns, shape (2999,)."""
    return np.diff(np.log(table["close"].to_numpy()))


def test_the_script_makes_the_shipped_bytes(root):
    """Regenerating on this Python and numpy gives the very file, and --check says so by its exit code."""
    done = subprocess.run(
        [sys.executable, str(root / "scripts" / "make_sample_data.py"), "--check"],
        capture_output=True,
        check=False,
        text=True,
    )

    assert (0, "btc_1d.csv: as made\nbtc_1d.metadata.json: as made\n") == (done.returncode, done.stdout)


def test_check_notices_another_file(root, tmp_path):
    """One changed byte in the shipped file makes --check exit 1 and name the file."""
    for folder in ("scripts", "data"):
        (tmp_path / folder).mkdir()
    for name in ("make_sample_data.py", "shipped.py"):
        (tmp_path / "scripts" / name).write_bytes((root / "scripts" / name).read_bytes())
    original = (root / "data" / "btc_1d.csv").read_bytes()
    (tmp_path / "data" / "btc_1d.csv").write_bytes(original.replace(b"2020", b"2O20", 1))

    done = subprocess.run(
        [sys.executable, str(tmp_path / "scripts" / "make_sample_data.py"), "--check"],
        capture_output=True,
        check=False,
        text=True,
        cwd=root,
        env={"PYTHONPATH": str(root)},
    )

    assert 1 == done.returncode
    assert "btc_1d.csv: DIFFERS" in done.stdout


def test_it_has_every_column_and_every_day(table):
    """3,000 days without a gap from 2017-08-17, with all the columns that Binance serves."""
    assert list(BAR_COLUMNS) == list(table.columns)
    assert 3000 == len(table)
    assert pd.Timestamp("2017-08-17", tz="UTC") == table["open_time"].iloc[0]
    assert {pd.Timedelta(days=1)} == set(table["open_time"].diff().dropna())


def test_the_columns_of_a_bar_agree(table):
    """Prices lie inside the bar's range, parts are no more than wholes, value / volume too."""
    bars = Bars.of(np.arange(len(table)), **{name: table[name].to_numpy() for name in BAR_COLUMNS[1:]})

    assert (bars.low > 0).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.taker_buy_volume < bars.volume).all()
    assert (bars.taker_buy_quote_volume < bars.quote_volume).all()
    for volume, value in (
        (bars.volume, bars.quote_volume),
        (bars.taker_buy_volume, bars.taker_buy_quote_volume),
    ):
        assert (value >= volume * bars.low).all()
        assert (value <= volume * bars.high).all()
    assert pd.api.types.is_integer_dtype(table["trades"])


def test_a_bar_opens_near_the_last_close(table):
    """A market that never sleeps opens within 0.05 % of its last close, and hardly ever exactly on it."""
    gap = table["open"].to_numpy()[1:] / table["close"].to_numpy()[:-1] - 1

    assert np.abs(gap).max() < 0.0005
    assert np.mean(gap == 0) < 0.05


def test_returns_have_the_habits_of_a_market(returns):
    """Fat tails, clustered volatility, hardly any memory in the sign: Cont's stylised facts (2001)."""
    deviation = returns - returns.mean()
    size = np.abs(returns)

    assert (deviation**4).mean() / returns.var() ** 2 > 4
    assert all(np.corrcoef(size[:-lag], size[lag:])[0, 1] > 0.05 for lag in (1, 2, 5, 10, 20))
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.05
    assert 0.5 < returns.std() * np.sqrt(365) < 0.9


def test_it_crashes_as_bitcoin_did(table, returns):
    """A day of -25 % or worse, about -40 % in two, a bear market between -70 % and -90 %."""
    close = table["close"].to_numpy()
    drawdown = close / np.maximum.accumulate(close) - 1

    assert np.expm1(returns.min()) <= -0.25
    assert -0.45 < (close[2:] / close[:-2] - 1).min() < -0.35
    assert -0.90 < drawdown.min() < -0.70


def test_it_starts_and_ends_where_a_picture_looks_natural(table):
    """From about 4,000 to between 40,000 and 120,000."""
    assert table["open"].iloc[0] == pytest.approx(4_000, rel=0.01)
    assert 40_000 < table["close"].iloc[-1] < 120_000


def test_the_sample_of_real_bars_equals_the_converted_one(root, shared):
    """The 124 MT5 bars are those that were converted independently from the same wheel."""
    ours = pd.read_csv(root / "data" / "btcusd_1d_2021.csv")
    theirs = pd.read_csv(shared / "realdata" / "klines" / "permissive" / "mt5-BTCUSD-1d-2021.csv")

    assert 124 == len(ours)
    assert list(pd.to_datetime(theirs["Time"])) == list(pd.to_datetime(ours["open_time"]))
    for name in ("Open", "High", "Low", "Close", "Volume"):
        assert theirs[name].tolist() == ours[name.lower()].tolist()


def test_metadata_says_what_is_synthetic_and_what_is_not(root):
    """The note that every table and plot shows is in the metadata, not in somebody's memory."""
    notes = {
        path.name: json.loads(path.read_text())["note"] for path in (root / "data").glob("*.metadata.json")
    }

    assert "synthetic data" == notes["btc_1d.metadata.json"]
    assert "broker prices (MT5), not Binance" == notes["btcusd_1d_2021.metadata.json"]
