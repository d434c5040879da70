"""A folder of result files: what is listed, and the account of each."""

from __future__ import annotations

import json

import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.settings import BacktestSettings
from bt_run.reports.export import comparison_to_dict, result_to_dict, write_equity_csv, write_json
from bt_run.run.backtest import run_backtest
from bt_run.run.data import DataRequest, load_data
from bt_run.run.desk import results as module
from bt_run.run.desk.results import ResultFolder
from strategies.loader import load_strategy


@pytest.fixture(scope="module")
def result():
    """Give a backtest over the shipped bars."""
    return run_backtest(load_strategy("sar"), load_data(DataRequest("btc_1d.csv")), BacktestSettings())


@pytest.fixture
def folder(tmp_path):
    return ResultFolder(tmp_path)


def test_a_result_has_its_own_numbers_and_its_account_by_trade(folder, result):
    """Without an equity file: cash, what each trade left, and the last value."""
    write_json(folder.path / "mine.json", result_to_dict(result))
    (told,) = folder.results()
    curve = folder.curve("mine")

    assert ("mine", "sar", "BTCUSDT", "1d") == (told.name, told.strategy, told.symbol, told.interval)
    assert result.metrics["sharpe"] == told.metrics["sharpe"]
    assert curve.by_trade
    assert (result.settings.cash, result.metrics["equity_final"]) == (curve.equity[0], curve.equity[-1])
    assert list(curve.times) == sorted(set(curve.times))
    expected = result.settings.cash + sum(trade.pnl for trade in result.trades[:10])
    assert curve.equity[10] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["mine.csv", "mine-equity.csv"])
def test_an_equity_file_beside_it_is_its_account(folder, result, name):
    """Each bar; whatever else is called so is left alone."""
    write_json(folder.path / "mine.json", result_to_dict(result))
    (folder.path / name).write_text("time,price\n1,2\n", encoding="utf-8")
    assert folder.curve("mine").by_trade
    write_equity_csv(folder.path / name, result)
    curve = folder.curve("mine")

    assert not curve.by_trade
    assert result.curve.equity.tolist() == list(curve.equity)
    assert result.data.bars.open_time.tolist() == list(curve.times)


def test_a_long_account_is_thinned_and_keeps_its_end(folder, result, monkeypatch):
    """A picture has no more points than pixels."""
    monkeypatch.setattr(module, "_MOST_POINTS", 100)
    folder.keep("mine", result)
    curve = folder.curve("mine")

    assert 90 < len(curve.times) <= 102
    assert result.curve.equity[-1] == curve.equity[-1]


def test_the_runs_of_a_comparison_are_numbered(folder, result):
    """They have one file."""
    write_json(folder.path / "both.json", comparison_to_dict([result, result]))

    assert ["both#1", "both#2"] == [told.name for told in folder.results()]
    assert folder.curve("both#2").by_trade


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": "bt-run/backtest/1"}', '{"schema": 3}', "[" * 100_000, "\x00"]
)
def test_what_is_no_result_is_passed_over(folder, text):
    """Somebody else's file is no error."""
    (folder.path / "other.json").write_text(text, encoding="utf-8")

    assert () == folder.results()
    with pytest.raises(ConfigError, match="no result 'other'"):
        folder.curve("other")


def test_a_file_that_changed_is_read_anew(folder, result):
    """A backtest may be run again."""
    document = result_to_dict(result)
    write_json(folder.path / "mine.json", document)
    assert "sar" == folder.results()[0].strategy
    document["strategy"]["name"] = "another"
    write_json(folder.path / "mine.json", document)

    assert "another" == folder.results()[0].strategy


def test_kept_results_are_files_of_the_command(folder, result):
    """The folder is made where there is none; a name is taken once, and is no path."""
    below = ResultFolder(folder.path / "new")
    assert () == below.results()
    kept = below.keep("my sar 1", result)
    assert ["my sar 1.csv", "my sar 1.json"] == sorted(file.name for file in below.path.iterdir())
    assert json.loads((below.path / "my sar 1.json").read_text(encoding="utf-8")) == result_to_dict(result)
    assert (kept,) == below.results()
    for name in ("my sar 1", "../x", "", ".hidden", "a/b", "x" * 81, "end."):
        with pytest.raises(ConfigError):
            below.keep(name, result)
    assert [below.path] == list(folder.path.iterdir())


def test_a_full_folder_takes_no_more(folder, result, monkeypatch):
    """And says so."""
    monkeypatch.setattr(module, "MOST_FILES", 1)
    folder.keep("one", result)

    with pytest.raises(ConfigError, match="Take some away"):
        folder.keep("two", result)
